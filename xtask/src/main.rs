//! What CI runs, benchmarks and generated files: `cargo xtask COMMAND`. One file per command.

mod attach_demos;
mod attach_matrix;
mod bench;
mod cargo;
mod ci;
mod codegen;
mod demo;
mod docs;

use clap::Parser;

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::AttachDemos(args) => attach_demos::run(&args),
        Command::AttachMatrix(args) => attach_matrix::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Ci(args) => ci::run(&args),
        Command::Codegen(args) => codegen::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Docs(args) => docs::run(&args),
    }
}

/// What CI runs, benchmarks and generated files.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Command {
    AttachDemos(attach_demos::Args),
    AttachMatrix(attach_matrix::Args),
    Bench(bench::Args),
    Ci(ci::Args),
    Codegen(codegen::Args),
    Demo(demo::Args),
    Docs(docs::Args),
}
