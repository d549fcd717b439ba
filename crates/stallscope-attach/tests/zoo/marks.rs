//! Which line of the zoo's source is marked so?

/// The zoo's files in which something is marked.
const SOURCES: [(&str, &str); 16] = [
    ("branches", include_str!("../../fixtures/src/branches.rs")),
    ("by_hand", include_str!("../../fixtures/src/by_hand.rs")),
    ("channels", include_str!("../../fixtures/src/channels.rs")),
    ("composed", include_str!("../../fixtures/src/composed.rs")),
    ("joins", include_str!("../../fixtures/src/joins.rs")),
    ("lives", include_str!("../../fixtures/src/lives.rs")),
    ("load", include_str!("../../fixtures/src/load.rs")),
    ("locks", include_str!("../../fixtures/src/locks.rs")),
    ("polls", include_str!("../../fixtures/src/polls.rs")),
    ("runtimes", include_str!("../../fixtures/src/runtimes.rs")),
    ("shapes", include_str!("../../fixtures/src/shapes.rs")),
    ("sockets", include_str!("../../fixtures/src/sockets.rs")),
    ("split", include_str!("../../fixtures/examples/split.rs")),
    ("system", include_str!("../../fixtures/src/system.rs")),
    ("time", include_str!("../../fixtures/src/time.rs")),
    ("values", include_str!("../../fixtures/src/values.rs")),
];

/// The line below the one comment `// mark: NAME` of that file.
pub(crate) fn line_of(file: &str, mark: &str) -> u32 {
    let (_, source) = SOURCES
        .iter()
        .find(|(known, _)| *known == file)
        .unwrap_or_else(|| panic!("the zoo has no file {file}.rs with marks"));
    let wanted = format!("// mark: {mark}");
    let mut lines = source
        .lines()
        .zip(2..)
        .filter(|(line, _)| line.trim() == wanted);
    match (lines.next(), lines.next()) {
        (Some((_, below)), None) => below,
        (None, _) => panic!("no line of {file}.rs has `{wanted}` above it"),
        (Some(_), Some(_)) => panic!("{file}.rs has `{wanted}` twice"),
    }
}
