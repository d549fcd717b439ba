//! x86-64.

use framehop::x86_64::UnwindRegsX86_64;

use super::super::memory;
use super::super::signal_safe::Machine;
use super::Called;
use crate::capture::{Method, RawStack, Registers};
use crate::kernel::SystemCall;

/// Where a walk starts: program counter, stack pointer, frame pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) pc: u64,
    pub(crate) sp: u64,
    fp: u64,
}

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

/// Starts of a thread whose rbp is unknown, the likeliest first.
///
/// Usually no function between here and the first one that saved rbp needs it: 0 will do, and cannot do by accident,
/// for nothing is mapped there. Else rbp points to the first `{saved rbp, return address}` pair above the stack
/// pointer, so its possible values are the addresses of the stack's words.
pub(crate) fn likely_starts(stack: &RawStack) -> impl Iterator<Item = Start> {
    let Registers { pc, sp, .. } = stack.registers;
    let words = (stack.bytes.len() / 8).min(MOST_GUESSES) as u64;
    std::iter::once(Start { pc, sp, fp: 0 }).chain((0..words).map(move |word| Start {
        pc,
        sp,
        fp: sp.wrapping_add(word * 8),
    }))
}

/// A frame larger than 16 KiB directly above a system call would be missed.
const MOST_GUESSES: usize = 2048;

/// Reads a context the kernel made for a signal handler. Runs inside the handler.
pub(crate) fn machine(context: &libc::ucontext_t) -> Machine {
    let registers = &context.uc_mcontext.gregs;
    let get = |index: i32| {
        let value = usize::try_from(index)
            .ok()
            .and_then(|index| registers.get(index));
        value.map_or(0, |value| value.cast_unsigned())
    };
    let [pc, sp, fp] = [libc::REG_RIP, libc::REG_RSP, libc::REG_RBP].map(get);
    Machine {
        registers: Registers {
            pc,
            sp,
            fp: Some(fp),
            lr: None,
        },
        arguments: [
            libc::REG_RDI,
            libc::REG_RSI,
            libc::REG_RDX,
            libc::REG_R10,
            libc::REG_R8,
            libc::REG_R9,
        ]
        .map(get),
        // The result of a call replaces its number.
        number: None,
        pause: 0,
    }
}

/// The call whose `syscall` instruction is the last the thread executed. The number is overwritten by the result, but
/// the instruction that loaded it usually stands directly before.
pub(crate) fn just_left(stack: &RawStack) -> Option<SystemCall> {
    let Method::Interrupted { arguments, .. } = stack.method else {
        return None;
    };
    let number = match memory::read_before::<7>(stack.registers.pc)? {
        // mov eax, NUMBER; syscall
        [0xb8, a, b, c, d, 0x0f, 0x05] => u32::from_le_bytes([a, b, c, d]),
        // xor eax, eax; syscall
        [_, _, _, 0x31, 0xc0, 0x0f, 0x05] => 0,
        _ => return None,
    };
    Some(SystemCall { number, arguments })
}

/// What the instruction before a return address called.
pub(crate) fn call_before(return_address: u64) -> Called {
    let Some(code) = memory::read_before::<8>(return_address) else {
        return Called::Nothing;
    };
    let relative =
        |bytes: [u8; 4]| return_address.wrapping_add_signed(i64::from(i32::from_le_bytes(bytes)));
    // call [rip + x] is also a valid tail of a call with other operands, so the longest form is tried first.
    match code {
        [_, _, 0xff, 0x15, a, b, c, d] => Called::Through(relative([a, b, c, d])),
        [_, _, _, 0xe8, a, b, c, d] => Called::Direct(through_stub(relative([a, b, c, d]))),
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
fn through_stub(target: u64) -> u64 {
    let mut code = [0; 11];
    if memory::read(target, &mut code).is_none() {
        return target;
    }
    // endbr64 may stand before, bnd may prefix it.
    let (skipped, rest) = if code.starts_with(&[0xf3, 0x0f, 0x1e, 0xfa]) {
        (4, &code[4..])
    } else {
        (0, &code[..])
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
            memory::read_word(slot).unwrap_or(target)
        }
        _ => target,
    }
}
