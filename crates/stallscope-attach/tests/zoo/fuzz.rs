//! What does a process whose memory or debug information is full of lies do to its reader? Nothing: it neither panics nor hangs,
//! and reads no more than it may.
//!
//! The zoo's memory is copied once. Then bytes and words of it are changed at random, by a seed, and all tasks are listed with their
//! locals. `ZOO_FUZZ=SECONDS` does so for longer, `ZOO_FUZZ_SEED=N` begins elsewhere.

use std::collections::HashMap;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use stallscope_attach::memory::{Area, Image, Live, Memory, Thread, Unreadable};
use stallscope_attach::{Options, Process, Target};

use crate::program::{Zoo, programs};

/// So long in a usual run of the tests.
const SECONDS: u64 = 3;
/// A listing of a hundred tasks takes milliseconds. One that takes longer than this hangs, on however busy a machine.
const LONGEST: Duration = Duration::from_secs(20);
/// Each task may read 4 MB, and the search for tasks reads everything once.
const MOST_READ: u64 = 4 << 30;

#[test]
fn memory_full_of_lies_is_read_without_a_panic_and_within_bounds() {
    let seconds = number("ZOO_FUZZ").unwrap_or(SECONDS);
    let seed = number("ZOO_FUZZ_SEED").unwrap_or(1);
    for program in programs() {
        let zoo = Zoo::start(program, &[]);
        let live = Live::open(zoo.pid()).expect("it runs and is ours");
        let executable = live.executable().expect("it has one");
        let lies = Arc::new(Lies {
            image: copy(&live),
            changed: Mutex::default(),
            read: AtomicU64::new(0),
        });
        drop(zoo);
        let target = Target::recorded(
            Box::new(Shared(Arc::clone(&lies))),
            program,
            executable.bias,
        )
        .expect("the program's file is there");
        let process = Process::of(&target).expect("it has types");
        let honest = process.tasks(&Options { locals: true });
        assert!(honest.len() > 50, "the copy reads like the zoo");

        let tasks: Vec<u64> = honest.iter().map(|task| task.address).collect();
        let words = lies.words();
        let mut random = Random(seed);
        let end = Instant::now() + Duration::from_secs(seconds);
        let (mut listings, mut read) = (0, 0);
        while Instant::now() < end {
            lies.change(&mut random, &tasks, &words);
            let begun = Instant::now();
            lies.read.store(0, Ordering::Relaxed);
            let listed = process.tasks(&Options { locals: true });
            assert!(begun.elapsed() < LONGEST, "seed {seed}, listing {listings}");
            let bytes = lies.read.load(Ordering::Relaxed);
            assert!(
                bytes < MOST_READ,
                "seed {seed}, listing {listings}: {bytes}"
            );
            listings += 1;
            read += listed.len();
        }
        println!("{}: {listings} listings, {read} tasks", program.display());
        assert!(listings > 0);
    }
}

#[test]
fn debug_information_full_of_lies_is_read_without_a_panic_and_within_bounds() {
    let seconds = number("ZOO_FUZZ").unwrap_or(SECONDS);
    let mut random = Random(number("ZOO_FUZZ_SEED").unwrap_or(1));
    let program = programs().last().expect("there is one");
    let zoo = Zoo::start(program, &[]);
    let live = Live::open(zoo.pid()).expect("it runs and is ours");
    let bias = live.executable().expect("it has one").bias;
    let image = Arc::new(Lies {
        image: copy(&live),
        changed: Mutex::default(),
        read: AtomicU64::new(0),
    });
    drop(zoo);
    let directory = tempfile::tempdir().expect("there is room");
    let path = directory.path().join("zoo");
    let honest = std::fs::read(program).expect("it was built");
    std::fs::write(&path, &honest).expect("there is room");
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .expect("it is ours");
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut opened, mut tasks) = (0, 0);
    while Instant::now() < end || opened == 0 {
        let places: Vec<usize> = (0..=random.below(200))
            .map(|_| random.below(honest.len()))
            .collect();
        for at in &places {
            // One bit, or all of the byte.
            let wrong = match random.below(2) {
                0 => honest[*at] ^ 1 << random.below(8),
                _ => random.next().to_le_bytes()[7],
            };
            file.write_at(&[wrong], *at as u64).expect("it is ours");
        }
        let begun = Instant::now();
        let memory = Box::new(Shared(Arc::clone(&image)));
        // What is no program any more, or has no tokio in it, is told so.
        if let Ok(target) = Target::recorded(memory, &path, bias)
            && let Ok(process) = Process::of(&target)
        {
            tasks += process.tasks(&Options { locals: true }).len();
        }
        assert!(begun.elapsed() < LONGEST, "{places:?}");
        for at in &places {
            let byte = &honest[*at..=*at];
            file.write_at(byte, *at as u64).expect("it is ours");
        }
        opened += 1;
    }
    println!("{opened} programs, {tasks} tasks");
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// All of a process's memory but the largest areas.
pub(crate) fn copy(live: &Live) -> Image {
    const LARGEST: u64 = 32 << 20;
    const PAGE: usize = 4096;
    let mut image = Image::default();
    for area in live.areas() {
        let len = area.end - area.start;
        if len > LARGEST || area.name.starts_with("[v") {
            continue;
        }
        let mut bytes = vec![0; usize::try_from(len).expect("it is small")];
        for (number, page) in bytes.chunks_mut(PAGE).enumerate() {
            // What cannot be read stays zero.
            let _ = live.read(area.start + (number * PAGE) as u64, page);
        }
        image.put(area.start, &bytes);
        image.areas.push(area);
    }
    image
}

/// A copy of a process in which some words are not what they were.
struct Lies {
    image: Image,
    changed: Mutex<HashMap<u64, [u8; 8]>>,
    /// How many bytes were read.
    read: AtomicU64,
}

impl Lies {
    /// The addresses of aligned words in the heap that have been used.
    fn words(&self) -> Vec<u64> {
        let areas = self.image.areas.iter();
        let heaps = areas.filter(|area| area.writable && !area.name.starts_with('/'));
        let mut words = Vec::new();
        for heap in heaps {
            for at in (heap.start..heap.end).step_by(8) {
                let mut word = [0; 8];
                if self.image.read(at, &mut word).is_ok() && word != [0; 8] {
                    words.push(at);
                }
            }
        }
        words
    }

    /// Forget all lies and tell others: most of them within tasks, where most is read.
    fn change(&self, random: &mut Random, tasks: &[u64], words: &[u64]) {
        let mut changed = self.changed.lock().expect("nobody panics with it");
        changed.clear();
        for _ in 0..random.below(400) {
            let at = if random.below(4) == 0 {
                words[random.below(words.len())]
            } else {
                tasks[random.below(tasks.len())] + 8 * random.below(80) as u64
            };
            let mut word = [0; 8];
            if self.image.read(at, &mut word).is_err() {
                continue;
            }
            let word = match random.below(6) {
                0 => random.next().to_le_bytes(),
                1 => (random.below(300) as u64).to_le_bytes(),
                // Where another task is, or anything else: circles, and values of other types.
                2 => tasks[random.below(tasks.len())].to_le_bytes(),
                3 => words[random.below(words.len())].to_le_bytes(),
                4 => {
                    let other = words[random.below(words.len())];
                    let _ = self.image.read(other, &mut word);
                    word
                }
                _ => {
                    word[random.below(8)] = random.next().to_le_bytes()[7];
                    word
                }
            };
            changed.insert(at, word);
        }
    }
}

/// The copy, as the reader has it while we change it.
struct Shared(Arc<Lies>);

impl Memory for Shared {
    fn read(&self, address: u64, into: &mut [u8]) -> Result<(), Unreadable> {
        self.0.read.fetch_add(into.len() as u64, Ordering::Relaxed);
        self.0.image.read(address, into)?;
        let changed = self.0.changed.lock().expect("nobody panics with it");
        let end = address + into.len() as u64;
        let is_long = into.len() > 4096;
        let mut lay = |at: u64, word: &[u8; 8]| {
            for (number, byte) in word.iter().enumerate() {
                let here = at + number as u64;
                if (address..end).contains(&here) {
                    into[usize::try_from(here - address).expect("it is within")] = *byte;
                }
            }
        };
        if is_long {
            changed.iter().for_each(|(at, word)| lay(*at, word));
        } else {
            let first = address & !7;
            for at in (first..end).step_by(8) {
                if let Some(word) = changed.get(&at) {
                    lay(at, word);
                }
            }
        }
        Ok(())
    }

    fn areas(&self) -> Vec<Area> {
        self.0.image.areas.clone()
    }

    fn threads(&self) -> Vec<Thread> {
        Vec::new()
    }
}

/// Numbers that look random, the same ones for a seed: xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(u64::MAX);
        usize::try_from((self.next() >> 11) % end).unwrap_or(0)
    }
}
