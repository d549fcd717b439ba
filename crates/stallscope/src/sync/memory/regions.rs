//! Which bytes are registered, and whose turn is it?

use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stallscope_stack::Watchpoint;

use crate::sync::trial::Trial;

/// Of this process.
pub(super) static REGIONS: Regions = Regions {
    list: Mutex::new(List {
        regions: Vec::new(),
        next: 0,
        watched: None,
    }),
};

/// Regions that are kept. One more is not watched, and its guard does nothing.
const MOST: usize = 1024;

pub(super) struct Regions {
    list: Mutex<List>,
}

struct List {
    regions: Vec<Region>,
    next: u64,
    /// The region that a round is on.
    watched: Option<u64>,
}

struct Region {
    id: u64,
    address: u64,
    length: u64,
    place: &'static Location<'static>,
    /// The test that has registered it.
    trial: Option<Arc<Trial>>,
}

/// What the hardware can watch at once.
#[derive(Clone, Debug)]
pub(super) struct Word {
    region: u64,
    pub(super) address: u64,
    pub(super) length: u64,
    /// Where it was registered, and by which test.
    pub(super) place: &'static Location<'static>,
    pub(super) trial: Option<Arc<Trial>>,
}

impl Regions {
    /// The number of the region, none if there is nothing to watch or no room.
    pub(super) fn add(
        &self,
        address: u64,
        length: u64,
        place: &'static Location<'static>,
        trial: Option<Arc<Trial>>,
    ) -> Option<u64> {
        let mut list = self.list();
        if length == 0 || address.checked_add(length).is_none() || list.regions.len() >= MOST {
            return None;
        }
        list.next += 1;
        let id = list.next;
        list.regions.push(Region {
            id,
            address,
            length,
            place,
            trial,
        });
        Some(id)
    }

    /// The bytes may be somebody else's as soon as this returns.
    pub(super) fn remove(&self, id: u64) {
        let mut list = self.list();
        list.regions.retain(|region| region.id != id);
        if list.watched == Some(id) {
            list.watched = None;
            Watchpoint::call_off();
        }
    }

    pub(super) fn count(&self) -> usize {
        self.list().regions.len()
    }

    /// The word whose turn it is: each region has its turn, and in it each of its words.
    pub(super) fn word(&self, turn: u64) -> Option<Word> {
        let list = self.list();
        let count = list.regions.len() as u64;
        let region = list
            .regions
            .get(usize::try_from(turn.checked_rem(count)?).ok()?)?;
        let mine = words(region.address, region.length);
        let which = (turn / count).checked_rem(mine.clone().count() as u64)?;
        let (address, length) = mine.clone().nth(usize::try_from(which).ok()?)?;
        Some(Word {
            region: region.id,
            address,
            length,
            place: region.place,
            trial: region.trial.clone(),
        })
    }

    /// Begins a round on a word, if it is still registered.
    pub(super) fn begin(&self, word: &Word, watch: &Watchpoint) -> bool {
        let mut list = self.list();
        let is_there = list.regions.iter().any(|region| region.id == word.region);
        if is_there {
            list.watched = Some(word.region);
            watch.begin();
        }
        is_there
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bytes in pieces of 1, 2, 4 or 8, each at a multiple of its length.
fn words(address: u64, length: u64) -> impl Iterator<Item = (u64, u64)> + Clone {
    let end = address.saturating_add(length);
    let piece = move |at: u64| {
        let fits = [8, 4, 2, 1]
            .into_iter()
            .find(|piece| at.is_multiple_of(*piece) && piece + at <= end)?;
        Some((at, fits))
    };
    std::iter::successors(piece(address), move |(at, length)| piece(at + length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn regions() -> Regions {
        Regions {
            list: Mutex::new(List {
                regions: Vec::new(),
                next: 0,
                watched: None,
            }),
        }
    }

    #[test]
    fn each_region_and_each_of_its_words_has_its_turn() {
        let (regions, here) = (regions(), Location::caller());
        let first = regions.add(0x1000, 16, here, None).expect("there is room");
        regions.add(0x2002, 4, here, None).expect("there is room");
        let turns: Vec<_> = (0..6)
            .filter_map(|turn| regions.word(turn))
            .map(|word| (word.address, word.length))
            .collect();
        let expected = [
            (0x1000, 8),
            (0x2002, 2),
            (0x1008, 8),
            (0x2004, 2),
            (0x1000, 8),
            (0x2002, 2),
        ];
        assert_eq!(turns, expected);
        regions.remove(first);
        assert_eq!(regions.word(0).map(|word| word.address), Some(0x2002));
        assert_eq!(regions.count(), 1);
    }

    #[test]
    fn nothing_and_too_much_are_not_registered() {
        let (regions, here) = (regions(), Location::caller());
        assert_eq!(regions.add(0x1000, 0, here, None), None);
        assert_eq!(regions.add(u64::MAX, 8, here, None), None);
        for number in 0..MOST as u64 {
            assert!(regions.add(0x1000 + 8 * number, 8, here, None).is_some());
        }
        assert_eq!(regions.add(0x1000, 8, here, None), None);
        assert_eq!(regions.word(7).map(|word| word.address), Some(0x1038));
    }

    proptest! {
        #[test]
        fn the_words_are_the_bytes_and_the_processor_takes_each(address in 0..1_u64 << 47, length in 1..200_u64) {
            let mut at = address;
            for (word, piece) in words(address, length) {
                prop_assert_eq!(word, at);
                prop_assert!(matches!(piece, 1 | 2 | 4 | 8) && word % piece == 0);
                at += piece;
            }
            prop_assert_eq!(at, address + length);
        }
    }
}
