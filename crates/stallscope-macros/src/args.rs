//! What an attribute was told: one table of the arguments, and the rules between them and the flavor.
//!
//! Every error says what tokio's own attribute says, word for word: whatever was written about those helps here too.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprLit, Lit, Meta, Path, Token};

use crate::value::{self, Flavor, Read, SettingValue, Value};

/// One of the attributes: what it is called in errors, and what it takes.
pub(crate) struct Attribute {
    name: &'static str,
    default_flavor: Flavor,
    /// What it takes besides the arguments of a runtime.
    limits: &'static [Argument],
}

pub(crate) static MAIN: Attribute = Attribute {
    name: "stallscope::main",
    default_flavor: Flavor::MultiThread,
    limits: &[],
};

pub(crate) static TEST: Attribute = Attribute {
    name: "stallscope::test",
    default_flavor: Flavor::CurrentThread,
    limits: &LIMITS,
};

/// The arguments of one attribute, each checked for itself and against the flavor.
pub(crate) struct Arguments {
    pub(crate) flavor: Flavor,
    /// Where the application finds tokio; `None` if it does not say.
    pub(crate) tokio: Option<Path>,
    pub(crate) settings: Vec<Setting>,
    /// What the test may not exceed.
    pub(crate) limits: Vec<Limit>,
}

/// One call on the limits.
pub(crate) struct Limit {
    pub(crate) method: Ident,
    pub(crate) value: TokenStream,
}

/// One call on the builder.
pub(crate) struct Setting {
    /// Spanned like the value, so that a method this tokio lacks is reported at the argument that asked for it.
    pub(crate) method: Ident,
    pub(crate) value: SettingValue,
}

impl Arguments {
    /// Stands in for arguments that could not be understood: the flavor that asks least of tokio.
    pub(crate) const FALLBACK: Self = Self {
        flavor: Flavor::CurrentThread,
        tokio: None,
        settings: Vec::new(),
        limits: Vec::new(),
    };

    /// Splits what stands between the attribute's parentheses, without judging it.
    pub(crate) fn split(tokens: TokenStream) -> syn::Result<Punctuated<Meta, Token![,]>> {
        Punctuated::parse_terminated.parse2(tokens)
    }

    /// Reads the arguments in the order they were written, then checks them in the order of the table.
    pub(crate) fn read(
        attribute: &Attribute,
        written: impl IntoIterator<Item = Meta>,
    ) -> syn::Result<Self> {
        let mut given: Vec<Option<Given>> = attribute.arguments().map(|_| None).collect();
        for meta in written {
            let (argument, place, literal) = attribute.look_up(&mut given, &meta)?;
            let name = argument.name;
            let error = |message| Error::new(literal.span(), message);
            if place.is_some() {
                return Err(error(format!("`{name}` set multiple times.")));
            }
            let value = (argument.read)(name, literal).map_err(error)?;
            let span = literal.span();
            *place = Some(Given { value, span });
        }
        Self::combine(attribute, given)
    }

    fn combine(attribute: &Attribute, given: Vec<Option<Given>>) -> syn::Result<Self> {
        let flavor = given.iter().flatten().find_map(Given::flavor);
        let mut arguments = Self {
            flavor: flavor.unwrap_or(attribute.default_flavor),
            ..Self::FALLBACK
        };
        for (argument, given) in attribute.arguments().zip(given) {
            let Some(Given { value, span }) = given else {
                continue;
            };
            argument
                .allowed_with(arguments.flavor, attribute)
                .map_err(|message| Error::new(span, message))?;
            let method = Ident::new(argument.name, span);
            match value {
                Value::Flavor(_) => {}
                Value::Tokio(path) => arguments.tokio = Some(path),
                Value::Setting(value) => arguments.settings.push(Setting { method, value }),
                Value::Limit(value) => arguments.limits.push(Limit { method, value }),
            }
        }
        Ok(arguments)
    }
}

/// One argument that the attribute knows.
struct Argument {
    name: &'static str,
    read: Read,
    needs: Needs,
}

/// Which flavors an argument makes sense with.
#[derive(Clone, Copy)]
enum Needs {
    AnyFlavor,
    ManyWorkers,
    OneThread,
}

/// What a runtime can be told. Errors list the arguments in this order, and the flavor is checked in this order.
static RUNTIME: [Argument; 6] = [
    Argument::new("flavor", value::flavor, Needs::AnyFlavor),
    Argument::new("worker_threads", value::worker_threads, Needs::ManyWorkers),
    Argument::new("start_paused", value::start_paused, Needs::OneThread),
    Argument::new("crate", value::tokio_path, Needs::AnyFlavor),
    Argument::new("unhandled_panic", value::unhandled_panic, Needs::OneThread),
    Argument::new("name", value::runtime_name, Needs::AnyFlavor),
];

/// What a test can be held to, and how it is run.
static LIMITS: [Argument; 4] = [
    Argument::new("long_poll", value::duration, Needs::AnyFlavor),
    Argument::new("leaks", value::allowance, Needs::AnyFlavor),
    Argument::new("conflicts", value::allowance, Needs::AnyFlavor),
    Argument::new("perturb", value::seeds, Needs::AnyFlavor),
];

impl Argument {
    const fn new(name: &'static str, read: Read, needs: Needs) -> Self {
        Self { name, read, needs }
    }

    fn allowed_with(&self, flavor: Flavor, attribute: &Attribute) -> Result<(), String> {
        let required = match (self.needs, flavor) {
            (Needs::ManyWorkers, Flavor::CurrentThread | Flavor::Local) => "multi_thread",
            (Needs::OneThread, Flavor::MultiThread) => "current_thread",
            _ => return Ok(()),
        };
        let (name, attribute) = (self.name, attribute.name);
        Err(format!(
            "The `{name}` option requires the `{required}` runtime flavor. \
             Use `#[{attribute}(flavor = \"{required}\")]`"
        ))
    }
}

/// The value of an argument, and where it was written.
struct Given {
    value: Value,
    span: Span,
}

impl Given {
    fn flavor(&self) -> Option<Flavor> {
        match self.value {
            Value::Flavor(flavor) => Some(flavor),
            _ => None,
        }
    }
}

impl Attribute {
    fn arguments(&self) -> impl Iterator<Item = &'static Argument> {
        RUNTIME.iter().chain(self.limits)
    }

    /// The argument that was written, its place among those given, and the literal it was given.
    fn look_up<'m, 'g>(
        &self,
        given: &'g mut [Option<Given>],
        meta: &'m Meta,
    ) -> syn::Result<(&'static Argument, &'g mut Option<Given>, &'m Lit)> {
        let pair = match meta {
            Meta::NameValue(pair) => pair,
            Meta::Path(path) => {
                let name = lowercase_ident(path, path)?;
                return Err(Error::new_spanned(path, self.without_value(&name)));
            }
            Meta::List(list) => {
                let message = "Unknown attribute inside the macro";
                return Err(Error::new_spanned(list, message));
            }
        };
        let name = lowercase_ident(&pair.path, pair)?;
        let Expr::Lit(ExprLit { lit: literal, .. }) = &pair.value else {
            return Err(Error::new_spanned(&pair.value, "Must be a literal"));
        };
        let mut known = self.arguments().zip(given);
        match known.find(|(known, _)| known.name == name) {
            Some((argument, place)) => Ok((argument, place, literal)),
            None => Err(Error::new_spanned(pair, self.unknown_with_value(&name))),
        }
    }

    fn unknown_with_value(&self, name: &str) -> String {
        match name {
            "core_threads" => "Attribute `core_threads` is renamed to `worker_threads`".to_owned(),
            _ => self.unknown(name),
        }
    }

    fn without_value(&self, name: &str) -> String {
        let flavor = match name {
            "threaded_scheduler" | "multi_thread" => "multi_thread",
            "basic_scheduler" | "current_thread" | "single_threaded" => "current_thread",
            _ if self.arguments().any(|known| known.name == name) => {
                return format!("The `{name}` attribute requires an argument.");
            }
            _ => return self.unknown(name),
        };
        let attribute = self.name;
        format!("Set the runtime flavor with #[{attribute}(flavor = \"{flavor}\")].")
    }

    fn unknown(&self, name: &str) -> String {
        let known = self.arguments().map(|known| format!("`{}`", known.name));
        let known = known.collect::<Vec<_>>().join(", ");
        format!("Unknown attribute {name} is specified; expected one of: {known}.")
    }
}

/// tokio takes `Flavor` for `flavor`, so do we.
fn lowercase_ident(path: &Path, at: &impl ToTokens) -> syn::Result<String> {
    let ident = path
        .get_ident()
        .ok_or_else(|| Error::new_spanned(at, "Must have specified ident"))?;
    Ok(ident.to_string().to_lowercase())
}
