//! A copy of a thread's stack, as it is at the moment: whether that is worth anything is found out afterwards.

use stallscope_stack::kernel::Position;
use stallscope_stack::{Method, RawStack, Registers, Tid};

use super::Unseen;
use crate::memory::{Area, Memory, Thread, Unreadable};

/// More of a stack is not copied: some thousand frames.
pub(super) const MOST_COPIED: u64 = 512 * 1024;

/// From the stack pointer to the end of the area it points into.
pub(super) fn of(memory: &dyn Memory, areas: &[Area], thread: &Thread) -> Result<RawStack, Unseen> {
    let (sp, pc) = match thread.position() {
        Position::InSystemCall { sp, pc, .. } | Position::InFault { sp, pc } => (sp, pc),
        Position::Running => return Err(Unseen::Running),
        Position::Unknown => return Err(Unseen::NotTold),
    };
    let tid = i32::try_from(thread.tid).ok().and_then(Tid::new);
    let depth = area_of(areas, sp)?.end - sp;
    let (bytes, is_cut) = read(memory, sp, depth.min(MOST_COPIED))?;
    Ok(RawStack {
        tid: tid.ok_or(Unseen::NotTold)?,
        registers: Registers {
            pc,
            sp,
            fp: thread.frame_pointer,
            lr: thread.link_register,
        },
        bytes,
        truncated: is_cut || depth > MOST_COPIED,
        method: Method::Untouched,
    })
}

/// The area a stack pointer points into.
pub(super) fn area_of(areas: &[Area], sp: u64) -> Result<&Area, Unseen> {
    let behind = areas.partition_point(|area| area.start <= sp);
    behind
        .checked_sub(1)
        .and_then(|index| areas.get(index))
        .filter(|area| sp < area.end)
        .ok_or(Unseen::Unreadable)
}

/// As much as is there, and whether that is less than what was asked for.
fn read(memory: &dyn Memory, at: u64, length: u64) -> Result<(Vec<u8>, bool), Unseen> {
    let mut bytes = vec![0; usize::try_from(length).map_err(|_| Unseen::Unreadable)?];
    let Err(Unreadable(end)) = memory.read(at, &mut bytes) else {
        return Ok((bytes, false));
    };
    let readable = end
        .checked_sub(at)
        .and_then(|length| usize::try_from(length).ok());
    bytes.truncate(readable.unwrap_or(0));
    if bytes.is_empty() || memory.read(at, &mut bytes).is_err() {
        return Err(Unseen::Unreadable);
    }
    Ok((bytes, true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Image;
    use proptest::prelude::*;
    use stallscope_stack::kernel::{RunState, ThreadState};

    fn at(position: Position) -> Thread {
        let tid = Tid::new(7).expect("positive");
        Thread {
            tid: 7,
            kernel: Some(ThreadState {
                tid,
                run_state: RunState::Sleeping,
                position,
                wait_channel: None,
                times: None,
                faults: None,
                descriptors: Vec::new(),
            }),
            ..Thread::default()
        }
    }

    fn asleep_at(sp: u64) -> Thread {
        at(Position::InFault { sp, pc: 0x1000 })
    }

    const STACK: (u64, u64) = (0x10_0000, 0x30_0000);

    fn image() -> Image {
        let area = Area {
            start: STACK.0,
            end: STACK.1,
            writable: true,
            ..Area::default()
        };
        let mut image = Image::new(vec![area], Vec::new());
        image.put(STACK.0, &vec![7; (STACK.1 - STACK.0) as usize]);
        image
    }

    #[test]
    fn it_reaches_from_the_stack_pointer_to_the_end_of_the_area_or_the_limit() {
        let image = image();
        let copied = of(&image, &image.areas, &asleep_at(STACK.1 - 24)).expect("a stack");
        assert_eq!((copied.bytes.len(), copied.truncated), (24, false));
        let copied = of(&image, &image.areas, &asleep_at(STACK.0)).expect("a stack");
        assert_eq!(
            (copied.bytes.len() as u64, copied.truncated),
            (MOST_COPIED, true)
        );
    }

    #[test]
    fn what_is_missing_at_the_end_cuts_it() {
        let whole = image();
        let mut cut = Image::new(whole.areas.clone(), Vec::new());
        cut.put(STACK.1 - 64, &[7; 40]);
        let copied = of(&cut, &cut.areas, &asleep_at(STACK.1 - 64)).expect("a stack");
        assert_eq!((copied.bytes.len(), copied.truncated), (40, true));
        let missing = of(&cut, &cut.areas, &asleep_at(STACK.1 - 8));
        assert_eq!(missing, Err(Unseen::Unreadable));
    }

    #[test]
    fn a_thread_without_a_stack_pointer_says_why() {
        let image = image();
        assert_eq!(
            of(&image, &image.areas, &Thread::default()),
            Err(Unseen::NotTold)
        );
        let running = at(Position::Running);
        assert_eq!(of(&image, &image.areas, &running), Err(Unseen::Running));
    }

    proptest! {
        #[test]
        fn no_stack_pointer_makes_it_panic_or_copy_without_end(sp: u64, areas: Vec<(u64, u64)>) {
            let mut image = image();
            image.areas.extend(areas.iter().map(|(start, end)| Area { start: *start, end: *end, ..Area::default() }));
            image.areas.sort_by_key(|area| area.start);
            if let Ok(copied) = of(&image, &image.areas, &asleep_at(sp)) {
                prop_assert!(copied.bytes.len() as u64 <= MOST_COPIED);
            }
        }
    }
}
