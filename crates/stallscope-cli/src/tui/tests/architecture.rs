//! The invariants of the module documentation, held against the sources.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn the_model_knows_nothing_of_the_terminal() {
    for source in sources("src/tui/model") {
        let text = fs::read_to_string(&source).expect("our own source");
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for (number, line) in code.enumerate() {
            assert!(
                !line.contains("ratatui") && !line.contains("crossterm"),
                "{}:{number}: {line}",
                source.display()
            );
        }
    }
}

#[test]
fn only_the_theme_names_colours() {
    for source in sources("src/tui/view") {
        let text = fs::read_to_string(&source).expect("our own source");
        assert!(
            !text.contains("Color::") && !text.contains("Modifier::"),
            "{}",
            source.display()
        );
    }
}

#[test]
fn nothing_but_the_rim_reads_the_clock() {
    for source in sources("src/tui/model")
        .into_iter()
        .chain(sources("src/tui/view"))
        .chain(sources("src/tui/update"))
    {
        let text = fs::read_to_string(&source).expect("our own source");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        assert!(!code.contains("Instant::now"), "{}", source.display());
    }
}

fn sources(directory: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("our own sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
            } else {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty());
    found
}
