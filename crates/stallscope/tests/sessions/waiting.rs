//! Who keeps whom waiting is told with all lines, once, while it goes on; those who only take turns are not.

use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{
    Certainty, Finding, Location, LockKind, LockQuery, LockRole, LockWindow, Party, update,
};

use crate::programs::place_of;
use crate::support::{Client, Program};

fn is_at(location: Option<&Location>, mark: &str) -> bool {
    let (file, line) = place_of(mark);
    location.is_some_and(|at| at.file.ends_with(file) && at.line == line)
}

/// The finding of this rule at this line, as soon as there is one.
fn found(client: &mut Client, rule: &str, mark: &str) -> Finding {
    let found = client
        .finding_when(|finding| finding.rule == rule && is_at(finding.location.as_ref(), mark));
    assert_eq!(found.kind, "unsynchronized-state");
    assert_eq!(found.count, 1, "{found:#?}");
    assert!(found.ongoing, "{found:#?}");
    assert!(
        found
            .help
            .ends_with(&format!("unsynchronized-state-{rule}"))
    );
    found
}

fn has(parties: &[Party], role: LockRole, mark: &str, name: &str) -> bool {
    let is_it = |party: &Party| {
        let task = party.task.as_ref().map_or("", |task| task.name.as_str());
        party.role() == role && task == name && is_at(party.location.as_ref(), mark)
    };
    parties.iter().any(is_it)
}

#[test]
fn whoever_waits_for_good_is_told_with_all_lines() {
    let mut program = Program::start("waiting-for-good");
    let mut client = program.connect();

    let circle = found(&mut client, "deadlock", "circle: the journal is wanted");
    assert_eq!(circle.certainty(), Certainty::Proven);
    let task = circle.task.as_ref().expect("of a task");
    assert_eq!(task.name, "transfer");
    let expected = [
        (LockRole::Waits, "circle: the accounts are wanted", "audit"),
        (LockRole::Holds, "circle: the accounts are held", "transfer"),
        (LockRole::Holds, "circle: the journal is held", "audit"),
    ];
    for (role, mark, name) in expected {
        assert!(
            has(&circle.parties, role, mark, name),
            "{mark}: {circle:#?}"
        );
    }
    assert_eq!(circle.parties.len(), 3, "{circle:#?}");

    let aside = found(&mut client, "futurelock", "futurelock: put aside");
    assert_eq!(aside.certainty(), Certainty::Proven);
    assert!(
        has(&aside.parties, LockRole::Waits, "futurelock: behind it", ""),
        "{aside:#?}"
    );

    let convoy = found(&mut client, "convoy", "convoy: one at a time");
    assert_eq!(convoy.certainty(), Certainty::Likely);
    assert!((8..=9).contains(&convoy.queued_behind), "{convoy:#?}");

    let threads = client.finding_when(|finding| {
        let marks = ["threads: the one wants", "threads: the other wants"];
        let is_one = |mark: &&str| is_at(finding.location.as_ref(), mark);
        finding.rule == "deadlock" && marks.iter().any(is_one)
    });
    assert_eq!((threads.certainty(), threads.count), (Certainty::Proven, 1));
    assert_eq!(threads.task, None);

    let all = client.findings(false);
    assert_eq!(all.len(), 4, "{all:#?}");
    program.go_on();
}

#[test]
fn who_holds_what_and_who_waits_is_visible_at_any_time() {
    let mut program = Program::start("waiting-for-good");
    let mut client = program.connect();
    found(&mut client, "convoy", "convoy: one at a time");
    let lines = locks(&mut client, "transfer");
    let [accounts, journal] = lines.locks.as_slice() else {
        panic!("the locks of one task: {lines:#?}");
    };
    let [accounts, journal] = match accounts.kind() {
        LockKind::Mutex => [accounts, journal],
        _ => [journal, accounts],
    };
    assert_eq!(
        (accounts.kind(), journal.kind()),
        (LockKind::Mutex, LockKind::RwLock)
    );
    assert_eq!((accounts.queue, accounts.acquisitions), (1, 1));
    let holder = &accounts.holders[0];
    let party = holder.party.as_ref().expect("told");
    assert!(is_at(
        party.location.as_ref(),
        "circle: the accounts are held"
    ));
    assert!(holder.held_ns > 0);
    let waiter = journal.waiters[0].party.as_ref().expect("told");
    assert!(is_at(
        waiter.location.as_ref(),
        "circle: the journal is wanted"
    ));

    let all = locks(&mut client, "");
    assert_eq!(all.matched, 6, "{all:#?}");
    let longest = &all.locks[0];
    assert!(longest.queue >= 8, "{longest:#?}");
    assert!(
        longest.contended > 0 && longest.p99_wait_ns > 0,
        "{longest:#?}"
    );
    program.go_on();
}

fn locks(client: &mut Client, text: &str) -> LockWindow {
    let query = LockQuery {
        text: text.to_owned(),
        ..LockQuery::default()
    };
    match client.ask(Topic::Locks(query)) {
        Ok(update::Body::Locks(locks)) => locks,
        other => panic!("no locks: {other:?}"),
    }
}

#[test]
fn those_who_take_turns_are_never_told() {
    let mut program = Program::start("waiting-well");
    program.expect("all is done");
    let mut findings = program.connect().findings(false);
    findings.retain(|finding| finding.kind == "unsynchronized-state");
    assert_eq!(findings, []);
    program.go_on();
}
