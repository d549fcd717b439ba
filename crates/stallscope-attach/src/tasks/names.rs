//! Names of types and functions, cut for a person.

/// The parts of a path, cut at each `::` that is not inside of angle brackets.
pub(super) fn segments(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut from) = (0_u32, 0);
    let bytes = path.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'<' => depth += 1,
            // Not the arrow of a function type.
            b'>' if at == 0 || bytes[at - 1] != b'-' => depth = depth.saturating_sub(1),
            b':' if depth == 0 && at >= from && bytes.get(at + 1) == Some(&b':') => {
                parts.push(&path[from..at]);
                from = at + 2;
            }
            _ => {}
        }
    }
    parts.push(&path[from.min(path.len())..]);
    parts
}

/// Without generic arguments at any part of the path: `a::B<C>::d<E>` is `a::B::d`.
pub(super) fn bare(path: &str) -> String {
    let parts = segments(path).into_iter().map(|part| match part.find('<') {
        // `<A as B>::method` has its type in brackets.
        Some(0) | None => part,
        Some(at) => &part[..at],
    });
    parts.collect::<Vec<_>>().join("::")
}

/// What a coroutine is called: `crate::f` for an `async fn`, `crate::f::{async_block#0}` for a block.
///
/// `of_type` is its type's name, `crate::{impl#0}::f::{async_fn_env#0}<T>`; `symbol` that of its body,
/// `crate::Type::f::{{closure}}`, which alone names the type of a method.
pub(super) fn coroutine(of_type: &str, symbol: &str) -> String {
    let path = bare(of_type).replace("_env#", "#");
    let mut parts = segments(&path);
    if let Some(at) = parts.iter().rposition(|part| part.starts_with("{impl#")) {
        let behind = parts.len() - at - 1;
        let symbol = bare_symbol(symbol);
        let named = segments(&symbol);
        if let Some(len) = named.len().checked_sub(behind)
            && len > 0
        {
            let mut full: Vec<_> = named[..len].iter().map(|part| (*part).to_owned()).collect();
            full.extend(parts[at + 1..].iter().map(|part| (*part).to_owned()));
            return without_own_part(&full.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
    if parts.is_empty() {
        parts.push("?");
    }
    without_own_part(&parts)
}

/// The last part of the coroutine of an `async fn` says nothing.
fn without_own_part(parts: &[&str]) -> String {
    match parts {
        [before @ .., last] if last.starts_with("{async_fn#") && !before.is_empty() => {
            before.join("::")
        }
        parts => parts.join("::"),
    }
}

/// A demangled symbol of either mangling with the type of a method as a plain path: `<a::B as c::D>::e` is `a::B::e`.
fn bare_symbol(symbol: &str) -> String {
    let Some(inner) = symbol.strip_prefix('<') else {
        return bare(symbol);
    };
    let parts = segments(symbol);
    let Some(first) = parts.first() else {
        return symbol.to_owned();
    };
    let of_type = inner[..first.len().saturating_sub(2).min(inner.len())]
        .split(" as ")
        .next()
        .unwrap_or(inner);
    let mut path = bare(of_type.trim_start_matches(['&', '<']));
    for part in &parts[1..] {
        path.push_str("::");
        path.push_str(part);
    }
    bare(&path)
}

/// Whether it is the type of an `async fn`, block or closure: `…::{async_fn_env#0}<…>`, `{async_block_env#0}`, `{async_closure_env#0}`.
pub(super) fn is_coroutine(name: &str) -> bool {
    let last = segments(name).pop().unwrap_or_default();
    ["{async_fn_env#", "{async_block_env#", "{async_closure_env#"]
        .iter()
        .any(|kind| last.starts_with(kind))
}

/// Whether it is the type of a closure: `…::{closure_env#0}<…>`.
pub(super) fn is_closure(name: &str) -> bool {
    let last = segments(name).pop().unwrap_or_default();
    last.starts_with("{closure_env#")
}

/// What a future or closure is called by its type alone: without generic arguments; of a `dyn` its trait.
pub(super) fn of_future(name: &str) -> String {
    let is_pointer = ["alloc::boxed::Box<", "&", "*", "(dyn ", "dyn "]
        .iter()
        .any(|start| name.starts_with(start));
    match name.find("dyn ") {
        Some(from) if is_pointer => {
            let name = &name[from..];
            let mut depth = 0_u32;
            let end = name.find(|letter| {
                match letter {
                    '<' | '(' => depth += 1,
                    '>' | ')' if depth == 0 => return true,
                    '>' | ')' => depth -= 1,
                    '+' | ',' => return depth == 0,
                    _ => {}
                }
                false
            });
            name[..end.unwrap_or(name.len())].trim_end().to_owned()
        }
        _ => bare(name).replace("_env#", "#"),
    }
}

/// The crate that a path begins with.
pub(super) fn crate_of(path: &str) -> &str {
    segments(path).first().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_async_fn_is_called_by_its_path_and_a_method_by_its_type() {
        for (of_type, symbol, called) in [
            (
                "zoo::wait::{async_fn_env#0}<u32>",
                "zoo::wait::{{closure}}",
                "zoo::wait",
            ),
            (
                "zoo::{impl#0}::serve::{async_fn_env#0}",
                "zoo::Server::serve::{{closure}}",
                "zoo::Server::serve",
            ),
            (
                "zoo::{impl#1}::serve::{async_fn_env#0}<zoo::A>",
                "<zoo::Server<T> as zoo::Serve>::serve::{closure#0}",
                "zoo::Server::serve",
            ),
            (
                "zoo::{impl#0}::run::{async_fn#0}::{async_block_env#1}",
                "zoo::Server::run::{{closure}}::{{closure}}",
                "zoo::Server::run::{async_fn#0}::{async_block#1}",
            ),
            (
                "zoo::main::{async_block_env#0}",
                "",
                "zoo::main::{async_block#0}",
            ),
            ("zoo::{impl#0}::f::{async_fn_env#0}", "", "zoo::{impl#0}::f"),
        ] {
            assert_eq!(coroutine(of_type, symbol), called, "{of_type} {symbol}");
        }
    }

    #[test]
    fn generic_arguments_do_not_hide_the_parts_of_a_path() {
        assert_eq!(bare("a::B<c::D<e::F>>::g<fn(u8) -> h::I>"), "a::B::g");
        assert_eq!(crate_of("tokio::sync::X<zoo::Y>"), "tokio");
        assert_eq!(segments(""), [""]);
    }

    #[test]
    fn a_future_is_called_by_its_type_and_a_dyn_by_its_trait() {
        for (name, called) in [
            ("zoo::Remembering", "zoo::Remembering"),
            (
                "zoo::f::{async_fn#0}::{closure_env#1}<u8>",
                "zoo::f::{async_fn#0}::{closure#1}",
            ),
            (
                "alloc::boxed::Box<(dyn core::future::future::Future<Output=()> + core::marker::Send), alloc::alloc::Global>",
                "dyn core::future::future::Future<Output=()>",
            ),
            (
                "futures::Unordered<alloc::boxed::Box<dyn zoo::Poll>>",
                "futures::Unordered",
            ),
            (
                "alloc::boxed::Box<dyn zoo::Poll, alloc::alloc::Global>",
                "dyn zoo::Poll",
            ),
        ] {
            assert_eq!(of_future(name), called);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_name_is_too_odd(name in ".{0,60}", symbol in "[<>a:& {}#s-]{0,40}") {
            coroutine(&name, &symbol);
            coroutine(&symbol, &symbol);
            of_future(&name);
            of_future(&format!("{symbol}dyn {name}"));
        }
    }
}
