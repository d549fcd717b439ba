//! Findings as they come, grow and end.

use stallscope_wire::message::{FindingTask, Frame, Severity, Site};

use super::*;

const MS: u64 = 1_000_000;

fn frame(function: &str, line: u32) -> Frame {
    let file = format!("src/{}.rs", function.split("::").nth(1).unwrap_or("x"));
    Frame {
        function: function.to_owned(),
        file,
        line,
        in_app: function.starts_with("app::"),
        ..Frame::default()
    }
}

fn stall(key: u64) -> Episode {
    Episode::Stall(Stall { thread: 1, key })
}

fn seen(key: u64, line: u32, length: u64) -> Occurrence {
    let frames = vec![
        frame("std::fs::read", 300),
        frame("app::report::render", line),
    ];
    let site = Site {
        id: 1,
        file: "src/main.rs".to_owned(),
        line: 63,
        column: 9,
    };
    let task = FindingTask {
        id: 88,
        spawned_at: Some(site),
        ..FindingTask::default()
    };
    let place = Place::of(&frames, Some(&task));
    Occurrence {
        detail: "read on /var/data/big.csv".to_owned(),
        task: Some(task),
        frames,
        tid: 4712,
        worker: Some(1),
        queued: 12,
        length: length * MS,
        ..Occurrence::of(stall(key), Rule::FileIo, place)
    }
}

#[test]
fn a_stall_is_one_occurrence_that_grows_until_it_is_over() {
    let mut store = Store::default();
    assert!(store.stalled(seen(1, 41, 20), 1000 * MS).is_news);
    assert!(!store.stalled(seen(1, 41, 40), 1020 * MS).is_news);
    let going_on = store.window(0, false, 0, 1100 * MS).findings.remove(0);
    assert_eq!(
        (going_on.count, going_on.ongoing, going_on.longest_ns),
        (1, true, 120 * MS)
    );
    assert_eq!(going_on.occurrences.len(), 1, "the one that goes on");
    assert_eq!(
        going_on.message,
        "worker 1 has been blocked for 120 ms in std::fs::read at src/report.rs:41: it used a file \
         (read on /var/data/big.csv), 12 tasks waiting"
    );

    store.over(stall(1), 341 * MS, 1321 * MS);
    let over = store.window(0, false, 0, 5000 * MS).findings.remove(0);
    assert_eq!((over.count, over.ongoing), (1, false));
    assert_eq!((over.longest_ns, over.total_ns), (341 * MS, 341 * MS));
    assert_eq!(over.first_seen_unix_ns, 980 * MS);
    assert_eq!(over.severity(), Severity::High);
    assert_eq!(over.help, "docs/findings.md#long-poll-file-io");
    assert_eq!(over.occurrences.len(), 1);
}

#[test]
fn a_thousand_stalls_at_one_line_are_one_finding_and_four_lines_of_log() {
    let mut store = Store::default();
    let mut news = 0;
    for key in 1..=1000 {
        news += u32::from(store.stalled(seen(key, 41, 25), key * 1000 * MS).is_news);
        store.over(stall(key), 25 * MS, (key * 1000 + 5) * MS);
    }
    let window = store.window(0, false, 0, 2_000_000 * MS);
    assert_eq!((window.total, window.findings[0].count, news), (1, 1000, 4));
    assert_eq!(window.findings[0].total_ns, 25_000 * MS);
    assert_eq!(window.findings[0].occurrences.len(), OCCURRENCES);
}

#[test]
fn another_line_or_rule_is_another_finding() {
    let mut store = Store::default();
    store.stalled(seen(1, 41, 25), MS);
    store.stalled(seen(2, 42, 25), MS);
    store.stalled(
        Occurrence {
            rule: Rule::Cpu,
            ..seen(3, 41, 25)
        },
        MS,
    );
    assert_eq!((store.window(0, false, 0, MS).total, store.count()), (3, 3));
}

#[test]
fn a_window_holds_what_was_seen_in_it_and_what_goes_on() {
    let mut store = Store::default();
    store.stalled(seen(1, 41, 25), 1000 * MS); // goes on
    store.stalled(seen(2, 42, 25), 1000 * MS);
    store.over(stall(2), 25 * MS, 1000 * MS);
    let lines = |since: u64| -> Vec<u32> {
        let window = store.window(since, false, 0, 9000 * MS);
        window
            .findings
            .iter()
            .filter_map(|finding| Some(finding.location.as_ref()?.line))
            .collect()
    };
    assert_eq!(lines(0), [41, 42]);
    assert_eq!(lines(5000 * MS), [41]);
}

#[test]
fn what_blames_no_line_is_shown_on_request_only() {
    let mut store = Store::default();
    store.paused(5000 * MS, MS);
    store.stalled(
        Occurrence {
            rule: Rule::CpuStarved,
            ..seen(1, 41, 25)
        },
        MS,
    );
    assert_eq!((store.window(0, false, 0, MS).total, store.count()), (0, 0));
    let info = store.window(0, true, 0, MS);
    assert_eq!(info.total, 2);
    assert!(
        info.findings
            .iter()
            .all(|finding| finding.severity() == Severity::Info)
    );
}

#[test]
fn without_a_line_the_spawn_place_tells_findings_apart() {
    let task = seen(1, 41, 25).task;
    assert_eq!(
        Place::of(&[], task.as_ref()),
        Place::SpawnedAt("src/main.rs:63:9".to_owned())
    );
    assert_eq!(Place::of(&[], None), Place::Nowhere);
}

#[test]
fn a_second_instance_of_a_generic_function_is_the_same_line() {
    let mut store = Store::default();
    for (key, function) in [
        (1, "app::report::render::<u8>"),
        (2, "app::report::render::<u16>"),
    ] {
        let occurrence = seen(key, 41, 25);
        let place = Place::Line {
            function: function.to_owned(),
            file: "src/report.rs".to_owned(),
            line: 41,
            column: 5,
        };
        store.stalled(
            Occurrence {
                place,
                ..occurrence
            },
            MS,
        );
    }
    assert_eq!(store.window(0, false, 0, MS).findings[0].count, 2);
}

#[test]
fn a_stall_that_only_seemed_to_be_the_machines_fault_is_blamed_once_it_is_seen_better() {
    let mut store = Store::default();
    let starved = Occurrence {
        rule: Rule::CpuStarved,
        ..seen(1, 41, 20)
    };
    store.stalled(starved, 1000 * MS);
    assert!(store.stalled(seen(1, 41, 40), 1020 * MS).is_news);
    store.over(stall(1), 60 * MS, 1040 * MS);
    let findings = store.window(0, true, 0, 1100 * MS).findings;
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(
        (findings[0].rule.as_str(), findings[0].count),
        ("file-io", 1)
    );
    assert!(!findings[0].ongoing);
}
