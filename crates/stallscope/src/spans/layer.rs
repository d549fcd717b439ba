//! The layer that an application adds to its subscriber, and what it notes.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use tracing::Subscriber;
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer};

use super::board::{Entered, SpanKey};
use super::book::{BOOK, Noted};
use super::fields::Fields;
use crate::process;
use crate::recorder::{RECORDER, TaskId};

/// A layer for the application's own `tracing` subscriber that lets findings say in which span a poll was stuck.
///
/// A long poll then carries name, fields and place of the innermost span that its thread was in, as in
/// `request{method=GET path="/report"}`: which request it was, beside which line. Without the layer everything else works the same,
/// and findings have no span.
///
/// ```
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let subscriber = tracing_subscriber::registry()
///     .with(tracing_subscriber::fmt::layer())
///     .with(stallscope::spans());
/// # tracing::subscriber::with_default(subscriber, || tracing::info_span!("request").in_scope(|| {}));
/// ```
///
/// It notes the spans that reach it. A filter that stands beside it, as `.with(EnvFilter::from_default_env())`, holds for it too. Where each layer has
/// a filter of its own, give it one as well, or tracing makes all spans and events that exist, for a layer that sees no use in most of them:
/// `.with(stallscope::spans().with_filter(LevelFilter::INFO))`.
///
/// # What is said, and what is not
///
/// Only a span that was entered within the stalled poll, by the task that is polled, is ever named. So nothing is said of a span that was left entered by a task that ran
/// on this thread before, and a stall inside a task of a `LocalSet` is told with a span of the root future around it, if there is one: which local task runs
/// cannot be seen from outside. Neither is anything said of a thread in more than 16 spans at a time.
///
/// Values are formatted as soon as they are recorded, with `Debug`, and cut after 400 bytes; `%value` is formatted as it says. Whoever may connect to the
/// process sees them, as does whoever reads its log.
///
/// # What it costs
///
/// To enter and leave a span: 5 ns within a poll, 2 ns outside of one. No lock is taken and nothing is allocated. To make and end a span of two fields:
/// 190 ns, two locks that are held for a moment, and one allocation or two. (`fmt::layer()` adds 3 ns and 320 ns to the same. Least of 60 runs on a virtual
/// x86-64 machine, each beside a bare `registry()` that takes 7 ns and 100 ns.)
///
/// With `STALLSCOPE=off` it notes nothing.
#[must_use = "a layer does something once it is part of a subscriber: `registry().with(stallscope::spans())`"]
pub fn spans() -> SpanLayer {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    SpanLayer {
        number: NUMBER.fetch_add(1, Ordering::Relaxed),
    }
}

/// Notes which spans are entered: see [`spans`], which makes it.
pub struct SpanLayer {
    /// Tells the spans of one subscriber from those of another.
    number: u32,
}

impl SpanLayer {
    fn key(&self, id: &Id) -> SpanKey {
        SpanKey {
            layer: self.number,
            id: id.into_u64(),
        }
    }
}

impl<S: Subscriber> Layer<S> for SpanLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        if process::is_off() {
            return;
        }
        let mut fields = Fields::after("");
        attributes.record(&mut fields);
        let noted = Noted {
            metadata: attributes.metadata(),
            fields: fields.into_text().into(),
        };
        BOOK.insert(self.key(id), noted);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        BOOK.change(self.key(id), |before| {
            let mut fields = Fields::after(before);
            values.record(&mut fields);
            fields.into_text().into()
        });
    }

    #[inline]
    fn on_enter(&self, id: &Id, _: Context<'_, S>) {
        if let Some((thread, poll)) = RECORDER.own_poll() {
            let entered = Entered {
                span: self.key(id),
                poll: poll.since,
                task: tokio::task::try_id().map_or(0, |id| TaskId::of(id).to_own_code()),
            };
            thread.spans.enter(entered, poll.is_nested);
        }
    }

    #[inline]
    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        if let Some((thread, _)) = RECORDER.own_poll() {
            thread.spans.exit(self.key(id));
        }
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        BOOK.remove(self.key(&id));
    }
}

impl Drop for SpanLayer {
    fn drop(&mut self) {
        BOOK.forget(self.number);
    }
}

impl fmt::Debug for SpanLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanLayer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tracing::Span;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// Calls `body` where a subscriber has the layer, and a way to ask what is known of a span.
    fn with_layer(body: impl FnOnce(&dyn Fn(&Span) -> Option<String>)) {
        let layer = spans();
        let number = layer.number;
        let told = move |span: &Span| {
            let id = span.id()?.into_u64();
            let noted = BOOK.look_up(SpanKey { layer: number, id })?;
            Some(noted.fields.to_string())
        };
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || body(&told));
    }

    #[test]
    fn fields_are_told_as_they_are_written() {
        with_layer(|told| {
            let path = "/x";
            let span = tracing::info_span!("request", user = 7, path, peer = %path, ok = true);
            assert_eq!(
                told(&span).as_deref(),
                Some(r#"user=7 path="/x" peer=/x ok=true"#)
            );
            assert_eq!(told(&tracing::info_span!("bare")).as_deref(), Some(""));
        });
    }

    #[test]
    fn what_is_recorded_later_follows() {
        with_layer(|told| {
            let span = tracing::info_span!("request", rows = tracing::field::Empty, user = 7);
            span.record("rows", 12);
            assert_eq!(told(&span).as_deref(), Some("user=7 rows=12"));
        });
    }

    #[test]
    fn long_values_are_cut_between_two_characters_and_nothing_follows() {
        with_layer(|told| {
            let long = "ü".repeat(1000);
            let span = tracing::info_span!("request", long, user = 7, rows = tracing::field::Empty);
            span.record("rows", 12);
            let fields = told(&span).expect("it is alive");
            assert!(fields.ends_with("ü…"), "{fields}");
            assert!((390..=403).contains(&fields.len()), "{}", fields.len());
        });
    }

    #[test]
    fn a_span_is_known_until_its_last_handle_is_gone() {
        let layer = spans();
        let number = layer.number;
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("request");
            let id = span.id().map_or(0, |id| id.into_u64());
            let is_known = || BOOK.look_up(SpanKey { layer: number, id }).is_some();
            let other = span.clone();
            drop(span);
            assert!(is_known());
            drop(other);
            assert!(!is_known());
        });
    }

    #[test]
    fn two_subscribers_that_give_out_the_same_numbers_are_told_apart() {
        with_layer(|told| {
            let outer = tracing::info_span!("outer", which = 1);
            with_layer(|told_inside| {
                let inner = tracing::info_span!("inner", which = 2);
                assert_eq!(inner.id(), outer.id());
                assert_eq!(told_inside(&inner).as_deref(), Some("which=2"));
            });
            assert_eq!(told(&outer).as_deref(), Some("which=1"));
        });
    }

    #[test]
    fn what_a_layer_leaves_behind_goes_with_it() {
        let (layer, other) = (spans(), spans());
        let key = |layer: &SpanLayer| layer.key(&Id::from_u64(1));
        let keys = [key(&layer), key(&other)];
        let span = tracing::subscriber::with_default(tracing_subscriber::registry(), || {
            tracing::info_span!("never closed")
        });
        for key in keys {
            let noted = Noted {
                metadata: span.metadata().expect("it is made by a callsite"),
                fields: "".into(),
            };
            BOOK.insert(key, noted);
        }
        drop(layer);
        assert_eq!(keys.map(|key| BOOK.look_up(key).is_some()), [false, true]);
        drop(other);
    }
}
