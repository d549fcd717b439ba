//! The notes of a core file: its threads with their registers, its auxiliary vector, the files it had mapped.

use stallscope_stack::Tid;
use stallscope_stack::kernel::{Position, RunState, SystemCall, ThreadState};

use super::super::Thread;
use super::super::elf::{self, Elf, word16, word32, word64};
use crate::Signal;

pub(super) const THREAD: u32 = 1;
pub(super) const PROCESS: u32 = 3;
pub(super) const AUXILIARY: u32 = 6;
pub(super) const FILES: u32 = 0x4649_4c45;
/// `tpidr_el0`, which on aarch64 is not among the registers of the thread's note.
const TLS: u32 = 0x401;

/// `AT_PHDR` of the auxiliary vector.
pub(super) const PROGRAM_HEADERS: u64 = 3;
/// `AT_SYSINFO_EHDR` of it: the kernel's own page of code.
const VDSO: u64 = 33;

/// `struct elf_prstatus`: where the signal is, the thread's number, and where its registers begin.
pub(super) const SIGNAL: usize = 12;
pub(super) const TID: usize = 32;
pub(super) const REGISTERS: usize = 112;
/// `struct elf_prpsinfo`: where the process's number and the main thread's name are.
pub(super) const PID: usize = 24;
pub(super) const NAME: usize = 40;

/// Which of the registers is which.
pub(super) struct Registers {
    pub(super) pc: u64,
    pub(super) sp: u64,
    pub(super) frame_pointer: u64,
    link_register: Option<u64>,
    /// The number of the system call, negative outside of one, and its arguments.
    pub(super) call: Option<(u64, [u64; 6])>,
    pub(super) thread_pointer: Option<u64>,
}

/// `struct user_regs_struct` of x86-64.
pub(super) const X86_64: Registers = Registers {
    pc: 16,
    sp: 19,
    frame_pointer: 4,
    link_register: None,
    call: Some((15, [14, 13, 12, 7, 9, 8])),
    thread_pointer: Some(21),
};

/// `struct user_pt_regs` of aarch64. It does not tell whether the thread was in a system call.
const AARCH64: Registers = Registers {
    pc: 32,
    sp: 31,
    frame_pointer: 29,
    link_register: Some(30),
    call: None,
    thread_pointer: None,
};

/// No path is longer, on Linux.
const LONGEST_PATH: usize = 4096;
const MOST_PATHS: usize = 32 << 20;

/// What the notes say.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) threads: Vec<Thread>,
    pub(super) files: Vec<MappedFile>,
    /// Where the program headers of the program were.
    pub(super) program_headers: Option<u64>,
    /// Where the kernel's own page of code was.
    pub(super) vdso: Option<u64>,
    /// The number of the process.
    pub(super) pid: Option<u32>,
}

/// A file that was mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MappedFile {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) offset: u64,
    pub(super) path: String,
}

impl Notes {
    /// `None` for a processor that is not known.
    pub(super) fn read(elf: Elf<'_>, bytes: &[u8]) -> Option<Self> {
        let registers = match elf.machine {
            elf::X86_64 => X86_64,
            elf::AARCH64 => AARCH64,
            _ => return None,
        };
        let mut found = Self::default();
        let mut process = None;
        let segments = elf.segments().filter(|segment| segment.kind == elf::NOTES);
        // The kernel writes one segment of them; one that is cut off counts as far as it goes.
        if let Some(segment) = segments.take(1).next() {
            let start = usize::try_from(segment.offset).ok()?;
            let rest = bytes.get(start..).unwrap_or_default();
            let length = usize::try_from(segment.file_size)
                .unwrap_or(usize::MAX)
                .min(rest.len());
            for note in elf::notes(rest.get(..length).unwrap_or_default(), segment.align) {
                match note.kind {
                    THREAD => {
                        let mut thread = thread(note.bytes, &registers);
                        // All threads have the signal in their notes; the first is the one that got it.
                        if let (Some(first), true) = (&mut thread, found.threads.is_empty()) {
                            first.killed_by = signal(note.bytes);
                        }
                        found.threads.extend(thread);
                    }
                    TLS => {
                        if let Some(thread) = found.threads.last_mut() {
                            thread.thread_pointer = word64(note.bytes, 0);
                        }
                    }
                    PROCESS => process = name(note.bytes),
                    AUXILIARY => {
                        found.program_headers = auxiliary(note.bytes, PROGRAM_HEADERS);
                        found.vdso = auxiliary(note.bytes, VDSO);
                    }
                    FILES if found.files.is_empty() => {
                        found.files = files(note.bytes).unwrap_or_default();
                    }
                    _ => {}
                }
            }
        }
        // The notes have one name only, the main thread's.
        if let Some((pid, name)) = process {
            found.pid = Some(pid);
            for thread in found.threads.iter_mut().filter(|thread| thread.tid == pid) {
                thread.name.clone_from(&name);
            }
        }
        Some(found)
    }
}

fn thread(note: &[u8], registers: &Registers) -> Option<Thread> {
    let register = |index: u64| word64(note, REGISTERS as u64 + 8 * index);
    let tid = word32(note, TID as u64)?;
    let (sp, pc) = (register(registers.sp)?, register(registers.pc)?);
    let call = registers.call.and_then(|(number, arguments)| {
        Some(SystemCall {
            number: u32::try_from(register(number)?).ok()?,
            arguments: arguments.map(|index| register(index).unwrap_or(0)),
        })
    });
    let position = match call {
        Some(call) => Position::InSystemCall { call, sp, pc },
        None => Position::InFault { sp, pc },
    };
    let set = |value: &u64| *value != 0;
    Some(Thread {
        tid,
        name: String::new(),
        thread_pointer: registers.thread_pointer.and_then(register).filter(set),
        frame_pointer: register(registers.frame_pointer).filter(set),
        link_register: registers.link_register.and_then(register),
        killed_by: None,
        kernel: Tid::new(i32::try_from(tid).ok()?).map(|tid| ThreadState {
            tid,
            run_state: RunState::Unknown,
            position,
            wait_channel: None,
            times: None,
            faults: None,
            descriptors: Vec::new(),
        }),
    })
}

/// What ended the process. A debugger that copies one that lives on may write any other signal, or none.
fn signal(note: &[u8]) -> Option<Signal> {
    let number = word16(note, SIGNAL as u64)?;
    let signal = u8::try_from(number).ok().map(Signal);
    signal.filter(|signal| signal.writes_core())
}

/// The process's number and name.
fn name(note: &[u8]) -> Option<(u32, String)> {
    let name = note.get(NAME..NAME + 16)?;
    let end = name
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(name.len());
    let name = String::from_utf8_lossy(name.get(..end)?).into_owned();
    Some((word32(note, PID as u64)?, name))
}

fn auxiliary(note: &[u8], key: u64) -> Option<u64> {
    note.chunks_exact(16)
        .find(|pair| word64(pair, 0) == Some(key))
        .and_then(|pair| word64(pair, 8))
}

/// Number of files, size of a page; start, end and offset in pages of each; their paths, each ended by a zero.
fn files(note: &[u8]) -> Option<Vec<MappedFile>> {
    let (count, page) = (word64(note, 0)?, word64(note, 8)?);
    let names = usize::try_from(count.checked_mul(24)?.checked_add(16)?).ok()?;
    let names = note.get(names..)?.split(|&byte| byte == 0);
    let mut room = MOST_PATHS;
    let found = (0..count).zip(names).map_while(|(index, path)| {
        let word = |at| word64(note, 16 + 24 * index + at);
        // A note could name one long path many times.
        room = room.checked_sub(path.len().min(LONGEST_PATH))?;
        Some(MappedFile {
            start: word(0)?,
            end: word(8)?,
            offset: word(16)?.saturating_mul(page),
            path: String::from_utf8_lossy(path.get(..LONGEST_PATH).unwrap_or(path)).into_owned(),
        })
    });
    let mut found: Vec<_> = found.filter(|file| file.start < file.end).collect();
    found.sort_by_key(|file| file.start);
    Some(found)
}
