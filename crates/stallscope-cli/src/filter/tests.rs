//! The filter language, by example and by property.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use stallscope_wire::message::{Comparison, Field, Term};

use super::fields::{FIELDS, Kind};
use super::{parse, reference};

/// The terms of a filter, as words.
fn read(text: &str) -> String {
    let filter = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let shown: Vec<_> = filter.terms().iter().map(show).collect();
    shown.join(", ")
}

fn show(term: &Term) -> String {
    let not = if term.negated { "not " } else { "" };
    let value = match term.number {
        0 if !matches!(
            term.field(),
            Field::Id
                | Field::Age
                | Field::Idle
                | Field::Polls
                | Field::Busy
                | Field::LongestPoll
                | Field::Worker
                | Field::Parent
        ) =>
        {
            format!("{:?}", term.text)
        }
        number => number.to_string(),
    };
    format!("{not}{:?} {:?} {value}", term.field(), term.comparison())
}

fn error(text: &str) -> String {
    parse(text).expect_err(text).to_string()
}

#[test]
fn words_are_looked_for_everywhere() {
    assert_eq!(
        read("db !Hyper"),
        r#"Any Contains "db", not Any Contains "Hyper""#
    );
    assert_eq!(
        read(r#""two words" "a \"b\"""#),
        r#"Any Contains "two words", Any Contains "a \"b\"""#
    );
    assert_eq!(read("  "), "");
}

#[test]
fn a_colon_does_not_make_a_field_of_a_path() {
    assert_eq!(read("db::pool"), r#"Any Contains "db::pool""#);
    assert_eq!(read("src/main.rs:63"), r#"Any Contains "src/main.rs:63""#);
    assert_eq!(read("\"handler:63\""), r#"Any Contains "handler:63""#);
}

#[test]
fn fields_are_compared_as_what_they_hold() {
    assert_eq!(
        read("state:idle kind=Root name:x name=\"\" site:main.rs:63"),
        "State Equal \"idle\", Kind Equal \"root\", Name Contains \"x\", Name Equal \"\", Site Contains \"main.rs:63\""
    );
    assert_eq!(
        read("busy>50ms age>3s polls<10 worker:1 !id=88 parent:0"),
        "Busy Above 50000000, Age Above 3000000000, Polls Below 10, Worker Equal 1, not Id Equal 88, Parent Equal 0"
    );
    assert_eq!(
        read("idle>1.5s longest-poll<100us idle>2m age<1h busy>7ns"),
        "Idle Above 1500000000, LongestPoll Below 100000, Idle Above 120000000000, Age Below 3600000000000, Busy Above 7"
    );
}

#[test]
fn a_mistake_is_told_with_its_column_and_what_was_expected() {
    let mistakes = [
        (
            "db state:sleeping",
            "column 10: expected `running`, `scheduled` or `idle` after `state:`, found `sleeping`",
        ),
        (
            "state:",
            "column 7: expected `running`, `scheduled` or `idle` after `state:`, found nothing",
        ),
        (
            "busy>50",
            "column 6: expected a time like `50ms`, `1.5s` or `2m` after `busy>`, found `50`",
        ),
        (
            "age:3s",
            "column 4: expected `>` or `<` after `age`, found `:`",
        ),
        (
            "polls>=10",
            "column 7: expected a whole number after `polls>`, found `=10`",
        ),
        (
            "worker:-1",
            "column 8: expected a whole number after `worker:`, found `-1`",
        ),
        (
            "id:18446744073709551616",
            "column 4: expected a whole number after `id:`, found `18446744073709551616`",
        ),
        (
            "name:",
            "column 6: expected text after `name:`, found nothing",
        ),
        ("a ! b", "column 4: expected a word or a field after `!`"),
        ("é \"open", "column 8: expected a closing `\"`"),
        (
            "\"a\"b",
            "column 4: expected a space after the closing `\"`",
        ),
        (
            "x foo:bar",
            "column 3: no field `foo`, expected `id`, `name`, `site`, `state`, `kind`, `age`, `idle`, `polls`, `busy`, \
             `longest-poll`, `worker` or `parent`; text that contains `:` goes in quotes",
        ),
    ];
    for (text, told) in mistakes {
        assert_eq!(error(text), told, "{text}");
    }
}

#[test]
fn the_page_names_every_field_and_its_examples_hold() {
    insta::assert_snapshot!(reference());
    for spec in FIELDS {
        read(spec.example);
    }
}

/// Made from the table; `UPDATE_DOCS=1` writes it anew.
#[test]
fn the_document_is_the_table() {
    let mut page = String::from(
        "# Filters\n\n\
         Made from `crates/stallscope-cli/src/filter/fields.rs` by `UPDATE_DOCS=1 cargo test -p stallscope-cli`; a test compares.\n\n\
         `stallscope ps --filter` and `/` in the terminal view take the same filters: terms separated by spaces, all of which must\n\
         hold. A word is looked for in name, place, kind, state and id. `!` in front of a term turns it around. Text with a space or\n\
         with the look of a field goes in quotes: `\"two words\"`. Times are written `100us`, `50ms`, `1.5s`, `2m` or `1h`. Upper and lower\n\
         case are the same.\n\n\
         | field | what it is | compared with | for instance |\n|---|---|---|---|\n",
    );
    page.extend(FIELDS.iter().map(|spec| {
        let operators: Vec<_> = spec
            .kind
            .operators()
            .iter()
            .map(|(operator, _)| format!("`{operator}`"))
            .collect();
        format!(
            "| `{}` | {} | {} | `{}` |\n",
            spec.name,
            spec.meaning,
            operators.join(" "),
            spec.example
        )
    }));
    page.push_str(
        "\n`:` means \"contains\" for text, and \"is\" for everything else; `=` means \"is\".\n",
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/filter.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).expect("docs/ can be written to");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/filter.md is old: UPDATE_DOCS=1 cargo test -p stallscope-cli writes it anew"
    );
}

#[test]
fn every_field_of_the_protocol_can_be_named() {
    let named = |field| field == Field::Any || FIELDS.iter().any(|spec| spec.field == field);
    for number in 1.. {
        match Field::try_from(number) {
            Ok(field) => assert!(named(field), "{field:?} has no name"),
            Err(_) => break,
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

proptest! {
    #[test]
    fn nothing_that_is_typed_makes_it_panic(text in "\\PC*") {
        if let Err(error) = parse(&text) {
            prop_assert!(error.column >= 1 && error.column <= text.chars().count() + 1);
        }
    }

    #[test]
    fn nor_does_what_looks_like_a_filter(
        text in "(!?(state|busy|polls|name|x)?[:=<>!\" ]?[a-z0-9.\"\\\\]{0,6}[ ]?){0,6}"
    ) {
        let _ = parse(&text);
    }

    #[test]
    fn quoted_text_arrives_as_it_was_meant(text in "\\PC*", negated: bool) {
        let mark = if negated { "!" } else { "" };
        let filter = parse(&format!("{mark}{}", quoted(&text))).expect("quoted");
        prop_assert_eq!(filter.terms(), [Term {
            field: Field::Any.into(),
            comparison: Comparison::Contains.into(),
            text,
            number: 0,
            negated,
        }]);
    }

    #[test]
    fn numbers_and_times_arrive_exactly(number: u64, milliseconds in 0..u64::MAX / 1_000_000) {
        for spec in FIELDS {
            let (value, wanted) = match spec.kind {
                Kind::Number => (number.to_string(), number),
                Kind::Duration => (format!("{milliseconds}ms"), milliseconds * 1_000_000),
                Kind::Text | Kind::Choice(_) => continue,
            };
            let filter = parse(&format!("{}>{value}", spec.name)).expect(&value);
            prop_assert_eq!(filter.terms()[0].number, wanted);
            prop_assert_eq!(filter.terms()[0].comparison(), Comparison::Above);
            prop_assert_eq!(filter.terms()[0].field(), spec.field);
        }
    }

    #[test]
    fn terms_stand_for_themselves(words in proptest::collection::vec("[a-z./]{1,8}", 0..6)) {
        let whole = parse(&words.join("  ")).expect("words");
        let single: Vec<_> = words.iter().flat_map(|word| parse(word).expect("a word").terms().to_vec()).collect();
        prop_assert_eq!(whole.terms(), single);
    }
}
