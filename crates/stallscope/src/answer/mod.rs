//! What the agent says when asked: each question of the protocol, one file.
//!
//! Invariant: but for [`live`], which reads the recorder, and the gauges in [`overview`],
//! everything here is a pure function of rows and a query, and is tested as such.

mod details;
mod doctor;
mod filter;
mod live;
mod order;
mod overview;
mod sites;
mod source;
mod tasks;
mod tree;
mod versions;

use stallscope_wire::message::{Process, subscribe::Topic, update};

use crate::agent::Answer;
use crate::config::Complaint;
use crate::recorder::{Keeper, RECORDER};

/// Answers every question of the protocol. Owned by the agent thread.
pub(crate) struct Answers {
    keeper: Keeper,
    complaints: Vec<Complaint>,
    process: Process,
}

impl Answers {
    pub(crate) fn new(complaints: Vec<Complaint>) -> Self {
        Answers {
            keeper: RECORDER.keeper(),
            complaints,
            process: versions::process(),
        }
    }

    /// Lets the recorder tidy up.
    pub(crate) fn tidy(&mut self) {
        self.keeper.tidy();
    }
}

impl Answer for Answers {
    fn answer(&mut self, topic: &Topic) -> Result<update::Body, String> {
        let live = live::Live::now(&self.keeper);
        Ok(match topic {
            Topic::Overview(_) => {
                update::Body::Overview(overview::overview(&live, &self.complaints))
            }
            Topic::Sites(query) => update::Body::Sites(sites::window(query, &live)),
            Topic::Tasks(query) => update::Body::Tasks(tasks::window(query, &live)?),
            Topic::Tree(query) => update::Body::Tree(tree::window(query, &live)?),
            Topic::Details(query) => update::Body::Details(details::details(*query, &live)?),
            Topic::Doctor(_) => update::Body::Doctor(doctor::doctor(&self.complaints)),
        })
    }

    fn process(&self) -> Process {
        self.process.clone()
    }
}
