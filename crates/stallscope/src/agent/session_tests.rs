//! Conversations of an agent with good, bad, slow and silent clients.

use stallscope_wire::message::{Doctor, DoctorQuery, Overview, OverviewQuery, Unsubscribe};

use super::*;

/// Answers overviews with a count of how often it was asked, doctors with a refusal.
#[derive(Default)]
struct Counting(u64);

impl Answer for Counting {
    fn answer(&mut self, topic: &Topic) -> Result<update::Body, String> {
        self.0 += 1;
        match topic {
            Topic::Overview(_) => Ok(update::Body::Overview(Overview {
                polls: self.0,
                ..Overview::default()
            })),
            Topic::Doctor(_) => Ok(update::Body::Doctor(Doctor::default())),
            _ => Err("not here".to_owned()),
        }
    }

    fn process(&self) -> Process {
        Process {
            pid: 4711,
            ..Process::default()
        }
    }
}

/// A client at the other end of a session.
struct Client {
    session: Session,
    answers: Counting,
    now: Now,
    decoder: Decoder,
}

impl Client {
    fn connected() -> Self {
        Client::with_token(None)
    }

    fn with_token(token: Option<&str>) -> Self {
        Client {
            session: Session::new(token.map(str::to_owned), Duration::ZERO),
            answers: Counting::default(),
            now: Duration::ZERO,
            decoder: Decoder::new(Limit::TO_CLIENT),
        }
    }

    fn welcomed() -> Self {
        let mut client = Client::connected();
        client.says_hello(None);
        assert!(matches!(
            client.hears()[..],
            [agent_message::Body::Welcome(_)]
        ));
        client
    }

    fn says_hello(&mut self, token: Option<&str>) {
        self.says(&handshake::hello("0.1.0", token));
    }

    fn says(&mut self, message: &ClientMessage) {
        let bytes = frame::encode(message, Limit::TO_AGENT).expect("a short message");
        self.says_bytes(&bytes);
    }

    fn says_bytes(&mut self, bytes: &[u8]) {
        self.session.received(bytes, self.now, &mut self.answers);
    }

    fn subscribes(&mut self, subscription: u64, interval_ms: u32, topic: Option<Topic>) {
        let request = Subscribe {
            subscription,
            interval_ms,
            topic,
        };
        self.says(&ClientMessage {
            body: Some(client_message::Body::Subscribe(request)),
        });
    }

    /// Reads all that the session has to send.
    fn hears(&mut self) -> Vec<agent_message::Body> {
        let mut heard = Vec::new();
        while !self.session.to_send().is_empty() {
            let bytes = self.session.to_send().to_vec();
            self.decoder.push(&bytes);
            self.session.sent(bytes.len(), self.now, &mut self.answers);
            while let Some(message) = self
                .decoder
                .next_message::<AgentMessage>()
                .expect("whole frames")
            {
                heard.extend(message.body);
            }
        }
        heard
    }

    fn waits(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
        self.session.tick(self.now, &mut self.answers);
    }
}

fn overview() -> Topic {
    Topic::Overview(OverviewQuery {})
}

/// The numbers of the overviews among what was heard.
fn overviews(heard: &[agent_message::Body]) -> Vec<u64> {
    let number = |body: &agent_message::Body| match body {
        agent_message::Body::Update(Update {
            body: Some(update::Body::Overview(overview)),
            ..
        }) => Some(overview.polls),
        _ => None,
    };
    heard.iter().filter_map(number).collect()
}

fn refusal(heard: &[agent_message::Body]) -> &str {
    match heard {
        [.., agent_message::Body::Refused(refused)] => &refused.reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_subscription_is_answered_at_once_and_then_at_its_interval() {
    let mut client = Client::welcomed();
    client.subscribes(1, 100, Some(overview()));
    assert_eq!(overviews(&client.hears()), [1]);
    client.waits(99);
    assert_eq!(overviews(&client.hears()), [] as [u64; 0]);
    client.waits(1);
    assert_eq!(overviews(&client.hears()), [2]);
    assert_eq!(client.session.due(), Some(Duration::from_millis(200)));
}

#[test]
fn a_question_with_no_interval_is_answered_once() {
    let mut client = Client::welcomed();
    client.subscribes(1, 0, Some(overview()));
    assert_eq!(overviews(&client.hears()), [1]);
    client.waits(10_000);
    assert_eq!(client.hears(), []);
    assert_eq!(client.session.due(), None);
}

#[test]
fn a_second_subscription_of_the_same_number_replaces_the_first() {
    let mut client = Client::welcomed();
    client.subscribes(1, 100, Some(overview()));
    client.subscribes(1, 1000, Some(overview()));
    assert_eq!(overviews(&client.hears()), [1, 2]);
    client.waits(500);
    assert_eq!(overviews(&client.hears()), [] as [u64; 0]);
    client.says(&ClientMessage {
        body: Some(client_message::Body::Unsubscribe(Unsubscribe {
            subscription: 1,
        })),
    });
    client.waits(5000);
    assert_eq!(client.hears(), []);
}

#[test]
fn a_client_that_does_not_read_gets_the_newest_answer_when_it_does() {
    let mut client = Client::welcomed();
    client.subscribes(1, 100, Some(overview()));
    for _ in 0..1000 {
        client.waits(100);
    }
    assert!(
        client.session.to_send().len() < 1000,
        "updates are skipped, not queued"
    );
    assert_eq!(overviews(&client.hears()), [1]);
    client.waits(100);
    assert_eq!(overviews(&client.hears()), [2]);
}

#[test]
fn a_client_that_asks_without_reading_fills_no_memory() {
    let mut client = Client::welcomed();
    for _ in 0..100_000 {
        if !client.session.wants_to_read() {
            break;
        }
        client.subscribes(1, 0, Some(overview()));
    }
    assert!(!client.session.wants_to_read());
    assert!(client.session.to_send().len() < 2 * ENOUGH_UNSENT);
    let heard = overviews(&client.hears());
    assert!(
        heard.windows(2).all(|pair| pair[0] + 1 == pair[1]),
        "nothing that was asked is lost"
    );
}

#[test]
fn garbage_is_refused_with_a_reason() {
    for garbage in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        &[0, 0, 0, 0, 1],
        &[0xff; 40],
    ] {
        let mut client = Client::connected();
        client.says_bytes(garbage);
        let heard = client.hears();
        assert!(!refusal(&heard).is_empty());
        assert!(client.session.is_over());
    }
}

#[test]
fn half_a_frame_waits_for_the_other_half() {
    let mut client = Client::connected();
    let hello =
        frame::encode(&handshake::hello("0.1.0", None), Limit::TO_AGENT).expect("a short message");
    for byte in &hello {
        assert_eq!(client.hears(), []);
        client.says_bytes(std::slice::from_ref(byte));
    }
    assert!(matches!(
        client.hears()[..],
        [agent_message::Body::Welcome(_)]
    ));
}

#[test]
fn nothing_is_answered_before_hello_and_silence_ends() {
    let mut client = Client::connected();
    client.subscribes(1, 0, Some(overview()));
    assert!(!refusal(&client.hears()).is_empty());
    assert_eq!(client.answers.0, 0);

    let mut silent = Client::connected();
    silent.waits(9_999);
    assert_eq!(silent.hears(), []);
    silent.waits(1);
    assert!(refusal(&silent.hears()).contains("hello"));
}

#[test]
fn over_tcp_a_wrong_token_is_refused() {
    let mut client = Client::with_token(Some("secret"));
    client.says_hello(Some("guess"));
    assert!(!refusal(&client.hears()).contains("secret"));
    assert!(client.session.is_over());

    let mut client = Client::with_token(Some("secret"));
    client.says_hello(Some("secret"));
    assert!(matches!(
        client.hears()[..],
        [agent_message::Body::Welcome(_)]
    ));
}

#[test]
fn what_cannot_be_answered_fails_alone() {
    let mut client = Client::welcomed();
    client.subscribes(1, 100, Some(overview()));
    client.subscribes(2, 100, None);
    client.subscribes(
        3,
        100,
        Some(Topic::Tree(stallscope_wire::message::TreeQuery::default())),
    );
    let heard = client.hears();
    let failed: Vec<u64> = heard
        .iter()
        .filter_map(|body| match body {
            agent_message::Body::Failed(failed) => Some(failed.subscription),
            _ => None,
        })
        .collect();
    assert_eq!(failed, [2, 3]);
    client.waits(100);
    assert_eq!(
        overviews(&client.hears()).len(),
        1,
        "the first subscription lives on, the failed ones do not repeat"
    );
}

#[test]
fn subscriptions_are_bounded() {
    let mut client = Client::welcomed();
    for subscription in 0..40 {
        client.subscribes(subscription, 1000, Some(Topic::Doctor(DoctorQuery {})));
    }
    let failed = client
        .hears()
        .iter()
        .filter(|body| matches!(body, agent_message::Body::Failed(_)))
        .count();
    assert_eq!(failed, 40 - MOST_SUBSCRIPTIONS);
}

#[test]
fn one_client_too_many_is_told_so() {
    let session = Session::turned_away("16 clients are connected already", Duration::ZERO);
    let mut client = Client {
        session,
        ..Client::connected()
    };
    assert!(refusal(&client.hears()).contains("16 clients"));
    assert!(client.session.is_over());
}
