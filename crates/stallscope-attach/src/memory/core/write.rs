//! An image as a core file: what was recorded of a process can be kept, and opened by a debugger.

use super::super::elf;
use super::super::{Area, Image, Thread};
use super::notes::{self, X86_64};
use super::{EXECUTABLE, WRITABLE};
use stallscope_stack::kernel::Position;

const HEADER: usize = 64;
const SEGMENT: usize = 56;
const PAGE: u64 = 4096;
/// `struct elf_prstatus` and `struct elf_prpsinfo` of x86-64.
const THREAD_NOTE: usize = 336;
const PROCESS_NOTE: usize = 136;
const READABLE: u32 = 4;

impl Image {
    /// The image as a core file of x86-64: its bytes, areas with their names, threads with the registers that are known.
    ///
    /// An area of which it has no bytes is there without them; a piece outside of all areas is left out. Of 65 535 areas and
    /// pieces or more only the first are written.
    pub fn to_core(&self) -> Vec<u8> {
        let mut parts = self.parts();
        parts.truncate(usize::from(u16::MAX) - 2);
        let notes = self.notes();
        let notes_at = HEADER + SEGMENT * (parts.len() + 1);
        let mut file = header(parts.len() as u16 + 1);
        segment(&mut file, elf::NOTES, 0, (notes_at, notes.len()), (0, 0));
        let mut at = notes_at + notes.len();
        for part in &parts {
            // What cannot be written may be code: an area does not tell.
            let flags = READABLE
                | if part.area.writable {
                    WRITABLE
                } else {
                    EXECUTABLE
                };
            segment(
                &mut file,
                elf::LOAD,
                flags,
                (at, part.bytes.len()),
                (part.start, part.end - part.start),
            );
            at += part.bytes.len();
        }
        file.extend(notes);
        for part in &parts {
            file.extend(part.bytes);
        }
        file
    }

    /// The areas, cut where bytes begin and end.
    fn parts(&self) -> Vec<Part<'_>> {
        let mut parts = Vec::new();
        for area in &self.areas {
            let mut at = area.start;
            for (start, bytes) in self.pieces() {
                let (from, to) = (start.max(at), (start + bytes.len() as u64).min(area.end));
                if from >= to {
                    continue;
                }
                parts.push(Part {
                    area,
                    start: at,
                    end: from,
                    bytes: &[],
                });
                let bytes = elf::slice(bytes, from - start, to - from).unwrap_or_default();
                parts.push(Part {
                    area,
                    start: from,
                    end: to,
                    bytes,
                });
                at = to;
            }
            parts.push(Part {
                area,
                start: at,
                end: area.end,
                bytes: &[],
            });
        }
        parts.retain(|part| part.start < part.end);
        parts
    }

    fn notes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(first) = self.threads.first() {
            let mut process = vec![0; PROCESS_NOTE];
            lay(&mut process, notes::PID, &first.tid.to_le_bytes());
            let name = first.name.as_bytes();
            lay(&mut process, notes::NAME, name.get(..15).unwrap_or(name));
            note(&mut out, notes::PROCESS, &process);
        }
        let signal = self.threads.first().and_then(|first| first.killed_by);
        for thread in &self.threads {
            let mut registers = registers(thread);
            // As the kernel does: in all of them.
            let number = u16::from(signal.map_or(0, |signal| signal.0));
            lay(&mut registers, notes::SIGNAL, &number.to_le_bytes());
            note(&mut out, notes::THREAD, &registers);
        }
        let named: Vec<&Area> = self
            .areas
            .iter()
            .filter(|area| !area.name.is_empty())
            .collect();
        let mut files = Vec::new();
        let mut word = |word: u64| files.extend(word.to_le_bytes());
        word(named.len() as u64);
        word(PAGE);
        for area in &named {
            word(area.start);
            word(area.end);
            word(area.file_offset / PAGE);
        }
        for area in named {
            files.extend(area.name.bytes().filter(|byte| *byte != 0));
            files.push(0);
        }
        note(&mut out, notes::FILES, &files);
        out
    }
}

/// A stretch of an area, with all of its bytes or none.
struct Part<'i> {
    area: &'i Area,
    start: u64,
    end: u64,
    bytes: &'i [u8],
}

fn registers(thread: &Thread) -> Vec<u8> {
    let mut out = vec![0; THREAD_NOTE];
    lay(&mut out, notes::TID, &thread.tid.to_le_bytes());
    let mut set = |register: u64, value: u64| {
        lay(
            &mut out,
            notes::REGISTERS + 8 * register as usize,
            &value.to_le_bytes(),
        );
    };
    set(X86_64.frame_pointer, thread.frame_pointer.unwrap_or(0));
    if let Some(register) = X86_64.thread_pointer {
        set(register, thread.thread_pointer.unwrap_or(0));
    }
    let Some((number, arguments)) = X86_64.call else {
        return out;
    };
    // Outside of a system call its number is −1.
    set(number, u64::MAX);
    if let Position::InSystemCall { sp, pc, .. } | Position::InFault { sp, pc } = thread.position()
    {
        set(X86_64.sp, sp);
        set(X86_64.pc, pc);
    }
    if let Position::InSystemCall { call, .. } = thread.position() {
        set(number, call.number.into());
        for (register, value) in arguments.into_iter().zip(call.arguments) {
            set(register, value);
        }
    }
    out
}

fn header(segments: u16) -> Vec<u8> {
    let mut out = vec![0; HEADER];
    lay(&mut out, 0, b"\x7fELF\x02\x01\x01");
    lay(&mut out, 16, &elf::CORE.to_le_bytes());
    lay(&mut out, 18, &elf::X86_64.to_le_bytes());
    lay(&mut out, 20, &1_u32.to_le_bytes());
    lay(&mut out, 32, &(HEADER as u64).to_le_bytes());
    lay(&mut out, 52, &(HEADER as u16).to_le_bytes());
    lay(&mut out, 54, &(SEGMENT as u16).to_le_bytes());
    lay(&mut out, 56, &segments.to_le_bytes());
    out
}

/// (Offset, size) in the file, (address, size) in memory.
fn segment(out: &mut Vec<u8>, kind: u32, flags: u32, file: (usize, usize), memory: (u64, u64)) {
    out.extend(kind.to_le_bytes());
    out.extend(flags.to_le_bytes());
    // The physical address is none; alignment 1 is none, of notes 4.
    for word in [
        file.0 as u64,
        memory.0,
        0,
        file.1 as u64,
        memory.1,
        if kind == elf::NOTES { 4 } else { 1 },
    ] {
        out.extend(word.to_le_bytes());
    }
}

fn note(out: &mut Vec<u8>, kind: u32, bytes: &[u8]) {
    let owner = b"CORE\0";
    for word in [owner.len() as u32, bytes.len() as u32, kind] {
        out.extend(word.to_le_bytes());
    }
    for part in [&owner[..], bytes] {
        out.extend(part);
        out.resize(out.len().next_multiple_of(4), 0);
    }
}

fn lay(out: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = at
        .checked_add(bytes.len())
        .and_then(|end| out.get_mut(at..end))
    {
        place.copy_from_slice(bytes);
    }
}
