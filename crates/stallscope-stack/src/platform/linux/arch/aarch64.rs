//! aarch64.

use framehop::aarch64::{PtrAuthMask, UnwindRegsAarch64};

use super::super::code::{self, Code};
use super::super::memory;
use super::Called;
use crate::capture::{RawStack, Registers};
use crate::kernel::SystemCall;

/// Where a walk starts: program counter, stack pointer, frame pointer, link register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) pc: u64,
    pub(crate) sp: u64,
    fp: u64,
    lr: u64,
}

/// User addresses have at most 52 bits; what stands above signs a return address.
const ADDRESS_MASK: PtrAuthMask = PtrAuthMask((1 << 52) - 1);

impl Start {
    /// A start with registers that no walk can use: they point nowhere, and unlike zero are no mark of the end.
    pub(crate) fn unknown(pc: u64, sp: u64) -> Self {
        Self {
            pc,
            sp,
            fp: 1,
            lr: 1,
        }
    }

    /// A start with everything known but the frame pointer, which has been found out.
    pub(crate) fn with_frame_pointer(registers: &Registers, fp: u64) -> Self {
        Self {
            fp,
            ..Self::unknown(registers.pc, registers.sp)
        }
    }
}

/// Where x29 points in a function cannot be told from its stack pointer: it may point anywhere into the frame.
pub(crate) fn frame_pointer(_code: Code<'_>, _function: u64, _sp: u64) -> Option<u64> {
    None
}

pub(crate) fn unwind_registers(start: Start) -> UnwindRegsAarch64 {
    UnwindRegsAarch64::new_with_ptr_auth_mask(ADDRESS_MASK, start.lr, start.sp, start.fp)
}

/// The one right start, when all registers are known.
pub(crate) fn exact_start(registers: &Registers) -> Option<Start> {
    let (fp, lr) = registers.fp.zip(registers.lr)?;
    Some(Start {
        pc: registers.pc,
        sp: registers.sp,
        fp,
        lr,
    })
}

/// Starts of a thread whose x29 and x30 are unknown, the likeliest first.
///
/// A function of libc that saved them before its system call does not need them. From a leaf that did not, the way on
/// is in a register nobody shows us; then the walk starts at the first frame record `{x29, x30}` on the stack, and the
/// frame between it and the leaf is lost.
pub(crate) fn likely_starts(stack: &RawStack) -> impl Iterator<Item = Start> {
    let sp = stack.registers.sp;
    let words = (stack.bytes.len() / 8).min(MOST_GUESSES) as u64;
    (0..words).filter_map(move |word| {
        let record = sp.wrapping_add(word * 8);
        let (fp, lr) = (stack.word(record)?, stack.word(record.wrapping_add(8))?);
        let pc = ADDRESS_MASK.strip_ptr_auth(lr);
        (fp > record && pc != 0).then(|| Start {
            pc,
            sp: record.wrapping_add(16),
            fp,
            lr: 0,
        })
    })
}

const MOST_GUESSES: usize = 2048;

/// Reads a context the kernel made for a signal handler. Runs inside the handler.
pub(crate) fn registers(context: &libc::ucontext_t) -> Registers {
    let machine = &context.uc_mcontext;
    let [.., fp, lr] = machine.regs;
    Registers {
        pc: machine.pc,
        sp: machine.sp,
        fp: Some(fp),
        lr: Some(lr),
    }
}

/// The call whose `svc` instruction is the last the thread executed. Runs inside the handler.
///
/// The number is still in its register; the first argument is overwritten by the result, and given as all ones, which is
/// no descriptor.
pub(crate) fn just_left(context: &libc::ucontext_t) -> Option<SystemCall> {
    const SVC_0: [u8; 4] = 0xd400_0001_u32.to_le_bytes();
    let machine = &context.uc_mcontext;
    if memory::read_before::<4>(machine.pc)? != SVC_0 {
        return None;
    }
    let [_, x1, x2, x3, x4, x5, _, _, x8, ..] = machine.regs;
    Some(SystemCall {
        number: u32::try_from(x8).ok()?,
        arguments: [u64::MAX, x1, x2, x3, x4, x5],
    })
}

/// What the instruction before a return address called.
pub(crate) fn call_before(code: Code<'_>, return_address: u64) -> Called {
    let Some(code) = code::before::<4>(code, return_address) else {
        return Called::Nothing;
    };
    let code = u32::from_le_bytes(code);
    if code >> 26 == 0b10_0101 {
        Called::Direct(leads_to(return_address.wrapping_sub(4), code))
    } else if code & 0xffff_fc1f == 0xd63f_0000
        || code & 0xffff_f800 == 0xd63f_0800
        || code & 0xffff_f800 == 0xd73f_0800
    {
        // blr, and its authenticated forms.
        Called::Unknown
    } else {
        Called::Nothing
    }
}

/// Where the jump at an address leads, if there is one whose target stands in it.
pub(crate) fn jump_at(code: Code<'_>, address: u64) -> Option<u64> {
    let mut instruction = [0; 4];
    code(address, &mut instruction)?;
    let instruction = u32::from_le_bytes(instruction);
    (instruction >> 26 == 0b00_0101).then(|| leads_to(address, instruction))
}

/// The target of bl and b: 26 bits, signed, in units of 4 bytes, from the instruction itself.
fn leads_to(address: u64, instruction: u32) -> u64 {
    let offset = i64::from((instruction << 6).cast_signed() >> 6) * 4;
    address.wrapping_add_signed(offset)
}

/// The registers of an access that has just hit a breakpoint: the processor stops before the instruction.
pub(crate) fn at_access(registers: Registers) -> Registers {
    registers
}
