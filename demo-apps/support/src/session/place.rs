//! A place in a demo's source, as the compiler records the caller of a `spawn`: `file:line:column`.

/// The only place in a source file of the calling package that reads like this: `place!("src/server.rs", "spawn(serve(")`.
///
/// A method call is recorded where the method's name begins, any other call where it begins itself.
#[macro_export]
macro_rules! place {
    ($file:literal, $call:literal) => {
        $crate::place_in(
            concat!("demo-apps/", env!("CARGO_PKG_NAME"), "/", $file),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $file)),
            $call,
        )
    };
}

/// What [`place!`](crate::place) expands to.
///
/// # Panics
///
/// If `source` does not read `call` in exactly one line.
pub fn place_in(file: &str, source: &str, call: &str) -> String {
    let found: Vec<_> = (1..)
        .zip(source.lines())
        .filter_map(|(line, text)| Some((line, text.find(call)? + 1)))
        .collect();
    match found[..] {
        [(line, column)] => format!("{file}:{line}:{column}"),
        _ => panic!("{file} reads {call:?} in {} lines, not in one", found.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::place_in;

    const SOURCE: &str = "fn main() {\n    tokio::spawn(one());\n    set.spawn(two());\n}\n";

    #[test]
    fn lines_and_columns_count_from_one() {
        assert_eq!(place_in("a.rs", SOURCE, "tokio::spawn("), "a.rs:2:5");
        assert_eq!(place_in("a.rs", SOURCE, "spawn(two("), "a.rs:3:9");
    }

    #[test]
    #[should_panic(expected = "a.rs reads \"spawn(\" in 2 lines, not in one")]
    fn a_place_that_is_not_the_only_one_is_refused() {
        place_in("a.rs", SOURCE, "spawn(");
    }
}
