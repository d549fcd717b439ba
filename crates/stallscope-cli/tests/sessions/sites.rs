//! What `sites` tells of the places that spawn tasks.

use insta::assert_snapshot;
use serde_json::{Value, json};
use stallscope_wire::message::SiteStats;

use crate::answers::{process, small, tiers, with};
use crate::support::Session;
use crate::support::places::places;
use crate::support::service::Service;

/// The lines of the places of an answer, in its order.
fn lines(session: &Session) -> Vec<String> {
    let sites = session.json()["sites"].take();
    let sites = sites.as_array().expect("sites").iter();
    sites
        .map(|site| {
            let place = site["site"].as_str().expect("a place");
            place.rsplit('/').next().unwrap_or(place).to_owned()
        })
        .collect()
}

#[test]
fn the_place_that_looks_most_like_a_leak_comes_first() {
    let (sandbox, _agent) = small();
    assert_snapshot!(sandbox.run("sites").answer());
    assert_eq!(
        sandbox.run("places").answer(),
        sandbox.run("sites").answer(),
        "by its other name"
    );
}

#[test]
fn json_has_every_figure() {
    let (sandbox, _agent) = small();
    let answer = sandbox.run("sites --json").json();
    assert_eq!(answer["process"], process());
    assert_eq!(answer["tiers"], tiers());
    assert_eq!(answer["matched"], 4);
    let second: Vec<u32> = (0..10).map(|second| 331 + second * 9).collect();
    assert_eq!(
        answer["sites"][0],
        json!({
            "site": "demo-apps/hybrid-service/src/session.rs:88:9",
            "live": 412, "spawned": 463, "ended": 51, "polls": 926, "busy_ms": 3.0, "longest_poll_ms": 0.7,
            "oldest_ms": 9100.0, "longest_idle_ms": 9000.0, "orphans": 408,
            "growth_per_s": 9.0, "spawned_per_s": 10.2, "ended_per_s": 1.2,
            "live_by_second": second, "live_by_ten_seconds": [412], "live_by_minute": [412],
        })
    );
}

#[test]
fn places_are_filtered_sorted_and_cut_here() {
    let (sandbox, _agent) = small();
    let shown = |flags: &str| lines(&sandbox.run(&format!("sites --json {flags}")));
    assert_eq!(
        shown("--sort live"),
        [
            "server.rs:48:9",
            "session.rs:88:9",
            "main.rs:63:9",
            "tokio.rs:33:9"
        ]
    );
    assert_eq!(shown("--sort spawn-rate --limit 1"), ["server.rs:48:9"]);
    assert_eq!(
        shown("--sort orphans --reverse --limit 1"),
        ["server.rs:48:9"]
    );
    assert_eq!(
        shown("--sort site --filter hybrid-service"),
        ["main.rs:63:9", "server.rs:48:9", "session.rs:88:9"]
    );
    let filtered = sandbox.run("sites --filter hybrid --limit 2");
    assert!(
        filtered
            .answer()
            .contains("\nthe first 2 of 3 that match the filter\n"),
        "{filtered:?}"
    );
    let refused = sandbox.run("sites --filter age>3s");
    let complaint = refused.complaint(2);
    assert!(
        complaint.contains("a place has no field but `site`"),
        "{complaint}"
    );
}

#[test]
fn what_an_older_agent_does_not_know_is_not_zero() {
    let old = SiteStats {
        site: places()[0].site.clone(),
        live: 3,
        spawned: 5,
        ended: 2,
        oldest_ns: 1_000_000_000,
        ..SiteStats::default()
    };
    let (sandbox, _agent) = with(Service {
        places: vec![old],
        ..Service::small()
    });
    let shown = sandbox.run("sites");
    let row = shown.answer().lines().last().expect("a row").to_owned();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(
        cells,
        [
            "3",
            "?",
            "?",
            "?",
            "1.0s",
            "?",
            "?",
            "5",
            "demo-apps/hybrid-service/src/server.rs:48:9"
        ]
    );
    let site = sandbox.run("sites --json").json()["sites"][0].take();
    for field in [
        "longest_idle_ms",
        "orphans",
        "growth_per_s",
        "spawned_per_s",
        "ended_per_s",
    ] {
        assert_eq!(site[field], Value::Null, "{field}");
    }
    assert_eq!(site["live_by_second"], json!([]));
}
