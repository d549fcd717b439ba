//! Whatever is pressed, whatever arrives, however small the screen: the view goes on.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use stallscope_wire::message::{
    AgentMessage, Cancellation, Details, Doctor, Failed, Finding, FindingTask, Findings, Frame,
    Group, GroupKey, Leak, Location, Occurrence, Overview, Party, Process, Runtime, Site,
    SiteStats, SiteWindow, Span, Task, Tier, TreeRow, TreeWindow, Update, Worker, agent_message,
    tree_row, update,
};

use super::agent::FakeAgent;
use super::session::{Session, found};
use crate::target::Survey;
use crate::tui::app::Flow;
use crate::tui::theme::Theme;
use crate::tui::update::Msg;

#[derive(Clone, Debug)]
enum Event {
    Key(KeyEvent),
    Resize(u16, u16),
    Pass(u16),
    /// An answer to the subscription with that number.
    Answer(u64, Box<update::Body>),
    Refuse(u64),
    End(u64),
    Lose,
    Return,
    Found(u8),
    Process(u32),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => key().prop_map(Event::Key),
        2 => (1..140_u16, 1..50_u16).prop_map(|(width, height)| Event::Resize(width, height)),
        3 => (1..4_000_u16).prop_map(Event::Pass),
        3 => (1..20_u64, body()).prop_map(|(number, body)| Event::Answer(number, Box::new(body))),
        1 => (1..20_u64).prop_map(Event::Refuse),
        1 => (0..305_u64).prop_map(Event::End),
        1 => Just(Event::Lose),
        1 => Just(Event::Return),
        1 => (0..4_u8).prop_map(Event::Found),
        1 => (0..3_u32).prop_map(Event::Process),
    ]
}

fn key() -> impl Strategy<Value = KeyEvent> {
    let code = prop_oneof![
        4 => prop::char::range(' ', '~').prop_map(KeyCode::Char),
        2 => prop::sample::select(vec![
            KeyCode::Enter, KeyCode::Enter, KeyCode::Tab, KeyCode::Esc, KeyCode::Up, KeyCode::Down, KeyCode::Left, KeyCode::Right, KeyCode::PageUp,
            KeyCode::PageDown, KeyCode::Home, KeyCode::End, KeyCode::Backspace, KeyCode::F(1),
        ]),
        2 => prop::sample::select("/s<>rFfdi?#gGjk oyxyxn123+-".chars().collect::<Vec<_>>()).prop_map(KeyCode::Char),
        1 => any::<char>().prop_map(KeyCode::Char),
    ];
    let modifiers = prop_oneof![5 => Just(KeyModifiers::NONE), 1 => Just(KeyModifiers::CONTROL)];
    (code, modifiers).prop_map(|(code, modifiers)| KeyEvent::new(code, modifiers))
}

fn body() -> impl Strategy<Value = update::Body> {
    prop_oneof![
        3 => tree().prop_map(update::Body::Tree),
        2 => overview().prop_map(update::Body::Overview),
        3 => findings().prop_map(update::Body::Findings),
        3 => places().prop_map(update::Body::Sites),
        1 => task().prop_map(|task| update::Body::Details(Details { task: Some(task), ..Details::default() })),
        1 => Just(update::Body::Details(Details::default())),
        1 => Just(update::Body::Doctor(Doctor::default())),
        1 => (any::<bool>(), prop::option::of(task()))
            .prop_map(|(alive, task)| update::Body::Cancel(Cancellation { alive, task, ..Cancellation::default() })),
    ]
}

/// Large, small, and the ends of the range.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..50_u64, any::<u64>(), Just(0), Just(u64::MAX)]
}

fn tree() -> impl Strategy<Value = TreeWindow> {
    (
        number(),
        number(),
        vec(row(), 0..20),
        number(),
        prop::option::of(number()),
    )
        .prop_map(
            |(total_rows, offset, rows, matched, follow_row)| TreeWindow {
                total_rows,
                offset,
                rows,
                sites: vec![Site {
                    id: 1,
                    file: "a/b\x07/ü.rs".to_owned(),
                    line: u32::MAX,
                    column: 0,
                }],
                matched,
                follow_row,
            },
        )
}

fn row() -> impl Strategy<Value = TreeRow> {
    let node = prop_oneof![
        4 => task().prop_map(|task| Some(tree_row::Node::Task(task))),
        2 => (number(), prop::option::of(0..3_u32)).prop_map(|(count, site)| {
            let key = site.map(|site| GroupKey { parent: None, site });
            Some(tree_row::Node::Group(Group { key, count, ..Group::default() }))
        }),
        1 => Just(None),
    ];
    (any::<u32>(), any::<u64>(), any::<bool>(), number(), node).prop_map(
        |(depth, guides, expanded, children, node)| TreeRow {
            depth: if guides % 2 == 0 { depth % 5 } else { depth },
            guides,
            expanded,
            children,
            node,
        },
    )
}

fn task() -> impl Strategy<Value = Task> {
    (
        number(),
        ".{0,20}",
        0..9_i32,
        0..9_i32,
        number(),
        prop::option::of(any::<u32>()),
    )
        .prop_map(|(id, name, kind, state, time, worker)| Task {
            id,
            name,
            kind,
            state,
            worker,
            site: 1,
            age_ns: time,
            idle_ns: time,
            busy_ns: time,
            polls: time,
            polling_ns: time,
            longest_poll_ns: time,
            parent: Some(time),
            parent_ended: state == 3,
            ..Task::default()
        })
}

fn overview() -> impl Strategy<Value = Overview> {
    (number(), number(), vec(number(), 0..70), 0..300_usize).prop_map(
        |(polls, alive, poll_times, workers)| {
            let worker = Worker {
                busy_ns: polls,
                task: Some(alive),
                polling_ns: polls,
                ..Worker::default()
            };
            let runtime = Runtime {
                alive_tasks: alive,
                blocking_threads: Some(alive),
                idle_blocking_threads: Some(polls),
                workers: vec![worker; workers],
                ..Runtime::default()
            };
            Overview {
                tiers: vec![Tier {
                    name: "hooks\n".to_owned(),
                    state: 77,
                    note: String::new(),
                }],
                runtimes: vec![runtime.clone(), runtime],
                live_tasks: alive,
                polls,
                dropped_events: polls,
                poll_times,
                warnings: u32::MAX,
                ..Overview::default()
            }
        },
    )
}

/// Figures that cannot be, and rates that are no numbers.
fn places() -> impl Strategy<Value = SiteWindow> {
    let history = || vec(any::<u32>(), 0..70);
    let place = (
        prop::option::of((0..5_u32, ".*", any::<u32>())),
        [number(), number(), number(), number()],
        (history(), history(), history()),
        [prop::num::f64::ANY, prop::num::f64::ANY],
    );
    let place = place.prop_map(|(site, figures, histories, rates)| {
        let [live, orphans, oldest_ns, longest_idle_ns] = figures;
        let (live_by_second, live_by_ten_seconds, live_by_minute) = histories;
        let [spawned_per_second, ended_per_second] = rates;
        SiteStats {
            site: site.map(|(id, file, line)| Site {
                id,
                file,
                line,
                column: line,
            }),
            live,
            orphans,
            oldest_ns,
            longest_idle_ns,
            live_by_second,
            live_by_ten_seconds,
            live_by_minute,
            spawned_per_second,
            ended_per_second,
            ..SiteStats::default()
        }
    });
    (number(), vec(place, 0..6)).prop_map(|(total, sites)| SiteWindow { total, sites })
}

fn findings() -> impl Strategy<Value = Findings> {
    (vec(finding(), 0..12), number()).prop_map(|(findings, total)| Findings { total, findings })
}

fn finding() -> impl Strategy<Value = Finding> {
    let location = prop::option::of((".{0,30}", any::<u32>()));
    let occurrences = vec((number(), number()), 0..40);
    let task = prop::option::of(vec(number(), 0..5));
    (
        (0..6_u64, 0..9_i32, any::<bool>(), ".{0,300}"),
        (number(), number(), number()),
        (location, occurrences, task),
        vec((any::<bool>(), ".{0,40}", any::<u32>()), 0..30),
    )
        .prop_map(
            |(
                (id, severity, ongoing, message),
                (count, longest_ns, at),
                (location, occurrences, task),
                frames,
            )| Finding {
                id,
                kind: if ongoing {
                    "long-poll"
                } else {
                    "unsynchronized-state"
                }
                .to_owned(),
                parties: frames
                    .iter()
                    .take(3)
                    .map(|(is_task, file, line)| Party {
                        location: Some(Location {
                            file: file.clone(),
                            line: *line,
                            ..Location::default()
                        }),
                        task: is_task.then(FindingTask::default),
                        thread: file.clone(),
                        ..Party::default()
                    })
                    .collect(),
                rule: message.chars().take(9).collect(),
                severity,
                ongoing,
                count,
                first_seen_unix_ns: at,
                last_seen_unix_ns: count,
                location: location.map(|(file, line)| Location {
                    function: file.clone(),
                    file,
                    line,
                    column: line,
                }),
                task: task.map(|ancestors| FindingTask {
                    id: at,
                    ancestors,
                    ..FindingTask::default()
                }),
                longest_ns,
                total_ns: count,
                span: ongoing.then(|| {
                    Box::new(Span {
                        name: message.chars().take(5).collect(),
                        fields: message.clone(),
                        ..Span::default()
                    })
                }),
                message,
                occurrences: occurrences
                    .into_iter()
                    .map(|(at_unix_ns, duration_ns)| Occurrence {
                        at_unix_ns,
                        duration_ns,
                    })
                    .collect(),
                stack: frames
                    .into_iter()
                    .map(|(in_app, function, line)| Frame {
                        file: function.clone(),
                        function,
                        line,
                        in_app,
                        ..Frame::default()
                    })
                    .collect(),
                leak: ongoing.then_some(Leak {
                    live: count,
                    live_at_first: at,
                    growth_per_second: f64::from_bits(at),
                    oldest_ns: longest_ns,
                    orphans: count,
                    ..Leak::default()
                }),
                ..Finding::default()
            },
        )
}

fn happen(session: &mut Session, event: Event) -> Flow {
    match event {
        Event::Key(key) => return session.send(Msg::Key(key)),
        Event::Resize(width, height) => {
            session.resize(width, height);
        }
        Event::Pass(milliseconds) => {
            session.pass(Duration::from_millis(milliseconds.into()));
        }
        Event::Answer(subscription, body) => {
            let update = Update {
                subscription,
                at_ns: subscription,
                body: Some(*body),
            };
            deliver(session, agent_message::Body::Update(update));
        }
        Event::Refuse(subscription) => {
            deliver(
                session,
                agent_message::Body::Failed(Failed {
                    subscription,
                    reason: "no\n".to_owned(),
                }),
            );
        }
        Event::End(task) => session.outside(|outside| outside.agent.end(task)),
        Event::Lose => {
            if session.outside(|outside| outside.connection.is_some()) {
                session.lose_connection("gone");
            }
        }
        Event::Return => session.outside(|outside| outside.unreachable = None),
        Event::Found(number) => session.outside(|outside| {
            let found = (0..number).map(|n| found(n.into(), "program")).collect();
            outside.survey = Survey {
                found,
                ignored: Vec::new(),
            };
        }),
        Event::Process(pid) => session.outside(|outside| {
            outside.process = Process {
                pid,
                ..Process::default()
            }
        }),
    }
    Flow::GoOn
}

fn deliver(session: &mut Session, body: agent_message::Body) {
    if let Some(connection) = session.outside(|outside| outside.connection) {
        session.send(Msg::Agent {
            connection,
            message: Box::new(AgentMessage { body: Some(body) }),
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_makes_the_view_panic(
        width in 1..140_u16,
        height in 1..50_u16,
        mono in any::<bool>(),
        named in any::<bool>(),
        events in vec(event(), 1..60),
    ) {
        let mut session = if named {
            Session::on(FakeAgent::hybrid_service().with_stalls().with_control(), width, height)
        } else {
            let mut session = Session::new(
                FakeAgent::hybrid_service(),
                width,
                height,
                if mono { Theme::Mono } else { Theme::Colour },
            );
            session.start(None);
            session
        };
        for event in events {
            if happen(&mut session, event) == Flow::Quit {
                break;
            }
            session.buffer();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_figures_make_the_view_of_places_panic(
        width in 1..140_u16,
        height in 1..50_u16,
        answers in vec((places(), "[jkgGsr<>+-]"), 1..6),
    ) {
        let mut session = Session::on(FakeAgent::hybrid_service().with_a_leak(), width, height);
        session.press("3");
        for (places, key) in answers {
            let number = session.outside(|outside| {
                let asked = outside.subscriptions.iter();
                asked.map(|asked| asked.subscription).max()
            });
            let update = Update {
                subscription: number.expect("the places are asked for"),
                body: Some(update::Body::Sites(places)),
                ..Update::default()
            };
            deliver(&mut session, agent_message::Body::Update(update));
            session.buffer();
            session.press(&key).press("Enter").buffer();
            session.press("3").buffer();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_aborted_by_who_never_says_yes(events in vec(event(), 1..60)) {
        let mut session = Session::on(FakeAgent::hybrid_service().with_stalls().with_control(), 80, 24);
        let says_yes = |event: &Event| matches!(event, Event::Key(key) if key.code == KeyCode::Char('y'));
        for event in events.into_iter().filter(|event| !says_yes(event)) {
            session.press("x");
            if happen(&mut session, event) == Flow::Quit {
                break;
            }
        }
        let aborted = session.outside(|outside| outside.agent.control.aborted());
        prop_assert!(aborted.is_empty(), "{aborted:?}");
    }
}

#[test]
fn every_size_can_be_drawn_with_everything_open() {
    for keys in [
        "Enter Enter",
        "Tab",
        "Tab d",
        "?",
        "i",
        "Tab s",
        "f",
        "/ x",
        "3",
        "3 s",
        "2 j x",
        "2 j x y",
    ] {
        let agent = FakeAgent::hybrid_service().with_stalls().with_control();
        let mut session = Session::on(agent, 120, 40);
        session.press(keys);
        for (width, height) in
            (1..=30).flat_map(|width| (1..=22).map(move |height| (width * 4 - 3, height)))
        {
            session.resize(width, height).buffer();
        }
    }
}
