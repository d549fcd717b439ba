//! What is told of the scraper and of its shop from outside, when nothing of stallscope is in them and a round is on.
#![cfg(target_os = "linux")]

use demo_support::{Demo, Kind, awaits, fault_line};

const SCRAPER: Demo = Demo {
    program: env!("CARGO_BIN_EXE_web-scraper"),
    ready: "scraping the shop at ",
};

/// Its tasks in the middle of a round.
fn tasks() -> [Kind; 6] {
    let one = |function, awaits| Kind {
        function,
        count: 1..=1,
        detached: false,
        awaits,
    };
    // Nobody joins what axum and hyper-util spawn. Requests that were given up leave connections behind for a while.
    let of_others = |function, awaits| Kind {
        function,
        count: 0..=20,
        detached: true,
        awaits,
    };
    let fetches = awaits!(
        "src/fetch.rs",
        "self.permits.acquire().await",
        "self.client.get(self.url(path)).send().await",
        "page.text().await",
        "sleep(pause).await",
    );
    [
        one(
            "web_scraper::shop::serve",
            awaits!("src/shop.rs", "        .await"),
        ),
        one(
            "web_scraper::scraper::run",
            [
                awaits!("src/round.rs", "pages.join_next().await"),
                awaits!("src/scraper.rs", "run_until_cancelled(sleep(PAUSE)).await"),
                awaits!("src/mirror.rs", "timeout(PATIENCE, "),
                fetches.clone(),
            ]
            .concat(),
        ),
        Kind {
            count: 50..=100,
            ..one(
                "web_scraper::round::scrape_page",
                [fetches, awaits!("src/decoder.rs", "    .await")].concat(),
            )
        },
        // Waits for the stop.
        Kind {
            count: 1..=1,
            ..of_others("axum::serve::{impl#5}::run", Vec::new())
        },
        // A connection, in its handler or between two requests.
        of_others(
            "axum::serve::handle_connection",
            awaits!(
                "src/shop.rs",
                "sleep(latency()).await",
                "sleep(Duration::from_millis(fastrand::u64(60..120))).await",
            ),
        ),
        // The client's side of connections, in a box.
        of_others("(dyn core::future::future::Future", Vec::new()),
    ]
}

#[test]
#[ignore = "builds the demo anew: cargo xtask attach-demos"]
fn every_task_is_told_with_the_line_it_hangs_in_and_whether_it_is_detached() {
    // One page at a time: the others wait, and can be seen.
    let (session, _) = SCRAPER.start_untouched(&["--load", "1"]);
    session.expect_tasks(&tasks());
    session.expect_no_thread_of_stallscope();
}

#[test]
#[ignore = "builds the demo anew: cargo xtask attach-demos"]
fn a_stack_goes_down_to_the_innermost_await_with_the_values_of_its_locals() {
    let (session, _) = SCRAPER.start_untouched(&["--load", "1"]);
    let queues = awaits!("src/fetch.rs", "self.permits.acquire().await");
    session.expect_stack("web_scraper::round::scrape_page", &queues[0], |stack| {
        let frames = stack.frames_in("web-scraper/src/");
        let places: Vec<_> = frames.iter().map(|(_, place)| place.clone()).collect();
        let wanted = [
            // The line of the `.await`, in a call over several.
            awaits!("src/round.rs", "        .await"),
            awaits!("src/fetch.rs", "self.attempt(path).await"),
            queues.clone(),
        ]
        .concat();
        assert_eq!(places, wanted, "{stack:#?}");
        let locals = &stack.frame("web_scraper::fetch::Fetcher::page").locals;
        let product = locals["path"].strip_prefix("\"/products/");
        let product: Option<u32> = product.and_then(|rest| rest.strip_suffix('"')?.parse().ok());
        assert!(matches!(product, Some(1..=100)), "{stack:#?}");
        let retries: Result<u32, _> = locals["retries"].parse();
        assert!(matches!(retries, Ok(0..4)), "{stack:#?}");
        // Few pages are in a second attempt.
        (retries == Ok(0)).then_some(())
    });
}

#[test]
#[ignore = "builds the demo anew: cargo xtask attach-demos"]
fn a_pause_that_sleeps_on_a_worker_is_found() {
    let (session, _) = SCRAPER.start_untouched(&["--fault", "blocking-sleep"]);
    session.expect_only_from_outside("sleep", &fault_line!("blocking-sleep"));
}

#[test]
#[ignore = "builds the demo anew: cargo xtask attach-demos"]
fn without_a_fault_there_is_nothing_to_find() {
    let (session, _) = SCRAPER.start_untouched(&[]);
    session.expect_nothing_from_outside();
}
