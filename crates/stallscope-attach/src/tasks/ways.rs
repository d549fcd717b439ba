//! The way from one type to the nearest part of another: looked for in the types once, then gone in memory for each value.
//!
//! Where a library keeps something changes with its versions, what it is called seldom does. So a receiver's channel is
//! "the nearest `Chan` that it leads to", whatever members and pointers lie between.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use super::names;
use super::view::{Value, View};
use crate::debug::{ById, Program, Shape, TypeId};

/// The ways that were looked for, kept over all tasks: through several variants there are several.
#[derive(Default)]
pub(super) struct Ways {
    known: RefCell<Known>,
    /// The members that were looked for by name, as [`View::within`] is asked.
    members: RefCell<ById<(TypeId, &'static str), Option<Found>>>,
}

/// A member: its place in the whole, and its type.
type Found = (u64, TypeId);

/// From which type to which, as [`View::reach`] is asked.
type Known = ById<(TypeId, &'static str), Rc<[Way]>>;

type Way = Vec<Step>;

#[derive(Clone, Copy)]
enum Step {
    /// To a member.
    Into { offset: u64, of: TypeId },
    /// To what a pointer points to.
    To(TypeId),
    /// To the data of the variant of this number, if the value is in it.
    If { variant: usize, of: TypeId },
}

/// No more types are looked at for one way: what is wanted lies near.
const MOST_TYPES: usize = 1500;
const MOST_WAYS: usize = 4;

impl View<'_, '_> {
    /// The nearest value in or behind `from` whose type's name begins with `name`.
    pub(super) fn reach(&self, from: &Value, name: &'static str) -> Option<Value> {
        let known = self.ways.known.borrow().get(&(from.id, name)).cloned();
        let ways = known.unwrap_or_else(|| {
            let ways: Rc<[Way]> = search(self.program, from.id, name).into();
            let mut known = self.ways.known.borrow_mut();
            known.insert((from.id, name), Rc::clone(&ways));
            ways
        });
        ways.iter().find_map(|way| {
            let mut steps = way.iter();
            steps.try_fold(from.clone(), |at, step| self.step(&at, *step))
        })
    }

    fn step(&self, from: &Value, step: Step) -> Option<Value> {
        match step {
            Step::Into { offset, of } => Some(self.value(of, from.at.checked_add(offset)?)),
            Step::To(of) => {
                let address = self.memory.u64(from.at).ok()?;
                (address != 0).then(|| self.value(of, address))
            }
            Step::If { variant, of } => {
                let Shape::Choice(choice) = &from.of.shape else {
                    return None;
                };
                let (name, _, data) = self.active(from)?;
                let wanted = choice.variants.get(variant)?;
                (name == wanted.data.name && data.id == of).then_some(data)
            }
        }
    }

    /// The nearest member of that name in the value itself, however it is wrapped; nothing behind pointers or in variants.
    pub(super) fn within(&self, of: &Value, name: &'static str) -> Option<Value> {
        let key = (of.id, name);
        let known = self.ways.members.borrow().get(&key).copied();
        let found = known.unwrap_or_else(|| {
            let found = search_members(self.program, of.id, name);
            self.ways.members.borrow_mut().insert(key, found);
            found
        });
        let (offset, id) = found?;
        Some(self.value(id, of.at.checked_add(offset)?))
    }

    /// The number that the nearest member of that name is.
    pub(super) fn number_within(&self, of: &Value, name: &'static str) -> Option<u64> {
        u64::try_from(self.number(&self.within(of, name)?)?).ok()
    }
}

const MOST_LEVELS: u32 = 10;
const MOST_MEMBERS: usize = 200;

/// Look for a member, nearest ones first.
fn search_members(program: &Program<'_>, of: TypeId, name: &str) -> Option<Found> {
    let mut level = vec![(0_u64, of)];
    for _ in 0..MOST_LEVELS {
        let mut next = Vec::new();
        for (at, id) in level {
            for member in program.type_of(id).members() {
                let offset = at.checked_add(member.offset)?;
                let id = program.definition(member.of);
                if member.name == name {
                    return Some((offset, id));
                }
                next.push((offset, id));
            }
        }
        next.truncate(MOST_MEMBERS);
        level = next;
    }
    None
}

/// Look for the shortest ways, nearest types first.
fn search(program: &Program<'_>, from: TypeId, name: &str) -> Vec<Way> {
    // Each type that was come to, from which one, by which step.
    let mut reached: Vec<(TypeId, usize, Option<Step>)> = vec![(from, 0, None)];
    let mut seen = HashSet::from([from]);
    let mut ways: Vec<Way> = Vec::new();
    let mut next = 0;
    while let Some((id, _, _)) = reached.get(next).copied() {
        let of = program.type_of(id);
        if of.name.starts_with(name) {
            ways.push(steps_to(&reached, next));
            // A way through a variant is not always there; one without is.
            let is_sure = ways
                .last()
                .is_some_and(|way| !way.iter().any(Step::is_conditional));
            if is_sure || ways.len() >= MOST_WAYS {
                break;
            }
            next += 1;
            continue;
        }
        for step in steps_from(program, &of.shape, names::is_coroutine(&of.name)) {
            let (Step::Into { of, .. } | Step::To(of) | Step::If { of, .. }) = step;
            let is_new = seen.insert(of) || program.type_of(of).name.starts_with(name);
            if reached.len() < MOST_TYPES && is_new {
                reached.push((of, next, Some(step)));
            }
        }
        next += 1;
    }
    ways
}

impl Step {
    fn is_conditional(&self) -> bool {
        matches!(self, Self::If { .. })
    }
}

fn steps_from(program: &Program<'_>, shape: &Shape, is_coroutine: bool) -> Vec<Step> {
    match shape {
        Shape::Pointer(Some(to)) => vec![Step::To(program.definition(*to))],
        Shape::Struct(members) | Shape::Union(members) => {
            let members = members.iter().map(|member| Step::Into {
                offset: member.offset,
                of: program.definition(member.of),
            });
            members.collect()
        }
        // What a coroutine holds is another future's affair.
        Shape::Choice(choice) if !is_coroutine => {
            let variants = choice.variants.iter().enumerate();
            let variants = variants.map(|(variant, of)| Step::If {
                variant,
                of: program.definition(of.data.of),
            });
            variants.collect()
        }
        _ => Vec::new(),
    }
}

fn steps_to(reached: &[(TypeId, usize, Option<Step>)], mut at: usize) -> Way {
    let mut steps = Vec::new();
    // Each was come to from an earlier one, so this ends at the first.
    while let Some((_, before, Some(step))) = reached.get(at) {
        steps.push(*step);
        at = *before;
    }
    steps.reverse();
    steps
}
