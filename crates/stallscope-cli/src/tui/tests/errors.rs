//! What the view does when things go wrong around it.

use std::time::Duration;

use ratatui::style::Color;
use stallscope_wire::message::{AgentMessage, Failed, agent_message};

use super::agent::FakeAgent;
use super::session::{Session, found};
use crate::target::Target;
use crate::tui::theme::Theme;
use crate::tui::update::Msg;

#[test]
fn a_lost_connection_keeps_the_last_picture_greyed_and_comes_back() {
    let mut session = Session::on(FakeAgent::hybrid_service(), 80, 24);
    session
        .lose_connection("process 4711 hung up")
        .pass(Duration::from_secs(3));
    session
        .expect("no connection for 2s")
        .expect("process 4711 hung up")
        .expect_rows(&["root", "accept"]);
    assert_eq!(
        session.cell_of("accept").fg,
        Color::DarkGray,
        "an old picture looks old"
    );
    session.outside(|outside| outside.unreachable = None);
    session
        .pass(Duration::from_secs(6))
        .expect_none("no connection for")
        .expect_rows(&["root", "accept"]);
    assert_eq!(session.cell_of("accept").fg, Color::Reset);
}

#[test]
fn another_process_at_the_same_socket_starts_from_nothing() {
    let mut session = Session::on(FakeAgent::hybrid_service(), 80, 24);
    session.press("j j j").lose_connection("gone");
    session.outside(|outside| {
        outside.unreachable = None;
        outside.process.pid = 4890;
        outside.agent = FakeAgent::healthy();
    });
    session
        .pass(Duration::from_secs(2))
        .expect("hybrid-service 4890")
        .expect("No task yet")
        .expect_none("db pool");
}

#[test]
fn an_agent_that_cannot_be_reached_is_named_with_the_reason() {
    let mut session = Session::new(FakeAgent::hybrid_service(), 80, 24, Theme::Colour);
    session.outside(|outside| {
        outside.unreachable =
            Some("agent speaks protocol 3, this client 1: install 0.3".to_owned());
    });
    session.start(Some(Target::Unix {
        socket: "/run/4711.sock".into(),
        pid: Some(4711),
    }));
    session
        .expect("agent speaks protocol 3")
        .expect("retry in")
        .expect("process 4711");
}

#[test]
fn a_process_that_stands_still_is_told_from_one_that_is_gone() {
    let mut session = Session::on(FakeAgent::hybrid_service(), 80, 24);
    session.outside(|outside| outside.subscriptions.clear());
    session
        .pass(Duration::from_secs(4))
        .expect("no answer for")
        .expect("is the process stopped?");
}

#[test]
fn an_answer_that_takes_long_is_announced() {
    let mut session = Session::on(FakeAgent::hybrid_service(), 80, 24);
    session.outside(|outside| outside.slow = true);
    session.press("j j Enter").expect_none("asking…");
    session.pass(Duration::from_millis(500)).expect("asking…");
    session.outside(|outside| outside.slow = false);
    session
        .pass(Duration::from_millis(500))
        .expect_none("asking…")
        .expect("#100");
}

#[test]
fn the_screen_that_waits_opens_the_first_process_that_starts() {
    let mut session = Session::new(FakeAgent::hybrid_service(), 80, 24, Theme::Colour);
    session.start(None).expect("Waiting for a process");
    session.outside(|outside| outside.survey.found = vec![found(4711, "hybrid-service")]);
    session
        .pass(Duration::from_secs(2))
        .expect("hybrid-service 4711")
        .expect("accept");
}

#[test]
fn another_process_can_be_chosen_and_the_left_one_is_not_opened_again_by_itself() {
    let mut session = Session::new(FakeAgent::hybrid_service(), 80, 24, Theme::Colour);
    session.outside(|outside| outside.survey.found = vec![found(4711, "hybrid-service")]);
    session
        .start(None)
        .expect("accept")
        .press("p")
        .expect("Processes with stallscope");
    session
        .pass(Duration::from_secs(3))
        .expect("Processes with stallscope")
        .press("Enter")
        .expect("accept");
}

#[test]
fn the_picker_keeps_the_chosen_process_when_others_come_and_go() {
    let mut session = Session::new(FakeAgent::hybrid_service(), 80, 24, Theme::Colour);
    session.outside(|outside| outside.survey.found = vec![found(20, "b"), found(30, "c")]);
    session.start(None).press("j").expect_selected("30");
    session.outside(|outside| {
        outside.survey.found = vec![found(10, "a"), found(20, "b"), found(30, "c")];
    });
    session.pass(Duration::from_secs(2)).expect_selected("30");
}

#[test]
fn what_the_agent_refuses_is_shown_in_its_words() {
    let mut session = Session::on(FakeAgent::hybrid_service(), 80, 24);
    let (connection, subscription) = session.outside(|outside| {
        (
            outside.connection.expect("connected"),
            outside.subscriptions[0].subscription,
        )
    });
    let reason = "this agent knows no such topic".to_owned();
    let body = Some(agent_message::Body::Failed(Failed {
        subscription,
        reason,
    }));
    session.send(Msg::Agent {
        connection,
        message: Box::new(AgentMessage { body }),
    });
    session.expect("the agent says: this agent knows no such topic");
}

#[test]
fn details_of_an_ended_task_say_so() {
    let mut session = Session::on(FakeAgent::hybrid_service(), 80, 24);
    session.press("j j j j d").expect("task #300");
    session.outside(|outside| outside.agent.end(300));
    session
        .pass(Duration::from_secs(1))
        .expect("task 300 is not alive");
}

#[test]
fn names_cannot_steer_the_terminal() {
    let mut agent = FakeAgent::hybrid_service();
    for task in agent.tasks.values_mut() {
        task.name = "\x1b[2J\nevil".to_owned();
    }
    let mut session = Session::on(agent, 80, 24);
    session.expect("\u{fffd}[2J\u{fffd}evil");
}

#[test]
fn q_and_ctrl_c_quit_from_everywhere_but_a_prompt_takes_q_as_text() {
    let keys = ["?", "s", "i", "d", "f"];
    for key in keys {
        Session::on(FakeAgent::hybrid_service(), 80, 24)
            .press(key)
            .press_to_quit("q");
        Session::on(FakeAgent::hybrid_service(), 80, 24)
            .press(key)
            .press_to_quit("Ctrl-c");
    }
    let mut session = Session::on(FakeAgent::hybrid_service(), 80, 24);
    session.press("/ q").expect("/q").press_to_quit("Ctrl-c");
}
