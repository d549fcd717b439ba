//! Whether a process still is the one that it was: its number is given to another one some day.

/// A process, told from a later one of its number.
pub(crate) struct Life {
    pid: u32,
    /// When it was started, as the kernel counts; `None` if it had ended, or the system does not tell.
    started: Option<String>,
}

impl Life {
    pub(crate) fn of(pid: u32) -> Self {
        Life {
            pid,
            started: started(pid),
        }
    }

    pub(crate) fn lasts(&self) -> bool {
        self.started.is_some() && started(self.pid) == self.started
    }
}

/// The start time in `stat`; `None` if it has ended, which one that nobody has waited for has too. Asked at every look, so of its first
/// thread: for the process the kernel would add up all of them.
fn started(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/stat")).ok()?;
    // The name of the program stands in parentheses and may hold some itself.
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split(' ');
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_a_later_one_of_its_number() {
        let mut life = Life::of(std::process::id());
        assert!(life.lasts());
        life.started = Some("1".to_owned());
        assert!(!life.lasts());
        assert!(!Life::of(u32::MAX).lasts());
    }
}
