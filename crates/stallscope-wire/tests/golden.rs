//! The bytes of every kind of message. A change here is a change of the protocol: peers built before it must still cope.

mod samples;

use std::fmt::{Debug, Write};

use prost::{Message, UnknownEnumValue};
use stallscope_wire::frame::{Decoder, Limit, encode};
use stallscope_wire::message::{
    Certainty, Comparison, Field, Level, LockKind, LockMode, LockRole, LockSort, Outcome, Severity,
    SiteSort, TaskKind, TaskSort, TaskState, TierState,
};

#[test]
fn bytes_towards_the_agent() {
    insta::assert_snapshot!(golden(samples::to_agent(), Limit::TO_AGENT));
}

#[test]
fn bytes_towards_the_client() {
    insta::assert_snapshot!(golden(samples::to_client(), Limit::TO_CLIENT));
}

#[test]
fn numbers_of_enums() {
    let numbers = [
        names(|number| SiteSort::try_from(number).map(|value| value.as_str_name())),
        names(|number| TaskSort::try_from(number).map(|value| value.as_str_name())),
        names(|number| Field::try_from(number).map(|value| value.as_str_name())),
        names(|number| Comparison::try_from(number).map(|value| value.as_str_name())),
        names(|number| TierState::try_from(number).map(|value| value.as_str_name())),
        names(|number| TaskKind::try_from(number).map(|value| value.as_str_name())),
        names(|number| TaskState::try_from(number).map(|value| value.as_str_name())),
        names(|number| Outcome::try_from(number).map(|value| value.as_str_name())),
        names(|number| Level::try_from(number).map(|value| value.as_str_name())),
        names(|number| Severity::try_from(number).map(|value| value.as_str_name())),
        names(|number| Certainty::try_from(number).map(|value| value.as_str_name())),
        names(|number| LockSort::try_from(number).map(|value| value.as_str_name())),
        names(|number| LockKind::try_from(number).map(|value| value.as_str_name())),
        names(|number| LockMode::try_from(number).map(|value| value.as_str_name())),
        names(|number| LockRole::try_from(number).map(|value| value.as_str_name())),
    ];
    insta::assert_snapshot!(numbers.concat());
}

/// The numbers an enum gives a name to, one a line; `name_of` is its look-up.
fn names(name_of: impl Fn(i32) -> Result<&'static str, UnknownEnumValue>) -> String {
    (0..64)
        .filter_map(|number| Some(format!("{number:2} {}\n", name_of(number).ok()?)))
        .collect()
}

/// The frames of `samples` as a hex dump, each checked to be read back as what was written.
fn golden<M>(samples: Vec<(&str, M)>, limit: Limit) -> String
where
    M: Message + Default + Debug + PartialEq,
{
    let mut text = String::new();
    for (name, message) in samples {
        let frame = encode(&message, limit).unwrap();
        let mut decoder = Decoder::new(limit);
        decoder.push(&frame);
        assert_eq!(decoder.next_message(), Ok(Some(message)), "{name}");

        writeln!(text, "{name}").unwrap();
        for row in frame.chunks(16) {
            let hex: Vec<String> = row.iter().map(|byte| format!("{byte:02x}")).collect();
            let ascii: String = row
                .iter()
                .map(|&byte| {
                    if byte.is_ascii_graphic() {
                        char::from(byte)
                    } else {
                        '.'
                    }
                })
                .collect();
            writeln!(text, "  {:47}  {ascii}", hex.join(" ")).unwrap();
        }
    }
    text
}
