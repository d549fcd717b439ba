//! All tasks of a process, each read so that it holds together though the process runs on.

use super::found::{Breed, Breeds, Found, StateWord};
use super::model::{Kind, State, Task};
use super::outside::Outside;
use super::owner::{self, Owners};
use super::polled::Polled;
use super::view::{Value, View};
use super::waits;
use super::walk::{Leads, Walk};
use super::ways::Ways;
use crate::Error;
use crate::debug::{Program, ThreadLocal};
use crate::memory::{Memory, Reader, Thread};

/// Lists the tasks of one process, again and again.
pub(crate) struct Lister {
    breeds: Breeds,
    bias: u64,
    leads: Leads,
    ways: Ways,
    /// Where tokio keeps what a thread polls. To find it all symbols of the program are gone through.
    context: Option<ThreadLocal>,
}

/// A task that changes while it is read is read again, so often.
const ATTEMPTS: u32 = 3;
/// What may be read for one task.
const BYTES_OF_A_TASK: u64 = 4 << 20;
/// Tasks that lie this near to each other are read at once. Of a larger future only the first part is held at hand.
const WINDOW: u64 = 1 << 16;

impl Lister {
    pub(crate) fn new(
        program: &Program<'_>,
        memory: &dyn Memory,
        bias: u64,
    ) -> Result<Self, Error> {
        Ok(Self {
            breeds: Breeds::of(program, memory, bias)?,
            bias,
            leads: Leads::default(),
            ways: Ways::default(),
            context: program.tokio_context(),
        })
    }

    /// Every task there is now, by number.
    pub(crate) fn tasks(
        &self,
        program: &Program<'_>,
        memory: &dyn Memory,
        outside: &dyn Outside,
        with_locals: bool,
    ) -> Vec<Task> {
        let reader = Reader::new(memory, BYTES_OF_A_TASK);
        let reading = Reading {
            view: View {
                program,
                memory: &reader,
                bias: self.bias,
                breeds: &self.breeds,
                ways: &self.ways,
            },
            outside,
            leads: &self.leads,
            owners: Owners::default(),
            stacks: owner::stacks(&memory.areas(), &memory.threads()),
            with_locals,
        };
        let mut tasks = Vec::new();
        for group in self.groups(program, memory) {
            reading.group(&group, &mut tasks);
        }
        tasks.sort_by_key(|task| (task.id, task.address));
        tasks
    }

    /// What a thread polls now. `None`: no task, one that is not `wanted`, or it cannot be told.
    pub(crate) fn polled(
        &self,
        program: &Program<'_>,
        memory: &dyn Memory,
        thread: &Thread,
        wanted: impl Fn(u64) -> bool,
    ) -> Option<Polled> {
        let reader = Reader::new(memory, BYTES_OF_A_TASK);
        let view = View {
            program,
            memory: &reader,
            bias: self.bias,
            breeds: &self.breeds,
            ways: &self.ways,
        };
        view.polled_by(self.context.as_ref()?, thread, wanted)
    }

    /// What was found, with what is near to each other together.
    fn groups(&self, program: &Program<'_>, memory: &dyn Memory) -> Vec<Vec<Candidate<'_>>> {
        let mut groups: Vec<Vec<Candidate<'_>>> = Vec::new();
        for found in self.breeds.find(memory) {
            let Some(breed) = self.breeds.get(found.vtable) else {
                continue;
            };
            let size = program.type_of(breed.cell).size.clamp(8, WINDOW);
            let candidate = Candidate { found, breed, size };
            match groups.last_mut() {
                Some(group) if candidate.end().saturating_sub(group[0].found.at) <= WINDOW => {
                    group.push(candidate);
                }
                _ => groups.push(vec![candidate]),
            }
        }
        groups
    }
}

/// Where there may be a task, and how much of it is read at once.
#[derive(Clone, Copy)]
struct Candidate<'b> {
    found: Found,
    breed: &'b Breed,
    size: u64,
}

impl Candidate<'_> {
    fn end(&self) -> u64 {
        self.found.at.saturating_add(self.size)
    }
}

/// One round over all tasks.
struct Reading<'r, 'f> {
    view: View<'r, 'f>,
    outside: &'r dyn Outside,
    leads: &'r Leads,
    owners: Owners,
    stacks: Vec<(u64, u64)>,
    with_locals: bool,
}

impl Reading<'_, '_> {
    /// Read tasks that lie near to each other, from one look at all of them where that holds together.
    fn group(&self, group: &[Candidate<'_>], tasks: &mut Vec<Task>) {
        let memory = self.view.memory;
        let start = group[0].found.at;
        let end = group.iter().map(Candidate::end).max().unwrap_or(start);
        memory.renew(BYTES_OF_A_TASK);
        let at_once = memory.look_at(start, length(end - start)).is_ok();
        if !at_once {
            tasks.extend(group.iter().filter_map(|one| self.alone(one)));
            return;
        }
        let mut read = Vec::with_capacity(group.len());
        for one in group {
            memory.refill(BYTES_OF_A_TASK);
            read.push(self.describe(one));
        }
        memory.refill(BYTES_OF_A_TASK);
        let changed = memory.changes();
        for (one, task) in group.iter().zip(read) {
            let still = task
                .as_ref()
                .is_none_or(|task| task.state == State::Running)
                || !changed.touches(one.found.at, one.size);
            tasks.extend(if still { task } else { self.alone(one) });
        }
    }

    /// Read one task, until nothing of it changed meanwhile.
    fn alone(&self, one: &Candidate<'_>) -> Option<Task> {
        let memory = self.view.memory;
        for _ in 0..ATTEMPTS {
            memory.renew(BYTES_OF_A_TASK);
            memory.look_at(one.found.at, length(one.size)).ok()?;
            let task = self.describe(one)?;
            if task.state == State::Running || !memory.changes().touches(one.found.at, one.size) {
                return Some(task);
            }
        }
        let (mut task, _) = self.header(one)?;
        task.notes
            .push("it changed each time it was read".to_owned());
        Some(task)
    }

    fn describe(&self, one: &Candidate<'_>) -> Option<Task> {
        let (mut task, cell) = self.header(one)?;
        // While it is polled its future changes under our eyes; an ended one has none.
        if !matches!(task.state, State::Idle | State::Scheduled) || task.kind == Kind::Blocking {
            return Some(task);
        }
        let Some(future) = self.future(&cell) else {
            task.notes
                .push("its future could not be found in it".to_owned());
            return Some(task);
        };
        task.never_polled = is_fresh(&self.view, &future);
        let walk = Walk::new(&self.view, self.outside, self.leads, self.with_locals);
        let Some(chain) = walk.chain(&future) else {
            task.notes
                .push("its future is in no state that waits".to_owned());
            return Some(task);
        };
        task.suspended_at = chain.suspended_at();
        task.waits_for = waits::of(&walk, &chain);
        task.stack = chain.frames;
        if walk.is_cut() {
            task.notes
                .push("there is more in it than is read of one task".to_owned());
        }
        Some(task)
    }

    /// What the header says, if it is that of a task, and the task as a value.
    fn header(&self, one: &Candidate<'_>) -> Option<(Task, Value)> {
        let view = &self.view;
        let word = StateWord(view.memory.u64(one.found.at).ok()?);
        if !word.is_plausible() || !view.breeds.is_still(view.memory, one.found) {
            return None;
        }
        let cell = view.value(one.breed.cell, one.found.at);
        // No task can lie there: it is what was left of a copy.
        if !one.found.at.is_multiple_of(cell.of.align) {
            return None;
        }
        let lives = match one.breed.kind {
            Kind::Task | Kind::Local => self.owners.own(view, &cell),
            Kind::Blocking => !self
                .stacks
                .iter()
                .any(|(start, end)| (*start..*end).contains(&one.found.at)),
        };
        if !lives {
            return None;
        }
        let id = view.number_at(&cell, "core.task_id")?;
        let task = Task {
            id,
            address: one.found.at,
            kind: one.breed.kind,
            state: word.state(),
            future: view.program.type_of(one.breed.future).name.clone(),
            detached: Some(word.is_detached()),
            wakers: (one.breed.kind != Kind::Blocking).then(|| word.wakers()),
            suspended_at: None,
            waits_for: None,
            stack: Vec::new(),
            never_polled: false,
            notes: Vec::new(),
        };
        (id != 0).then_some((task, cell))
    }

    /// The future in `Cell.core.stage`, while it is there.
    fn future(&self, cell: &Value) -> Option<Value> {
        let view = &self.view;
        let stage = view.find(cell, "core.stage")?;
        let (_, _, running) = view.active(&view.unwrap(stage))?;
        running
            .of
            .name
            .ends_with("::Running")
            .then(|| view.member(&running, "__0"))?
    }
}

/// Whether a coroutine is as it was made.
fn is_fresh(view: &View<'_, '_>, future: &Value) -> bool {
    view.active(future)
        .is_some_and(|(_, _, state)| state.of.name.ends_with("::Unresumed"))
}

/// At most twice a window: it fits any machine's address space.
fn length(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
