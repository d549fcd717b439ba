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

/// The first paragraph of clap's message names the culprit and what there is to choose from; the rest repeats the usage.
fn one_line(refused: &clap::Error) -> String {
    let message = refused.to_string();
    let paragraph: Vec<_> = message
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect();
    paragraph.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[derive(Debug, Parser)]
    struct Example {
        #[arg(long = "for", value_name = "DURATION", value_parser = crate::duration)]
        run_for: Option<Duration>,

        #[arg(long, value_name = "NAME", value_parser = ["one", "other"])]
        fault: Option<String>,
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
    fn where_there_is_a_choice_it_is_shown() {
        assert_eq!(
            refusal(&["example", "--fault", "none"]),
            "error: invalid value 'none' for '--fault <NAME>' [possible values: one, other]"
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
