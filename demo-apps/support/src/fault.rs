//! The mistake that a demo makes on purpose: chosen once at its start, asked for at the places where it can be made.

use std::sync::OnceLock;

use clap::ValueEnum;
use tracing::warn;

/// The fault of this process, if it has one; `F` is what there is to choose from.
///
/// A demo keeps it in a static, so that its healthy code hands nothing around.
#[derive(Debug)]
pub struct Chosen<F>(OnceLock<F>);

impl<F: ValueEnum + Copy + PartialEq> Chosen<F> {
    /// None so far.
    pub const fn none() -> Self {
        Self(OnceLock::new())
    }

    /// Chooses `fault` and says so in the log. What was chosen first stays.
    pub fn choose(&self, fault: Option<F>) {
        let Some(fault) = fault else { return };
        let name = fault.to_possible_value();
        if self.0.set(fault).is_ok()
            && let Some(name) = name
        {
            warn!("with a fault: {}", name.get_name());
        }
    }

    /// Whether this is the one.
    pub fn is(&self, fault: F) -> bool {
        self.0.get() == Some(&fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
    enum Fault {
        One,
        Other,
    }

    #[test]
    fn no_fault_is_the_one_until_one_is_chosen() {
        static CHOSEN: Chosen<Fault> = Chosen::none();
        let faults = || [Fault::One, Fault::Other].map(|fault| CHOSEN.is(fault));
        CHOSEN.choose(None);
        assert_eq!(faults(), [false, false]);
        CHOSEN.choose(Some(Fault::Other));
        assert_eq!(faults(), [false, true]);
        CHOSEN.choose(Some(Fault::One));
        assert_eq!(faults(), [false, true]);
    }
}
