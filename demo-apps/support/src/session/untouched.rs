//! Programs without stallscope in them: built as their authors would, with types in the debug information, and looked at from outside.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde::Deserialize;

use super::machine::Share;
use super::{Demo, Rules, Session};

/// Besides the program itself: who spawns tasks of their own, and of whose futures tasks are made. All others would only take disk.
const WITH_TYPES: [&str; 8] = [
    "axum",
    "futures-util",
    "hyper",
    "hyper-util",
    "reqwest",
    "tokio",
    "tokio-stream",
    "tokio-util",
];

/// Plain tokio, and nothing of stallscope in a program that would have it.
const OFF: &str = "--cfg stallscope_off";

impl Demo {
    /// Starts it as it is without stallscope, and waits until it has work to do. With it comes what else that line of its log says.
    ///
    /// # Panics
    ///
    /// If it cannot be built or started, or never has work.
    pub fn start_untouched(self, arguments: &[&str]) -> (Session, String) {
        static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
        let program = PROGRAM.get_or_init(|| {
            let name = Path::new(self.program).file_name();
            let name = name.and_then(|name| name.to_str()).expect("it has a name");
            // For the workspace, and so for its lock file.
            let workspace = Path::new(env!("CARGO_MANIFEST_DIR"));
            build(workspace, &["--package", name], self.program).join(name)
        });
        let mut session = start(program, self.program, arguments);
        let rest = session.expect_log(self.ready);
        (session, rest)
    }
}

impl Session {
    /// Starts a program of a published package that the workspace depends on: its very source and its own `main`, with the versions of our
    /// lock file. `built` is an `env!("CARGO_BIN_EXE_…")`, for where to build it.
    ///
    /// # Panics
    ///
    /// If it cannot be built or started.
    pub fn start_published(
        package: &str,
        program: &str,
        built: &str,
        arguments: &[&str],
    ) -> Session {
        static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
        let path = PROGRAM.get_or_init(|| {
            let copy = target_of(built).join("tmp").join(package);
            copy_published(package, &copy);
            build(&copy, &["--offline", "--bin", program], built).join(program)
        });
        start(path, built, arguments)
    }
}

fn start(program: &Path, built: &str, arguments: &[&str]) -> Session {
    Session::start_program(
        program,
        built.as_ref(),
        arguments,
        Rules::Default,
        Share::beside_others(),
    )
}

/// Builds with types, in a target directory of its own, and gives the folder of the programs.
fn build(directory: &Path, arguments: &[&str], built: &str) -> PathBuf {
    let target = target_of(built).join("tmp/untouched");
    // With as much optimisation as the tests, which are in the same folder.
    let (profile, folder) = match Path::new(built).parent() {
        Some(folder) if folder.ends_with("release") => ("release", "release"),
        _ => ("dev", "debug"),
    };
    let with_types = WITH_TYPES.map(|name| format!("profile.{profile}.package.{name}.debug=2"));
    let without = format!("profile.{profile}.package.'*'.debug=0");
    let built = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--profile", profile])
        .args(
            with_types
                .iter()
                .chain([&without])
                .flat_map(|value| ["--config", value]),
        )
        .args(arguments)
        .arg("--target-dir")
        .arg(&target)
        .current_dir(directory)
        // One for all: what they have in common is built once. A program that was published knows nothing of it.
        .env("RUSTFLAGS", OFF)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("CARGO_PROFILE_DEV_DEBUG", "2")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "2")
        // Built once; what the compiler would keep for the next time is as large again.
        .env("CARGO_INCREMENTAL", "0")
        .output()
        .unwrap_or_else(|error| panic!("cannot start cargo: {error}"));
    assert!(
        built.status.success(),
        "what is in {} does not build:\n{}",
        directory.display(),
        String::from_utf8_lossy(&built.stderr)
    );
    target.join(folder)
}

/// `TARGET/PROFILE/PROGRAM` is where cargo builds to.
fn target_of(built: &str) -> &Path {
    let mut folders = Path::new(built).ancestors();
    folders.nth(2).expect("a program is in a target directory")
}

/// Copies the source of `package` from where cargo keeps it, as a workspace of its own with our lock file. What it shares with the demos is built
/// once: its manifest names no resolver, and the one that its edition means would choose other features.
fn copy_published(package: &str, copy: &Path) {
    let source = published(package);
    copy_folder(&source.join("src"), &copy.join("src"));
    let manifest = fs::read_to_string(source.join("Cargo.toml")).expect("a package has a manifest");
    write(
        &copy.join("Cargo.toml"),
        format!("{manifest}\n[workspace]\nresolver = \"3\"\n").as_bytes(),
    );
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    // Cargo takes out of it what this package does not need.
    if !copy.join("Cargo.lock").exists() {
        write(
            &copy.join("Cargo.lock"),
            &fs::read(lock).expect("the workspace has one"),
        );
    }
}

/// Where cargo keeps the source of a package that the workspace depends on.
///
/// # Panics
///
/// If it does not.
pub fn published(package: &str) -> PathBuf {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        manifest_path: PathBuf,
    }
    let told = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap_or_else(|error| panic!("cannot start cargo: {error}"));
    let metadata: Metadata = serde_json::from_slice(&told.stdout)
        .unwrap_or_else(|error| panic!("cargo does not know the workspace: {error}"));
    let mut packages = metadata.packages.into_iter();
    let found = packages.find(|known| known.name == package);
    let manifest = found.map(|package| package.manifest_path);
    let folder = manifest.as_deref().and_then(Path::parent);
    folder
        .unwrap_or_else(|| panic!("the workspace does not depend on {package}"))
        .to_owned()
}

fn copy_folder(from: &Path, to: &Path) {
    let entries = fs::read_dir(from)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", from.display()));
    for entry in entries {
        let path = entry.expect("a folder that can be read").path();
        let copy = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() {
            copy_folder(&path, &copy);
        } else {
            write(&copy, &fs::read(&path).expect("source can be read"));
        }
    }
}

/// Unless it is there already: what is written is built again.
fn write(path: &Path, content: &[u8]) {
    if fs::read(path).is_ok_and(|there| there == content) {
        return;
    }
    let folder = path.parent().expect("a file is in a folder");
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, content))
        .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}
