//! Filters of spawn places: the same language, of which only words and the field `site` make sense.

use stallscope_wire::message::{Comparison, Field, Site, Term};
use stallscope_wire::text::place;

use super::parse;

/// Conditions on a place that must all hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PlaceFilter(Vec<Term>);

impl PlaceFilter {
    /// Reads a filter. The empty one matches everything; the error is a sentence.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let filter = parse(text).map_err(|error| error.to_string())?;
        let of_places = |term: &&Term| matches!(term.field(), Field::Any | Field::Site);
        match filter.terms().iter().find(|term| !of_places(term)) {
            None => Ok(PlaceFilter(filter.0)),
            Some(_) => Err(
                "a place has no field but `site`: `stallscope ps --filter` finds tasks by the others"
                    .to_owned(),
            ),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Without regard to case, as the agent does it for tasks.
    pub(crate) fn matches(&self, site: &Site) -> bool {
        let place = place(site).to_lowercase();
        self.0.iter().all(|term| {
            let text = term.text.to_lowercase();
            let holds = match term.comparison() {
                Comparison::Equal => place == text,
                _ => place.contains(&text),
            };
            holds != term.negated
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(filter: &str) -> bool {
        let site = Site {
            id: 1,
            file: "app/src/Session.rs".to_owned(),
            line: 88,
            column: 9,
        };
        let filter = PlaceFilter::parse(filter).expect(filter);
        filter.matches(&site)
    }

    #[test]
    fn words_and_sites_are_looked_for_in_the_place() {
        for filter in [
            "",
            "session",
            "\"rs:88\"",
            "site:app/",
            "site=app/src/session.rs:88:9",
            "!db session",
        ] {
            assert!(matches(filter), "{filter}");
        }
        for filter in ["db", "site=app/src/session.rs:88", "!session", "session db"] {
            assert!(!matches(filter), "{filter}");
        }
    }

    #[test]
    fn what_a_place_has_not_is_refused() {
        for filter in ["age>3s", "session !state:idle"] {
            let told = PlaceFilter::parse(filter).expect_err(filter);
            assert!(told.contains("no field but `site`"), "{told}");
        }
    }
}
