//! `stallscope findings`: what was found wrong since the program started.

use std::io::Write;

use stallscope_wire::message::FindingsQuery;

use super::finding::{self, Answer, Snapshot};
use crate::cli::FindingsArgs;
use crate::client::Connection;
use crate::failure::Failure;
use crate::target::Target;

pub(crate) fn run(
    target: &Target,
    args: &FindingsArgs,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut connection = Connection::open(target)?;
    let query = FindingsQuery {
        with_info: args.all,
        ..FindingsQuery::default()
    };
    let mut snapshot = Snapshot::ask(&mut connection, query)?;
    snapshot.look_outside(connection.local_pid());
    if args.json {
        serde_json::to_writer(&mut *out, &Answer::new(&snapshot, None))?;
        writeln!(out)?;
    } else {
        snapshot.about.write_header(out)?;
        writeln!(out)?;
        finding::write(out, &snapshot, "so far")?;
    }
    Ok(())
}
