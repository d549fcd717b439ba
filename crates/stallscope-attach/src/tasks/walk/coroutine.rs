//! A suspended `async fn` or block as a frame: its line, its locals, and what it awaits.

use super::super::model::{Frame, Place};
use super::super::view::Value;
use super::super::{locals, names};
use super::{Chain, Passed, Walk};
use crate::debug::{Shape, is_app_path};

/// The member that holds what a coroutine awaits.
const AWAITED: &str = "__awaitee";

impl Walk<'_, '_> {
    /// Append a coroutine and what it awaits. Returns whether it has neither returned nor panicked.
    pub(super) fn follow_coroutine(&self, of: &Value, chain: &mut Chain) -> bool {
        let Some((_, _, state)) = self.view.active(of) else {
            return false;
        };
        let is_unpolled = match state_name(&state) {
            "Unresumed" => true,
            name if name.starts_with("Suspend") => false,
            _ => return false,
        };
        let body = self.view.program.body_of(&of.of.name);
        let symbol = body.as_ref().map_or("", |body| &body.symbol);
        let mut frame = Frame {
            function: names::coroutine(&of.of.name, symbol),
            place: None,
            in_app: self.is_app(&of.of.name),
            locals: Vec::new(),
            branches: Vec::new(),
        };
        chain.passed.push(Passed {
            name: of.of.name.clone(),
            in_app: frame.in_app,
            value: state.clone(),
        });
        let awaited = (!is_unpolled)
            .then(|| self.view.member(&state, AWAITED))
            .flatten();
        let Some(awaited) = awaited else {
            chain.is_unpolled = is_unpolled;
            chain.frames.push(frame);
            return true;
        };
        let body = body.as_ref().map_or("", |body| &body.name);
        frame.place = self.place(of, &state, &awaited, body);
        frame.branches = self.branches(&awaited, &state);
        if self.with_locals {
            frame.locals = locals::of(self.view, of, &state);
            if !frame.branches.is_empty() {
                frame.locals.retain(|local| !is_of_macro(&local.name));
            }
        }
        let in_branches = !frame.branches.is_empty();
        chain.frames.push(frame);
        if !in_branches {
            let frame = chain.frames.len() - 1;
            if !self.follow(&awaited, chain) {
                self.end_in(&awaited, chain);
            }
            // A collection of futures without a future around it that has it.
            if chain.frames.len() - 1 == frame {
                chain.frames[frame].branches = std::mem::take(&mut chain.loose);
            }
        }
        true
    }

    /// The line of the await.
    fn place(&self, of: &Value, state: &Value, awaited: &Value, body: &str) -> Option<Place> {
        let declared = self.declared(of, state);
        if declared
            .as_ref()
            .is_some_and(|place| is_app_path(&place.file))
        {
            return declared;
        }
        // Inside of a macro of another crate the variant points into the macro; the variable has the line that calls it.
        let places = self.view.program.awaits_of(&awaited.of.name, body);
        let own: Vec<_> = places
            .iter()
            .filter(|place| is_app_path(&place.file))
            .collect();
        match (own.as_slice(), places.as_slice()) {
            ([place], _) => Some((*place).clone()),
            ([], [place]) => Some(place.clone()),
            // One type of future is awaited at several lines: only the variant knows which.
            _ => declared,
        }
    }

    /// Where the variant of the state that a coroutine is in was declared: the await.
    fn declared(&self, of: &Value, state: &Value) -> Option<Place> {
        let Shape::Choice(choice) = &of.of.shape else {
            return None;
        };
        let variant = choice
            .variants
            .iter()
            .find(|variant| self.view.program.definition(variant.data.of) == state.id)?;
        self.view.program.declared(of.id, &variant.data)
    }
}

/// `Suspend0` of `…::{async_fn_env#0}::Suspend0`; generic arguments may follow.
pub(super) fn state_name(state: &Value) -> &str {
    let last = names::segments(&state.of.name).pop().unwrap_or_default();
    last.split('<').next().unwrap_or_default()
}

/// Variables that `select!` and `join!` make for themselves.
fn is_of_macro(name: &str) -> bool {
    ["futures", "disabled", "skip_next_time"].contains(&name) || name.starts_with("_fut")
}
