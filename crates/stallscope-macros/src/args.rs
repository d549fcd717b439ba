//! What an attribute was told: one table of the arguments, and the rules between them and the flavor.
//!
//! Every error says what tokio's own attribute says, word for word: whatever was written about those helps here too.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprLit, Lit, Meta, Path, Token};

use crate::value::{self, Flavor, Read, SettingValue, Value};

/// How errors call the attribute.
const ATTRIBUTE: &str = "stallscope::main";

/// The arguments of one attribute, each checked for itself and against the flavor.
pub(crate) struct Arguments {
    pub(crate) flavor: Flavor,
    /// Where the application finds tokio; `None` if it does not say.
    pub(crate) tokio: Option<Path>,
    pub(crate) settings: Vec<Setting>,
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
    };

    /// Splits what stands between the attribute's parentheses, without judging it.
    pub(crate) fn split(tokens: TokenStream) -> syn::Result<Punctuated<Meta, Token![,]>> {
        Punctuated::parse_terminated.parse2(tokens)
    }

    /// Reads the arguments in the order they were written, then checks them in the order of the table.
    pub(crate) fn read(written: impl IntoIterator<Item = Meta>) -> syn::Result<Self> {
        let mut given: [Option<Given>; ARGUMENTS.len()] = Default::default();
        for meta in written {
            let (index, literal) = look_up(&meta)?;
            let Argument { name, read, .. } = ARGUMENTS[index];
            let error = |message| Error::new(literal.span(), message);
            if given[index].is_some() {
                return Err(error(format!("`{name}` set multiple times.")));
            }
            let value = read(name, literal).map_err(error)?;
            let span = literal.span();
            given[index] = Some(Given { value, span });
        }
        Self::combine(given)
    }

    fn combine(given: [Option<Given>; ARGUMENTS.len()]) -> syn::Result<Self> {
        let flavor = given.iter().flatten().find_map(Given::flavor);
        let mut arguments = Self {
            flavor: flavor.unwrap_or(Flavor::MultiThread),
            tokio: None,
            settings: Vec::new(),
        };
        for (argument, given) in ARGUMENTS.iter().zip(given) {
            let Some(Given { value, span }) = given else {
                continue;
            };
            argument
                .allowed_with(arguments.flavor)
                .map_err(|message| Error::new(span, message))?;
            match value {
                Value::Flavor(_) => {}
                Value::Tokio(path) => arguments.tokio = Some(path),
                Value::Setting(value) => {
                    let method = Ident::new(argument.name, span);
                    arguments.settings.push(Setting { method, value });
                }
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

/// Errors list the arguments in this order, and the flavor is checked in this order.
const ARGUMENTS: [Argument; 6] = [
    Argument::new("flavor", value::flavor, Needs::AnyFlavor),
    Argument::new("worker_threads", value::worker_threads, Needs::ManyWorkers),
    Argument::new("start_paused", value::start_paused, Needs::OneThread),
    Argument::new("crate", value::tokio_path, Needs::AnyFlavor),
    Argument::new("unhandled_panic", value::unhandled_panic, Needs::OneThread),
    Argument::new("name", value::runtime_name, Needs::AnyFlavor),
];

impl Argument {
    const fn new(name: &'static str, read: Read, needs: Needs) -> Self {
        Self { name, read, needs }
    }

    fn allowed_with(&self, flavor: Flavor) -> Result<(), String> {
        let required = match (self.needs, flavor) {
            (Needs::ManyWorkers, Flavor::CurrentThread | Flavor::Local) => "multi_thread",
            (Needs::OneThread, Flavor::MultiThread) => "current_thread",
            _ => return Ok(()),
        };
        let name = self.name;
        Err(format!(
            "The `{name}` option requires the `{required}` runtime flavor. \
             Use `#[{ATTRIBUTE}(flavor = \"{required}\")]`"
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

/// The argument's place in the table, and the literal it was given.
fn look_up(meta: &Meta) -> syn::Result<(usize, &Lit)> {
    let pair = match meta {
        Meta::NameValue(pair) => pair,
        Meta::Path(path) => {
            let name = lowercase_ident(path, path)?;
            return Err(Error::new_spanned(path, without_value(&name)));
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
    match ARGUMENTS.iter().position(|known| known.name == name) {
        Some(index) => Ok((index, literal)),
        None => Err(Error::new_spanned(pair, unknown_with_value(&name))),
    }
}

/// tokio takes `Flavor` for `flavor`, so do we.
fn lowercase_ident(path: &Path, at: &impl ToTokens) -> syn::Result<String> {
    let ident = path
        .get_ident()
        .ok_or_else(|| Error::new_spanned(at, "Must have specified ident"))?;
    Ok(ident.to_string().to_lowercase())
}

fn unknown_with_value(name: &str) -> String {
    match name {
        "core_threads" => "Attribute `core_threads` is renamed to `worker_threads`".to_owned(),
        _ => unknown(name),
    }
}

fn without_value(name: &str) -> String {
    let flavor = match name {
        "threaded_scheduler" | "multi_thread" => "multi_thread",
        "basic_scheduler" | "current_thread" | "single_threaded" => "current_thread",
        _ if ARGUMENTS.iter().any(|known| known.name == name) => {
            return format!("The `{name}` attribute requires an argument.");
        }
        _ => return unknown(name),
    };
    format!("Set the runtime flavor with #[{ATTRIBUTE}(flavor = \"{flavor}\")].")
}

fn unknown(name: &str) -> String {
    let known = ARGUMENTS.map(|known| format!("`{}`", known.name));
    let known = known.join(", ");
    format!("Unknown attribute {name} is specified; expected one of: {known}.")
}
