//! What is counted of a million tasks agrees with what tokio has counted, and nothing of it stays.

use std::ffi::OsStr;

use stallscope_wire::message::{SiteQuery, SiteStats, subscribe::Topic, update};

use crate::programs::{flood, place_of};
use crate::support::{Client, Program, patiently};

/// What the program may keep of a million tasks, kilobytes: their records alone would be 64 MB.
const KEPT: u64 = 4 * 1024;

fn number(line: &str) -> u64 {
    let last = line.split_whitespace().last();
    last.and_then(|last| last.parse().ok()).expect("a number")
}

fn at(client: &mut Client, mark: &str) -> SiteStats {
    let (file, line) = place_of(mark);
    let sites = match client.ask(Topic::Sites(SiteQuery::default())) {
        Ok(update::Body::Sites(window)) => window.sites,
        other => panic!("no places: {other:?}"),
    };
    let is_it = |stats: &SiteStats| {
        let site = stats.site.as_ref();
        site.is_some_and(|site| site.file.ends_with(file) && site.line == line)
    };
    sites.into_iter().find(is_it).expect("the place")
}

#[test]
fn a_million_tasks_are_counted_as_tokio_counts_them_and_leave_no_memory_behind() {
    // On a busy machine some poll is kept for long enough to be a finding, and what is read to name its line is kept for a while: another
    // memory than the one that is looked at here.
    let no_stalls = ("STALLSCOPE_LONG_POLL", OsStr::new("60s"));
    let mut program = Program::start_with("flood", [no_stalls]);
    let before = number(&program.expect("resident"));
    program.go_on();
    program.expect("resident");
    let mut client = program.connect();
    let stays = flood::TASKS / flood::STAYS;
    let place = at(&mut client, "flood: spawned here");
    assert_eq!((place.spawned, place.live), (flood::TASKS, stays));
    assert_eq!(client.overview().runtimes.len(), 1);
    program.go_on();
    #[cfg(tokio_unstable)]
    assert_eq!(number(&program.expect("tokio spawned")), flood::TASKS);
    assert_eq!(number(&program.expect("tokio alive")), stays);
    let after = patiently(|| {
        program.go_on();
        let now = number(&program.expect("resident"));
        if now <= before + KEPT {
            Ok(now)
        } else {
            Err(format!("{before} kB before, {now} kB after"))
        }
    });
    println!("{before} kB before, {after} kB after a million tasks");
}
