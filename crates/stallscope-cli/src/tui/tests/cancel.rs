//! What the user sees who cancels a task: the question, the answer, and what stands in the way.

use std::time::Duration;

use insta::assert_snapshot;
use stallscope_wire::message::Outcome;
use stallscope_wire::message::subscribe::Topic;

use super::agent::FakeAgent;
use super::session::Session;

/// The next answer of the agent.
const UPDATE: Duration = Duration::from_millis(500);

/// The task `db conn 0` with the id 300 is selected.
fn session(agent: FakeAgent) -> Session {
    let mut session = Session::on(agent, 80, 24);
    session.press("j j j j").expect_selected("#300");
    session
}

fn controlled() -> Session {
    session(FakeAgent::hybrid_service().with_control())
}

fn aborted(session: &mut Session) -> Vec<u64> {
    session.outside(|outside| outside.agent.control.aborted())
}

/// How often the agent was asked to abort a task; to ask whether it would is no such question.
fn asked_to_abort(session: &mut Session, id: u64) -> usize {
    session.outside(|outside| {
        let topics = outside.asked.iter().filter_map(|asked| asked.topic.clone());
        topics
            .filter(|topic| matches!(topic, Topic::Cancel(query) if query.task == id))
            .count()
    })
}

#[test]
fn it_is_asked_first_and_no_leaves_the_task_alone() {
    for no in ["n", "q", "Esc"] {
        let mut session = controlled();
        session
            .press("x")
            .expect("Cancel task 300 \"db conn 0\", spawned at")
            .expect("y yes  n no");
        session
            .press(no)
            .expect_none("Cancel task")
            .expect_selected("#300");
        session.pass(UPDATE);
        assert!(aborted(&mut session).is_empty());
        assert_eq!(asked_to_abort(&mut session, 300), 0);
    }
}

#[test]
fn no_other_key_means_yes() {
    let mut session = controlled();
    session
        .press("x Enter Space Y j d x")
        .expect("Cancel task 300");
    assert!(aborted(&mut session).is_empty());
}

#[test]
fn yes_aborts_the_task_and_its_end_is_told_until_the_next_key() {
    let mut session = controlled();
    session
        .press("x y")
        .expect("Cancelling task 300")
        .expect("0s of at most 5.0s")
        .expect_none("y yes");
    session.pass(UPDATE);
    session
        .expect("task 300 \"db conn 0\" was aborted and is gone (500ms)")
        .expect("Any key goes on.");
    session.pass(10 * UPDATE).expect("is gone (500ms)");
    session
        .press("j")
        .expect_none("is gone")
        .expect_selected("#300");
    assert_eq!(aborted(&mut session), [300]);
    assert_eq!(
        asked_to_abort(&mut session, 300),
        1,
        "one question, asked again by the agent's clock"
    );
}

#[test]
fn the_task_that_was_asked_about_is_meant_whatever_is_selected_since() {
    let mut session = controlled();
    session.press("g j").expect_selected("accept").press("x");
    session.outside(|outside| outside.agent.end(2));
    session.pass(2 * UPDATE);
    session
        .press("y")
        .expect("no live task that could be aborted has the id 2: it has ended");
    assert!(aborted(&mut session).is_empty());
}

#[test]
fn how_it_ended_is_told_as_it_was() {
    for (outcome, words) in [
        (Outcome::Finished, "finished by itself before the abort"),
        (Outcome::Panicked, "ended with a panic"),
        (Outcome::Unknown, "is gone (500ms)"),
    ] {
        let mut session = controlled();
        session.outside(|outside| outside.agent.control.outcome = Some(outcome));
        session.press("x y").pass(UPDATE);
        session.expect(words);
    }
}

#[test]
fn a_task_that_will_not_die_is_reported_after_a_time() {
    let mut session = controlled();
    session.outside(|outside| outside.agent.control.outcome = None);
    // The one that is in a poll.
    session.press("G").expect_selected("reports").press("x y");
    session.pass(Duration::from_millis(4_500));
    session.expect("4.5s of at most 5.0s");
    session.pass(UPDATE);
    assert_snapshot!(session.screen());
    session.press("Esc").expect_none("still alive");
}

#[test]
fn who_stops_waiting_is_told_that_the_abort_goes_on() {
    let mut session = controlled();
    session.outside(|outside| outside.agent.control.outcome = None);
    session
        .press("x y Esc")
        .expect("task 300 \"db conn 0\" was told to end, and may yet");
    let topics = session.outside(|outside| outside.subscriptions.clone());
    let cancels = |topic: &Option<Topic>| matches!(topic, Some(Topic::Cancel(_)));
    assert!(!topics.iter().any(|asked| cancels(&asked.topic)));
}

#[test]
fn a_program_that_lets_nobody_cancel_says_so_and_how_it_would() {
    let mut session = session(FakeAgent::hybrid_service());
    session.press("x");
    assert_snapshot!(session.screen());
    session.press("y").expect_none("STALLSCOPE_CONTROL");
    session.pass(UPDATE);
    assert_eq!(asked_to_abort(&mut session, 300), 0);
}

#[test]
fn what_cannot_be_cancelled_is_not_asked_about() {
    let mut session = controlled();
    session
        .press("g x")
        .expect("nothing can abort the root future: end the program");
    session
        .press("j j x")
        .expect("a group cannot be cancelled: unfold it and choose a task");
    session
        .press("f x")
        .expect("the picture is frozen: f lets it go on");
}

#[test]
fn the_question_at_every_size() {
    for (width, height) in [(80, 24), (40, 10)] {
        let agent = FakeAgent::hybrid_service().with_control();
        let mut session = Session::on(agent, width, height);
        session.press("j j j j x");
        assert_snapshot!(format!("cancel_{width}x{height}"), session.screen());
    }
}

#[test]
fn the_task_of_a_finding_can_be_cancelled_on_its_page() {
    let agent = FakeAgent::hybrid_service().with_a_stall().with_control();
    let mut session = Session::on(agent, 80, 24);
    session.press("Enter x").expect("Cancel task 4 \"reports\"");
    session.press("y").pass(UPDATE);
    session.expect("was aborted and is gone");
    assert_eq!(aborted(&mut session), [4]);
    session.press("Space").expect("─ finding");
}

#[test]
fn nothing_is_aborted_over_another_connection() {
    let mut session = controlled();
    session
        .press("x")
        .lose_connection("gone")
        .expect("was left alone");
    let mut session = controlled();
    session.outside(|outside| outside.agent.control.outcome = None);
    session
        .press("x y")
        .lose_connection("gone")
        .expect("was to be aborted, and the connection is");
    session.outside(|outside| outside.unreachable = None);
    session.pass(Duration::from_secs(3));
    assert_eq!(asked_to_abort(&mut session, 300), 1);
}

#[test]
fn an_agent_that_does_not_answer_is_not_waited_for_for_ever() {
    let mut session = controlled();
    session.press("x");
    session.outside(|outside| outside.slow = true);
    session.press("y").pass(Duration::from_secs(5));
    session.expect("was to be aborted, and the agent does not");
}
