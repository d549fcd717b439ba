//! Walking one copied stack, frame by frame, to the thread's outermost.

use std::ops::Range;

use framehop::{
    CacheNative, ExplicitModuleSectionInfo, FrameAddress, MayAllocateDuringUnwind, Unwinder as _,
    UnwinderNative,
};

use super::arch::{self, Start};
use super::calls::Step;
use super::code::{Code, OWN};
use super::modules::{self, Bytes, Generation, Loaded};
use super::{eh_frame, guess, untabled};
use crate::capture::{RawStack, Registers};
use crate::foreign::ForeignModule;
use crate::unwind::{Certainty, Ended, RawFrame, Trace};

/// Deeper stacks are cut: somebody recurses without end.
const MOST_FRAMES: usize = 1024;

/// The frame of a function that a thread begins in is not larger.
const LARGEST_ROOT: u64 = 1024;

/// The modules, their unwind rules, and a cache of rules already worked out.
pub(crate) struct Walker {
    /// Of this process's modules; those of another are given once and for all.
    generation: Option<Generation>,
    modules: Vec<Loaded>,
    unwinder: UnwinderNative<Bytes, MayAllocateDuringUnwind>,
    cache: CacheNative<MayAllocateDuringUnwind>,
}

/// A walk from one start, by addresses alone.
#[derive(Debug)]
pub(super) struct Path {
    pub(super) addresses: Vec<FrameAddress>,
    pub(super) ended: Ended,
    /// The stack pointer in the last of the frames.
    pub(super) sp: u64,
}

impl Path {
    /// The way on from where this one was lost.
    fn then(mut self, beyond: Path) -> Self {
        self.addresses.extend(beyond.addresses);
        Self {
            addresses: self.addresses,
            ..beyond
        }
    }
}

impl Walker {
    pub(crate) fn new() -> Self {
        let (generation, modules) = modules::list(&[]);
        Self::with(Some(generation), modules)
    }

    /// For stacks of another process.
    pub(crate) fn of_process(modules: &[ForeignModule]) -> Self {
        Self::with(None, modules.iter().filter_map(Loaded::of).collect())
    }

    fn with(generation: Option<Generation>, modules: Vec<Loaded>) -> Self {
        let unwinder = unwinder_of(&modules);
        Self {
            generation,
            modules,
            unwinder,
            cache: CacheNative::new(),
        }
    }

    pub(crate) fn walk(&mut self, stack: &RawStack) -> Trace {
        self.refresh();
        self.walk_in(stack, OWN)
    }

    /// The same with the code of the process whose stack it is.
    pub(crate) fn walk_in(&mut self, stack: &RawStack, code: Code<'_>) -> Trace {
        let (path, certainty) = self.path(stack, code, untabled::MOST_TIMES);
        let frames = path
            .addresses
            .iter()
            .map(|address| self.frame(*address))
            .collect();
        Trace {
            frames,
            ended: path.ended,
            certainty,
        }
    }

    /// Frames of return addresses; a zero is none.
    pub(crate) fn frames_of(&mut self, addresses: &[u64]) -> Vec<RawFrame> {
        self.refresh();
        addresses
            .iter()
            .filter_map(|address| FrameAddress::from_return_address(*address))
            .map(|address| self.frame(address))
            .collect()
    }

    /// The walk of a stack, which may get out of code without tables so many times.
    pub(super) fn path(
        &mut self,
        stack: &RawStack,
        code: Code<'_>,
        times: u8,
    ) -> (Path, Certainty) {
        let Registers { pc, sp, .. } = stack.registers;
        if self.is_untabled(pc)
            && let Some(beyond) = untabled::walk(self, stack, code, times)
        {
            let here = Path {
                addresses: vec![FrameAddress::from_instruction_pointer(pc)],
                ended: Ended::Lost,
                sp,
            };
            return (here.then(beyond), Certainty::Reconstructed);
        }
        let (path, certainty) = match arch::exact_start(&stack.registers) {
            Some(start) => (self.walk_from(start, stack, code), Certainty::Exact),
            None => guess::walk(self, stack, code),
        };
        if path.ended == Ended::Lost
            && let [.., _, last] = &*path.addresses
            && self.is_untabled(last.address_for_lookup())
            && let Some(inner) = untabled::at(stack, last.address_for_lookup(), path.sp)
            && let Some(beyond) = untabled::walk(self, &inner, code, times)
        {
            return (path.then(beyond), Certainty::Reconstructed);
        }
        (path, certainty)
    }

    /// Follows the tables from one start until the thread's outermost frame, or as far as they lead.
    pub(super) fn walk_from(&mut self, start: Start, stack: &RawStack, code: Code<'_>) -> Path {
        let mut registers = arch::unwind_registers(start);
        let mut address = FrameAddress::from_instruction_pointer(start.pc);
        let mut addresses = vec![address];
        let mut read = |address| stack.word(address).ok_or(());
        let (ended, sp) = loop {
            let sp = registers.sp();
            // The fall-back rule for code of no module would follow any number that looks like a frame pointer.
            if self.module_of(address.address_for_lookup()).is_none()
                || addresses.len() >= MOST_FRAMES
            {
                break (Ended::Lost, sp);
            }
            if addresses.len() > 1 && self.is_untabled(address.address_for_lookup()) {
                let is_outermost = untabled::is_outermost(self, stack, code, address.address(), sp);
                let ended = if is_outermost {
                    Ended::Root
                } else {
                    Ended::Lost
                };
                break (ended, sp);
            }
            match self
                .unwinder
                .unwind_frame(address, &mut registers, &mut self.cache, &mut read)
            {
                Ok(None) if !self.is_outermost(address, sp, stack) => break (Ended::Lost, sp),
                Ok(None) => break (Ended::Root, sp),
                // A stack grows down: outwards is up. Only a leaf has no frame at all.
                Ok(Some(_))
                    if registers.sp() < sp || registers.sp() == sp && addresses.len() > 1 =>
                {
                    break (Ended::Lost, sp);
                }
                Ok(Some(next)) => match FrameAddress::from_return_address(next) {
                    Some(next) => {
                        addresses.push(next);
                        address = next;
                    }
                    None => break (Ended::Lost, sp),
                },
                Err(_) if stack.truncated => break (Ended::Truncated, sp),
                Err(_) => break (Ended::Lost, sp),
            }
        };
        Path {
            addresses,
            ended,
            sp,
        }
    }

    /// Whether the walk may end here. A wrong frame pointer of zero looks like an end, too; so does a wrong return
    /// address of zero.
    fn is_outermost(&mut self, address: FrameAddress, sp: u64, stack: &RawStack) -> bool {
        // The tables of the C library mark the function a thread begins in: no return address, whatever the registers.
        let mut registers = arch::unwind_registers(Start::unknown(address.address(), sp));
        let mut read = |address| stack.word(address).ok_or(());
        let marked =
            self.unwinder
                .unwind_frame(address, &mut registers, &mut self.cache, &mut read)
                == Ok(None);
        // Without a mark (musl) it is the one at the top.
        let top = stack.registers.sp.saturating_add(stack.bytes.len() as u64);
        marked || !stack.truncated && top.saturating_sub(sp) <= LARGEST_ROOT
    }

    /// How many frames of a walk have not called the function that they were reached from, says their code.
    pub(super) fn contradicted_calls(&self, path: &Path, code: Code<'_>) -> usize {
        let steps = path.addresses.windows(2);
        let contradicts = |step: &&[FrameAddress]| match step {
            [inner, outer] => self.step(*inner, *outer).is_contradicted(code),
            _ => false,
        };
        steps.filter(contradicts).count()
    }

    /// From a frame to the one that it returns to.
    pub(super) fn step(&self, inner: FrameAddress, outer: FrameAddress) -> Step {
        Step {
            callee: self.function_start(inner.address_for_lookup()),
            return_address: outer.address(),
        }
    }

    /// Where the function that holds an address begins.
    pub(super) fn function_start(&self, address: u64) -> Option<u64> {
        let tables = self.module_of(address)?.tables.as_ref()?;
        eh_frame::function_start(&tables.header, tables.header_at, address)
    }

    /// Whether an address is of a module, and so of code or of what lies beside it.
    pub(super) fn is_code(&self, address: u64) -> bool {
        self.module_of(address).is_some()
    }

    /// Whether an address is of a module whose unwind tables say nothing of it.
    pub(super) fn is_untabled(&self, address: u64) -> bool {
        self.module_of(address).is_some_and(|module| {
            let tables = module.tables.as_ref();
            tables.is_none_or(|tables| !eh_frame::holds(tables, address))
        })
    }

    fn frame(&self, address: FrameAddress) -> RawFrame {
        let lookup = address.address_for_lookup();
        RawFrame {
            address: address.address(),
            module: self.module_of(lookup).map(|loaded| loaded.module.clone()),
            lookup,
        }
    }

    fn module_of(&self, address: u64) -> Option<&Loaded> {
        self.modules
            .iter()
            .find(|module| module.range.contains(&address))
    }

    fn refresh(&mut self) {
        if self
            .generation
            .is_none_or(|known| known == modules::generation())
        {
            return;
        }
        let (generation, modules) = modules::list(&self.modules);
        (self.generation, self.modules) = (Some(generation), modules);
        self.unwinder = unwinder_of(&self.modules);
        // Rules are cached by address and a 16-bit count of changes, which a program that loads and unloads for days
        // exhausts: start afresh.
        self.cache = CacheNative::new();
    }
}

fn unwinder_of(modules: &[Loaded]) -> UnwinderNative<Bytes, MayAllocateDuringUnwind> {
    let mut unwinder = UnwinderNative::new();
    for loaded in modules {
        let base = loaded.module.base;
        let mut sections = ExplicitModuleSectionInfo {
            base_svma: 0,
            ..Default::default()
        };
        if let Some(tables) = &loaded.tables {
            let range = |start: u64, bytes: &Bytes| -> Range<u64> {
                let start = start.wrapping_sub(base);
                start..start.saturating_add(bytes.len() as u64)
            };
            sections.eh_frame_hdr_svma = Some(range(tables.header_at, &tables.header));
            sections.eh_frame_hdr = Some(tables.header.clone());
            sections.eh_frame_svma = Some(range(tables.frames_at, &tables.frames));
            sections.eh_frame = Some(tables.frames.clone());
        }
        let name = loaded.module.path.to_string_lossy().into_owned();
        unwinder.add_module(framehop::Module::new(
            name,
            loaded.range.clone(),
            base,
            sections,
        ));
    }
    unwinder
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tid;
    use crate::capture::Method;
    use proptest::prelude::*;

    const SP: u64 = 0x7f00_0000_0000;

    /// A word such as stands on stacks: anything, small, an address of code or of the stack itself.
    fn word() -> impl Strategy<Value = u64> {
        let code = word as fn() -> _ as usize as u64;
        prop_oneof![
            any::<u64>(),
            0_u64..64,
            (0_u64..0x10_0000)
                .prop_map(move |offset| code.wrapping_add(offset).wrapping_sub(0x8_0000)),
            (0_u64..512).prop_map(|offset| SP + offset),
        ]
    }

    /// The tables of the page of the kernel, which are small and have a bit of everything.
    fn vdso() -> ForeignModule {
        let (_, modules) = modules::list(&[]);
        let vdso = modules
            .into_iter()
            .find(|module| matches!(module.module.source, crate::unwind::Source::Image(_)));
        let vdso = vdso.expect("the kernel maps it");
        let tables = vdso.tables.map(|tables| crate::foreign::UnwindTables {
            header: (*tables.header).into(),
            header_at: tables.header_at,
            frames: (*tables.frames).into(),
            frames_at: tables.frames_at,
        });
        ForeignModule {
            module: vdso.module,
            range: vdso.range,
            tables,
        }
    }

    fn changed(bytes: &[u8], changes: &[(usize, u8)]) -> std::sync::Arc<[u8]> {
        let mut bytes = bytes.to_vec();
        for (at, value) in changes {
            let length = bytes.len().max(1);
            if let Some(byte) = bytes.get_mut(at % length) {
                *byte = *value;
            }
        }
        bytes.into()
    }

    proptest! {
        #[test]
        fn no_module_of_another_process_makes_a_walk_panic_or_go_on_for_ever(
            changes in proptest::collection::vec((0_usize..16_384, any::<u8>()), 0..12),
            of_header in proptest::collection::vec((0_usize..256, any::<u8>()), 0..4),
            moved in proptest::option::of((any::<u64>(), any::<u64>())),
            base in proptest::option::of(any::<u64>()),
            pc: u16,
            fp in proptest::option::of(word()),
            words in proptest::collection::vec(prop_oneof![word(), (0_u64..8192).prop_map(|offset| offset | 1 << 63)], 0..64),
        ) {
            let mut module = vdso();
            if let Some((from, to)) = moved {
                module.range = from..to;
            }
            if let Some(tables) = &mut module.tables {
                tables.frames = changed(&tables.frames, &changes);
                tables.header = changed(&tables.header, &of_header);
            }
            if let Some(base) = base {
                module.module = std::sync::Arc::new(crate::unwind::Module { base, ..(*module.module).clone() });
            }
            let start = module.range.start;
            let words = words.into_iter().map(|word| match word.checked_sub(1 << 63) {
                Some(offset) if offset < 8192 => start.wrapping_add(offset),
                _ => word,
            });
            let stack = RawStack {
                tid: Tid::new(1).expect("positive"),
                registers: Registers { pc: start.wrapping_add(u64::from(pc) & 0x1fff), sp: SP, fp, lr: fp },
                bytes: words.flat_map(u64::to_le_bytes).collect(),
                truncated: false,
                method: Method::Untouched,
            };
            let trace = Walker::of_process(&[module]).walk_in(&stack, &|_, _| None);
            prop_assert!(trace.frames.len() <= MOST_FRAMES + 1);
        }

        #[test]
        fn no_stack_makes_a_walk_panic_or_go_on_for_ever(
            pc in word(),
            fp in proptest::option::of(word()),
            words in proptest::collection::vec(word(), 0..64),
            truncated: bool,
        ) {
            thread_local! {
                static WALKER: std::cell::RefCell<Walker> = std::cell::RefCell::new(Walker::new());
            }
            let stack = RawStack {
                tid: Tid::new(1).expect("positive"),
                registers: Registers { pc, sp: SP, fp, lr: fp },
                bytes: words.iter().flat_map(|word| word.to_le_bytes()).collect(),
                truncated,
                method: Method::Untouched,
            };
            let trace = WALKER.with_borrow_mut(|walker| walker.walk(&stack));
            prop_assert!(trace.frames.len() <= MOST_FRAMES + 1);
            if let Some(frame) = trace.frames.last() {
                thread_local! {
                    static NAMES: std::cell::RefCell<super::super::SymbolSource> =
                        std::cell::RefCell::new(super::super::SymbolSource::new());
                }
                prop_assert!(!NAMES.with_borrow_mut(|names| names.frames(frame)).is_empty());
            }
        }
    }
}
