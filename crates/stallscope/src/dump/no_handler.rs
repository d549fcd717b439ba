//! Where signals are not listened for: the agent has no stacks to show there.

use super::Signal;

pub(crate) fn listen_for(signal: Signal) -> Result<(), String> {
    Err(format!(
        "{signal} is not listened for on this platform: Linux is needed"
    ))
}

pub(crate) fn is_wanted() -> bool {
    false
}
