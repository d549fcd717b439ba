//! One client's side of the conversation, without its socket: bytes in, bytes out, and when to come
//! back.
//!
//! A client can be slow, silent, wrong or gone; it can never cost another client anything. An
//! update that is due while the last one is still unsent is skipped, requests are left unread while
//! an answer waits, and what is kept per client is bounded.

use std::time::Duration;

use stallscope_wire::frame::{self, Decoder, Limit};
use stallscope_wire::handshake;
use stallscope_wire::message::{
    AgentMessage, ClientMessage, Failed, Process, Refused, Subscribe, Update, Welcome,
    agent_message, client_message, subscribe::Topic, update,
};

/// Time since the start of recording.
pub(super) type Now = Duration;

/// Who knows the answers.
pub(crate) trait Answer {
    /// Answers one question, or says in a sentence why not.
    fn answer(&mut self, topic: &Topic) -> Result<update::Body, String>;
    fn process(&self) -> Process;
}

/// A client's state.
pub(super) struct Session {
    decoder: Decoder,
    token: Option<String>,
    welcomed: bool,
    subscriptions: Vec<Subscription>,
    /// Encoded frames that the socket has not taken yet.
    unsent: Vec<u8>,
    sent: usize,
    /// Close once `unsent` is written.
    closing: bool,
    /// By when the client has to say hello.
    hello_until: Now,
}

struct Subscription {
    request: Subscribe,
    due: Now,
}

const MOST_SUBSCRIPTIONS: usize = 32;
const SHORTEST_INTERVAL: Duration = Duration::from_millis(50);
/// More than this unsent, and the client's requests wait.
const ENOUGH_UNSENT: usize = 64 * 1024;
const TIME_FOR_HELLO: Duration = Duration::from_secs(10);

impl Session {
    /// A client that has just connected; with a token it has to present it.
    pub(super) fn new(token: Option<String>, now: Now) -> Self {
        Session {
            decoder: Decoder::new(Limit::TO_AGENT),
            token,
            welcomed: false,
            subscriptions: Vec::new(),
            unsent: Vec::new(),
            sent: 0,
            closing: false,
            hello_until: now + TIME_FOR_HELLO,
        }
    }

    /// A client that is one too many: it is told so, and no more.
    pub(super) fn turned_away(reason: &str, now: Now) -> Self {
        let mut session = Session::new(None, now);
        session.refuse(Refused {
            reason: reason.to_owned(),
            protocol: 0,
        });
        session
    }

    /// Takes what the client has sent.
    pub(super) fn received(&mut self, bytes: &[u8], now: Now, answers: &mut impl Answer) {
        if !self.closing {
            self.decoder.push(bytes);
            self.read_requests(now, answers);
        }
    }

    /// Sends what is due.
    pub(super) fn tick(&mut self, now: Now, answers: &mut impl Answer) {
        if self.closing {
            return;
        }
        if !self.welcomed && now >= self.hello_until {
            let reason = format!(
                "no hello within {} s: is this a stallscope client?",
                TIME_FOR_HELLO.as_secs()
            );
            return self.refuse(Refused {
                reason,
                protocol: 0,
            });
        }
        if self.waits_to_send() {
            return; // skipped, not queued
        }
        for index in 0..self.subscriptions.len() {
            let subscription = &mut self.subscriptions[index];
            if subscription.due <= now {
                let interval = Duration::from_millis(subscription.request.interval_ms.into());
                subscription.due = now + interval.max(SHORTEST_INTERVAL);
                let request = subscription.request.clone();
                self.answer(&request, now, answers);
            }
        }
    }

    /// When [`Session::tick`] has something to do next.
    pub(super) fn due(&self) -> Option<Now> {
        if self.closing || (self.welcomed && self.waits_to_send()) {
            None
        } else if self.welcomed {
            self.subscriptions
                .iter()
                .map(|subscription| subscription.due)
                .min()
        } else {
            Some(self.hello_until)
        }
    }

    /// What the socket should take next.
    pub(super) fn to_send(&self) -> &[u8] {
        &self.unsent[self.sent..]
    }

    /// The socket has taken this many bytes.
    pub(super) fn sent(&mut self, count: usize, now: Now, answers: &mut impl Answer) {
        self.sent += count;
        if self.sent >= self.unsent.len() {
            self.unsent.clear();
            self.unsent.shrink_to(ENOUGH_UNSENT);
            self.sent = 0;
            // Requests that came while the answer waited.
            self.read_requests(now, answers);
        }
    }

    /// Whether the client's bytes should be read now.
    pub(super) fn wants_to_read(&self) -> bool {
        !self.closing && self.to_send().len() < ENOUGH_UNSENT
    }

    /// Whether all is said.
    pub(super) fn is_over(&self) -> bool {
        self.closing && !self.waits_to_send()
    }

    fn waits_to_send(&self) -> bool {
        !self.to_send().is_empty()
    }

    fn read_requests(&mut self, now: Now, answers: &mut impl Answer) {
        while self.wants_to_read() {
            match self.decoder.next_message::<ClientMessage>() {
                Ok(None) => return,
                Ok(Some(message)) => self.request(message, now, answers),
                Err(error) => self.refuse(Refused {
                    reason: error.to_string(),
                    protocol: 0,
                }),
            }
        }
    }

    fn request(&mut self, message: ClientMessage, now: Now, answers: &mut impl Answer) {
        if !self.welcomed {
            return match handshake::answer(&message, self.token.as_deref()) {
                Ok(protocol) => {
                    self.welcomed = true;
                    let welcome = Welcome {
                        protocol,
                        process: Some(answers.process()),
                    };
                    self.send(agent_message::Body::Welcome(welcome));
                }
                Err(refused) => self.refuse(refused),
            };
        }
        match message.body {
            Some(client_message::Body::Subscribe(request)) => self.subscribe(request, now, answers),
            Some(client_message::Body::Unsubscribe(request)) => {
                self.subscriptions
                    .retain(|known| known.request.subscription != request.subscription);
            }
            // A second hello changes nothing; what this version does not know is skipped.
            Some(client_message::Body::Hello(_)) | None => {}
        }
    }

    fn subscribe(&mut self, request: Subscribe, now: Now, answers: &mut impl Answer) {
        self.subscriptions
            .retain(|known| known.request.subscription != request.subscription);
        let lasting = request.interval_ms > 0;
        if lasting && self.subscriptions.len() >= MOST_SUBSCRIPTIONS {
            let reason = format!(
                "{MOST_SUBSCRIPTIONS} subscriptions are open already: unsubscribe from one first"
            );
            return self.fail(request.subscription, reason);
        }
        if self.answer(&request, now, answers) && lasting {
            let interval = Duration::from_millis(request.interval_ms.into()).max(SHORTEST_INTERVAL);
            self.subscriptions.push(Subscription {
                due: now + interval,
                request,
            });
        }
    }

    /// Answers a request; false if it cannot be.
    fn answer(&mut self, request: &Subscribe, now: Now, answers: &mut impl Answer) -> bool {
        let subscription = request.subscription;
        let Some(topic) = &request.topic else {
            self.fail(
                subscription,
                "this topic is newer than the application: upgrade stallscope there".to_owned(),
            );
            return false;
        };
        match answers.answer(topic) {
            Ok(body) => {
                let at_ns = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
                self.send(agent_message::Body::Update(Update {
                    subscription,
                    at_ns,
                    body: Some(body),
                }));
                true
            }
            Err(reason) => {
                self.subscriptions
                    .retain(|known| known.request.subscription != subscription);
                self.fail(subscription, reason);
                false
            }
        }
    }

    fn fail(&mut self, subscription: u64, reason: String) {
        self.send(agent_message::Body::Failed(Failed {
            subscription,
            reason,
        }));
    }

    fn refuse(&mut self, refused: Refused) {
        self.send(agent_message::Body::Refused(refused));
        self.closing = true;
    }

    fn send(&mut self, body: agent_message::Body) {
        let failed = match &body {
            agent_message::Body::Update(update) => Some(update.subscription),
            _ => None,
        };
        match frame::encode(&AgentMessage { body: Some(body) }, Limit::TO_CLIENT) {
            Ok(frame) => self.unsent.extend_from_slice(&frame),
            Err(error) => match failed {
                Some(subscription) => self.fail(
                    subscription,
                    format!("the answer is too long ({error}): ask for less"),
                ),
                None => self.closing = true,
            },
        }
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
