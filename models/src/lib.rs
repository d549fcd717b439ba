//! What stallscope's threads tell each other without a lock, under [loom](https://docs.rs/loom): every order in which they can see each other's stores is tried,
//! also those that no processor at hand shows.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p stallscope-models`; without that this crate is empty. The files are those of `stallscope` itself. It cannot be
//! built for loom as a whole, as tokio leaves half of itself out then; so what these files lean on is stood in for here.
#![cfg(loom)]

mod recorder {
    //! Time, which stands still.

    #[derive(Clone, Copy)]
    pub(crate) struct Ticks(pub(crate) u64);

    pub(crate) struct Rate {
        pub(crate) now: Ticks,
    }

    impl Rate {
        pub(crate) fn nanos_since(&self, then: Ticks) -> u64 {
            self.now.0 - then.0
        }
    }
}

pub mod sync {
    //! As the module of the crate.

    pub(crate) mod atomics {
        pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};
    }

    pub(crate) mod conflict {
        //! As in the crate, without what becomes of it.

        use std::panic::Location;

        use super::party::Party;

        #[allow(dead_code)] // nobody looks here
        pub(crate) struct Side {
            pub(crate) party: Party,
            pub(crate) place: Place,
            pub(crate) tid: u32,
        }

        #[allow(dead_code)] // as above
        pub(crate) struct Place(&'static Location<'static>);

        impl From<&'static Location<'static>> for Place {
            fn from(location: &'static Location<'static>) -> Self {
                Place(location)
            }
        }
    }

    pub(crate) mod party {
        //! Numbers, each taken on the thread of that number.

        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) struct Party(pub(crate) u32);

        #[derive(Clone, Copy)]
        pub(crate) struct Taker {
            pub(crate) party: u64,
            pub(crate) thread: u32,
        }

        impl Party {
            pub(crate) fn to_bits(self) -> u64 {
                self.0.into()
            }

            pub(crate) fn from_bits(bits: u64) -> Option<Self> {
                let number = u32::try_from(bits).ok()?;
                (number != 0).then_some(Party(number))
            }

            pub(crate) fn taker(self) -> Taker {
                Taker {
                    party: self.to_bits(),
                    thread: self.0,
                }
            }
        }
    }

    #[path = "../../../crates/stallscope/src/sync/view.rs"]
    #[allow(dead_code)] // a slot's part is used
    pub(crate) mod view;

    pub mod track {
        //! Who holds a lock, as the agent sees it while holders come and go.

        pub mod models;
        #[path = "../../../../crates/stallscope/src/sync/track/place.rs"]
        #[allow(dead_code)] // as above
        mod place;
        #[path = "../../../../crates/stallscope/src/sync/track/slot.rs"]
        #[allow(dead_code)] // as above
        mod slot;
    }
}
