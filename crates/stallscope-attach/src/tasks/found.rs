//! Where the tasks are: headers in writable memory that lead to tokio's table of functions for one type of task.

use std::collections::{HashMap, HashSet};

use super::model::{Kind, State};
use crate::Error;
use crate::debug::{FunctionId, Program, TypeId};
use crate::memory::{Area, Memory, Reader};

/// What all tasks of one future and scheduler have in common.
#[derive(Debug, Clone)]
pub(super) struct Breed {
    /// The type of the future, or of the closure.
    pub(super) future: TypeId,
    pub(super) kind: Kind,
    /// `Cell<T, S>`: the task as it lies in memory.
    pub(super) cell: TypeId,
}

/// Where there may be a task: its header would point to a table of functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Address of the header, which is the address of the cell.
    pub(super) at: u64,
    /// Address of the table of functions: names the breed.
    pub(super) vtable: u64,
}

/// The state of a task as tokio keeps it in one word. The layout of its bits is the same in all versions from 1.0 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StateWord(pub(super) u64);

impl StateWord {
    const RUNNING: u64 = 1;
    const COMPLETE: u64 = 1 << 1;
    const NOTIFIED: u64 = 1 << 2;
    const JOIN_INTEREST: u64 = 1 << 3;

    pub(super) fn state(self) -> State {
        if self.0 & Self::COMPLETE != 0 {
            State::Ended
        } else if self.0 & Self::RUNNING != 0 {
            State::Running
        } else if self.0 & Self::NOTIFIED != 0 {
            State::Scheduled
        } else {
            State::Idle
        }
    }

    pub(super) fn is_detached(self) -> bool {
        self.0 & Self::JOIN_INTEREST == 0
    }

    fn references(self) -> u64 {
        self.0 >> 6
    }

    /// References that are neither the owner's, the handle's nor that of a pending notification.
    pub(super) fn wakers(self) -> u32 {
        let known = 1 + u64::from(!self.is_detached()) + u64::from(self.0 & Self::NOTIFIED != 0);
        u32::try_from(self.references().saturating_sub(known)).unwrap_or(u32::MAX)
    }

    /// Whether a live task can have this word: memory that was given back, and that never was a task, has others.
    pub(super) fn is_plausible(self) -> bool {
        let references = self.references();
        // The last reference is gone when memory is given back; no program has a million handles and wakers of one task.
        (1..1 << 20).contains(&references)
            // An ended task lives on only because of somebody's handle.
            && self.0 & (Self::COMPLETE | Self::RUNNING) != (Self::COMPLETE | Self::RUNNING)
    }
}

/// The tables of functions, by their address, and what their tasks are.
pub(super) struct Breeds {
    by_vtable: HashMap<u64, Breed>,
    /// From which offset of a header the table's address is to be read.
    vtable_in_header: u64,
}

/// Memory is read so much at a time.
const STRIDE: usize = 1 << 20;

impl Breeds {
    /// Find the tables of functions in the program's constant data, which lies `bias` higher than linked.
    pub(super) fn of(program: &Program<'_>, memory: &dyn Memory, bias: u64) -> Result<Self, Error> {
        let no_tokio = || program.no_tokio();
        let header = program
            .find_type("tokio::runtime::task::core::Header")
            .map(|id| program.type_of(id))
            .ok_or_else(no_tokio)?;
        let vtable = program
            .find_type("tokio::runtime::task::raw::Vtable")
            .map(|id| program.type_of(id))
            .ok_or_else(no_tokio)?;
        let vtable_in_header = header.member("vtable").ok_or_else(no_tokio)?.offset;
        let poll_in_vtable = vtable.member("poll").ok_or_else(no_tokio)?.offset;

        let cells = cells(program);
        let mut polls: HashMap<u64, Vec<FunctionId>> = HashMap::new();
        for (address, function) in program.task_polls() {
            polls
                .entry(address.wrapping_add(bias))
                .or_default()
                .push(function);
        }
        let mut by_vtable = HashMap::new();
        for name in [".data.rel.ro", ".rodata"] {
            let Some(section) = program.section(name) else {
                continue;
            };
            let start = section.address.wrapping_add(bias);
            let end = start.saturating_add(section.size);
            each_word(memory, (start, end), |at, word| {
                if let Some(functions) = polls.get(&word)
                    && let Some(breed) = breed(program, &cells, functions)
                {
                    by_vtable.insert(at.wrapping_sub(poll_in_vtable), breed);
                }
            });
        }
        if by_vtable.is_empty() {
            return Err(no_tokio());
        }
        for breed in by_vtable.values() {
            if let Some(missing) = missing(program, breed) {
                return Err(program.unknown_tokio(missing));
            }
        }
        Ok(Self {
            by_vtable,
            vtable_in_header,
        })
    }

    pub(super) fn get(&self, vtable: u64) -> Option<&Breed> {
        self.by_vtable.get(&vtable)
    }

    /// Whether what was found is there now: its memory may have been given to a task of another breed meanwhile.
    pub(super) fn is_still(&self, memory: &Reader<'_>, found: Found) -> bool {
        let at = found.at.checked_add(self.vtable_in_header);
        at.and_then(|at| memory.u64(at).ok()) == Some(found.vtable)
    }

    /// Every header in the writable memory of the process, in order of address. Some are of memory that was given back, some are
    /// copies on the stack of who made the task: their [`StateWord`] and owner tell.
    pub(super) fn find(&self, memory: &dyn Memory) -> Vec<Found> {
        let lowest = self.by_vtable.keys().copied().min().unwrap_or(u64::MAX);
        let highest = self.by_vtable.keys().copied().max().unwrap_or(0);
        let vtables: HashSet<u64> = self.by_vtable.keys().copied().collect();
        let mut found = Vec::new();
        for area in memory.areas() {
            if !may_hold_tasks(&area) {
                continue;
            }
            for stretch in memory.stretches(&area) {
                each_word(memory, stretch, |at, word| {
                    if (lowest..=highest).contains(&word) && vtables.contains(&word) {
                        found.push(Found {
                            at: at.wrapping_sub(self.vtable_in_header),
                            vtable: word,
                        });
                    }
                });
            }
        }
        found
    }
}

/// Tasks are made by the allocator: not in a file, not on a stack of the kernel's naming.
fn may_hold_tasks(area: &Area) -> bool {
    area.writable
        && !area.name.starts_with('/')
        && !area.name.starts_with("[stack")
        && !area.name.starts_with("[v")
}

/// The types of tasks in memory, by the names of their future and scheduler.
fn cells(program: &Program<'_>) -> HashMap<(String, String), TypeId> {
    let cells = program.task_cells().filter_map(|id| {
        let cell = program.type_of(id);
        let name = |parameter| Some(program.type_of(cell.parameter(parameter)?).name.clone());
        Some(((name("T")?, name("S")?), id))
    });
    cells.collect()
}

/// What a table of functions is for, if its functions agree on it.
fn breed(
    program: &Program<'_>,
    cells: &HashMap<(String, String), TypeId>,
    functions: &[FunctionId],
) -> Option<Breed> {
    let mut breeds = functions.iter().filter_map(|id| {
        let function = program.function(*id);
        let future = function.parameter("T")?;
        let scheduler = program.type_of(function.parameter("S")?).name.clone();
        let cell = cells.get(&(program.type_of(future).name.clone(), scheduler.clone()))?;
        let kind = if scheduler.contains("BlockingSchedule") {
            Kind::Blocking
        } else if scheduler.contains("tokio::task::local::") {
            Kind::Local
        } else {
            Kind::Task
        };
        Some(Breed {
            future: program.definition(future),
            kind,
            cell: *cell,
        })
    });
    let first = breeds.next()?;
    let name = &program.type_of(first.cell).name;
    // Equal code of two futures was folded into one function: which of them it is cannot be told.
    let agreed = breeds.all(|other| program.type_of(other.cell).name == *name);
    agreed.then_some(first)
}

/// Call `found` with the address and value of every aligned word from `start` to `end`.
fn each_word(memory: &dyn Memory, (start, end): (u64, u64), mut found: impl FnMut(u64, u64)) {
    let mut bytes = vec![0; STRIDE];
    let Some(mut at) = start.checked_next_multiple_of(8) else {
        return;
    };
    while at < end {
        let len = usize::try_from(end - at).map_or(STRIDE, |left| left.min(STRIDE));
        let stretch = &mut bytes[..len];
        if memory.read(at, stretch).is_ok() {
            for (number, word) in stretch.chunks_exact(8).enumerate() {
                let word = u64::from_le_bytes(word.try_into().unwrap_or_default());
                found(at.saturating_add(8 * number as u64), word);
            }
        }
        at = at.saturating_add(len as u64);
    }
}

/// Where a task has what nothing can be told without.
const NEEDED: [(&str, &str, &str); 4] = [
    ("header", "owner_id", "header.owner_id"),
    ("core", "scheduler", "core.scheduler"),
    ("core", "task_id", "core.task_id"),
    ("core", "stage", "core.stage"),
];

/// What the tasks of this kind do not have of it.
fn missing(program: &Program<'_>, breed: &Breed) -> Option<&'static str> {
    let cell = program.type_of(program.definition(breed.cell));
    let missing = NEEDED.iter().find(|(part, member, _)| {
        let part = cell.member(part).map(|part| program.definition(part.of));
        part.is_none_or(|part| program.type_of(part).member(member).is_none())
    });
    missing.map(|(_, _, name)| *name)
}
