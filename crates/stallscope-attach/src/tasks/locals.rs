//! The variables that a suspended coroutine holds, as text. They can be secrets: nobody calls this unasked.

use super::model::Local;
use super::names;
use super::view::{Value, View};
use crate::debug::{Number, Shape};

/// Text longer than this is cut, with a mark.
const MOST_BYTES: u64 = 120;
/// Values in values are shown to this depth.
const MOST_DEPTH: u32 = 3;

/// The variables of `state`, the variant that the coroutine `of` is suspended in.
///
/// The compiler lists all arguments in every variant, moved ones too, whose bytes are stale. Those before `__awaitee` are live; captures of
/// an async block stand behind it and may be either; what an `async fn` has behind it is never shown.
pub(super) fn of(view: &View<'_, '_>, of: &Value, state: &Value) -> Vec<Local> {
    let own = names::segments(&of.of.name).pop();
    let is_fn = own.is_some_and(|own| own.starts_with("{async_fn_env#"));
    let mut locals: Vec<Local> = Vec::new();
    let mut before_await = true;
    for (name, value) in view.members(state) {
        if name == "__awaitee" {
            before_await = false;
        }
        // What a block borrows is called so by the compiler.
        let name = name
            .strip_prefix("_ref__")
            .map_or(name.clone(), str::to_owned);
        let is_known = locals.iter().any(|local| local.name == name);
        if name.starts_with("__") || name.is_empty() || is_known || (is_fn && !before_await) {
            continue;
        }
        locals.push(Local {
            value: text(view, &value, 0),
            name,
            maybe_moved: !before_await,
        });
    }
    locals
}

/// A value as text: numbers plain, text quoted, variants by name, collections by length; the type where nothing can be told.
fn text(view: &View<'_, '_>, of: &Value, depth: u32) -> String {
    let name = of.of.name.as_str();
    if name == "&str" || name == "&mut str" {
        return view
            .slice_parts(of)
            .and_then(|(at, len)| quoted(view, at, len))
            .unwrap_or_else(|| "&str".to_owned());
    }
    if name == "alloc::string::String" {
        let vec = view.find(of, "vec");
        return vec
            .and_then(|vec| view.vec_parts(&vec))
            .and_then(|(at, len)| quoted(view, at, len))
            .unwrap_or_else(|| "String".to_owned());
    }
    if name.starts_with("alloc::vec::Vec<") {
        return match view.vec_parts(of) {
            Some((_, len)) => format!("Vec(len={len})"),
            None => short(name),
        };
    }
    match &of.of.shape {
        Shape::Number(kind) => number(view, of, *kind).unwrap_or_else(|| short(name)),
        Shape::Names(names) => {
            let value = view.memory.uint(of.at, of.of.size).ok();
            let found = names.iter().find(|(known, _)| Some(*known) == value);
            found.map_or_else(|| short(name), |(_, name)| name.clone())
        }
        Shape::Choice(_) => choice(view, of, depth).unwrap_or_else(|| short(name)),
        _ => short(name),
    }
}

/// `Variant`, or `Variant(value)` and `Variant { … }`.
fn choice(view: &View<'_, '_>, of: &Value, depth: u32) -> Option<String> {
    if names::is_coroutine(&of.of.name) {
        return None;
    }
    let (variant, _, data) = view.active(of)?;
    let members = view.members(&data);
    Some(match members.as_slice() {
        [] => variant,
        [(name, value)] if name == "__0" && depth < MOST_DEPTH => {
            format!("{variant}({})", text(view, value, depth + 1))
        }
        [(name, _), ..] if name == "__0" => format!("{variant}(…)"),
        _ => format!("{variant} {{ … }}"),
    })
}

fn number(view: &View<'_, '_>, of: &Value, kind: Number) -> Option<String> {
    let size = of.of.size;
    let bits = view.memory.uint(of.at, size).ok()?;
    Some(match kind {
        Number::Unsigned if size == 0 => "()".to_owned(),
        Number::Unsigned => bits.to_string(),
        Number::Signed => {
            let unused = 128_u32.checked_sub(u32::try_from(size).ok()?.checked_mul(8)?)?;
            (bits.checked_shl(unused)?.cast_signed() >> unused).to_string()
        }
        Number::Float if size == 4 => format!("{:?}", f32::from_bits(u32::try_from(bits).ok()?)),
        Number::Float => format!("{:?}", f64::from_bits(u64::try_from(bits).ok()?)),
        // Anything else is no `bool`, no `char`: stale.
        Number::Bool => match bits {
            0 => "false".to_owned(),
            1 => "true".to_owned(),
            _ => return None,
        },
        Number::Char => format!("{:?}", char::from_u32(u32::try_from(bits).ok()?)?),
    })
}

/// Text in the process as a literal, cut.
fn quoted(view: &View<'_, '_>, at: u64, len: u64) -> Option<String> {
    if len == 0 {
        return Some("\"\"".to_owned());
    }
    let mut bytes = vec![0; usize::try_from(len.min(MOST_BYTES)).ok()?];
    view.memory.read(at, &mut bytes).ok()?;
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text,
        // The cut may go through a character.
        Err(error) if len > MOST_BYTES && error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    Some(if len > MOST_BYTES {
        format!("{text:?}…")
    } else {
        format!("{text:?}")
    })
}

/// A type's name without the paths: `Vec<u8>`.
fn short(name: &str) -> String {
    let mut short = String::new();
    for part in name.split_inclusive(['<', '>', ',', ' ', '(', ')', '[', ']', '&', '*']) {
        short.push_str(part.rsplit("::").next().unwrap_or(part));
    }
    short
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn a_type_is_told_without_its_paths() {
        assert_eq!(
            short("alloc::vec::Vec<zoo::Item, alloc::alloc::Global>"),
            "Vec<Item, Global>"
        );
        assert_eq!(short("&mut core::fmt::Formatter"), "&mut Formatter");
    }
}
