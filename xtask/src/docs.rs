//! `cargo xtask docs`: the generated part of docs/overhead.md, made from the figures in docs/overhead.json.
//!
//! The figures are measured by hand (`cargo xtask bench --json > docs/overhead.json`), since they mean something only on
//! a quiet machine; turning them into text is deterministic, so `--check`, which CI runs, can compare.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::bench::report::Report;
use crate::bench::table;
use crate::cargo::root;

const BEGIN: &str = "<!-- made from overhead.json by `cargo xtask docs`: begin -->\n";
const END: &str = "<!-- made from overhead.json by `cargo xtask docs`: end -->\n";

/// Write the generated parts of docs/.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail if a page is not what would be written.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let figures = root().join("docs/overhead.json");
    let json = fs::read_to_string(&figures).with_context(|| {
        format!(
            "cannot read {}: `cargo xtask bench --json` makes it",
            figures.display()
        )
    })?;
    let report: Report = serde_json::from_str(&json).with_context(|| {
        format!(
            "{} is not what `cargo xtask bench --json` of this version prints",
            figures.display()
        )
    })?;

    let page = root().join("docs/overhead.md");
    let present =
        fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
    let fresh = with_generated(&present, &table::render(&report))?;
    if args.check {
        ensure!(
            present == fresh,
            "docs/overhead.md is not what docs/overhead.json gives: run `cargo xtask docs`"
        );
        return Ok(());
    }
    fs::write(&page, fresh).with_context(|| format!("cannot write {}", page.display()))
}

/// `page` with `text` between its marks.
fn with_generated(page: &str, text: &str) -> Result<String> {
    let marks = page
        .split_once(BEGIN)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = marks.with_context(|| {
        format!(
            "docs/overhead.md has lost the marks of its generated part: `{}` and `{}`",
            BEGIN.trim(),
            END.trim()
        )
    })?;
    Ok(format!("{before}{BEGIN}\n{text}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_between_the_marks_changes() {
        let page = format!("# Overhead\n\n{BEGIN}old\n{END}\nBy hand.\n");
        let once = with_generated(&page, "new\n").unwrap();
        assert_eq!(
            once,
            format!("# Overhead\n\n{BEGIN}\nnew\n\n{END}\nBy hand.\n")
        );
        assert_eq!(with_generated(&once, "new\n").unwrap(), once);
    }

    #[test]
    fn a_page_without_marks_is_not_touched() {
        let error = with_generated("# Overhead\n", "new").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("docs/overhead.md has lost the marks"),
            "{error}"
        );
    }
}
