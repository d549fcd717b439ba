//! How values of the protocol are written: the one spelling that filters match and JSON shows.

pub mod stack;

use crate::message::{
    Certainty, Level, Outcome, Severity, Site, Span, TaskKind, TaskState, TierState,
};

/// The place of a site as `file:line:column`.
pub fn place(site: &Site) -> String {
    format!("{}:{}:{}", site.file, site.line, site.column)
}

/// A path as the compiler recorded it, without what says nothing: that of a crate from a registry begins with the crate, that of
/// the standard library with `library/`.
///
/// ```
/// use stallscope_wire::text::source_path;
///
/// assert_eq!(source_path("/home/me/.cargo/registry/src/a-1949cf8c/tokio-1.54.1/src/park.rs"), "tokio-1.54.1/src/park.rs");
/// assert_eq!(source_path("src/main.rs"), "src/main.rs");
/// ```
pub fn source_path(path: &str) -> &str {
    ["/registry/src/", "/rustc/"]
        .into_iter()
        .find_map(|above| path.split_once(above)?.1.split_once('/'))
        .map_or(path, |(_, below)| below)
}

/// A span with its fields, as `tracing` itself writes it: `request{user=7 path="/x"}`, `flush` without any.
pub fn span(span: &Span) -> String {
    match span.fields.as_str() {
        "" => span.name.clone(),
        fields => format!("{}{{{fields}}}", span.name),
    }
}

impl TaskKind {
    /// `root`, `task`, `blocking`, `local`; `unknown` for a kind this version has no name for.
    pub const fn as_str(self) -> &'static str {
        match self {
            TaskKind::Unknown => "unknown",
            TaskKind::Root => "root",
            TaskKind::Task => "task",
            TaskKind::Blocking => "blocking",
            TaskKind::Local => "local",
        }
    }
}

impl TaskState {
    /// `running`, `scheduled`, `idle`, `ended`; `unknown` for a state this version has no name for.
    pub const fn as_str(self) -> &'static str {
        match self {
            TaskState::Unknown => "unknown",
            TaskState::Running => "running",
            TaskState::Scheduled => "scheduled",
            TaskState::Idle => "idle",
            TaskState::Ended => "ended",
        }
    }
}

impl Outcome {
    /// `finished`, `panicked`, `aborted`; `unknown` for an outcome this version has no name for.
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Unknown => "unknown",
            Outcome::Finished => "finished",
            Outcome::Panicked => "panicked",
            Outcome::Aborted => "aborted",
        }
    }
}

impl TierState {
    /// `on`, `off`, `degraded`; `unknown` for a state this version has no name for.
    pub const fn as_str(self) -> &'static str {
        match self {
            TierState::Unknown => "unknown",
            TierState::On => "on",
            TierState::Off => "off",
            TierState::Degraded => "degraded",
        }
    }
}

impl Level {
    /// `ok`, `info`, `warning`; `unknown` for a level this version has no name for.
    pub const fn as_str(self) -> &'static str {
        match self {
            Level::Unknown => "unknown",
            Level::Ok => "ok",
            Level::Info => "info",
            Level::Warning => "warning",
        }
    }
}

impl Severity {
    /// `info`, `warning`, `high`; `unknown` for a severity this version has no name for.
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Unknown => "unknown",
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::High => "high",
        }
    }
}

impl Certainty {
    /// `likely`, `proven`; `unknown` for a certainty this version has no name for.
    pub const fn as_str(self) -> &'static str {
        match self {
            Certainty::Unknown => "unknown",
            Certainty::Likely => "likely",
            Certainty::Proven => "proven",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each spelling is the last part of the name in the .proto, in lower case.
    #[test]
    fn spellings_follow_the_specification() {
        fn follows(prefix: &str, name: &str, spelling: &str) {
            assert_eq!(format!("{prefix}{}", spelling.to_uppercase()), name);
        }
        for value in known::<TaskKind>() {
            follows("TASK_KIND_", value.as_str_name(), value.as_str());
        }
        for value in known::<TaskState>() {
            follows("TASK_STATE_", value.as_str_name(), value.as_str());
        }
        for value in known::<Outcome>() {
            follows("OUTCOME_", value.as_str_name(), value.as_str());
        }
        for value in known::<TierState>() {
            follows("TIER_STATE_", value.as_str_name(), value.as_str());
        }
        for value in known::<Level>() {
            follows("LEVEL_", value.as_str_name(), value.as_str());
        }
        for value in known::<Severity>() {
            follows("SEVERITY_", value.as_str_name(), value.as_str());
        }
        for value in known::<Certainty>() {
            follows("CERTAINTY_", value.as_str_name(), value.as_str());
        }
    }

    /// Every value of an enum, in the order of its numbers.
    fn known<E: TryFrom<i32>>() -> Vec<E> {
        let values: Vec<E> = (0..).map_while(|number| E::try_from(number).ok()).collect();
        assert!(values.len() >= 3);
        values
    }

    #[test]
    fn paths_begin_where_they_begin_to_tell_something() {
        let shown = [
            ("src/main.rs", "src/main.rs"),
            (
                "/home/me/.cargo/registry/src/a-registry-1949cf8c/tokio-1.54.1/src/park.rs",
                "tokio-1.54.1/src/park.rs",
            ),
            (
                "/rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/std/src/fs.rs",
                "library/std/src/fs.rs",
            ),
        ];
        for (path, begins) in shown {
            assert_eq!(source_path(path), begins);
        }
    }

    #[test]
    fn a_place_is_written_as_the_compiler_does() {
        let site = Site {
            id: 1,
            file: "src/main.rs".to_owned(),
            line: 63,
            column: 9,
        };
        assert_eq!(place(&site), "src/main.rs:63:9");
    }
}
