//! What does the environment say, and what of it cannot be followed?

use std::ffi::OsString;
use std::fmt;

use super::knobs::KNOBS;
use super::{Config, Listen};

/// Something in the environment that could not be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint(pub(crate) String);

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Config {
    pub(super) fn with_variables(
        mut self,
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> (Self, Vec<Complaint>) {
        let mut complaints = Vec::new();
        for (name, value) in variables {
            let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
            let Some(knob) = KNOBS.iter().find(|knob| knob.variable == name) else {
                complaints.push(unknown(&name));
                continue;
            };
            if let Err(why) = (knob.set)(&mut self, value.trim()) {
                complaints.push(Complaint(format!(
                    "{name}={value}: {why}; expected {}",
                    knob.values
                )));
            }
        }
        if let (Listen::Tcp(address), None) = (&self.listen, &self.token) {
            complaints.push(Complaint(format!(
                "STALLSCOPE_LISTEN=tcp:{address}: a TCP port needs a token; set STALLSCOPE_TOKEN. Not listening"
            )));
            self.listen = Listen::Nowhere;
        }
        (self, complaints)
    }
}

fn unknown(name: &str) -> Complaint {
    let known: Vec<&str> = KNOBS.iter().map(|knob| knob.variable).collect();
    let closest = known
        .iter()
        .min_by_key(|known| distance(name, known))
        .filter(|known| distance(name, known) <= 3);
    Complaint(match closest {
        Some(closest) => format!("{name}: no such variable; did you mean {closest}?"),
        None => format!("{name}: no such variable; there are {}", known.join(", ")),
    })
}

/// How many letters have to change to get from one name to the other.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::dump::Signal;

    fn read(variables: &[(&str, &str)]) -> (Config, Vec<String>) {
        let variables = variables
            .iter()
            .map(|&(name, value)| (name.into(), value.into()));
        let (config, complaints) = Config::new().with_variables(variables);
        (
            config,
            complaints
                .into_iter()
                .map(|complaint| complaint.0)
                .collect(),
        )
    }

    #[test]
    fn off_is_off_however_it_is_spelled() {
        for value in ["off", "OFF", "0", "false", " no "] {
            assert!(!read(&[("STALLSCOPE", value)]).0.enabled, "{value}");
        }
    }

    #[test]
    fn a_mistyped_value_changes_nothing_and_is_told() {
        let (config, complaints) = read(&[("STALLSCOPE", "offf")]);
        assert_eq!(config, Config::new());
        assert_eq!(
            complaints,
            ["STALLSCOPE=offf: neither on nor off, so it stays on; expected on | off"]
        );
    }

    #[test]
    fn control_is_off_unless_it_is_asked_for() {
        let control = |value: &str| {
            let (config, complaints) = read(&[("STALLSCOPE_CONTROL", value)]);
            (config.control, complaints)
        };
        assert!(!Config::new().control);
        assert_eq!(control("on"), (true, vec![]));
        assert_eq!(control("off"), (false, vec![]));
        assert_eq!(control(""), (false, vec![]));
        let complaint =
            "STALLSCOPE_CONTROL=onn: neither on nor off, so it stays off; expected on | off";
        assert_eq!(control("onn"), (false, vec![complaint.to_owned()]));
    }

    #[test]
    fn a_mistyped_name_is_told_with_the_one_that_was_meant() {
        let (_, complaints) = read(&[("STALLSCOPE_LISTN", "unix:/x")]);
        assert_eq!(
            complaints,
            ["STALLSCOPE_LISTN: no such variable; did you mean STALLSCOPE_LISTEN?"]
        );
        let (_, complaints) = read(&[("STALLSCOPE_COLOUR", "red")]);
        assert!(
            complaints[0].starts_with("STALLSCOPE_COLOUR: no such variable; there are STALLSCOPE,"),
            "{complaints:?}"
        );
    }

    #[test]
    fn a_tcp_port_without_a_token_stays_closed() {
        let (config, complaints) = read(&[("STALLSCOPE_LISTEN", "tcp:127.0.0.1:6670")]);
        assert_eq!(config.listen, Listen::Nowhere);
        assert!(
            complaints[0].contains("set STALLSCOPE_TOKEN"),
            "{complaints:?}"
        );

        let (config, complaints) = read(&[
            ("STALLSCOPE_LISTEN", "tcp:127.0.0.1:6670"),
            ("STALLSCOPE_TOKEN", "x"),
        ]);
        assert_eq!(config.listen, Listen::Tcp(([127, 0, 0, 1], 6670).into()));
        assert_eq!(complaints, [] as [&str; 0]);
    }

    #[test]
    fn a_duration_has_a_unit_and_a_range() {
        let long_poll = |value: &str| {
            let (config, complaints) = read(&[("STALLSCOPE_LONG_POLL", value)]);
            (config.long_poll.as_millis(), complaints.len())
        };
        assert_eq!(long_poll("50ms"), (50, 0));
        assert_eq!(long_poll("2s"), (2000, 0));
        for bad in [
            "50",
            "0ms",
            "2h",
            "61s",
            "ms",
            "-5ms",
            "99999999999999999999s",
        ] {
            assert_eq!(long_poll(bad), (20, 1), "{bad}");
        }
    }

    #[test]
    fn seeds_are_one_or_a_range_that_is_not_empty() {
        let seeds = |value: &str| {
            let (config, complaints) = read(&[("STALLSCOPE_PERTURB", value)]);
            assert_eq!(config.perturb.is_none(), complaints.len() == 1, "{value}");
            config.perturb
        };
        assert_eq!(seeds("17"), Some(17..=17));
        assert_eq!(seeds("0..200"), Some(0..=199));
        for bad in ["5..5", "6..5", "0..0", "-1", "..", "all", ""] {
            assert_eq!(seeds(bad), None, "{bad}");
        }
    }

    #[test]
    fn each_duration_has_a_range_of_its_own() {
        let stuck = |value: &str| {
            let (config, complaints) = read(&[("STALLSCOPE_STUCK_BLOCKING", value)]);
            (config.stuck_blocking.as_secs(), complaints.len())
        };
        assert_eq!((stuck("4s"), stuck("2h")), ((4, 0), (7200, 0)));
        for bad in ["500ms", "25h", "5 min"] {
            assert_eq!(stuck(bad), (300, 1), "{bad}");
        }
        let in_code = Config::new().stuck_blocking(Duration::ZERO);
        assert_eq!(in_code.stuck_blocking, Duration::from_secs(1));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_signal_that_cannot_be_taken_is_told_and_none_is() {
        let read = |value: &str| read(&[("STALLSCOPE_DUMP_SIGNAL", value)]);
        let (config, complaints) = read("SIGUSR2");
        assert_eq!(
            (config.dump_signal, complaints.len()),
            (Some(Signal(libc::SIGUSR2)), 0)
        );
        let (config, complaints) = read("USR3");
        assert_eq!(config.dump_signal, None);
        assert_eq!(
            complaints,
            [
                "STALLSCOPE_DUMP_SIGNAL=USR3: no signal of that name; expected USR1 | USR2 | QUIT | the number of a real-time signal"
            ]
        );
        let (config, complaints) = read("SEGV");
        assert_eq!(config.dump_signal, None);
        assert!(
            complaints[0].contains("a fault of the program"),
            "{complaints:?}"
        );
        assert_eq!(Config::new().dump_signal, None);
    }

    #[test]
    fn an_address_that_is_none_is_told() {
        for value in ["6670", "unix:", "tcp:nowhere"] {
            let (config, complaints) = read(&[("STALLSCOPE_LISTEN", value)]);
            assert_eq!(
                (config.listen, complaints.len()),
                (Listen::Default, 1),
                "{value}"
            );
        }
    }
}
