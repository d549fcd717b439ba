//! A process that a test or a fuzzer made up, or that was recorded from another: areas, pieces of memory, threads.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::{Area, Memory, Thread, Unreadable};

/// A made-up process. [`Default`] is an empty one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// Its areas, in order of address. They need not have bytes.
    pub areas: Vec<Area>,
    /// Its threads.
    pub threads: Vec<Thread>,
    /// By address; they neither overlap nor touch.
    pieces: BTreeMap<u64, Vec<u8>>,
}

impl Image {
    /// With areas, in order of address, and threads, but no bytes yet.
    pub fn new(areas: Vec<Area>, threads: Vec<Thread>) -> Self {
        Self {
            areas,
            threads,
            pieces: BTreeMap::new(),
        }
    }

    /// Puts bytes at an address, over those that are there. Bytes beyond the last address are dropped.
    pub fn put(&mut self, address: u64, bytes: &[u8]) {
        let room = usize::try_from(u64::MAX - address).unwrap_or(usize::MAX);
        let bytes = bytes.get(..room).unwrap_or(bytes);
        if bytes.is_empty() {
            return;
        }
        let end = address + bytes.len() as u64;
        // All pieces that overlap or touch become one. The first may begin before.
        let first = self
            .piece_before(address)
            .filter(|(start, piece)| start + piece.len() as u64 >= address)
            .map_or(address, |(start, _)| start);
        let touched: Vec<u64> = self
            .pieces
            .range(first..=end)
            .map(|(&start, _)| start)
            .collect();
        let mut whole = Vec::new();
        for start in touched {
            let piece = self.pieces.remove(&start).unwrap_or_default();
            lay(&mut whole, start - first, &piece);
        }
        lay(&mut whole, address - first, bytes);
        self.pieces.insert(first, whole);
    }

    /// The pieces of memory it has, in order of address.
    pub fn pieces(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.pieces
            .iter()
            .map(|(&start, bytes)| (start, bytes.as_slice()))
    }

    fn piece_before(&self, address: u64) -> Option<(u64, &Vec<u8>)> {
        self.pieces
            .range(..=address)
            .next_back()
            .map(|(&start, piece)| (start, piece))
    }
}

/// Writes bytes at an index, making room.
fn lay(whole: &mut Vec<u8>, at: u64, bytes: &[u8]) {
    // Both are within pieces that we hold, so they fit.
    let at = usize::try_from(at).unwrap_or(usize::MAX);
    let end = at.saturating_add(bytes.len());
    if whole.len() < end {
        whole.resize(end, 0);
    }
    if let Some(place) = whole.get_mut(at..end) {
        place.copy_from_slice(bytes);
    }
}

impl Memory for Image {
    fn read(&self, address: u64, into: &mut [u8]) -> Result<(), Unreadable> {
        if into.is_empty() {
            return Ok(());
        }
        let (start, piece) = self.piece_before(address).ok_or(Unreadable(address))?;
        let rest = usize::try_from(address - start)
            .ok()
            .and_then(|from| piece.get(from..))
            .unwrap_or_default();
        match rest.get(..into.len()) {
            Some(bytes) => {
                into.copy_from_slice(bytes);
                Ok(())
            }
            None => Err(Unreadable(address.saturating_add(rest.len() as u64))),
        }
    }

    fn areas(&self) -> Vec<Area> {
        self.areas.clone()
    }

    fn threads(&self) -> Vec<Thread> {
        self.threads.clone()
    }
}

/// Keeps what is read of another [`Memory`], so that what went wrong there can be gone through again without it.
///
/// ```
/// use stallscope_attach::memory::{Image, Memory, Recorder};
///
/// let mut process = Image::default();
/// process.put(0x1000, b"all of this");
/// let recorder = Recorder::of(&process);
/// recorder.read(0x1007, &mut [0; 4]).unwrap();
/// let mut again = [0; 4];
/// recorder.into_image().read(0x1007, &mut again).unwrap();
/// assert_eq!(&again, b"this");
/// ```
pub struct Recorder<'m> {
    memory: &'m dyn Memory,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    image: Image,
    reads: u64,
}

impl<'m> Recorder<'m> {
    /// Nothing is recorded yet.
    pub fn of(memory: &'m dyn Memory) -> Self {
        Self {
            memory,
            seen: Mutex::default(),
        }
    }

    /// How many reads there were, those that failed too.
    pub fn reads(&self) -> u64 {
        self.with(|seen| seen.reads)
    }

    /// The bytes that were read, the last ones of each address, and areas and threads if they were asked for.
    pub fn into_image(self) -> Image {
        self.seen
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .image
    }

    fn with<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Memory for Recorder<'_> {
    fn read(&self, address: u64, into: &mut [u8]) -> Result<(), Unreadable> {
        let result = self.memory.read(address, into);
        self.with(|seen| {
            seen.reads += 1;
            if result.is_ok() {
                seen.image.put(address, into);
            }
        });
        result
    }

    fn areas(&self) -> Vec<Area> {
        let areas = self.memory.areas();
        self.with(|seen| seen.image.areas.clone_from(&areas));
        areas
    }

    fn threads(&self) -> Vec<Thread> {
        let threads = self.memory.threads();
        self.with(|seen| seen.image.threads.clone_from(&threads));
        threads
    }

    fn again(&self, thread: &Thread) -> Option<Thread> {
        self.memory.again(thread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(image: &Image, address: u64, length: usize) -> Result<Vec<u8>, Unreadable> {
        let mut bytes = vec![0; length];
        image.read(address, &mut bytes).map(|()| bytes)
    }

    #[test]
    fn pieces_that_touch_read_as_one_and_a_gap_is_named() {
        let mut image = Image::default();
        image.put(0x10, b"abc");
        image.put(0x14, b"efg");
        assert_eq!(read(&image, 0x10, 5), Err(Unreadable(0x13)));
        image.put(0x13, b"d");
        assert_eq!(read(&image, 0x10, 7), Ok(b"abcdefg".to_vec()));
        assert_eq!(image.pieces().count(), 1);
        assert_eq!(read(&image, 0xf, 1), Err(Unreadable(0xf)));
        assert_eq!(read(&image, 0x16, 2), Err(Unreadable(0x17)));
    }

    #[test]
    fn bytes_behind_the_last_address_are_dropped() {
        let mut image = Image::default();
        image.put(u64::MAX - 1, b"abc");
        assert_eq!(read(&image, u64::MAX - 1, 1), Ok(b"a".to_vec()));
        assert!(read(&image, u64::MAX - 1, 2).is_err());
    }

    proptest! {
        #[test]
        fn it_reads_like_an_array(
            puts in proptest::collection::vec((0..60_u64, proptest::collection::vec(any::<u8>(), 0..20)), 0..12),
            address in 0..90_u64,
            length in 0..40_usize,
        ) {
            let mut model = [None; 200];
            let mut image = Image::default();
            for (at, bytes) in &puts {
                image.put(*at, bytes);
                for (index, byte) in bytes.iter().enumerate() {
                    model[*at as usize + index] = Some(*byte);
                }
            }
            let expected: Option<Vec<u8>> = model[address as usize..].iter().take(length).copied().collect();
            prop_assert_eq!(read(&image, address, length).ok(), expected);
        }
    }
}
