//! The filter language of `ps --filter` and of the terminal view: text in, conditions for the agent out.
//!
//! ```text
//! filter = term*                        separated by spaces; all must hold
//! term   = ["!"] (word | field value)   "!" negates
//! field  = name operator                operator is one of : = > <
//! word   = text | '"' text '"'          a part of the name, place, kind, state or id
//! ```
//!
//! What a field can be compared with is in [`FIELDS`]: parser, help and documentation are made from that one table.

mod fields;
mod place;
mod scan;
#[cfg(test)]
mod tests;

use std::fmt;

use stallscope_wire::message::{Comparison, Field, Site, Term};
use stallscope_wire::text::place;

use crate::time;
pub(crate) use fields::reference;
use fields::{FIELDS, FieldSpec, Kind, one_of};
pub(crate) use place::PlaceFilter;
use scan::{Scanner, Subject, Token, Value};

/// Conditions that must all hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Filter(Vec<Term>);

impl Filter {
    pub(crate) fn terms(&self) -> &[Term] {
        &self.0
    }
}

/// The filter that matches the tasks of one place.
pub(crate) fn spawned_at(site: &Site) -> String {
    let mut quoted = String::new();
    for c in place(site).chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    if quoted.contains(char::is_whitespace) || quoted.contains('\\') {
        format!("site=\"{quoted}\"")
    } else {
        format!("site={quoted}")
    }
}

/// What is wrong with a filter, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilterError {
    /// Counted in characters from 1.
    pub(crate) column: usize,
    /// What was expected there.
    pub(crate) message: String,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.message)
    }
}

impl std::error::Error for FilterError {}

/// Reads a filter. The empty one matches everything.
pub(crate) fn parse(text: &str) -> Result<Filter, FilterError> {
    let mut scanner = Scanner::new(text);
    let mut terms = Vec::new();
    while let Some(token) = scanner.next_token()? {
        terms.push(term(token)?);
    }
    Ok(Filter(terms))
}

fn term(token: Token) -> Result<Term, FilterError> {
    let Token {
        negated,
        subject,
        value,
    } = token;
    let condition = match subject {
        None => Condition {
            field: Field::Any,
            comparison: Comparison::Contains,
            text: value.text,
            number: 0,
        },
        Some(subject) => condition(&subject, &value)?,
    };
    Ok(Term {
        field: condition.field.into(),
        comparison: condition.comparison.into(),
        text: condition.text,
        number: condition.number,
        negated,
    })
}

/// A term, but for its negation.
struct Condition {
    field: Field,
    comparison: Comparison,
    text: String,
    number: u64,
}

fn condition(subject: &Subject, value: &Value) -> Result<Condition, FilterError> {
    let spec = FIELDS
        .iter()
        .find(|spec| spec.name.eq_ignore_ascii_case(&subject.name))
        .ok_or_else(|| unknown_field(subject))?;
    let comparison = comparison(spec, subject)?;
    let (text, number) = read(spec.kind, value).map_err(|expected| FilterError {
        column: value.column,
        message: format!(
            "expected {expected} after `{}{}`, found {}",
            spec.name,
            subject.operator,
            found(value)
        ),
    })?;
    Ok(Condition {
        field: spec.field,
        comparison,
        text,
        number,
    })
}

fn comparison(spec: &FieldSpec, subject: &Subject) -> Result<Comparison, FilterError> {
    let operators = spec.kind.operators();
    operators
        .iter()
        .find(|(operator, _)| *operator == subject.operator)
        .map(|(_, comparison)| *comparison)
        .ok_or_else(|| {
            let allowed: Vec<_> = operators.iter().map(|(operator, _)| *operator).collect();
            FilterError {
                column: subject.operator_column,
                message: format!(
                    "expected {} after `{}`, found `{}`",
                    one_of(&allowed),
                    spec.name,
                    subject.operator
                ),
            }
        })
}

/// The value as text or as a number; otherwise what was expected in its place.
fn read(kind: Kind, value: &Value) -> Result<(String, u64), String> {
    let text = value.text.as_str();
    match kind {
        Kind::Text if text.is_empty() && !value.quoted => Err("text".to_owned()),
        Kind::Text => Ok((text.to_owned(), 0)),
        Kind::Choice(choices) => choices
            .iter()
            .find(|choice| choice.eq_ignore_ascii_case(text))
            .map(|choice| ((*choice).to_owned(), 0))
            .ok_or_else(|| one_of(choices)),
        Kind::Number => text
            .parse()
            .map(|number| (String::new(), number))
            .map_err(|_| "a whole number".to_owned()),
        Kind::Duration => time::parse(text)
            .map(|ns| (String::new(), ns))
            .ok_or_else(|| "a time like `50ms`, `1.5s` or `2m`".to_owned()),
    }
}

fn found(value: &Value) -> String {
    if value.text.is_empty() {
        "nothing".to_owned()
    } else {
        format!("`{}`", value.text)
    }
}

fn unknown_field(subject: &Subject) -> FilterError {
    let names: Vec<_> = FIELDS.iter().map(|spec| spec.name).collect();
    FilterError {
        column: subject.column,
        message: format!(
            "no field `{}`, expected {}; text that contains `{}` goes in quotes",
            subject.name,
            one_of(&names),
            subject.operator
        ),
    }
}
