//! `stallscope doctor`: what can be seen in a process, what cannot, and what to do about it.

use std::io::Write;

use serde::Serialize;
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{Doctor, DoctorEntry, DoctorQuery, update};

use super::about::About;
use crate::cli::DoctorArgs;
use crate::client::Connection;
use crate::failure::Failure;
use crate::format::printable;
use crate::target::Target;

pub(crate) fn run(target: &Target, args: &DoctorArgs, out: &mut impl Write) -> Result<(), Failure> {
    let mut connection = Connection::open(target)?;
    let about = About::ask(&mut connection)?;
    let update::Body::Doctor(doctor) = connection.ask(Topic::Doctor(DoctorQuery {}))? else {
        return Err(connection.mismatch().into());
    };
    if args.json {
        about.write_json(out, &Answer::from(&doctor))
    } else {
        about.write_header(out)?;
        write_text(out, &doctor)
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    entries: Vec<EntryJson<'a>>,
}

#[derive(Serialize)]
struct EntryJson<'a> {
    level: &'static str,
    topic: &'a str,
    message: &'a str,
    /// `null` if nothing is to be done.
    advice: Option<&'a str>,
}

impl<'a> From<&'a Doctor> for Answer<'a> {
    fn from(doctor: &'a Doctor) -> Self {
        Answer {
            entries: doctor.entries.iter().map(EntryJson::from).collect(),
        }
    }
}

impl<'a> From<&'a DoctorEntry> for EntryJson<'a> {
    fn from(entry: &'a DoctorEntry) -> Self {
        EntryJson {
            level: entry.level().as_str(),
            topic: &entry.topic,
            message: &entry.message,
            advice: Some(entry.advice.as_str()).filter(|advice| !advice.is_empty()),
        }
    }
}

/// The advice stands below what it is about: both are sentences, and too long for columns.
fn write_text(out: &mut impl Write, doctor: &Doctor) -> Result<(), Failure> {
    writeln!(out)?;
    for entry in &doctor.entries {
        writeln!(
            out,
            "{:<8} {:<8} {}",
            entry.level().as_str(),
            printable(&entry.topic),
            printable(&entry.message)
        )?;
        if !entry.advice.is_empty() {
            writeln!(out, "{:<17} → {}", "", printable(&entry.advice))?;
        }
    }
    Ok(())
}
