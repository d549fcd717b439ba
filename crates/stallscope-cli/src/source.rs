//! Lines of source on this machine, found by the path that the compiler recorded.

use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Lines that are read before and after the one that is meant.
pub(crate) const AROUND: u32 = 5;

/// Source files are smaller. What is not read cannot hold anybody up.
const LARGEST: u64 = 8 * 1024 * 1024;

/// Bytes of a line that are kept: more than a screen is wide.
const WIDEST: usize = 1024;

/// Some lines of a source file on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    /// Number of the first of `lines`; the first line of a file is 1.
    pub(crate) first: u32,
    pub(crate) lines: Vec<String>,
}

impl Source {
    /// The lines from `around` before that one to `around` after it, with their numbers.
    pub(crate) fn around(&self, line: u32, around: u32) -> impl Iterator<Item = (u32, &str)> {
        let shown = line.saturating_sub(around)..=line.saturating_add(around);
        (self.first..)
            .zip(&self.lines)
            .filter(move |(number, _)| shown.contains(number))
            .map(|(number, text)| (number, text.as_str()))
    }
}

/// The lines around a line. A relative path is looked for in the current directory and in those above it, as the compiler
/// was started in the root of a workspace. The error is a sentence for the user.
pub(crate) fn read(file: &str, line: u32) -> Result<Source, String> {
    let here = env::current_dir().map_err(|error| format!("no current directory: {error}"))?;
    read_from(&here, file, line)
}

fn read_from(directory: &Path, file: &str, line: u32) -> Result<Source, String> {
    let path = find(directory, file).ok_or_else(|| {
        if Path::new(file).is_absolute() {
            format!("{file} is not on this machine")
        } else {
            format!(
                "{file} is not below {} or a directory above it: start stallscope where the source is",
                directory.display()
            )
        }
    })?;
    let unreadable = |error| format!("{} cannot be read: {error}", path.display());
    let mut reader = BufReader::new(File::open(&path).map_err(unreadable)?.take(LARGEST));
    let first = line.saturating_sub(AROUND).max(1);
    let mut lines = Vec::new();
    let mut bytes = Vec::new();
    for number in 1..=line.saturating_add(AROUND) {
        bytes.clear();
        if reader.read_until(b'\n', &mut bytes).map_err(unreadable)? == 0 {
            break;
        }
        if number >= first {
            let kept = &bytes[..bytes.len().min(WIDEST)];
            lines.push(String::from_utf8_lossy(kept).trim_end().to_owned());
        }
    }
    let reached = (line - first.min(line)) < u32::try_from(lines.len()).unwrap_or(u32::MAX);
    if line == 0 || !reached {
        return Err(format!(
            "{} has no line {line}: it is not what the application was built from",
            path.display()
        ));
    }
    Ok(Source { path, first, lines })
}

/// Only a regular file: reading others could take for ever.
fn find(directory: &Path, file: &str) -> Option<PathBuf> {
    directory
        .ancestors()
        // Joined to anything, an absolute path is itself.
        .map(|above| above.join(file))
        .find(|path| fs::metadata(path).is_ok_and(|found| found.is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(text: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir_all(root.path().join("app/src")).expect("our own directory");
        fs::write(root.path().join("app/src/main.rs"), text).expect("our own directory");
        root
    }

    #[test]
    fn a_file_is_found_from_any_directory_of_its_workspace() {
        let root = workspace("one\ntwo\nthree\n");
        let source =
            read_from(&root.path().join("app/src"), "app/src/main.rs", 2).expect("it is there");
        assert_eq!(source.path, root.path().join("app/src/main.rs"));
        assert_eq!((source.first, source.lines.len()), (1, 3));
        let absolute = root.path().join("app/src/main.rs");
        let elsewhere = read_from(Path::new("/"), &absolute.display().to_string(), 2);
        assert_eq!(elsewhere, Ok(source));
    }

    #[test]
    fn of_what_was_read_fewer_lines_can_be_shown() {
        let source = Source {
            path: PathBuf::new(),
            first: 7,
            lines: ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
        };
        let around = |line| source.around(line, 1).collect::<Vec<_>>();
        assert_eq!(around(9), [(8, "b"), (9, "c"), (10, "d")]);
        assert_eq!(around(7), [(7, "a"), (8, "b")]);
        assert_eq!(around(0), []);
    }

    #[test]
    fn only_the_lines_around_are_kept() {
        let lines: Vec<String> = (1..=100).map(|line| format!("line {line}")).collect();
        let text = lines.join("\n");
        let root = workspace(&text);
        let source = read_from(root.path(), "app/src/main.rs", 41).expect("it is there");
        assert_eq!(source.first, 36);
        assert_eq!(source.lines.first().map(String::as_str), Some("line 36"));
        assert_eq!(source.lines.last().map(String::as_str), Some("line 46"));
        let end = read_from(root.path(), "app/src/main.rs", 100).expect("it is there");
        assert_eq!(end.lines.last().map(String::as_str), Some("line 100"));
    }

    #[test]
    fn what_cannot_be_shown_is_said() {
        let root = workspace("one\n\u{0}\nvery long \n");
        let missing = read_from(root.path(), "other/src/lib.rs", 3).expect_err("not there");
        assert!(
            missing.contains("start stallscope where the source is"),
            "{missing}"
        );
        for line in [0, 4, u32::MAX] {
            let old = read_from(root.path(), "app/src/main.rs", line).expect_err("no such line");
            assert!(
                old.contains("not what the application was built from"),
                "{old}"
            );
        }
        assert!(read_from(root.path(), "app/src", 1).is_err(), "a directory");
        assert!(read_from(root.path(), "/dev/zero", 1).is_err(), "endless");
        assert!(read_from(root.path(), "", 1).is_err(), "no path");
    }
}
