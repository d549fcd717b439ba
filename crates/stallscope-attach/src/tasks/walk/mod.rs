//! From a future to what it awaits, and what that awaits, down to the one that waits.

mod branches;
mod chain;
mod coroutine;
mod leads;
mod members;

use std::cell::{Cell, RefCell};

use super::model::Frame;
use super::names;
use super::outside::Outside;
use super::view::{Value, View};
use super::waits;
use crate::debug::{Shape, TypeId};

pub(super) use chain::{Chain, Passed};
pub(super) use leads::Leads;

/// Follows the futures of one task.
pub(super) struct Walk<'w, 'f> {
    pub(super) view: &'w View<'w, 'f>,
    pub(super) outside: &'w dyn Outside,
    pub(super) with_locals: bool,
    /// Which types have a future in them; kept over all tasks.
    pub(super) leads: &'w Leads,
    /// What was looked at: no task has more than [`MOST_STEPS`].
    steps: Cell<u32>,
    /// Whether futures lie deeper in each other than is followed.
    is_cut: Cell<bool>,
    /// What is being followed, from the task's future down: memory may lead in a circle.
    path: RefCell<Vec<(u64, TypeId)>>,
}

const MOST_STEPS: u32 = 20_000;
/// How many futures lie in each other. A frame of ours for each must fit on a thread's stack.
const MOST_DEPTH: usize = 200;
/// How many pointers, wrappers and variants lie between two futures.
const MOST_BETWEEN: u32 = 64;

impl<'w, 'f> Walk<'w, 'f> {
    pub(super) fn new(
        view: &'w View<'w, 'f>,
        outside: &'w dyn Outside,
        leads: &'w Leads,
        with_locals: bool,
    ) -> Self {
        Self {
            view,
            outside,
            with_locals,
            leads,
            steps: Cell::new(0),
            is_cut: Cell::new(false),
            path: RefCell::default(),
        }
    }

    /// The chain of futures that begins with `of`. `None`: it is in no state that waits.
    pub(super) fn chain(&self, of: &Value) -> Option<Chain> {
        let mut chain = Chain::default();
        if !self.follow(of, &mut chain) {
            if is_coroutine(of) || self.is_done(of) {
                return None;
            }
            self.end_in(of, &mut chain);
        }
        if !chain.loose.is_empty() {
            let mut frame = self.by_hand(of);
            frame.branches = std::mem::take(&mut chain.loose);
            chain.frames.push(frame);
        }
        Some(chain)
    }

    /// Whether there is more than is looked at for one task.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut.get() || self.is_exhausted()
    }

    fn is_exhausted(&self) -> bool {
        self.steps.get() >= MOST_STEPS || self.view.memory.is_exhausted()
    }

    /// Append `of` and what it awaits. Returns whether anything was found.
    fn follow(&self, of: &Value, chain: &mut Chain) -> bool {
        let Some(of) = self.next_future(of) else {
            return false;
        };
        let here = (of.at, of.id);
        if self.path.borrow().len() >= MOST_DEPTH {
            self.is_cut.set(true);
            return false;
        }
        if self.path.borrow().contains(&here) {
            return false;
        }
        self.path.borrow_mut().push(here);
        let found = self.follow_future(&of, chain);
        self.path.borrow_mut().pop();
        found
    }

    fn follow_future(&self, of: &Value, chain: &mut Chain) -> bool {
        if is_coroutine(of) {
            return self.follow_coroutine(of, chain);
        }
        if waits::is_leaf(&of.of.name) {
            chain.passed.push(self.passed(of));
            return true;
        }
        if let Some(several) = self.several(of) {
            self.end_in_branches(of, several, chain);
            return true;
        }
        match &of.of.shape {
            Shape::Choice(_) => {
                let active = self.view.active(of);
                active.is_some_and(|(_, _, data)| self.follow_members(of, &data, chain))
            }
            _ => self.follow_members(of, of, chain),
        }
    }

    /// The future that `of` is or leads to by pointers and wrappers alone.
    fn next_future(&self, of: &Value) -> Option<Value> {
        let mut at = of.clone();
        for _ in 0..MOST_BETWEEN {
            self.steps.set(self.steps.get() + 1);
            if self.is_exhausted() || !self.leads(at.id) {
                return None;
            }
            if is_coroutine(&at) || waits::is_leaf(&at.of.name) || self.is_several(&at) {
                return Some(at);
            }
            at = match &at.of.shape {
                _ if leads::through(&at.of.name).is_some() => {
                    self.view.reach(&at, leads::through(&at.of.name)?)?
                }
                Shape::Pointer(Some(_)) => self.view.pointed_to(&at)?,
                _ if leads::is_dyn(&at.of) => self.behind_dyn(&at)?,
                Shape::Choice(_) if is_wrapper(&at) => self.view.active(&at)?.2,
                // A wrapper of one future needs no frame of ours: recursions are deep.
                Shape::Struct(_) if is_wrapper(&at) => match self.only_leading(&at) {
                    Some(inner) => inner,
                    None => return Some(at),
                },
                _ => return Some(at),
            };
        }
        None
    }

    /// The member that leads to a future, if it is the only one.
    fn only_leading(&self, of: &Value) -> Option<Value> {
        let members = self.view.members(of).into_iter();
        let mut leading = members.filter(|(_, member)| self.leads(member.id));
        let (_, only) = leading.next()?;
        leading.next().is_none().then_some(only)
    }

    /// The value behind a `Box<dyn Future>` and its like.
    fn behind_dyn(&self, of: &Value) -> Option<Value> {
        if !leads::leads_by_name(&of.of.name) {
            return None;
        }
        let word = |name| {
            let offset = of.of.member(name)?.offset;
            self.view.memory.u64(of.at.checked_add(offset)?).ok()
        };
        let (data, vtable) = (word("pointer")?, word("vtable")?);
        let behind = self.view.dyn_type(vtable)?;
        Some(self.view.value(behind, data))
    }

    /// End `chain` in a future in which nothing is found that it awaits: it is told by its type.
    fn end_in(&self, of: &Value, chain: &mut Chain) {
        let leaf = self.named(of);
        if !is_wrapper(&leaf) {
            chain.frames.push(self.by_hand(&leaf));
        }
        chain.passed.push(self.passed(&leaf));
    }

    /// The value that is behind what says nothing: pointers, `Pin`, and `PollFn`, which is named by its closure.
    fn named(&self, of: &Value) -> Value {
        let mut at = of.clone();
        for _ in 0..MOST_BETWEEN {
            if names::is_closure(&at.of.name) || leads::is_dyn(&at.of) {
                break;
            }
            let inner = match &at.of.shape {
                Shape::Pointer(Some(_)) => self.view.pointed_to(&at),
                Shape::Struct(_) if is_transparent(&at.of.name) => self
                    .view
                    .members(&at)
                    .into_iter()
                    .next()
                    .map(|(_, value)| value),
                _ => None,
            };
            match inner {
                Some(inner) => at = inner,
                None => break,
            }
        }
        at
    }

    fn by_hand(&self, of: &Value) -> Frame {
        Frame {
            function: names::of_future(&of.of.name),
            place: None,
            in_app: self.is_app(&of.of.name),
            locals: Vec::new(),
            branches: Vec::new(),
        }
    }

    fn passed(&self, of: &Value) -> Passed {
        Passed {
            name: of.of.name.clone(),
            in_app: self.is_app(&of.of.name),
            value: of.clone(),
        }
    }

    fn is_app(&self, name: &str) -> bool {
        self.view.program.is_app_crate(names::crate_of(name))
    }

    fn leads(&self, id: TypeId) -> bool {
        self.leads.of(self.view.program, id)
    }
}

fn is_coroutine(of: &Value) -> bool {
    matches!(of.of.shape, Shape::Choice(_)) && names::is_coroutine(&of.of.name)
}

fn is_wrapper(of: &Value) -> bool {
    leads::is_wrapper(&of.of.name)
}

/// Types that are what they wrap.
fn is_transparent(name: &str) -> bool {
    [
        "core::pin::Pin<",
        "alloc::boxed::Box<",
        "core::mem::manually_drop::ManuallyDrop<",
    ]
    .iter()
    .any(|wrapper| name.starts_with(wrapper))
        || leads::is_poll_fn(name)
}
