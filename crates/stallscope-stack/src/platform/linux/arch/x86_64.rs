//! x86-64.

use framehop::x86_64::UnwindRegsX86_64;

use super::super::code::{self, Code};
use super::super::memory;
use super::Called;
use crate::capture::{RawStack, Registers};
use crate::kernel::SystemCall;

/// Where a walk starts: program counter, stack pointer, frame pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) pc: u64,
    pub(crate) sp: u64,
    fp: u64,
}

impl Start {
    /// A start with a frame pointer that no walk can use: reading there fails, and unlike zero it is no mark of the end.
    pub(crate) fn unknown(pc: u64, sp: u64) -> Self {
        Self { pc, sp, fp: 1 }
    }

    /// A start with everything known but the frame pointer, which has been found out.
    pub(crate) fn with_frame_pointer(registers: &Registers, fp: u64) -> Self {
        Self {
            pc: registers.pc,
            sp: registers.sp,
            fp,
        }
    }
}

/// Where rbp points in a function that uses it as its frame pointer, from the function's first instructions and the
/// stack pointer in its body: `push rbp; mov rbp, rsp`, then pushes, then room for locals.
///
/// `None` for any other beginning: a frame that is aligned or of variable size has no fixed distance.
pub(crate) fn frame_pointer(code: Code<'_>, function: u64, sp: u64) -> Option<u64> {
    let mut start = [0; 40];
    code(function, &mut start)?;
    let start = start.strip_prefix(&ENDBR64).unwrap_or(&start);
    let mut code = start.strip_prefix(&[0x55, 0x48, 0x89, 0xe5])?;
    let mut size = 0_u64;
    loop {
        (size, code) = match code {
            // push rax … rdi, push r8 … r15
            [0x50..=0x57, rest @ ..] | [0x41, 0x50..=0x57, rest @ ..] => (size + 8, rest),
            // sub rsp, byte; sub rsp, long; add rsp, −128, which is one byte where sub rsp, 128 is four
            [0x48, 0x83, 0xec, room @ 0..=0x7f, ..] => {
                return frame_end(sp, size + u64::from(*room));
            }
            [0x48, 0x81, 0xec, a, b, c, d, ..] => {
                return frame_end(sp, size + u64::from(u32::from_le_bytes([*a, *b, *c, *d])));
            }
            [0x48, 0x83, 0xc4, 0x80, ..] => return frame_end(sp, size + 128),
            // and rsp: aligned
            [0x48, 0x83 | 0x81, 0xe4, ..] => return None,
            _ => return frame_end(sp, size),
        };
    }
}

/// A frame of a page and more is made page by page, of which only the first step was seen.
fn frame_end(sp: u64, size: u64) -> Option<u64> {
    (size < 4096).then(|| sp.checked_add(size))?
}

const ENDBR64: [u8; 4] = [0xf3, 0x0f, 0x1e, 0xfa];

pub(crate) fn unwind_registers(start: Start) -> UnwindRegsX86_64 {
    UnwindRegsX86_64::new(start.pc, start.sp, start.fp)
}

/// The one right start, when all registers are known.
pub(crate) fn exact_start(registers: &Registers) -> Option<Start> {
    registers.fp.map(|fp| Start {
        pc: registers.pc,
        sp: registers.sp,
        fp,
    })
}

/// Starts of a thread whose rbp is needed and unknown, the likeliest first: it points to a `{saved rbp, return address}`
/// pair above the stack pointer, so its possible values are the addresses of the stack's words.
pub(crate) fn likely_starts(stack: &RawStack) -> impl Iterator<Item = Start> {
    let Registers { pc, sp, .. } = stack.registers;
    let words = (stack.bytes.len() / 8).min(MOST_GUESSES) as u64;
    (0..words).map(move |word| Start {
        pc,
        sp,
        fp: sp.wrapping_add(word * 8),
    })
}

/// A frame larger than 16 KiB directly above a system call would be missed.
const MOST_GUESSES: usize = 2048;

/// Reads a context the kernel made for a signal handler. Runs inside the handler.
pub(crate) fn registers(context: &libc::ucontext_t) -> Registers {
    let [pc, sp, fp] =
        [libc::REG_RIP, libc::REG_RSP, libc::REG_RBP].map(|index| register(context, index));
    Registers {
        pc,
        sp,
        fp: Some(fp),
        lr: None,
    }
}

/// The call whose `syscall` instruction is the last the thread executed. Runs inside the handler.
///
/// The arguments are still in their registers. The number is overwritten by the result, but the instruction that loaded
/// it usually stands directly before.
pub(crate) fn just_left(context: &libc::ucontext_t) -> Option<SystemCall> {
    let pc = register(context, libc::REG_RIP);
    // The instruction leaves its successor's address in rcx: most threads need no look at their code.
    if register(context, libc::REG_RCX) != pc {
        return None;
    }
    let number = match memory::read_before::<7>(pc)? {
        // mov eax, NUMBER; syscall
        [0xb8, a, b, c, d, 0x0f, 0x05] => u32::from_le_bytes([a, b, c, d]),
        // xor eax, eax; syscall
        [_, _, _, 0x31, 0xc0, 0x0f, 0x05] => 0,
        _ => return None,
    };
    let arguments = [
        libc::REG_RDI,
        libc::REG_RSI,
        libc::REG_RDX,
        libc::REG_R10,
        libc::REG_R8,
        libc::REG_R9,
    ];
    Some(SystemCall {
        number,
        arguments: arguments.map(|index| register(context, index)),
    })
}

fn register(context: &libc::ucontext_t, index: i32) -> u64 {
    let value = usize::try_from(index)
        .ok()
        .and_then(|index| context.uc_mcontext.gregs.get(index));
    value.map_or(0, |value| value.cast_unsigned())
}

/// What the instruction before a return address called.
pub(crate) fn call_before(code: Code<'_>, return_address: u64) -> Called {
    let Some(bytes) = code::before::<8>(code, return_address) else {
        return Called::Nothing;
    };
    let relative =
        |bytes: [u8; 4]| return_address.wrapping_add_signed(i64::from(i32::from_le_bytes(bytes)));
    // call [rip + x] is also a valid tail of a call with other operands, so the longest form is tried first.
    match bytes {
        [_, _, 0xff, 0x15, a, b, c, d] => Called::Through(relative([a, b, c, d])),
        [_, _, _, 0xe8, a, b, c, d] => Called::Direct(through_stub(code, relative([a, b, c, d]))),
        // call reg, [reg], [reg + byte], [reg + reg + byte], [reg + long], [reg + reg + long]: ModRM with 2 in its middle.
        [.., 0xff, modrm] | [.., 0xff, modrm, _] | [.., 0xff, modrm, _, _]
            if modrm >> 3 & 7 == 2 =>
        {
            Called::Unknown
        }
        [_, _, 0xff, modrm, ..] | [_, 0xff, modrm, ..] if modrm >> 3 & 7 == 2 => Called::Unknown,
        _ => Called::Nothing,
    }
}

/// Follows a stub of the procedure linkage table, `jmp [rip + x]`, to where it leads.
fn through_stub(code: Code<'_>, target: u64) -> u64 {
    let mut stub = [0; 11];
    if code(target, &mut stub).is_none() {
        return target;
    }
    // endbr64 may stand before, bnd may prefix it.
    let (skipped, rest) = if stub.starts_with(&ENDBR64) {
        (4, &stub[4..])
    } else {
        (0, &stub[..])
    };
    let (skipped, rest) = if rest.first() == Some(&0xf2) {
        (skipped + 1, &rest[1..])
    } else {
        (skipped, rest)
    };
    match *rest {
        [0xff, 0x25, a, b, c, d, ..] => {
            let after = target.wrapping_add(skipped + 6);
            let slot = after.wrapping_add_signed(i64::from(i32::from_le_bytes([a, b, c, d])));
            code::word(code, slot).unwrap_or(target)
        }
        _ => target,
    }
}

/// Where the jump at an address leads, if there is one whose target stands in it or at a fixed place.
pub(crate) fn jump_at(code: Code<'_>, address: u64) -> Option<u64> {
    let mut instruction = [0; 6];
    code(address, &mut instruction)?;
    match instruction {
        [0xe9, a, b, c, d, _] => {
            let offset = i32::from_le_bytes([a, b, c, d]);
            Some(address.wrapping_add(5).wrapping_add_signed(offset.into()))
        }
        [0xff, 0x25, ..] => Some(through_stub(code, address)),
        _ => None,
    }
}

/// The registers of an access that has just hit a breakpoint: the processor stops behind the instruction, and its line is wanted.
pub(crate) fn at_access(registers: Registers) -> Registers {
    Registers {
        pc: registers.pc.saturating_sub(1),
        ..registers
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::code::OWN;
    use super::*;

    const BODY_SP: u64 = 0x7000;

    fn frame_pointer_of(code: &[u8]) -> Option<u64> {
        // Functions are read from memory; any 40 bytes will do.
        let mut function = [0x90; 64];
        function.get_mut(..code.len())?.copy_from_slice(code);
        frame_pointer(OWN, function.as_ptr().addr() as u64, BODY_SP)
    }

    #[test]
    fn a_prologue_tells_how_far_the_frame_reaches() {
        // push rbp; mov rbp, rsp; push r15; push rbx; sub rsp, 0x28
        let plain = [
            0x55, 0x48, 0x89, 0xe5, 0x41, 0x57, 0x53, 0x48, 0x83, 0xec, 0x28,
        ];
        assert_eq!(frame_pointer_of(&plain), Some(BODY_SP + 0x28 + 16));
        assert_eq!(
            frame_pointer_of(&[&ENDBR64[..], &plain].concat()),
            Some(BODY_SP + 0x28 + 16)
        );
        // … sub rsp, 0x110; … add rsp, -128; … nothing
        let start = &plain[..7];
        assert_eq!(
            frame_pointer_of(&[start, &[0x48, 0x81, 0xec, 0x10, 1, 0, 0]].concat()),
            Some(BODY_SP + 0x120)
        );
        assert_eq!(
            frame_pointer_of(&[start, &[0x48, 0x83, 0xc4, 0x80]].concat()),
            Some(BODY_SP + 144)
        );
        assert_eq!(frame_pointer_of(start), Some(BODY_SP + 16));
    }

    #[test]
    fn a_frame_of_no_fixed_size_is_left_alone() {
        let start = [0x55, 0x48, 0x89, 0xe5];
        assert_eq!(
            frame_pointer_of(&[&start[..], &[0x48, 0x83, 0xe4, 0xc0]].concat()),
            None,
            "aligned"
        );
        assert_eq!(
            frame_pointer_of(&[&start[..], &[0x48, 0x81, 0xec, 0, 0x10, 0, 0]].concat()),
            None,
            "by pages"
        );
        assert_eq!(
            frame_pointer_of(&[0x53, 0x48, 0x83, 0xec, 0x10]),
            None,
            "no frame pointer"
        );
        assert_eq!(frame_pointer(OWN, 8, BODY_SP), None, "no code");
    }
}
