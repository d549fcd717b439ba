//! Names stacks on a thread of its own: the first takes as long as the lines of the whole program take to be read, and looks must go on.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use stallscope_attach::threads::{Namer, Walked};
use stallscope_stack::Frame;

/// That thread, which ends with this.
pub(super) struct Naming {
    ask: Sender<(u64, Walked)>,
    told: Receiver<(u64, Vec<Frame>)>,
}

impl Naming {
    pub(super) fn start(mut namer: Namer) -> io::Result<Self> {
        let (ask, asked) = channel::<(u64, Walked)>();
        let (tell, told) = channel();
        thread::Builder::new()
            .name("stallscope-names".to_owned())
            .spawn(move || {
                for (number, walked) in asked {
                    if tell.send((number, namer.name(&walked).frames)).is_err() {
                        return;
                    }
                }
            })?;
        Ok(Naming { ask, told })
    }

    /// Whether there will be an answer.
    pub(super) fn ask(&self, number: u64, walked: Walked) -> bool {
        self.ask.send((number, walked)).is_ok()
    }

    /// Those that have got their names meanwhile.
    pub(super) fn told(&self) -> impl Iterator<Item = (u64, Vec<Frame>)> {
        self.told.try_iter()
    }

    /// Waits for all that was asked.
    pub(super) fn finish(self) -> impl Iterator<Item = (u64, Vec<Frame>)> {
        drop(self.ask);
        self.told.into_iter()
    }
}
