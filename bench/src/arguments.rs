//! The numbers of a scenario, given as `name=number`.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};

/// What stood behind the scenario's name. Every number is required: the defaults live in `cargo xtask bench`.
pub(crate) struct Arguments(BTreeMap<String, usize>);

impl Arguments {
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Self> {
        let numbers = words.map(|word| {
            let (name, number) = word
                .split_once('=')
                .with_context(|| format!("`{word}` is not of the form name=number"))?;
            let number = number
                .parse()
                .with_context(|| format!("`{word}`: `{number}` is not a whole number"))?;
            Ok((name.to_owned(), number))
        });
        Ok(Self(numbers.collect::<Result<_>>()?))
    }

    pub(crate) fn count(&self, name: &str) -> Result<usize> {
        let count = self.0.get(name).copied();
        count.with_context(|| format!("this scenario needs `{name}=NUMBER`"))
    }

    pub(crate) fn millis(&self, name: &str) -> Result<Duration> {
        Ok(Duration::from_millis(self.count(name)? as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments> {
        Arguments::parse(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn numbers_are_found_by_name() {
        let arguments = parse(&["tasks=1000", "quiet_ms=250"]).unwrap();
        assert_eq!(arguments.count("tasks").unwrap(), 1000);
        assert_eq!(
            arguments.millis("quiet_ms").unwrap(),
            Duration::from_millis(250)
        );
    }

    #[test]
    fn what_is_missing_or_mistyped_is_named() {
        let missing = parse(&[]).unwrap().count("tasks").unwrap_err();
        assert_eq!(missing.to_string(), "this scenario needs `tasks=NUMBER`");
        let mistyped = parse(&["tasks=many"]).err().unwrap();
        assert_eq!(
            mistyped.to_string(),
            "`tasks=many`: `many` is not a whole number"
        );
    }
}
