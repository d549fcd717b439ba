//! A running process, read through `/proc` without stopping it: it does not notice.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use stallscope_stack::Tid;
use stallscope_stack::kernel::ThreadState;

use super::elf::Elf;
use super::maps::{self, Mapping};
use super::thread_pointer::{self, Wanted};
use super::{Area, Executable, Memory, Thread, Unreadable, executable, permission, present};
use crate::Error;

/// A process that begins to execute a program has no code for a moment: whoever has just started it waits so long for it. A busy
/// machine may take its processor away in the middle of that.
const LOADING: Duration = Duration::from_millis(500);

/// A running process.
///
/// It is never written to, never stopped and never traced. Should it end, or execute another program, every read fails
/// from then on, also when its number was given to another process.
#[derive(Debug)]
pub struct Live {
    pid: u32,
    /// The memory of this very process: the open file stays with it, whoever has its number later.
    memory: File,
    /// Which of its pages were ever touched. None: the kernel does not say.
    pagemap: Option<File>,
    /// When it began, in ticks since the machine did: what tells it from another of the same number.
    started: u64,
    /// An address that can be read for as long as it executes this program.
    lasting: u64,
    /// It counts its threads itself, as in a container: they have other numbers here.
    is_apart: bool,
    /// The thread pointers found so far, by thread. A thread's never changes, but its number may be given away: each
    /// is verified before it is used again.
    pointers: Mutex<HashMap<u32, Pointer>>,
}

/// A thread pointer that was found.
#[derive(Debug, Clone, Copy)]
struct Pointer {
    address: u64,
    /// The thread's number as the process itself sees it, which stands behind that address while the thread lives.
    inner: u32,
}

impl Live {
    /// Opens the memory of a process. One that was started just now is waited for, half a second at most, until its program is
    /// loaded.
    ///
    /// # Errors
    /// [`Error::NoProcess`], or [`Error::NotPermitted`] with the rule that forbids it and what to do; [`Error::File`] for one
    /// without a program, as the kernel's own threads are.
    pub fn open(pid: u32) -> Result<Self, Error> {
        let began = started(pid).ok_or(Error::NoProcess(pid))?;
        let deadline = Instant::now() + LOADING;
        loop {
            match Self::open_now(pid, began) {
                Err(Error::NoProcess(_) | Error::File { .. })
                    if started(pid) == Some(began) && Instant::now() < deadline =>
                {
                    sleep(Duration::from_millis(1));
                }
                opened => return opened,
            }
        }
    }

    fn open_now(pid: u32, started: u64) -> Result<Self, Error> {
        let no_program = || Error::File {
            path: format!("/proc/{pid}/maps").into(),
            because: "the process has no memory: it has just ended, or is a thread of the kernel"
                .to_owned(),
        };
        let memory =
            File::open(format!("/proc/{pid}/mem")).map_err(|error| {
                match permission::error(pid, &error) {
                    Error::NoProcess(_) => no_program(),
                    error => error,
                }
            })?;
        let code = read_maps(pid)
            .map_err(|error| permission::error(pid, &error))?
            .into_iter()
            .find(|mapping| mapping.executable)
            .ok_or_else(no_program)?;
        let live = Self {
            pid,
            memory,
            pagemap: File::open(format!("/proc/{pid}/pagemap")).ok(),
            started,
            lasting: code.area.start,
            is_apart: numbers(&status(pid, pid)).count() > 1,
            pointers: Mutex::default(),
        };
        live.check()?;
        Ok(live)
    }

    /// Its number, as it was given.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it is still the process that was opened, executing the same program.
    ///
    /// # Errors
    /// [`Error::NoProcess`] if it is not: what was read of it lately may be nothing.
    pub fn check(&self) -> Result<(), Error> {
        if self.is_same() && self.read(self.lasting, &mut [0]).is_ok() {
            Ok(())
        } else {
            Err(Error::NoProcess(self.pid))
        }
    }

    /// Its program's file, and where that lies in memory.
    ///
    /// # Errors
    /// [`Error::NoProcess`] if it has ended, [`Error::File`] if the file is no 64-bit program or is mapped nowhere.
    pub fn executable(&self) -> Result<Executable, Error> {
        let open = self.file("exe");
        let path = fs::read_link(&open).map_err(|error| permission::error(self.pid, &error))?;
        let path = executable::without_remark(&path);
        let head = executable::head(&open)?;
        let wrong = |because: &str| Error::File {
            path: path.clone(),
            because: because.to_owned(),
        };
        let elf = Elf::parse(&head)
            .ok_or_else(|| wrong("is no 64-bit ELF file, the only kind that can be read"))?;
        let mappings = self.mappings();
        let shown = self.shown(&mappings, &open);
        let areas: Vec<&Area> = shown.iter().map(|mapping| &mapping.area).collect();
        let holds_code = |area: &Area| {
            shown
                .iter()
                .any(|mapping| mapping.executable && mapping.area == *area)
        };
        let bias = executable::bias(elf, &areas, holds_code);
        // Not another program's by now.
        self.check()?;
        Ok(Executable {
            bias: bias.ok_or_else(|| wrong("is not mapped as its program headers say: was it packed, or has it moved itself?"))?,
            beside: self.seen_from_here(&path),
            open,
            path,
        })
    }

    /// A path of the process as it is reached from here: it may live in a container.
    fn seen_from_here(&self, path: &Path) -> PathBuf {
        let below = path.strip_prefix("/").unwrap_or(path);
        self.file("root").join(below)
    }

    /// The mappings that show the program. By device and number, as names may be equal, or gone.
    fn shown<'m>(&self, mappings: &'m [Mapping], executable: &Path) -> Vec<&'m Mapping> {
        let of = |device: (u32, u32), inode: u64| -> Vec<&'m Mapping> {
            mappings
                .iter()
                .filter(|mapping| {
                    mapping.inode != 0 && (mapping.device, mapping.inode) == (device, inode)
                })
                .collect()
        };
        let by_file = fs::metadata(executable)
            .map(|metadata| of(device(metadata.dev()), metadata.ino()))
            .unwrap_or_default();
        if !by_file.is_empty() {
            return by_file;
        }
        // btrfs and overlays show another device in `maps` than in `stat`: what the kernel loaded tells it as well.
        let headers = auxiliary(&fs::read(self.file("auxv")).unwrap_or_default());
        mappings
            .iter()
            .find(|mapping| {
                headers.is_some_and(|at| (mapping.area.start..mapping.area.end).contains(&at))
            })
            .map(|mapping| of(mapping.device, mapping.inode))
            .unwrap_or_default()
    }

    /// Empty if it is not the same process any more.
    fn mappings(&self) -> Vec<Mapping> {
        let mappings = read_maps(self.pid).unwrap_or_default();
        // Asked after reading: before, it could still be given away meanwhile.
        if self.is_same() { mappings } else { Vec::new() }
    }

    fn is_same(&self) -> bool {
        started(self.pid) == Some(self.started)
    }

    fn file(&self, name: &str) -> PathBuf {
        format!("/proc/{}/{name}", self.pid).into()
    }

    fn thread(&self, tid: u32) -> Option<Thread> {
        let name = fs::read(self.file(&format!("task/{tid}/comm"))).ok()?;
        let number = Tid::new(i32::try_from(tid).ok()?)?;
        Some(Thread {
            tid,
            name: String::from_utf8_lossy(&name)
                .trim_end_matches('\n')
                .to_owned(),
            kernel: Some(ThreadState::read_of(self.pid, number)),
            ..Thread::default()
        })
    }

    /// A thread's number as the process itself sees it.
    fn inner_tid(&self, tid: u32) -> u32 {
        if !self.is_apart {
            return tid;
        }
        numbers(&status(self.pid, tid)).last().unwrap_or(tid)
    }

    fn tids(&self) -> Vec<u32> {
        let entries = fs::read_dir(self.file("task")).into_iter().flatten();
        entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .collect()
    }

    /// The thread pointers of all threads, in their order. One that is known costs no file of the kernel's, only a look at memory.
    fn pointers_of(&self, tids: &[u32]) -> Vec<Option<u64>> {
        let mut pointers = self.pointers.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted: Vec<Wanted> = tids
            .iter()
            .map(|tid| match pointers.get(tid) {
                Some(known) if self.is_pointer_of(known.address, known.inner) => Wanted {
                    tid: known.inner,
                    stack_pointer: None,
                    is_main: *tid == self.pid,
                    known: Some(known.address),
                },
                _ => Wanted {
                    tid: self.inner_tid(*tid),
                    stack_pointer: self.thread(*tid).and_then(|thread| thread.stack_pointer()),
                    is_main: *tid == self.pid,
                    known: None,
                },
            })
            .collect();
        let found = if wanted.iter().any(|wanted| wanted.known.is_none()) {
            thread_pointer::find(self, &self.areas(), &wanted)
        } else {
            wanted.iter().map(|wanted| wanted.known).collect()
        };
        let each = tids.iter().zip(&wanted).zip(&found);
        let pointer = |((tid, wanted), found): ((&u32, &Wanted), &Option<u64>)| {
            let inner = wanted.tid;
            found.map(|address| (*tid, Pointer { address, inner }))
        };
        *pointers = each.filter_map(pointer).collect();
        found
    }

    /// Whether an address is the thread pointer of the thread that the process itself knows by that number.
    fn is_pointer_of(&self, address: u64, inner: u32) -> bool {
        thread_pointer::is_pointer_of(self, address, inner)
    }
}

impl Memory for Live {
    /// One system call.
    fn read(&self, address: u64, into: &mut [u8]) -> Result<(), Unreadable> {
        // The upper half is the kernel's, and no offset of a file.
        if address > i64::MAX.cast_unsigned() {
            return Err(Unreadable(address));
        }
        match self.memory.read_at(into, address) {
            Ok(length) if length == into.len() => Ok(()),
            Ok(length) => Err(Unreadable(address.saturating_add(length as u64))),
            Err(_) => Err(Unreadable(address)),
        }
    }

    fn areas(&self) -> Vec<Area> {
        self.mappings()
            .into_iter()
            .filter(|mapping| mapping.readable)
            .map(|mapping| mapping.area)
            .collect()
    }

    fn stretches(&self, area: &Area) -> Vec<(u64, u64)> {
        match &self.pagemap {
            Some(pagemap) => present::stretches(pagemap, area),
            None => vec![(area.start, area.end)],
        }
    }

    fn threads(&self) -> Vec<Thread> {
        let threads: Vec<Thread> = self
            .tids()
            .into_iter()
            .filter_map(|tid| self.thread(tid))
            .collect();
        let tids: Vec<u32> = threads.iter().map(|thread| thread.tid).collect();
        let found = self.pointers_of(&tids);
        let threads = threads.into_iter().zip(found);
        let threads = threads.map(|(thread, thread_pointer)| Thread {
            thread_pointer,
            ..thread
        });
        if self.is_same() {
            threads.collect()
        } else {
            Vec::new()
        }
    }

    fn listed(&self) -> Vec<Thread> {
        let tids = self.tids();
        let found = self.pointers_of(&tids);
        let threads = tids.into_iter().zip(found);
        let threads = threads.map(|(tid, thread_pointer)| Thread {
            tid,
            thread_pointer,
            ..Thread::default()
        });
        if self.is_same() {
            threads.collect()
        } else {
            Vec::new()
        }
    }

    fn lasts(&self) -> bool {
        self.check().is_ok()
    }

    fn again(&self, thread: &Thread) -> Option<Thread> {
        let again = self.thread(thread.tid)?;
        // Without the count of switches nobody can tell whether it ran in between.
        let kernel = again.kernel.filter(|kernel| kernel.times.is_some());
        // Asked after reading: its number may have been given to another thread.
        let is_its = |address: &u64| self.is_pointer_of(*address, self.inner_tid(thread.tid));
        self.is_same().then_some(Thread {
            kernel,
            thread_pointer: thread.thread_pointer.filter(is_its),
            ..again
        })
    }
}

fn read_maps(pid: u32) -> io::Result<Vec<Mapping>> {
    fs::read(format!("/proc/{pid}/maps")).map(|text| maps::parse(&text))
}

/// When a process began: field 22 of `stat`. That of its first thread, since for the other one the kernel adds up all threads.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read(format!("/proc/{pid}/task/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    // The name is the program's choice; the first field behind it is number 3.
    let (_, behind) = stat.rsplit_once(')')?;
    behind.split_ascii_whitespace().nth(22 - 3)?.parse().ok()
}

/// `status` of a thread, empty if it has ended.
fn status(pid: u32, tid: u32) -> String {
    let status = fs::read(format!("/proc/{pid}/task/{tid}/status")).unwrap_or_default();
    String::from_utf8_lossy(&status).into_owned()
}

/// `NSpid:` of `status`: its number in each namespace, from ours to its own.
fn numbers(status: &str) -> impl Iterator<Item = u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    let words = line.unwrap_or_default().split_ascii_whitespace();
    words.filter_map(|word| word.parse().ok())
}

/// Where the program headers of the loaded program are, of the auxiliary vector: pairs of words.
fn auxiliary(vector: &[u8]) -> Option<u64> {
    const PROGRAM_HEADERS: u64 = 3;
    vector.chunks_exact(16).find_map(|pair| {
        let word = |at| super::elf::word64(pair, at);
        (word(0)? == PROGRAM_HEADERS).then(|| word(8)).flatten()
    })
}

/// Major and minor number, of which `maps` has 20 bits of the latter.
fn device(number: u64) -> (u32, u32) {
    let major = number >> 8 & 0xfff | number >> 32 & 0xffff_f000;
    let minor = number & 0xff | number >> 12 & 0xffff_ff00;
    (major as u32, minor as u32)
}

#[cfg(test)]
mod tests;
