//! A connection as a stream: one thread reads, another writes, and who subscribes waits for neither.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use stallscope_wire::frame::{Limit, encode};
use stallscope_wire::message::{
    AgentMessage, ClientMessage, Failed, Subscribe, Unsubscribe, agent_message, client_message,
};

use super::error::Problem;
use super::transport::Transport;
use super::{ClientError, Link};

/// What a stream hands out.
#[derive(Debug)]
pub(crate) enum StreamEvent {
    /// Always of a known kind: its `body` is set.
    Message(Box<AgentMessage>),
    /// The last event: why nothing more will come, in one sentence. Not sent when the [`Subscriber`] was dropped.
    Closed(String),
}

/// Says what is to arrive on a stream. Dropping it ends the connection.
#[derive(Debug)]
pub(crate) struct Subscriber {
    outbox: Arc<Outbox>,
    transport: Transport,
}

impl Subscriber {
    /// Asks for a topic, in place of what the same number named before. Never waits: of several requests with one number
    /// that the agent has not taken yet, only the last is sent.
    pub(crate) fn subscribe(&self, subscribe: Subscribe) {
        let number = subscribe.subscription;
        self.outbox
            .put(number, client_message::Body::Subscribe(subscribe));
    }

    /// No more updates of this number, apart from those that are on their way. Never waits.
    pub(crate) fn unsubscribe(&self, subscription: u64) {
        self.outbox.put(
            subscription,
            client_message::Body::Unsubscribe(Unsubscribe { subscription }),
        );
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.outbox.close();
        // Wakes the reader, and a writer that waits for an agent that does not read.
        self.transport.close();
    }
}

/// Turns a connection into a stream.
pub(super) fn start(
    link: Link,
    deliver: impl Fn(StreamEvent) + Send + 'static,
) -> Result<Subscriber, ClientError> {
    let prepared = link
        .transport
        .limit_reads(None)
        .and_then(|()| link.transport.limit_writes(None))
        .and_then(|()| Ok((link.transport.second()?, link.transport.second()?)));
    let (transport, writing) = match prepared {
        Ok(handles) => handles,
        Err(error) => return Err(link.error(Problem::Broken(error))),
    };
    let outbox = Arc::new(Outbox::default());
    let deliver = Arc::new(Mutex::new(deliver));
    let writer = {
        let (outbox, deliver) = (Arc::clone(&outbox), Arc::clone(&deliver));
        move || write(writing, &outbox, &deliver)
    };
    let agent = link.agent.clone();
    let reader = {
        let outbox = Arc::clone(&outbox);
        move || read(link, &outbox, &deliver)
    };
    // Made before the threads: if one of them cannot be started, dropping it ends the other.
    let subscriber = Subscriber { outbox, transport };
    thread::Builder::new()
        .name("stallscope-write".to_owned())
        .spawn(writer)
        .and_then(|_| {
            thread::Builder::new()
                .name("stallscope-read".to_owned())
                .spawn(reader)
        })
        .map_err(|error| ClientError {
            agent,
            problem: Problem::Broken(error),
        })?;
    Ok(subscriber)
}

fn read<D: Fn(StreamEvent)>(mut link: Link, outbox: &Outbox, deliver: &Mutex<D>) {
    let why = loop {
        match link.decoded() {
            Ok(Some(agent_message::Body::Refused(refused))) => {
                break Problem::Refused(refused.reason);
            }
            Ok(Some(body)) => {
                if outbox.is_closed() {
                    return;
                }
                lock(deliver)(StreamEvent::Message(Box::new(AgentMessage {
                    body: Some(body),
                })));
                continue;
            }
            Ok(None) => {}
            Err(error) => break error.into(),
        }
        match link.read_some() {
            Ok(0) => break Problem::Closed,
            Ok(_) => {}
            Err(error) if super::hung_up(&error) => break Problem::Closed,
            Err(error) => break Problem::Broken(error),
        }
    };
    // Whoever hears `Closed` may still hold the subscriber; the writer has nothing left to do.
    if outbox.close() {
        lock(deliver)(StreamEvent::Closed(link.error(why).to_string()));
    }
}

fn write<D: Fn(StreamEvent)>(mut transport: Transport, outbox: &Outbox, deliver: &Mutex<D>) {
    while let Some((subscription, body)) = outbox.take() {
        let message = ClientMessage { body: Some(body) };
        match encode(&message, Limit::TO_AGENT) {
            // The reader learns of a broken stream too, and says so.
            Ok(frame) => {
                if transport.write_all(&frame).is_err() {
                    return;
                }
            }
            // Only this one request cannot be made, just as if the agent had said so.
            Err(error) => lock(deliver)(StreamEvent::Message(Box::new(AgentMessage {
                body: Some(agent_message::Body::Failed(Failed {
                    subscription,
                    reason: error.to_string(),
                })),
            }))),
        }
    }
}

/// Requests that are still to be sent, the last one of each subscription.
#[derive(Debug, Default)]
struct Outbox {
    pending: Mutex<Pending>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Pending {
    requests: BTreeMap<u64, client_message::Body>,
    closed: bool,
}

impl Outbox {
    fn put(&self, subscription: u64, request: client_message::Body) {
        lock(&self.pending).requests.insert(subscription, request);
        self.changed.notify_one();
    }

    /// Waits for a request; `None` once closed.
    fn take(&self) -> Option<(u64, client_message::Body)> {
        let mut pending = lock(&self.pending);
        loop {
            if pending.closed {
                return None;
            }
            if let Some(request) = pending.requests.pop_first() {
                return Some(request);
            }
            pending = self
                .changed
                .wait(pending)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether this call closed it.
    fn close(&self) -> bool {
        let was_closed = std::mem::replace(&mut lock(&self.pending).closed, true);
        self.changed.notify_all();
        !was_closed
    }

    fn is_closed(&self) -> bool {
        lock(&self.pending).closed
    }
}

/// None of what these locks guard can be left half changed: a panic elsewhere is no reason to stop.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
