//! `cargo xtask ci`: everything that must hold before a change lands, in the order in which it fails fastest after the
//! tests. `.ci/run` calls it.

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::cargo::{Metadata, Package, cargo, metadata, root, stdout_of};

/// Run everything CI runs; stop at the first failure.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave out `cargo test --workspace`: it has just run.
    #[arg(long)]
    skip_tests: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let steps = steps(&metadata()?, &installed_targets()?);
    let wanted: Vec<_> = steps
        .iter()
        .filter(|step| !(args.skip_tests && step.is_readme_test()))
        .collect();
    let mut times = Vec::new();
    for (index, step) in wanted.iter().enumerate() {
        println!(
            "\n==> {} of {}: {}\n    {step}",
            index + 1,
            wanted.len(),
            step.name
        );
        times.push((&step.name, step.run()?));
    }
    println!("\nAll {} steps passed:", times.len());
    for (name, time) in times {
        println!("{:7.1} s  {name}", time.as_secs_f64());
    }
    Ok(())
}

/// What an application links: these must also hold on plain stable tokio.
const LIBRARIES: [&str; 4] = [
    "stallscope",
    "stallscope-macros",
    "stallscope-stack",
    "stallscope-wire",
];

/// Systems other than this one that are looked at where their standard library is installed.
const AARCH64: &str = "aarch64-unknown-linux-gnu";
const MUSL: &str = "x86_64-unknown-linux-musl";

/// Those of them whose standard library is here; of others it says how to get it.
fn installed_targets() -> Result<Vec<&'static str>> {
    let mut installed = Vec::new();
    for target in [AARCH64, MUSL] {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let library =
            stdout_of(Command::new(rustc).args(["--print", "target-libdir", "--target", target]))?;
        if Path::new(library.trim()).is_dir() {
            installed.push(target);
        } else {
            println!(
                "Left out: what is checked on {target}. To have it: rustup target add {target}"
            );
        }
    }
    Ok(installed)
}

/// One cargo command. It prints as what a person types to run it again.
#[derive(Debug)]
struct Step {
    name: String,
    environment: Vec<(&'static str, &'static str)>,
    arguments: Vec<String>,
}

fn steps(workspace: &Metadata, targets: &[&str]) -> Vec<Step> {
    let libraries = LIBRARIES
        .map(|library| format!("--package {library}"))
        .join(" ");
    let mut steps = vec![
        Step::new("the README's test command", "test --workspace"),
        Step::new("format", "fmt --all --check"),
        Step::new("generated protocol types", "xtask codegen --check"),
        Step::new("generated documentation", "xtask docs --check"),
        Step::new(
            "lints",
            "clippy --workspace --all-targets -- --deny warnings",
        ),
        Step::new(
            "documentation of libraries",
            "doc --workspace --no-deps --lib",
        )
        .env("RUSTDOCFLAGS", "-D warnings"),
        // On its own: the client's binary and the library share the name `stallscope`, and so the page.
        Step::new(
            "documentation of binaries",
            "doc --workspace --no-deps --bins",
        )
        .env("RUSTDOCFLAGS", "-D warnings"),
        Step::new(
            "core-tier lints",
            &format!("clippy {libraries} --all-targets -- --deny warnings"),
        )
        .core_tier(workspace),
        // With the feature that the workspace's tests leave off.
        Step::new(
            "core-tier tests",
            &format!("test {libraries} --features stallscope/tracing-subscriber"),
        )
        .core_tier(workspace),
        Step::new(
            "tests of tracing spans",
            "test --package stallscope --features tracing-subscriber spans",
        ),
        Step::new(
            "tests of async stacks",
            "test --package stallscope --features taskdump async_stack",
        ),
        Step::new(
            "lints with async stacks",
            "clippy --package stallscope --features taskdump --all-targets -- --deny warnings",
        ),
        Step::new(
            "models of what threads share without a lock",
            "test --package stallscope-models",
        )
        .built_with("--cfg loom", "loom", workspace),
        Step::new(
            "soak of the captures",
            "test --package stallscope-stack --test soak -- --nocapture",
        )
        .env("STALLSCOPE_SOAK_SECONDS", "20"),
    ];
    if targets.contains(&AARCH64) {
        steps.push(Step::new(
            "lints for aarch64",
            &format!("clippy {libraries} --package stallscope-attach --all-targets --target {AARCH64} -- --deny warnings"),
        ));
    }
    if targets.contains(&MUSL) {
        // Its C library has no unwind tables: the lines of what waits in it are found in another way.
        steps.push(Step::new(
            "stacks on musl",
            &format!("test --package stallscope-stack --target {MUSL}"),
        ));
        steps.push(Step::new(
            "long polls on musl",
            &format!("test --package stallscope --target {MUSL} --test sessions stalls"),
        ));
    }
    steps.extend(
        workspace
            .packages
            .iter()
            .flat_map(|package| feature_steps(package, workspace)),
    );
    steps
}

/// Lints with each feature of a package alone, and without those that are on by default: a feature must not lean on
/// another one that happens to be on, nor the rest on any.
fn feature_steps<'a>(
    package: &'a Package,
    workspace: &'a Metadata,
) -> impl Iterator<Item = Step> + 'a {
    let name = &package.name;
    package.features.keys().map(move |feature| {
        let (with, features) = match feature.as_str() {
            "default" => ("without features".to_owned(), String::new()),
            feature => (
                format!("with feature {feature} alone"),
                format!(" --features {feature}"),
            ),
        };
        let step = Step::new(
            &format!("lints of {name} {with}"),
            &format!(
                "clippy --package {name} --no-default-features{features} --all-targets -- --deny warnings"
            ),
        );
        if LIBRARIES.contains(&name.as_str()) {
            step.core_tier(workspace)
        } else {
            step
        }
    })
}

impl Step {
    /// `arguments` are separated by spaces.
    fn new(name: &str, arguments: &str) -> Self {
        Self {
            name: name.to_owned(),
            environment: Vec::new(),
            arguments: arguments.split(' ').map(str::to_owned).collect(),
        }
    }

    fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.push((name, value));
        self
    }

    /// Without `--cfg tokio_unstable`, as an application on plain stable tokio builds.
    fn core_tier(self, workspace: &Metadata) -> Self {
        self.built_with("", "core", workspace)
    }

    /// With these flags, in a directory of its own: other flags in the same one would rebuild everything, twice.
    fn built_with(mut self, flags: &'static str, directory: &str, workspace: &Metadata) -> Self {
        let target = workspace.target_directory.join(directory);
        let target = target
            .strip_prefix(root())
            .map(Path::to_path_buf)
            .unwrap_or(target);
        let at = 1.min(self.arguments.len());
        self.arguments.splice(
            at..at,
            ["--target-dir".to_owned(), target.display().to_string()],
        );
        self.env("RUSTFLAGS", flags)
    }

    fn is_readme_test(&self) -> bool {
        self.arguments == ["test", "--workspace"] && self.environment.is_empty()
    }

    fn run(&self) -> Result<Duration> {
        let start = Instant::now();
        let mut command = cargo();
        command
            .args(&self.arguments)
            .envs(self.environment.iter().copied());
        let status = command.status().context("cannot start cargo")?;
        if !status.success() {
            bail!(
                "{} failed after {:.0} s. To see it again:\n    {self}",
                self.name,
                start.elapsed().as_secs_f64()
            );
        }
        Ok(start.elapsed())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.environment {
            let quote = if value.contains(' ') { "'" } else { "" };
            write!(f, "{name}={quote}{value}{quote} ")?;
        }
        write!(f, "cargo {}", self.arguments.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Metadata {
        let features = |names: &[&str]| {
            names
                .iter()
                .map(|name| ((*name).to_owned(), Vec::new()))
                .collect()
        };
        Metadata {
            packages: vec![
                Package {
                    name: "stallscope".to_owned(),
                    features: features(&["default", "deep"]),
                },
                Package {
                    name: "stallscope-bench".to_owned(),
                    features: features(&["console"]),
                },
            ],
            target_directory: root().join("target"),
        }
    }

    #[test]
    fn a_step_prints_as_the_command_that_runs_it_again() {
        let printed: Vec<_> = steps(&workspace(), &[AARCH64, MUSL])
            .iter()
            .map(ToString::to_string)
            .collect();
        insta::assert_snapshot!(printed.join("\n"), @r"
        cargo test --workspace
        cargo fmt --all --check
        cargo xtask codegen --check
        cargo xtask docs --check
        cargo clippy --workspace --all-targets -- --deny warnings
        RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --lib
        RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --bins
        RUSTFLAGS= cargo clippy --target-dir target/core --package stallscope --package stallscope-macros --package stallscope-stack --package stallscope-wire --all-targets -- --deny warnings
        RUSTFLAGS= cargo test --target-dir target/core --package stallscope --package stallscope-macros --package stallscope-stack --package stallscope-wire --features stallscope/tracing-subscriber
        cargo test --package stallscope --features tracing-subscriber spans
        cargo test --package stallscope --features taskdump async_stack
        cargo clippy --package stallscope --features taskdump --all-targets -- --deny warnings
        RUSTFLAGS='--cfg loom' cargo test --target-dir target/loom --package stallscope-models
        STALLSCOPE_SOAK_SECONDS=20 cargo test --package stallscope-stack --test soak -- --nocapture
        cargo clippy --package stallscope --package stallscope-macros --package stallscope-stack --package stallscope-wire --package stallscope-attach --all-targets --target aarch64-unknown-linux-gnu -- --deny warnings
        cargo test --package stallscope-stack --target x86_64-unknown-linux-musl
        cargo test --package stallscope --target x86_64-unknown-linux-musl --test sessions stalls
        RUSTFLAGS= cargo clippy --target-dir target/core --package stallscope --no-default-features --features deep --all-targets -- --deny warnings
        RUSTFLAGS= cargo clippy --target-dir target/core --package stallscope --no-default-features --all-targets -- --deny warnings
        cargo clippy --package stallscope-bench --no-default-features --features console --all-targets -- --deny warnings
        ");
    }

    #[test]
    fn the_tests_of_the_readme_can_be_left_out_but_not_those_of_the_core_tier() {
        let steps = steps(&workspace(), &[]);
        let left_out: Vec<_> = steps.iter().filter(|step| step.is_readme_test()).collect();
        assert_eq!(left_out.len(), 1);
        assert_eq!(left_out[0].to_string(), "cargo test --workspace");
    }
}
