//! How many crates an application compiles: counted by `cargo tree` on one that has tokio and tracing already.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::mode::Mode;
use crate::cargo::{cargo, root, stdout_of};

/// The crates of an application instrumented in this mode, itself not counted.
pub(crate) fn count(mode: Mode, target: &Path) -> Result<usize> {
    let application = target.join("bench/application");
    let source = application.join("src");
    fs::create_dir_all(&source).with_context(|| format!("cannot create {}", source.display()))?;
    fs::write(application.join("Cargo.toml"), manifest(mode))?;
    fs::write(source.join("main.rs"), "fn main() {}\n")?;
    // The workspace's own versions: what is benchmarked is what is counted.
    fs::copy(root().join("Cargo.lock"), application.join("Cargo.lock"))?;

    let mut tree = cargo();
    tree.current_dir(&application);
    tree.args(["tree", "--edges", "normal", "--prefix", "none"]);
    Ok(distinct(&stdout_of(&mut tree)?) - 1)
}

fn manifest(mode: Mode) -> String {
    let dependency = mode.dependency().unwrap_or_default();
    format!(
        r#"[package]
name = "application"
version = "0.0.0"
edition = "2024"

[workspace]

[dependencies]
tokio = {{ version = "1", features = ["full"] }}
tracing = "0.1"
{dependency}
"#
    )
}

/// The packages in the output of `cargo tree`, each counted once: a repeated one is marked, `name v1.0.0 (*)`.
fn distinct(tree: &str) -> usize {
    let package = |line: &str| {
        let mut words = line.split_whitespace();
        Some((words.next()?.to_owned(), words.next()?.to_owned()))
    };
    tree.lines()
        .filter_map(package)
        .collect::<BTreeSet<_>>()
        .len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_counts_once_and_two_versions_count_twice() {
        let tree = "application v0.0.0 (/somewhere)\n\
                    tokio v1.54.1\n\
                    tokio-macros v2.7.2 (proc-macro)\n\
                    syn v2.0.1\n\
                    tracing v0.1.44\n\
                    syn v3.0.9\n\
                    tokio v1.54.1 (*)\n";
        assert_eq!(distinct(tree), 6);
    }
}
