//! The builds that are compared: each with its features, its `--cfg`, and the build it is measured against.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::cargo::{cargo, root};

/// One build of `stallscope-bench`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// Plain stable tokio.
    Bare,
    /// Plain tokio compiled with `--cfg tokio_unstable`, no hook installed.
    BareUnstable,
    /// stallscope, plain stable tokio.
    Core,
    /// stallscope with `--cfg tokio_unstable`.
    Hooks,
    /// console-subscriber, which needs `--cfg tokio_unstable`.
    Console,
}

impl Mode {
    pub(crate) const ALL: [Self; 5] = [
        Self::Bare,
        Self::BareUnstable,
        Self::Core,
        Self::Hooks,
        Self::Console,
    ];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Bare => "bare tokio",
            Self::BareUnstable => "bare, tokio_unstable",
            Self::Core => "stallscope core",
            Self::Hooks => "stallscope hooks",
            Self::Console => "console-subscriber",
        }
    }

    /// Bare tokio compiled with the same flags: what is added to it is the instrumentation's own price. What the flag
    /// itself adds stands in the rows of [`Mode::BareUnstable`].
    pub(crate) fn reference(self) -> Option<Self> {
        match self {
            Self::Bare => None,
            Self::BareUnstable | Self::Core => Some(Self::Bare),
            Self::Hooks | Self::Console => Some(Self::BareUnstable),
        }
    }

    fn feature(self) -> Option<&'static str> {
        match self {
            Self::Bare | Self::BareUnstable => None,
            Self::Core | Self::Hooks => Some("stallscope"),
            Self::Console => Some("console"),
        }
    }

    fn rustflags(self) -> &'static str {
        match self {
            Self::Bare | Self::Core => "",
            Self::BareUnstable | Self::Hooks | Self::Console => "--cfg tokio_unstable",
        }
    }

    /// Builds the mode's program below `target` and returns its path.
    ///
    /// A target directory for each mode, and no package but the bench, or cargo's feature unification would give bare
    /// tokio the features of the others.
    pub(crate) fn build(self, target: &Path) -> Result<PathBuf> {
        let name = self.to_possible_value().context("every mode has a name")?;
        let target = target.join("bench").join(name.get_name());
        let mut build = cargo();
        build.args(["build", "--release", "--package", "stallscope-bench"]);
        build.args(
            self.feature()
                .map(|feature| format!("--features={feature}")),
        );
        build.arg("--target-dir").arg(&target);
        build.env_remove("CARGO_ENCODED_RUSTFLAGS");
        build.env("RUSTFLAGS", self.rustflags());
        let status = build.status().context("cannot start cargo")?;
        ensure!(status.success(), "the build of {} failed", self.label());
        Ok(target.join("release").join("stallscope-bench"))
    }

    /// What an application adds to its `[dependencies]` for this mode, `None` if nothing.
    pub(crate) fn dependency(self) -> Option<String> {
        match self {
            Self::Bare | Self::BareUnstable => None,
            Self::Core | Self::Hooks => {
                let path = root().join("crates/stallscope");
                Some(format!("stallscope = {{ path = '{}' }}", path.display()))
            }
            Self::Console => Some("console-subscriber = \"0.5\"".to_owned()),
        }
    }
}
