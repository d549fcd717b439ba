//! What the real `stallscope report` finds in a session, and the lines it has to blame.

use std::fmt;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::{Session, eventually};

/// A finding, with the fields that tests look at.
#[derive(Clone, Debug, Deserialize)]
pub struct Finding {
    /// Its number, unique in its process.
    pub id: u64,
    /// The rule it breaks.
    pub rule: String,
    /// `high`, `warning` or `info`.
    pub severity: Option<String>,
    /// How often it has happened.
    pub count: u64,
    /// Whether it goes on.
    pub ongoing: bool,
    /// How long it took, or has taken so far.
    pub duration_ms: Durations,
    /// All of it in a sentence.
    pub message: String,
    location: Option<Location>,
    /// Of shared state: the other sides.
    #[serde(default)]
    parties: Vec<Party>,
}

#[derive(Clone, Debug, Deserialize)]
struct Party {
    location: Option<Location>,
}

/// How long the occurrences of a finding took.
#[derive(Clone, Debug, Deserialize)]
pub struct Durations {
    /// The longest one, in milliseconds.
    pub max: f64,
}

#[derive(Clone, Debug, Deserialize)]
struct Location {
    file: Option<String>,
    line: u32,
}

/// A line of a demo's source. Displayed as `DEMO/src/FILE.rs:LINE`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    file: String,
    line: u32,
}

impl Session {
    /// What is found in the next five seconds, or nine with short leak rules. Not what is of level info: it blames nobody.
    ///
    /// # Panics
    ///
    /// As [`ask`](Session::ask).
    pub fn report(&self) -> Vec<Finding> {
        #[derive(Deserialize)]
        struct Report {
            findings: Vec<Finding>,
        }
        let (pid, seconds) = (self.pid(), self.rules.report_seconds());
        let report: Report = self.ask(&format!("report --pid {pid} --for {seconds}s"));
        let blames = |finding: &Finding| finding.severity.as_deref() != Some("info");
        report.findings.into_iter().filter(blames).collect()
    }

    /// Waits until it is found that `rule` is broken at `line`, and gives that finding.
    ///
    /// On a busy machine it may take more than one report: who gets no processor is not blamed.
    ///
    /// # Panics
    ///
    /// If it never is, or if anything else is found.
    #[track_caller]
    pub fn expect_only(&self, rule: &str, line: &Line) -> Finding {
        self.expect_any_of(&[rule], &[line])
    }

    /// As [`expect_only`](Session::expect_only), of state that is shared: `other` is the line that it met.
    ///
    /// # Panics
    ///
    /// If that is never found, or if anything else is.
    #[track_caller]
    pub fn expect_only_between(&self, rule: &str, line: &Line, other: &Line) -> Finding {
        let found = self.expect_only(rule, line);
        assert!(found.is_with(other), "not with {other}: {found:#?}");
        found
    }

    /// As [`expect_only_between`](Session::expect_only_between), where either line may be the one to blame.
    ///
    /// # Panics
    ///
    /// If that is never found, or if anything else is.
    #[track_caller]
    pub fn expect_only_among(&self, rule: &str, one: &Line, other: &Line) -> Finding {
        let found = self.expect_any_of(&[rule], &[one, other]);
        let met = if found.is_at(one) { other } else { one };
        assert!(found.is_with(met), "not with {met}: {found:#?}");
        found
    }

    /// Waits until the task that is spawned at `line` is found to leak. Where it does so in more than one way, any will do.
    ///
    /// # Panics
    ///
    /// If it never is, or if anything else is found.
    #[track_caller]
    pub fn expect_only_leak(&self, line: &Line) -> Finding {
        self.expect_any_of(&["growth", "orphan"], &[line])
    }

    #[track_caller]
    fn expect_any_of(&self, rules: &[&str], lines: &[&Line]) -> Finding {
        let is_meant = |finding: &Finding| {
            rules.contains(&finding.rule.as_str()) && lines.iter().any(|line| finding.is_at(line))
        };
        let names: Vec<String> = lines.iter().map(ToString::to_string).collect();
        let meant = format!("{} at {}", rules.join(" or "), names.join(" or "));
        eventually(|| {
            let mut found = self.report();
            let other = found.iter().find(|finding| !is_meant(finding));
            assert!(other.is_none(), "not {meant}: {other:#?}");
            let found = found.pop();
            found.ok_or_else(|| format!("{meant} was never found"))
        })
    }

    /// Watches for one report.
    ///
    /// # Panics
    ///
    /// If anything is found.
    #[track_caller]
    pub fn expect_nothing(&self) {
        let found = self.report();
        assert!(found.is_empty(), "{found:#?}");
    }
}

impl Finding {
    /// Whether it blames no line.
    pub(super) fn is_nowhere(&self) -> bool {
        self.location.is_none()
    }

    /// Whether it blames that line.
    pub(super) fn is_at(&self, line: &Line) -> bool {
        is_at(self.location.as_ref(), line)
    }

    /// Whether another side of it is at `line`.
    fn is_with(&self, line: &Line) -> bool {
        let mut parties = self.parties.iter();
        parties.any(|party| is_at(party.location.as_ref(), line))
    }
}

fn is_at(location: Option<&Location>, line: &Line) -> bool {
    location.is_some_and(|location| {
        let file = location.file.as_deref();
        location.line == line.line && file.is_some_and(|file| file.ends_with(&line.file))
    })
}

/// The line of the calling package that makes this mistake: the one below the comment `// fault: NAME`.
#[macro_export]
macro_rules! fault_line {
    ($name:expr) => {
        $crate::fault_line_in(::std::path::Path::new(env!("CARGO_MANIFEST_DIR")), $name)
    };
}

/// What [`fault_line!`](crate::fault_line) expands to.
///
/// # Panics
///
/// If not exactly one line of `package` is marked with the name.
pub fn fault_line_in(package: &Path, name: &str) -> Line {
    let mut found = Vec::new();
    collect(
        &package.join("src"),
        &format!("// fault: {name}"),
        &mut found,
    );
    let demo = package.parent().unwrap_or(package);
    match &found[..] {
        [(file, line)] => {
            let file = Path::new(file)
                .strip_prefix(demo)
                .unwrap_or(Path::new(file));
            let file = file.display().to_string();
            Line { file, line: *line }
        }
        _ => panic!("{} lines are marked `// fault: {name}`", found.len()),
    }
}

/// Source files of `folder` and its folders that have `mark` in a line of its own, with the number of the next line.
fn collect(folder: &Path, mark: &str, found: &mut Vec<(String, u32)>) {
    let entries = fs::read_dir(folder).expect("a package has its source");
    for path in entries.map(|entry| entry.expect("a folder that can be read").path()) {
        if path.is_dir() {
            collect(&path, mark, found);
            continue;
        }
        let source = fs::read_to_string(&path).expect("source is text");
        let marked = source
            .lines()
            .zip(2..)
            .filter(|(line, _)| line.trim() == mark);
        found.extend(marked.map(|(_, next)| (path.display().to_string(), next)));
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line } = self;
        write!(f, "{file}:{line}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package() -> tempfile::TempDir {
        let package = tempfile::tempdir().expect("a temporary directory");
        let inner = package.path().join("src/inner");
        fs::create_dir_all(&inner).expect("a folder in our own");
        let source = "fn f() {\n    // fault: one\n    wait();\n    // fault: two\n}\n";
        fs::write(inner.join("a.rs"), source).expect("a file in our own folder");
        fs::write(package.path().join("src/b.rs"), "// fault: two\n").expect("another");
        package
    }

    #[test]
    fn the_line_below_the_mark_is_found_in_any_file() {
        let package = package();
        let line = fault_line_in(package.path(), "one").to_string();
        assert!(line.ends_with("/src/inner/a.rs:3"), "{line}");
    }

    #[test]
    #[should_panic(expected = "2 lines are marked `// fault: two`")]
    fn a_mark_that_is_there_twice_is_refused() {
        fault_line_in(package().path(), "two");
    }

    #[test]
    fn a_finding_is_at_its_line_in_its_file_and_with_those_of_its_parties() {
        let finding: Finding = serde_json::from_str(
            r#"{"id":1,"rule":"cpu","severity":"high","count":1,"ongoing":false,"duration_ms":{"max":99.5},
            "message":"…","location":{"file":"demo-apps/shop/src/a.rs","line":3},
            "parties":[{"location":null},{"location":{"file":"demo-apps/shop/src/b.rs","line":7}}]}"#,
        )
        .expect("a finding as the client prints it");
        let line = |file: &str, line| Line {
            file: file.to_owned(),
            line,
        };
        assert!(finding.is_at(&line("shop/src/a.rs", 3)));
        assert!(!finding.is_at(&line("shop/src/a.rs", 4)));
        assert!(!finding.is_at(&line("shop/src/b.rs", 3)));
        assert!(finding.is_with(&line("shop/src/b.rs", 7)));
        assert!(!finding.is_with(&line("shop/src/a.rs", 3)));
    }
}
