//! The decoder of pages: in place of a library in C, which has one context for the whole process and allows one call at a time.

use std::thread;
use std::time::Duration;

use stallscope::sync::AccessProbe;
use stallscope::sync::blocking::{Mutex, PoisonError};
use tokio::task::{JoinError, spawn_blocking};

use crate::fault::{CHOSEN, Fault};
use crate::meter;

/// What the compiler does not know of: the library's context.
static CONTEXT: AccessProbe = AccessProbe::new("decoder context");

/// Whose turn it is to call the library.
static TURN: Mutex<()> = Mutex::new(());

/// How long the library takes for a page.
const TAKES: Duration = Duration::from_millis(2);

/// The characters that stand for others in HTML. The first is replaced last, or else it would make more of them.
const REFERENCES: [(&str, &str); 3] = [("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")];

/// The text of a page without character references. It takes a while, so it is done where nobody has to wait for it.
pub(crate) async fn decode(html: String) -> Result<String, JoinError> {
    spawn_blocking(move || {
        meter::count(&html);
        if CHOSEN.is(Fault::SharedDecoder) {
            return call(&html);
        }
        // Nothing is behind the lock that a panic could leave half done.
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        call(&html)
    })
    .await
}

/// A call of the library. Blocks.
fn call(html: &str) -> String {
    // fault: shared-decoder
    let _access = CONTEXT.write();
    thread::sleep(TAKES);
    plain(html)
}

/// What the library does.
pub(crate) fn plain(html: &str) -> String {
    let references = REFERENCES.iter().rev();
    references.fold(html.to_owned(), |text, (reference, character)| {
        text.replace(reference, character)
    })
}

/// The other way round.
pub(crate) fn escaped(text: &str) -> String {
    let references = REFERENCES.iter();
    references.fold(text.to_owned(), |html, (reference, character)| {
        html.replace(character, reference)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_escaped_is_decoded_to_what_it_was() {
        for text in [
            "salt & pepper",
            "a < b > c",
            "&amp; is for &",
            "&amp;lt;",
            "",
        ] {
            assert_eq!(plain(&escaped(text)), text);
        }
        assert_eq!(escaped("salt & pepper"), "salt &amp; pepper");
    }
}
