//! Reads of another process's memory that cannot go on for ever, with one stretch of it held at hand.

use std::cell::{Cell, RefCell};

use super::{Memory, Unreadable};

/// Reads [`Memory`], so much and no more.
///
/// What is read is the process's own and may be anything: a length of exabytes, a list that ends in itself. Every read
/// draws on a budget; when that is used up nothing can be read any more, and whoever walks stops.
pub struct Reader<'m> {
    memory: &'m dyn Memory,
    left: Cell<u64>,
    window: RefCell<Window>,
}

/// A stretch that was read at once, at one moment.
#[derive(Default)]
struct Window {
    start: u64,
    bytes: Vec<u8>,
}

/// What has changed behind a window since it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changes {
    /// It cannot be read any more, or there was none: nothing that was read of it counts.
    All,
    /// Where, in ascending order, in steps of 64 bytes. Empty: nothing.
    At(Vec<u64>),
}

impl Changes {
    /// Whether any of the `len` bytes at `start` may have changed.
    pub fn touches(&self, start: u64, len: u64) -> bool {
        match self {
            Self::All => true,
            Self::At(changed) => {
                let first = changed.partition_point(|at| at.saturating_add(GRAIN as u64) <= start);
                changed
                    .get(first)
                    .is_some_and(|at| *at < start.saturating_add(len))
            }
        }
    }
}

/// Bytes that are compared at once.
const GRAIN: usize = 64;

/// What one read of the process costs besides its bytes: a system call, mostly.
const COST_OF_A_READ: u64 = 64;

/// What one read from the window costs besides its bytes, so that a circle within it ends, too.
const COST_IN_WINDOW: u64 = 1;

impl<'m> Reader<'m> {
    /// A reader that stops after about `budget` bytes; each read counts 64 more.
    pub fn new(memory: &'m dyn Memory, budget: u64) -> Self {
        Self {
            memory,
            left: Cell::new(budget),
            window: RefCell::default(),
        }
    }

    /// Begin anew, with a budget of that many bytes and no window.
    pub fn renew(&self, budget: u64) {
        self.left.set(budget);
        self.window.borrow_mut().bytes.clear();
    }

    /// Whether the budget is used up.
    pub fn is_exhausted(&self) -> bool {
        self.left.get() == 0
    }

    /// Read `len` bytes at `start` now, and serve what lies in them from that copy.
    ///
    /// # Errors
    /// If they cannot be read. There is no window then.
    pub fn look_at(&self, start: u64, len: usize) -> Result<(), Unreadable> {
        self.window.take();
        if len as u64 > self.left.get() {
            return Err(Unreadable(start));
        }
        let mut bytes = vec![0; len];
        self.read_behind_window(start, &mut bytes)?;
        self.window.replace(Window { start, bytes });
        Ok(())
    }

    /// Go on with a budget of that many bytes; the window stays.
    pub fn refill(&self, budget: u64) {
        self.left.set(budget);
    }

    /// What of the window is not the same in the process any more.
    pub fn changes(&self) -> Changes {
        let window = self.window.borrow();
        let mut now = vec![0; window.bytes.len()];
        if now.is_empty() || self.read_behind_window(window.start, &mut now).is_err() {
            return Changes::All;
        }
        let old = window.bytes.chunks(GRAIN);
        let different = old
            .zip(now.chunks(GRAIN))
            .enumerate()
            .filter(|(_, (old, now))| old != now)
            .map(|(number, _)| window.start.saturating_add((number * GRAIN) as u64));
        Changes::At(different.collect())
    }

    /// Fill `into` with the bytes at `address`.
    ///
    /// # Errors
    /// If any of them cannot be read, or the budget is used up.
    pub fn read(&self, address: u64, into: &mut [u8]) -> Result<(), Unreadable> {
        if let Some(bytes) = self.window.borrow().get(address, into.len()) {
            self.charge(COST_IN_WINDOW, address, bytes)?;
            into.copy_from_slice(bytes);
            return Ok(());
        }
        self.read_behind_window(address, into)
    }

    /// `len` bytes at `address`, in memory of our own: never more than the budget has left.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn bytes(&self, address: u64, len: u64) -> Result<Vec<u8>, Unreadable> {
        if len > self.left.get() {
            return Err(Unreadable(address));
        }
        let mut bytes = vec![0; usize::try_from(len).map_err(|_| Unreadable(address))?];
        self.read(address, &mut bytes)?;
        Ok(bytes)
    }

    /// `size` bytes as an unsigned number, the lowest first; at most 16.
    ///
    /// # Errors
    /// As [`read`](Self::read); also for a larger size.
    pub fn uint(&self, address: u64, size: u64) -> Result<u128, Unreadable> {
        let mut bytes = [0; 16];
        let size = usize::try_from(size).map_err(|_| Unreadable(address))?;
        let wanted = bytes.get_mut(..size).ok_or(Unreadable(address))?;
        self.read(address, wanted)?;
        Ok(u128::from_le_bytes(bytes))
    }

    /// A 64-bit number.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn u64(&self, address: u64) -> Result<u64, Unreadable> {
        let mut bytes = [0; 8];
        self.read(address, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn read_behind_window(&self, address: u64, into: &mut [u8]) -> Result<(), Unreadable> {
        self.charge(COST_OF_A_READ, address, into)?;
        self.memory.read(address, into)
    }

    fn charge(&self, extra: u64, address: u64, bytes: &[u8]) -> Result<(), Unreadable> {
        let left = self
            .left
            .get()
            .checked_sub(extra.saturating_add(bytes.len() as u64));
        self.left.set(left.unwrap_or(0));
        left.map(|_| ()).ok_or(Unreadable(address))
    }
}

impl Window {
    fn get(&self, address: u64, len: usize) -> Option<&[u8]> {
        let from = usize::try_from(address.checked_sub(self.start)?).ok()?;
        self.bytes.get(from..from.checked_add(len)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Area, Image, Recorder, Thread};
    use super::*;
    use proptest::prelude::*;

    const PLENTY: u64 = 1 << 20;

    fn image() -> Image {
        let mut image = Image::default();
        image.put(0x1000, &[1, 2, 3, 4, 5, 6, 7, 8]);
        image
    }

    #[test]
    fn numbers_have_their_sizes() {
        let image = image();
        let reader = Reader::new(&image, PLENTY);
        assert_eq!(reader.u64(0x1000), Ok(0x0807_0605_0403_0201));
        assert_eq!(reader.uint(0x1001, 3), Ok(0x0004_0302));
        assert_eq!(reader.uint(0x9999, 0), Ok(0));
        assert_eq!(reader.uint(0x1000, 17), Err(Unreadable(0x1000)));
        assert_eq!(reader.bytes(0x1006, 2), Ok(vec![7, 8]));
        assert_eq!(reader.uint(0x1007, 2), Err(Unreadable(0x1008)));
    }

    #[test]
    fn what_is_in_the_window_is_read_from_the_process_once() {
        let image = image();
        let recorder = Recorder::of(&image);
        let reader = Reader::new(&recorder, PLENTY);
        reader.look_at(0x1000, 8).expect("readable");
        assert_eq!(
            (reader.uint(0x1004, 4), reader.uint(0x1000, 1)),
            (Ok(0x0807_0605), Ok(1))
        );
        assert_eq!(recorder.reads(), 1);
        reader.renew(PLENTY);
        assert_eq!(reader.uint(0x1000, 1), Ok(1));
        assert_eq!(recorder.reads(), 2);
    }

    /// A process that changes with every read.
    struct Counter(Cell<u8>);

    impl Memory for Counter {
        fn read(&self, _address: u64, into: &mut [u8]) -> Result<(), Unreadable> {
            self.0.set(self.0.get().wrapping_add(1));
            into.fill(self.0.get());
            Ok(())
        }

        fn areas(&self) -> Vec<Area> {
            Vec::new()
        }

        fn threads(&self) -> Vec<Thread> {
            Vec::new()
        }
    }

    #[test]
    fn a_change_behind_the_window_is_seen_and_the_window_stays() {
        let image = image();
        let reader = Reader::new(&image, PLENTY);
        assert_eq!(reader.changes(), Changes::All, "there is no window yet");
        reader.look_at(0x1000, 8).expect("readable");
        assert_eq!(reader.changes(), Changes::At(vec![]));
        let counter = Counter(Cell::new(0));
        let reader = Reader::new(&counter, PLENTY);
        reader.look_at(0x1000, 8).expect("readable");
        assert_ne!(reader.changes(), Changes::At(vec![]));
        assert_eq!(reader.uint(0x1000, 1), Ok(1));
    }

    #[test]
    fn a_window_that_fails_leaves_none() {
        let image = image();
        let reader = Reader::new(&image, PLENTY);
        reader.look_at(0x1000, 8).expect("readable");
        assert!(reader.look_at(0x1004, 8).is_err());
        assert_eq!(reader.uint(0x1004, 1), Ok(5));
        assert_ne!(reader.changes(), Changes::At(vec![]));
    }

    #[test]
    fn the_budget_ends_every_kind_of_walk() {
        let image = image();
        let reader = Reader::new(&image, 2 * COST_OF_A_READ + 2);
        assert_eq!(
            (reader.uint(0x1000, 1), reader.uint(0x1000, 1)),
            (Ok(1), Ok(1))
        );
        assert!(reader.uint(0x1000, 1).is_err() && reader.is_exhausted());
        reader.renew(PLENTY);
        assert!(
            reader.bytes(0x1000, u64::MAX).is_err() && reader.look_at(0x1000, usize::MAX).is_err()
        );
        reader.look_at(0x1000, 8).expect("readable");
        let reads = (0..PLENTY)
            .take_while(|_| reader.u64(0x1000).is_ok())
            .count() as u64;
        assert!(reads < PLENTY / 8, "a circle within the window ends");
    }

    proptest! {
        #[test]
        fn no_address_or_length_makes_it_panic(address: u64, length: u64, window: (u64, u16)) {
            let image = image();
            let reader = Reader::new(&image, PLENTY);
            let _ = reader.look_at(window.0, window.1.into());
            let _ = reader.look_at(0x1000 | window.0 & 7, usize::from(window.1 & 7));
            let _ = (reader.bytes(address, length), reader.u64(address), reader.uint(0x1000 | address & 15, length));
            prop_assert!(reader.left.get() <= PLENTY);
        }
    }
}
