//! Which process is this, and which versions of tokio and stallscope run in it?

use std::panic::Location;
use std::path::Path;

use stallscope_wire::message::Process;

use crate::recorder::RECORDER;

/// `control`: whether clients may change what it does.
pub(super) fn process(control: bool) -> Process {
    let program = std::env::current_exe().ok();
    let name = program
        .as_deref()
        .and_then(Path::file_name)
        .map(|name| name.to_string_lossy().into_owned());
    Process {
        pid: std::process::id(),
        program: name.unwrap_or_else(|| "unknown".to_owned()),
        tokio_version: tokio_version(),
        stallscope_version: env!("CARGO_PKG_VERSION").to_owned(),
        started_unix_ns: u64::try_from(RECORDER.clock().started_unix().as_nanos())
            .unwrap_or(u64::MAX),
        control,
    }
}

/// tokio has no constant for its version, but its source lies in a directory named after it, and a
/// function of ours that tokio calls directly may ask where the call stands.
fn tokio_version() -> String {
    let mut file = "";
    tokio::runtime::Builder::new_current_thread().thread_name(WhoCalls(&mut file));
    version_in(file).unwrap_or("unknown").to_owned()
}

struct WhoCalls<'a>(&'a mut &'static str);

// `From` would put core's blanket `Into` between tokio and us, and that would be the caller.
#[allow(clippy::from_over_into)]
impl Into<String> for WhoCalls<'_> {
    #[track_caller]
    fn into(self) -> String {
        *self.0 = Location::caller().file();
        String::new()
    }
}

/// `…/tokio-1.54.1/src/…` → `1.54.1`
fn version_in(path: &str) -> Option<&str> {
    path.split(['/', '\\'])
        .filter_map(|part| part.strip_prefix("tokio-"))
        .find(|version| version.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokio_tells_its_version_by_its_path() {
        let version = tokio_version();
        let parts: Vec<u32> = version
            .split('.')
            .filter_map(|part| part.parse().ok())
            .collect();
        assert!(
            parts.len() == 3 && parts[0] == 1 && parts[1] >= 54,
            "{version}"
        );
    }

    #[test]
    fn a_path_without_a_version_gives_none() {
        assert_eq!(
            version_in("/a/registry/src/tokio-1.54.1/src/runtime/builder.rs"),
            Some("1.54.1")
        );
        assert_eq!(
            version_in("/home/me/tokio/tokio/src/runtime/builder.rs"),
            None
        );
        assert_eq!(version_in("/a/tokio-util-0.7/src/x.rs"), None);
    }
}
