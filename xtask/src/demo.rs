//! `cargo xtask demo`, also `cargo demo`: the terminal client on the demo service, both built in release.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::cargo::{cargo, metadata};

/// Start the demo service and open the terminal client on it.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> Result<()> {
    let status = cargo()
        .args([
            "build",
            "--release",
            "--package",
            "hybrid-service",
            "--package",
            "stallscope-cli",
        ])
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "the demo does not build: see above");

    let release = metadata()?.target_directory.join("release");
    let mut demo = Command::new(release.join("stallscope"));
    demo.args(["run", "--"]).arg(release.join("hybrid-service"));
    replace_by(demo)
}

/// Becomes that program: the terminal and its signals are then the client's alone.
#[cfg(unix)]
fn replace_by(mut program: Command) -> Result<()> {
    use std::os::unix::process::CommandExt;

    let error = program.exec();
    Err(error).with_context(|| format!("cannot start {}", program.get_program().display()))
}

#[cfg(not(unix))]
fn replace_by(mut program: Command) -> Result<()> {
    let status = program
        .status()
        .context("cannot start the terminal client")?;
    ensure!(status.success(), "the terminal client ended with {status}");
    Ok(())
}
