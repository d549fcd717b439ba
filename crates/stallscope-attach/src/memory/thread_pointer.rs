//! Where the thread-local storage of each thread of another process is, found by what the C library keeps there.
//!
//! The kernel tells `fs_base` only to a debugger. But on x86-64 the word it points at holds its own address, and both
//! C libraries keep the thread's number behind it: a place with both is the thread's, whatever the rest of memory holds.
//! Of a thread that sleeps the stack pointer leads there, as its control block lies at the top of its stack; the main
//! thread's lies in an area of its own; the others are then reached by the list they are all in.
//!
//! On aarch64 nothing in memory holds the value of `tpidr_el0`, and what lies around it has no mark: there every answer
//! is `None`.

use super::{Area, Memory};

/// What is known of a thread before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Its number as the process itself sees it, which differs from ours when it lives in a container.
    pub(super) tid: u32,
    pub(super) stack_pointer: Option<u64>,
    pub(super) is_main: bool,
    /// Its thread pointer, if that was found before.
    pub(super) known: Option<u64>,
}

/// Of each thread, in the order given. `None`: not found, or not certain.
pub(super) fn find(memory: &dyn Memory, areas: &[Area], threads: &[Wanted]) -> Vec<Option<u64>> {
    let mut found: Vec<_> = threads.iter().map(|thread| thread.known).collect();
    if !cfg!(target_arch = "x86_64") {
        return found;
    }
    for (thread, found) in threads.iter().zip(&mut found) {
        *found = found.or_else(|| match thread.stack_pointer {
            _ if thread.is_main => of_main_thread(memory, areas, thread.tid),
            Some(sp) => above(memory, areas, sp, thread.tid),
            None => None,
        });
    }
    follow_lists(memory, threads, &mut found);
    found
}

/// Whether an address is the thread pointer of the thread of this number.
pub(super) fn is_pointer_of(memory: &dyn Memory, address: u64, tid: u32) -> bool {
    Library::ALL
        .iter()
        .any(|library| library.tid_at(memory, address) == Some(tid))
}

/// How the control block of a thread looks.
struct Library {
    /// Where, beside 0, it holds its own address.
    own_address: u64,
    /// Where the thread's number is.
    tid: u64,
    /// Where the address of the next thread's block is, and how far into that block it points.
    next: (u64, u64),
}

impl Library {
    const ALL: [Self; 2] = [
        // glibc: `tcbhead_t` is an ABI, 0x2c0 bytes since 2.4 (sanitizers rely on it); then `list`, then `tid`.
        Self {
            own_address: 0x10,
            tid: 0x2d0,
            next: (0x2c0, 0x2c0),
        },
        // musl 1.2: self, dtv, prev, next, sysinfo, canary, tid.
        Self {
            own_address: 0,
            tid: 0x30,
            next: (0x18, 0),
        },
    ];

    fn tid_at(&self, memory: &dyn Memory, address: u64) -> Option<u32> {
        let own =
            |offset| word(memory, address.checked_add(offset)?).filter(|word| *word == address);
        own(0)?;
        own(self.own_address)?;
        let mut tid = [0; 4];
        memory.read(address.checked_add(self.tid)?, &mut tid).ok()?;
        Some(u32::from_le_bytes(tid))
    }
}

/// From the stack pointer upwards: the control block is the first thing at the top of the stack.
fn above(memory: &dyn Memory, areas: &[Area], sp: u64, tid: u32) -> Option<u64> {
    /// No thread has a larger stack unless it asks for it.
    const LARGEST_STACK: u64 = 16 << 20;
    let area = areas
        .iter()
        .find(|area| (area.start..area.end).contains(&sp))?;
    let end = area.end.min(sp.saturating_add(LARGEST_STACK));
    search(memory, sp, end, tid)
}

/// In the writable areas, small ones first: the loader gives it one of some pages, a static program has it in `.bss` or
/// at the beginning of the heap.
fn of_main_thread(memory: &dyn Memory, areas: &[Area], tid: u32) -> Option<u64> {
    /// Neighbours of the same kind are one area: it may be at either end of a large one.
    const AT_EACH_END: u64 = 1 << 20;
    const MOST: u64 = 64 << 20;
    let mut areas: Vec<&Area> = areas
        .iter()
        .filter(|area| area.writable && area.name != "[stack]")
        .collect();
    areas.sort_by_key(|area| area.end.saturating_sub(area.start));
    let mut left = MOST;
    areas.into_iter().find_map(|area| {
        let below = area.start.saturating_add(AT_EACH_END).min(area.end);
        let above = area.end.saturating_sub(AT_EACH_END).max(below);
        left = left.checked_sub((below - area.start) + (area.end - above))?;
        search(memory, area.start, below, tid).or_else(|| search(memory, above, area.end, tid))
    })
}

/// The first place in a stretch that is the thread pointer of this thread; what cannot be read is passed over.
fn search(memory: &dyn Memory, start: u64, end: u64, tid: u32) -> Option<u64> {
    const PAGE: u64 = 4096;
    const STRETCH: u64 = 16 * PAGE;
    /// glibc aligns it to 64, musl to 16.
    const ALIGNMENT: usize = 16;
    let mut buffer = vec![0; STRETCH as usize];
    let mut at = start & !(PAGE - 1);
    while at < end {
        // A guard page in between makes the stretch unreadable: then page by page.
        let mut stretch = STRETCH.min(end.saturating_sub(at)).next_multiple_of(PAGE);
        if memory
            .read(at, buffer.get_mut(..stretch as usize)?)
            .is_err()
        {
            stretch = PAGE;
            if memory
                .read(at, buffer.get_mut(..stretch as usize)?)
                .is_err()
            {
                at = at.checked_add(stretch)?;
                continue;
            }
        }
        let candidates = buffer
            .get(..stretch as usize)?
            .chunks_exact(ALIGNMENT)
            .zip(0..);
        for (words, index) in candidates {
            let address = at + index * ALIGNMENT as u64;
            let names_itself = words.first_chunk() == Some(&address.to_le_bytes());
            if names_itself && is_pointer_of(memory, address, tid) {
                return Some(address);
            }
        }
        at = at.checked_add(stretch)?;
    }
    None
}

/// Threads that run have no stack pointer to be found by, but stand in one list with those that were found.
fn follow_lists(memory: &dyn Memory, threads: &[Wanted], found: &mut [Option<u64>]) {
    let known: Vec<u64> = found.iter().copied().flatten().collect();
    for from in known {
        for library in &Library::ALL {
            if found.iter().all(Option::is_some) {
                return;
            }
            // Threads may have started since they were counted; the list's head is no thread.
            follow_list(
                memory,
                library,
                from,
                threads,
                found,
                threads.len() * 2 + 16,
            );
        }
    }
}

fn follow_list(
    memory: &dyn Memory,
    library: &Library,
    from: u64,
    threads: &[Wanted],
    found: &mut [Option<u64>],
    most: usize,
) -> Option<()> {
    if !threads.iter().zip(&*found).any(|(thread, found)| {
        *found == Some(from) && library.tid_at(memory, from) == Some(thread.tid)
    }) {
        return None;
    }
    let (link, target) = library.next;
    let mut block = from;
    for _ in 0..most {
        block = word(memory, block.checked_add(link)?)?.checked_sub(target)?;
        if block == from {
            break;
        }
        let Some(tid) = library.tid_at(memory, block) else {
            continue;
        };
        for (_, found) in threads
            .iter()
            .zip(&mut *found)
            .filter(|(thread, _)| thread.tid == tid)
        {
            found.get_or_insert(block);
        }
    }
    None
}

fn word(memory: &dyn Memory, address: u64) -> Option<u64> {
    let mut bytes = [0; 8];
    memory.read(address, &mut bytes).ok()?;
    Some(u64::from_le_bytes(bytes))
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::super::Image;
    use super::*;
    use proptest::prelude::*;

    const STACK: (u64, u64) = (0x10_0000, 0x11_0000);

    fn image() -> Image {
        let area = |(start, end), writable| Area {
            start,
            end,
            writable,
            ..Area::default()
        };
        let mut image = Image::new(
            vec![area(STACK, true), area((0x30_0000, 0x30_4000), true)],
            Vec::new(),
        );
        image.put(STACK.0, &vec![0; 0x1_0000]);
        image.put(0x30_0000, &[0; 0x4000]);
        image
    }

    fn thread(tid: u32, stack_pointer: Option<u64>) -> Wanted {
        Wanted {
            tid,
            stack_pointer,
            is_main: tid == 1,
            known: None,
        }
    }

    /// A control block as a C library makes it.
    fn block(image: &mut Image, library: &Library, address: u64, tid: u32, next: u64) {
        image.put(address, &address.to_le_bytes());
        image.put(address + library.own_address, &address.to_le_bytes());
        image.put(address + library.tid, &tid.to_le_bytes());
        let (link, target) = library.next;
        image.put(address + link, &(next + target).to_le_bytes());
    }

    fn find_in(image: &Image, threads: &[Wanted]) -> Vec<Option<u64>> {
        find(image, &image.areas, threads)
    }

    #[test]
    fn both_libraries_are_known_and_a_thread_that_runs_is_found_by_its_neighbour() {
        let (asleep, runs) = (STACK.1 - 0x1000, 0x30_2000);
        for library in &Library::ALL {
            let mut image = image();
            block(&mut image, library, asleep, 2, runs);
            block(&mut image, library, runs, 3, asleep);
            let threads = [
                thread(2, Some(STACK.1 - 0x8000)),
                thread(3, None),
                thread(4, None),
            ];
            assert_eq!(find_in(&image, &threads), [Some(asleep), Some(runs), None]);
        }
    }

    #[test]
    fn the_main_thread_is_found_in_an_area_of_its_own() {
        for library in &Library::ALL {
            let mut image = image();
            block(&mut image, library, 0x30_3000, 1, 0x30_3000);
            assert_eq!(find_in(&image, &[thread(1, None)]), [Some(0x30_3000)]);
        }
    }

    #[test]
    fn a_block_of_another_thread_or_half_a_block_is_none() {
        let mut image = image();
        let at = STACK.1 - 0x1000;
        block(&mut image, &Library::ALL[0], at, 3, at);
        image.put(at - 0x400, &(at - 0x400).to_le_bytes());
        assert_eq!(find_in(&image, &[thread(2, Some(STACK.0))]), [None]);
    }

    #[test]
    fn a_page_that_cannot_be_read_is_passed_over() {
        let mut image = Image::new(image().areas, Vec::new());
        image.put(STACK.1 - 0x2000, &[0; 0x2000]);
        let at = STACK.1 - 0x1000;
        block(&mut image, &Library::ALL[0], at, 2, at);
        assert_eq!(
            find_in(&image, &[thread(2, Some(STACK.1 - 0x9000))]),
            [Some(at)]
        );
    }

    proptest! {
        #[test]
        fn no_memory_makes_it_panic_or_go_on_for_ever(
            area: (u64, u64),
            sp: u64,
            links in proptest::collection::vec((0..512_u64, 0..512_u64), 0..40),
        ) {
            let mut image = image();
            image.areas.push(Area { start: area.0.min(area.1), end: area.0.max(area.1), writable: false, ..Area::default() });
            block(&mut image, &Library::ALL[0], STACK.1 - 0x1000, 2, STACK.1 - 0x1000);
            for (at, to) in links {
                image.put(STACK.1 - 0x1000 + 8 * at, &(STACK.1 - 0x1000 + 8 * to).to_le_bytes());
            }
            let _ = find_in(&image, &[thread(1, Some(sp)), thread(2, Some(STACK.1 - 0x1100)), thread(0, None)]);
        }
    }
}
