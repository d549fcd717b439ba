//! Does a task match a client's filter?

use std::collections::HashSet;

use stallscope_wire::message::{Comparison, Field, Term};
use stallscope_wire::text;

use super::source::{Row, Source, name_of};

/// A filter that has been understood.
pub(super) struct Filter {
    terms: Vec<Condition>,
}

struct Condition {
    negated: bool,
    test: Test,
}

enum Test {
    /// The text is in the name, place, kind, state or id; the places that contain it are known
    /// beforehand.
    Any(String, HashSet<u32>),
    Name(Text),
    Site(HashSet<u32>),
    State(Text),
    Kind(Text),
    Number(fn(&Row) -> Option<u64>, Comparison, u64),
}

struct Text {
    wanted: String,
    whole: bool,
}

impl Filter {
    /// Understands all terms or says which one it cannot apply.
    pub(super) fn new(terms: &[Term], source: &dyn Source) -> Result<Self, String> {
        let terms = terms
            .iter()
            .map(|term| Condition::new(term, source))
            .collect::<Result<_, _>>()?;
        Ok(Filter { terms })
    }

    /// Whether everything matches.
    pub(super) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    pub(super) fn matches(&self, row: &Row, source: &dyn Source) -> bool {
        self.terms
            .iter()
            .all(|term| term.test.holds(row, source) != term.negated)
    }
}

impl Condition {
    fn new(term: &Term, source: &dyn Source) -> Result<Self, String> {
        let wanted = Text {
            wanted: term.text.to_lowercase(),
            whole: term.comparison() == Comparison::Equal,
        };
        let places = || places_with(&wanted, source);
        let number: fn(&Row) -> Option<u64> = match term.field() {
            Field::Id => |row| Some(row.id),
            Field::Age => |row| Some(row.age),
            Field::Idle => |row| Some(row.idle),
            Field::Polls => |row| Some(row.polls),
            Field::Busy => |row| Some(row.busy),
            Field::LongestPoll => |row| Some(row.longest),
            Field::Worker => |row| row.worker.map(u64::from),
            Field::Parent => |row| row.parent,
            _ => |_| None,
        };
        let is_text = matches!(term.comparison(), Comparison::Contains | Comparison::Equal);
        let is_number = matches!(
            term.comparison(),
            Comparison::Equal | Comparison::Above | Comparison::Below
        );
        let test = match term.field() {
            Field::Any if is_text => Test::Any(wanted.wanted.clone(), places()),
            Field::Site if is_text => Test::Site(places()),
            Field::Name if is_text => Test::Name(wanted),
            Field::State if is_text => Test::State(wanted),
            Field::Kind if is_text => Test::Kind(wanted),
            Field::Unknown => {
                return Err(format!(
                    "this application does not know field {} of a filter: leave that term out, or upgrade stallscope there",
                    term.field
                ));
            }
            Field::Any | Field::Site | Field::Name | Field::State | Field::Kind => {
                return Err(format!(
                    "{:?} is a text: it can be contained or equal, not above or below",
                    term.field()
                ));
            }
            _ if is_number => Test::Number(number, term.comparison(), term.number),
            _ => {
                return Err(format!(
                    "{:?} is a number: it can be equal, above or below",
                    term.field()
                ));
            }
        };
        Ok(Condition {
            negated: term.negated,
            test,
        })
    }
}

impl Test {
    fn holds(&self, row: &Row, source: &dyn Source) -> bool {
        match self {
            Test::Any(wanted, places) => {
                places.contains(&row.site)
                    || row.id.to_string().contains(wanted)
                    || row.state.as_str().contains(wanted)
                    || row.kind.as_str().contains(wanted)
                    || name_of(row, source).is_some_and(|name| name.to_lowercase().contains(wanted))
            }
            Test::Name(text) => text.is_in(&name_of(row, source).unwrap_or_default()),
            Test::Site(places) => places.contains(&row.site),
            Test::State(text) => text.is_in(row.state.as_str()),
            Test::Kind(text) => text.is_in(row.kind.as_str()),
            Test::Number(number, comparison, wanted) => {
                number(row).is_some_and(|number| match comparison {
                    Comparison::Above => number > *wanted,
                    Comparison::Below => number < *wanted,
                    _ => number == *wanted,
                })
            }
        }
    }
}

impl Text {
    fn is_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        if self.whole {
            text == self.wanted
        } else {
            text.contains(&self.wanted)
        }
    }
}

fn places_with(text: &Text, source: &dyn Source) -> HashSet<u32> {
    let sites = source.sites();
    sites
        .iter()
        .filter(|site| text.is_in(&text::place(site)))
        .map(|site| site.id)
        .collect()
}

#[cfg(test)]
mod tests {
    use stallscope_wire::message::TaskState;

    use super::super::source::fake::Fake;
    use super::*;

    fn tasks() -> Fake {
        let mut fake = Fake {
            files: vec!["src/db.rs", "src/web.rs"],
            names: vec![(3, "DB writer")],
            ..Fake::default()
        };
        fake.add(0, None, 0);
        fake.add(1, Some(0), 1);
        fake.add(2, Some(0), 2).state = TaskState::Running;
        fake.add(3, Some(2), 2).named = true;
        fake
    }

    fn matching(terms: &[Term]) -> Vec<u64> {
        let fake = tasks();
        let filter = Filter::new(terms, &fake).expect("a filter that can be applied");
        fake.rows
            .iter()
            .filter(|row| filter.matches(row, &fake))
            .map(|row| row.id)
            .collect()
    }

    fn text(field: Field, wanted: &str) -> Term {
        let comparison = Comparison::Contains.into();
        Term {
            field: field.into(),
            comparison,
            text: wanted.to_owned(),
            ..Term::default()
        }
    }

    fn number(field: Field, comparison: Comparison, number: u64) -> Term {
        Term {
            field: field.into(),
            comparison: comparison.into(),
            number,
            ..Term::default()
        }
    }

    #[test]
    fn a_word_is_looked_for_everywhere_whatever_its_case() {
        assert_eq!(matching(&[text(Field::Any, "dB")]), [1, 3]);
        assert_eq!(matching(&[text(Field::Any, "running")]), [2]);
        assert_eq!(matching(&[text(Field::Any, "root")]), [0]);
    }

    #[test]
    fn all_terms_must_hold_and_a_term_can_be_negated() {
        let web = text(Field::Site, "web.rs");
        assert_eq!(matching(std::slice::from_ref(&web)), [2, 3]);
        assert_eq!(
            matching(&[web.clone(), number(Field::Busy, Comparison::Above, 20)]),
            [3]
        );
        assert_eq!(
            matching(&[Term {
                negated: true,
                ..web
            }]),
            [0, 1]
        );
        assert_eq!(
            matching(&[number(Field::Parent, Comparison::Equal, 2)]),
            [3]
        );
        assert_eq!(matching(&[text(Field::Site, "web.rs:2:5")]), [2, 3]);
    }

    #[test]
    fn a_term_that_cannot_be_applied_is_an_error_and_never_ignored() {
        let fake = tasks();
        let strange = Term {
            field: 99,
            ..text(Field::Any, "x")
        };
        let error = Filter::new(&[strange], &fake)
            .err()
            .expect("field 99 does not exist");
        assert!(error.contains("field 99"), "{error}");
        for (field, comparison) in [
            (Field::Name, Comparison::Above),
            (Field::Age, Comparison::Contains),
        ] {
            let term = number(field, comparison, 1);
            assert!(
                Filter::new(&[term], &fake).is_err(),
                "{field:?} {comparison:?}"
            );
        }
    }
}
