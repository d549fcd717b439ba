//! What is told of the service from outside, when nothing of stallscope is in it and its customers keep it busy.
#![cfg(target_os = "linux")]

mod http;

use demo_support::{Demo, Kind, awaits, eventually, fault_line};

use http::Http;

const SERVICE: Demo = Demo {
    program: env!("CARGO_BIN_EXE_hybrid-service"),
    ready: " customers at ",
};

/// Its tasks with so many customers.
fn tasks(customers: usize) -> [Kind; 7] {
    let one = |function, awaits| Kind {
        function,
        count: 1..=1,
        detached: false,
        awaits,
    };
    let each = |function, awaits| Kind {
        count: customers..=customers,
        ..one(function, awaits)
    };
    [
        one(
            "hybrid_service::refresher::run",
            [
                awaits!(
                    "src/refresher.rs",
                    "stopping.run_until_cancelled(pace.tick()).await",
                ),
                awaits!(
                    "src/database.rs",
                    "acquire_owned().await",
                    "answered.await.map_err"
                ),
                awaits!("src/inventory.rs", "sleep(DELIVERY).await"),
                awaits!("src/till.rs", "sleep(", ".lock().await"),
            ]
            .concat(),
        ),
        one(
            "hybrid_service::server::accept_loop",
            awaits!("src/server.rs", "tokio::select! {"),
        ),
        one(
            "hybrid_service::load::generate",
            awaits!("src/load/mod.rs", "customers.join_next().await"),
        ),
        each(
            "hybrid_service::load::customer::shop",
            awaits!(
                "src/load/customer.rs",
                "stopping.run_until_cancelled(thinking).await",
                "send().await",
                "answer.bytes().await",
            ),
        ),
        each(
            "hybrid_service::connection::serve",
            awaits!("src/connection.rs", "tokio::select! {"),
        ),
        each(
            "hybrid_service::heartbeat::beat",
            awaits!("src/heartbeat.rs", "pace.tick().await"),
        ),
        // The client's side of a connection, spawned in hyper-util, in a box: it hangs in no line of ours.
        Kind {
            detached: true,
            ..each("(dyn core::future::future::Future", Vec::new())
        },
    ]
}

#[test]
fn every_task_is_told_with_the_line_it_hangs_in_and_whether_it_is_detached() {
    let (session, _) = SERVICE.start_untouched(&["--load", "3"]);
    session.expect_tasks(&tasks(3));
    session.expect_no_thread_of_stallscope();
}

#[test]
fn a_stack_goes_down_to_the_innermost_await_with_the_values_of_its_locals() {
    let (session, address) = SERVICE.start_untouched(&["--load", "3"]);
    let thinks = &awaits!(
        "src/load/customer.rs",
        "run_until_cancelled(thinking).await"
    )[0];
    session.expect_stack("hybrid_service::load::customer::shop", thinks, |stack| {
        let shop = stack.frame("hybrid_service::load::customer::shop");
        let visit = stack.frame("hybrid_service::load::customer::visit");
        let visits = &awaits!("src/load/customer.rs", "visit(&client")[0];
        assert!(shop.is_at(visits), "{stack:#?}");
        assert!(visit.is_at(thinks), "{stack:#?}");
        assert_eq!(visit.locals["url"], format!("{address:?}"), "{stack:#?}");
        Some(())
    });

    let accepts = &awaits!("src/server.rs", "listener.accept().await")[0];
    let selects = &awaits!("src/server.rs", "tokio::select! {")[0];
    session.expect_stack("hybrid_service::server::accept_loop", selects, |stack| {
        let accept = stack.frame("hybrid_service::server::accept");
        assert!(accept.is_at(accepts), "{stack:#?}");
        Some(())
    });
}

#[test]
fn as_many_tasks_are_told_as_tokio_counts_while_they_come_and_go() {
    let (session, address) = SERVICE.start_untouched(&["--load", "2"]);
    let address = address.trim_start_matches("http://");
    eventually(|| {
        let mut probe = Http::connect(address)?;
        let before = probe.alive_tasks()?;
        let told = session.tasks_from_outside().len() as u64;
        let after = probe.alive_tasks()?;
        if [told, after] == [before; 2] {
            return Ok(());
        }
        Err(format!(
            "tokio counts {before} tasks, told are {told}, then tokio {after}"
        ))
    });
}

#[test]
fn a_task_that_nothing_can_wake_is_found() {
    let (session, _) = SERVICE.start_untouched(&["--fault", "deaf-subscriber"]);
    let line = fault_line!("deaf-subscriber (the await)");
    session.expect_only_from_outside("unwakeable", &line);
}

#[test]
fn without_a_fault_there_is_nothing_to_find() {
    let (session, _) = SERVICE.start_untouched(&[]);
    session.expect_nothing_from_outside();
}

#[test]
#[ignore = "measures, for a quiet machine: cargo xtask attach-demos --cost"]
fn looks_cost_it_no_throughput() {
    let (session, address) = SERVICE.start_untouched(&["--load", "0"]);
    let address = address.trim_start_matches("http://");
    let request = b"GET /products/7 HTTP/1.1\r\nHost: shop\r\n\r\n";
    let cost = session.cost_of_looks(address, request);
    println!("hybrid-service\n{cost}");
    assert!(cost.throughput > 0.99);
}
