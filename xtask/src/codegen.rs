//! `cargo xtask codegen`: the Rust types of `stallscope.proto`, written to `stallscope-wire/src/generated.rs`.
//!
//! The result is checked in, so that an application that depends on stallscope needs neither `protoc` nor a build
//! script. `--check`, which CI runs, fails when the checked-in file is not what the specification gives.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, anyhow, bail, ensure};
use prost_build::Module;

const HEADER: &str = "\
// Made from proto/stallscope.proto by `cargo xtask codegen`: change that file, not this one.
";

/// Write the Rust types of stallscope.proto.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail if the checked-in file is not what would be written.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let wire = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/stallscope-wire");
    let target = wire.join("src/generated.rs");
    let fresh = rustfmt(&generate(&wire.join("proto"))?)?;
    // A file that is missing or unreadable is not what it should be, whatever the reason.
    if fs::read_to_string(&target).is_ok_and(|present| present == fresh) {
        return Ok(());
    }
    ensure!(
        !args.check,
        "crates/stallscope-wire/src/generated.rs is not what stallscope.proto gives: run `cargo xtask codegen` and \
         commit the result"
    );
    fs::write(&target, fresh).with_context(|| format!("cannot write {}", target.display()))
}

/// The types as prost-build writes them, under our header.
fn generate(proto: &Path) -> anyhow::Result<String> {
    let files = protox::compile(["stallscope.proto"], [proto])
        // Its Debug text, unlike its Display, says in which line.
        .map_err(|error| anyhow!("stallscope.proto does not compile: {error:?}"))?;
    let requests = files
        .file
        .into_iter()
        .map(|file| (Module::from_protobuf_package_name(file.package()), file))
        .collect();
    let modules = prost_build::Config::new()
        // Its Debug hides the token: stallscope-wire/src/handshake.rs.
        .skip_debug(["stallscope.v1.Hello"])
        // Few findings have one, and it is most of their size: stallscope-wire/src/frame.rs.
        .boxed("stallscope.v1.Finding.span")
        .generate(requests)?;
    let mut modules = modules.into_values();
    let (Some(code), None) = (modules.next(), modules.next()) else {
        bail!("stallscope.proto must declare one package, with messages in it");
    };
    Ok(format!("{HEADER}{code}"))
}

/// `code` as `cargo fmt` wants it, so that it need not be exempted from the format check.
fn rustfmt(code: &str) -> anyhow::Result<String> {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--emit", "stdout"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start rustfmt: add it by `rustup component add rustfmt`")?;
    let mut stdin = rustfmt.stdin.take().context("rustfmt has no stdin")?;
    // rustfmt reads all of its input before it writes, so this cannot block on a full pipe.
    stdin
        .write_all(code.as_bytes())
        .context("rustfmt does not read its input")?;
    drop(stdin);
    let output = rustfmt.wait_with_output().context("rustfmt did not end")?;
    ensure!(
        output.status.success(),
        "rustfmt rejects the generated code: {}",
        output.status
    );
    String::from_utf8(output.stdout).context("rustfmt wrote no UTF-8")
}
