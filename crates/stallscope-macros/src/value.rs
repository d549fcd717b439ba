//! What each argument takes: from a literal to a value, or to the message that says why not.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Lit, Path};

/// Reads the literal given to the argument `name`. The error is the whole message.
pub(crate) type Read = fn(name: &str, literal: &Lit) -> Result<Value, String>;

pub(crate) enum Value {
    Flavor(Flavor),
    Tokio(Path),
    Setting(SettingValue),
    Limit(TokenStream),
}

/// Which scheduler, and whether it takes futures that are not `Send`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavor {
    MultiThread,
    CurrentThread,
    Local,
}

pub(crate) enum SettingValue {
    /// Stands for itself.
    Plain(TokenStream),
    /// A path below tokio's module `runtime`.
    InRuntime(TokenStream),
}

pub(crate) fn flavor(name: &str, literal: &Lit) -> Result<Value, String> {
    let renamed = |old, new| format!("The `{old}` runtime flavor has been renamed to `{new}`.");
    match string(name, literal)?.as_str() {
        "multi_thread" => Ok(Value::Flavor(Flavor::MultiThread)),
        "current_thread" => Ok(Value::Flavor(Flavor::CurrentThread)),
        "local" => Ok(Value::Flavor(Flavor::Local)),
        "single_thread" => {
            Err("The single threaded runtime flavor is called `current_thread`.".to_owned())
        }
        old @ "basic_scheduler" => Err(renamed(old, "current_thread")),
        old @ "threaded_scheduler" => Err(renamed(old, "multi_thread")),
        other => Err(format!(
            "No such runtime flavor `{other}`. \
             The runtime flavors are `current_thread`, `local`, and `multi_thread`."
        )),
    }
}

pub(crate) fn worker_threads(name: &str, literal: &Lit) -> Result<Value, String> {
    let failed = format!("Failed to parse value of `{name}` as integer");
    let Lit::Int(integer) = literal else {
        return Err(format!("{failed}."));
    };
    match integer.base10_parse::<usize>() {
        Ok(0) => Err(format!("`{name}` may not be 0.")),
        Ok(threads) => Ok(Value::plain(threads)),
        Err(why) => Err(format!("{failed}: {why}")),
    }
}

pub(crate) fn start_paused(name: &str, literal: &Lit) -> Result<Value, String> {
    match literal {
        Lit::Bool(paused) => Ok(Value::plain(paused)),
        _ => Err(format!("Failed to parse value of `{name}` as bool.")),
    }
}

pub(crate) fn tokio_path(name: &str, literal: &Lit) -> Result<Value, String> {
    let failed = format!("Failed to parse value of `{name}` as path");
    let Lit::Str(text) = literal else {
        return Err(format!("{failed}."));
    };
    text.parse()
        .map(Value::Tokio)
        .map_err(|_| format!("{failed}: \"{}\"", text.value()))
}

pub(crate) fn unhandled_panic(name: &str, literal: &Lit) -> Result<Value, String> {
    let variant = match string(name, literal)?.as_str() {
        "ignore" => "Ignore",
        "shutdown_runtime" => "ShutdownRuntime",
        other => {
            return Err(format!(
                "No such unhandled panic behavior `{other}`. \
                 The unhandled panic behaviors are `ignore` and `shutdown_runtime`."
            ));
        }
    };
    let variant = Ident::new(variant, literal.span());
    let path = quote_spanned!(literal.span()=> UnhandledPanic::#variant);
    Ok(Value::Setting(SettingValue::InRuntime(path)))
}

pub(crate) fn runtime_name(name: &str, literal: &Lit) -> Result<Value, String> {
    string(name, literal).map(Value::plain)
}

/// `"50ms"`, `"2s"`, `"1m"`: the range of `STALLSCOPE_LONG_POLL`.
pub(crate) fn duration(name: &str, literal: &Lit) -> Result<Value, String> {
    let expected = "expected a duration from `1ms` to `60s`";
    let written = string(name, literal)?;
    let digits = written
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(written.len());
    let (number, unit) = written.split_at(digits);
    let Ok(number) = number.parse::<u64>() else {
        return Err(format!("`{name}` is no duration: {expected}."));
    };
    let factor = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "" => return Err(format!("`{name}` has no unit: {expected}.")),
        unit => {
            return Err(format!(
                "`{name}` has the unknown unit `{unit}`: {expected}."
            ));
        }
    };
    match number.saturating_mul(factor) {
        milliseconds @ 1..=60_000 => Ok(Value::Limit(
            quote_spanned!(literal.span()=> ::core::time::Duration::from_millis(#milliseconds)),
        )),
        _ => Err(format!("`{name}` is out of range: {expected}.")),
    }
}

/// Whether what would fail the test may happen.
pub(crate) fn allowance(name: &str, literal: &Lit) -> Result<Value, String> {
    let allowed = match string(name, literal)?.as_str() {
        "allow" => true,
        "deny" => false,
        other => {
            return Err(format!(
                "`{name}` cannot be `{other}`: expected `allow` or `deny`."
            ));
        }
    };
    Ok(Value::Limit(quote_spanned!(literal.span()=> #allowed)))
}

/// `42`, or `"0..200"`, as an inclusive range of `u64`.
pub(crate) fn seeds(name: &str, literal: &Lit) -> Result<Value, String> {
    let expected = "expected a seed, as in `42`, or a range of seeds, as in `\"0..200\"`";
    let no_seed = || format!("`{name}` is no seed: {expected}.");
    let (first, last) = match literal {
        Lit::Int(seed) => {
            let seed: u64 = seed.base10_parse().map_err(|_| no_seed())?;
            (seed, seed)
        }
        Lit::Str(text) => {
            let text = text.value();
            let seed = |text: &str| text.trim().parse::<u64>().map_err(|_| no_seed());
            let (first, end) = text.split_once("..").ok_or_else(no_seed)?;
            let (first, end) = (seed(first)?, seed(end)?);
            match end.checked_sub(1) {
                Some(last) if first <= last => (first, last),
                _ => return Err(format!("`{name}` has no seed in it: {expected}.")),
            }
        }
        _ => return Err(no_seed()),
    };
    Ok(Value::Limit(
        quote_spanned!(literal.span()=> #first..=#last),
    ))
}

fn string(name: &str, literal: &Lit) -> Result<String, String> {
    match literal {
        Lit::Str(text) => Ok(text.value()),
        _ => Err(format!("Failed to parse value of `{name}` as string.")),
    }
}

impl Value {
    fn plain(value: impl ToTokens) -> Self {
        Self::Setting(SettingValue::Plain(value.into_token_stream()))
    }
}
