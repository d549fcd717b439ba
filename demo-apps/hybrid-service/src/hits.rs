//! How many requests were answered: counted by every request itself.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use stallscope::sync::Shared;

use crate::fault::{CHOSEN, Fault};
use crate::state::AppState;

/// A number that all requests add to.
#[derive(Debug)]
pub(crate) struct Hits(Shared<u64>);

impl Hits {
    pub(crate) const fn none() -> Self {
        Self(Shared::new("hits", 0))
    }

    /// Requests answered since the start.
    pub(crate) fn so_far(&self) -> u64 {
        self.0.read(|hits| *hits)
    }

    /// Counts a request once it is answered.
    pub(crate) async fn count<A>(&self, answer: impl Future<Output = A>) -> A {
        if CHOSEN.is(Fault::LostHits) {
            let before = self.0.get();
            let answer = answer.await;
            // fault: lost-hits
            self.0.set(before + 1);
            return answer;
        }
        let answer = answer.await;
        self.0.update(|hits| *hits += 1);
        answer
    }
}

/// The layer around all routes.
pub(crate) async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    state.hits.count(next.run(request)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn requests_at_the_same_time_all_count() {
        let hits = Hits::none();
        let request = || hits.count(tokio::task::yield_now());
        tokio::join!(request(), request(), request());
        assert_eq!(hits.so_far(), 3);
    }
}
