//! The `stallscope` client's binary: beside the demo's own, and as new as its source.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// The client of the same build as `demo`, a demo's binary.
///
/// `cargo test --workspace` has built it already. `cargo test -p DEMO` has not: then it is built here, once.
pub(super) fn client_beside(demo: &Path) -> &'static Path {
    static CLIENT: OnceLock<PathBuf> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let client = demo.with_file_name("stallscope");
        if !is_fresh(&client) {
            build(&client);
        }
        client
    })
}

/// Whether the binary is newer than every source file that went into it.
///
/// Asking cargo instead would be no answer: what it builds for one package can differ, by the features of shared
/// dependencies, from what it has built for the workspace, and each would replace the other for ever.
fn is_fresh(binary: &Path) -> bool {
    let Some(built) = modified(binary) else {
        return false;
    };
    // Cargo writes `binary: source source …` beside it. A path with a blank is not found, which costs a build and no more.
    let listed = fs::read_to_string(binary.with_extension("d")).unwrap_or_default();
    let Some((_, sources)) = listed.split_once(": ") else {
        return false;
    };
    sources
        .split_whitespace()
        .all(|source| modified(Path::new(source)).is_some_and(|modified| modified <= built))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

/// Builds it to where it was looked for.
fn build(client: &Path) {
    let folder = client.parent().expect("a binary is in a folder");
    let target = folder.parent().expect("of a target directory");
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(other) => other,
    };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "stallscope-cli"])
        .args(["--profile", profile, "--target-dir"])
        .arg(target)
        // For the flags in the workspace's .cargo/config.toml.
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap_or_else(|error| panic!("cannot start cargo to build the client: {error}"));
    assert!(
        built.status.success(),
        "the client does not build:\n{}",
        String::from_utf8_lossy(&built.stderr)
    );
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::{Duration, SystemTime};

    use super::*;

    fn file(path: &Path, age: Duration) {
        let file = File::create(path).expect("a file in our own folder");
        file.set_modified(SystemTime::now() - age)
            .expect("its time can be set");
    }

    #[test]
    fn a_binary_is_fresh_while_it_is_newer_than_all_its_sources() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let [binary, one, two] =
            ["client", "one.rs", "two.rs"].map(|name| folder.path().join(name));
        let hour = Duration::from_secs(3600);
        let list = format!(
            "{}: {} {}\n",
            binary.display(),
            one.display(),
            two.display()
        );

        file(&one, 3 * hour);
        file(&two, 3 * hour);
        assert!(!is_fresh(&binary), "there is none");
        file(&binary, 2 * hour);
        assert!(!is_fresh(&binary), "nothing says what went into it");
        fs::write(binary.with_extension("d"), list).expect("a file in our own folder");
        assert!(is_fresh(&binary));
        file(&two, hour);
        assert!(!is_fresh(&binary), "a source was changed");
        file(&binary, Duration::ZERO);
        assert!(is_fresh(&binary), "it was built again");
        fs::remove_file(&one).expect("it is there");
        assert!(!is_fresh(&binary), "a source is gone");
    }
}
