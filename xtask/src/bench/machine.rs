//! On what a run was measured: the machine and the versions of everything that was built.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::cargo::{cargo, stdout_of};

#[derive(Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) system: String,
    pub(crate) rustc: String,
    /// Version by package.
    pub(crate) packages: BTreeMap<String, String>,
}

/// The packages whose version decides about the result.
const PACKAGES: [&str; 3] = ["tokio", "stallscope", "console-subscriber"];

pub(crate) fn describe() -> Result<Machine> {
    let cpus = fs::read_to_string("/proc/cpuinfo").context("the bench runs on Linux")?;
    Ok(Machine {
        cpu: field(&cpus, "model name").unwrap_or("unknown").to_owned(),
        cores: std::thread::available_parallelism()?.get(),
        memory_gib: memory_kib("MemTotal")? >> 20,
        system: format!("Linux {}", kernel()?),
        rustc: stdout_of(Command::new("rustc").arg("--version"))?
            .trim()
            .to_owned(),
        packages: PACKAGES
            .iter()
            .map(|name| Ok(((*name).to_owned(), version(name)?)))
            .collect::<Result<_>>()?,
    })
}

/// UTC, `2026-11-20`.
pub(crate) fn today() -> Result<String> {
    Ok(stdout_of(Command::new("date").args(["-u", "+%F"]))?
        .trim()
        .to_owned())
}

/// Bytes that can be had without swapping.
pub(crate) fn available_memory() -> Result<u64> {
    Ok(memory_kib("MemAvailable")? * 1024)
}

/// The release of the kernel, without what the distributor added.
fn kernel() -> Result<String> {
    let release = stdout_of(Command::new("uname").arg("-r"))?;
    Ok(release
        .trim()
        .split('-')
        .next()
        .unwrap_or_default()
        .to_owned())
}

fn memory_kib(name: &str) -> Result<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo")?;
    let kib = field(&meminfo, name).and_then(|value| value.strip_suffix(" kB")?.parse().ok());
    kib.with_context(|| format!("/proc/meminfo has no `{name}: … kB` line"))
}

/// The value of the first line `name: value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim())
}

fn version(package: &str) -> Result<String> {
    let id = stdout_of(cargo().args(["pkgid", package]))?;
    // `…#name@1.2.3`, or `…#1.2.3` where the path ends in the name.
    let version = id.trim().rsplit(['#', '@']).next();
    Ok(version.unwrap_or("unknown").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let text = "processor\t: 0\nmodel\t\t: 167\nmodel name\t: Example CPU @ 2 GHz\n";
        assert_eq!(field(text, "model name"), Some("Example CPU @ 2 GHz"));
        assert_eq!(field(text, "name"), None);
    }
}
