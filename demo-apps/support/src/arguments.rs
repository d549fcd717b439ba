//! The command line: parsed by clap, refused in one line.

use clap::Parser;

/// The arguments of this process.
///
/// `--help` and `--version` print and end the process with status 0; a mistake is one line on stderr and status 2.
pub fn arguments<A: Parser>() -> A {
    A::try_parse().unwrap_or_else(|refused| {
        if !refused.use_stderr() {
            refused.exit();
        }
        eprintln!("{}", one_line(&refused));
        std::process::exit(2);
    })
}

/// The first line of clap's message names the culprit; the rest repeats the usage.
fn one_line(refused: &clap::Error) -> String {
    let message = refused.to_string();
    message
        .lines()
        .next()
        .unwrap_or("error: the arguments were not understood")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[derive(Debug, Parser)]
    struct Example {
        #[arg(long = "for", value_name = "DURATION", value_parser = crate::duration)]
        run_for: Option<Duration>,
    }

    fn refusal(arguments: &[&str]) -> String {
        one_line(&Example::try_parse_from(arguments).expect_err("these arguments are wrong"))
    }

    #[test]
    fn a_bad_value_is_named_with_its_flag_and_what_was_expected() {
        assert_eq!(
            refusal(&["example", "--for", "soon"]),
            "error: invalid value 'soon' for '--for <DURATION>': a duration is a whole number and a unit, \
             for instance 250ms, 30s, 5m or 1h",
        );
    }

    #[test]
    fn an_unknown_flag_is_named() {
        assert_eq!(
            refusal(&["example", "--fro", "3s"]),
            "error: unexpected argument '--fro' found"
        );
    }
}
