//! What can be set? One table feeds the environment, `doctor` and docs/configuration.md.

use super::Config;
use super::values::{
    LEAK_GRACE, LEAK_WINDOW, LONG_POLL, STUCK_BLOCKING, listen, permission, seeds, switch,
};
use crate::dump::Signal;

/// One knob, as code, `doctor` and the guide know it.
#[derive(Debug)]
pub(crate) struct Knob {
    pub(crate) variable: &'static str,
    pub(crate) values: &'static str,
    pub(crate) default: &'static str,
    pub(crate) meaning: &'static str,
    /// Takes what was written, without the spaces around it, or says why not.
    pub(super) set: fn(&mut Config, &str) -> Result<(), String>,
}

/// All knobs.
pub(crate) const KNOBS: &[Knob] = &[
    Knob {
        variable: "STALLSCOPE",
        values: "on | off",
        default: "on",
        meaning: "off: every entry point does what tokio's would, and nothing else",
        set: |config, value| switch(value).map(|on| config.enabled = on),
    },
    Knob {
        variable: "STALLSCOPE_LISTEN",
        values: "unix:PATH | tcp:ADDRESS:PORT",
        default: "unix:$XDG_RUNTIME_DIR/stallscope/PID.sock, else unix:/tmp/stallscope-UID/PID.sock",
        meaning: "where clients connect; TCP needs STALLSCOPE_TOKEN",
        set: |config, value| listen(value).map(|listen| config.listen = listen),
    },
    Knob {
        variable: "STALLSCOPE_TOKEN",
        values: "TEXT",
        default: "none",
        meaning: "what a client over TCP has to present",
        set: |config, value| {
            config.token = Some(value.to_owned()).filter(|token| !token.is_empty());
            Ok(())
        },
    },
    Knob {
        variable: "STALLSCOPE_LONG_POLL",
        values: "a duration from 1ms to 60s: 20ms, 1s",
        default: "20ms",
        meaning: "how long a poll may hold a worker before it is a finding",
        set: |config, value| LONG_POLL.set(&mut config.long_poll, value),
    },
    Knob {
        variable: "STALLSCOPE_LEAK_WINDOW",
        values: "a duration from 2s to 55m: 5s, 10m",
        default: "10m",
        meaning: "how long the live tasks of a place have to rise before it is a finding",
        set: |config, value| LEAK_WINDOW.set(&mut config.leak_window, value),
    },
    Knob {
        variable: "STALLSCOPE_LEAK_GRACE",
        values: "a duration from 1s to 24h: 3s, 10m",
        default: "10m",
        meaning: "how long a task whose parent has ended may go without a poll before it is a finding",
        set: |config, value| LEAK_GRACE.set(&mut config.leak_grace, value),
    },
    Knob {
        variable: "STALLSCOPE_STUCK_BLOCKING",
        values: "a duration from 1s to 24h: 30s, 5m",
        default: "5m",
        meaning: "how long a closure of `spawn_blocking`, or one poll of a task, may run before it is a leak",
        set: |config, value| STUCK_BLOCKING.set(&mut config.stuck_blocking, value),
    },
    Knob {
        variable: "STALLSCOPE_DUMP_SIGNAL",
        values: "USR1 | USR2 | QUIT | the number of a real-time signal",
        default: "none",
        meaning: "the signal at which all worker and blocking threads are written to standard error, each with its stack",
        set: |config, value| Signal::parse(value).map(|signal| config.dump_signal = Some(signal)),
    },
    Knob {
        variable: "STALLSCOPE_CONTROL",
        values: "on | off",
        default: "off",
        meaning: "on: clients may abort tasks (`stallscope cancel`); off: they can only look",
        set: |config, value| permission(value).map(|allowed| config.control = allowed),
    },
    Knob {
        variable: "STALLSCOPE_MEMORY_WATCH",
        values: "on | off",
        default: "off",
        meaning: "on: bytes given to `sync::watch_memory` are watched by the hardware, which holds one of the application's threads for up to 1 ms, at most four times a second",
        set: |config, value| permission(value).map(|on| config.memory_watch = on),
    },
    Knob {
        variable: "STALLSCOPE_PERTURB",
        values: "a seed, or a range of them: 17, 0..200",
        default: "none",
        meaning: "with which seeds tests that have the argument `perturb` are run, in place of their own",
        set: |config, value| seeds(value).map(|seeds| config.perturb = Some(seeds)),
    },
];

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn the_default_that_is_told_is_the_one_that_holds() {
        let written = KNOBS
            .iter()
            .filter(|knob| knob.default != "none" && !knob.default.contains("else"));
        for knob in written {
            let mut config = Config::new();
            assert_eq!((knob.set)(&mut config, knob.default), Ok(()));
            assert_eq!(config, Config::new(), "{}", knob.variable);
        }
    }

    /// `UPDATE_DOCS=1 cargo test -p stallscope knobs` writes it anew.
    #[test]
    fn the_page_of_knobs_is_this_table() {
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
        let page = std::fs::read_to_string(&path).expect("the page of the repository");
        let (begin, end) = ("<!-- KNOBS: begin -->\n", "<!-- KNOBS: end -->");
        let (before, rest) = page
            .split_once(begin)
            .expect("the mark where the table begins");
        let (written, after) = rest.split_once(end).expect("the mark where it ends");
        let mut made = "| variable | values | default | meaning |\n|---|---|---|---|\n".to_owned();
        for knob in KNOBS {
            let cells =
                [knob.values, knob.default, knob.meaning].map(|cell| cell.replace('|', "\\|"));
            writeln!(made, "| `{}` | {} |", knob.variable, cells.join(" | "))
                .expect("a string takes it");
        }
        if std::env::var_os("UPDATE_DOCS").is_some() {
            let page = format!("{before}{begin}{made}{end}{after}");
            std::fs::write(&path, page).expect("docs/ can be written to");
            return;
        }
        assert_eq!(
            written, made,
            "docs/configuration.md is old: UPDATE_DOCS=1 cargo test -p stallscope knobs writes it anew"
        );
    }
}
