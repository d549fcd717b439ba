//! Arguments that are unknown, unfinished or said twice.

#[stallscope::main(foo)]
async fn unknown_without_value() {}

#[stallscope::main(foo = 1)]
async fn unknown_with_value() {}

#[stallscope::main(FOO = 1)]
async fn unknown_in_capitals() {}

#[stallscope::main(foo::bar)]
async fn path_without_value() {}

#[stallscope::main(foo::bar = 1)]
async fn path_with_value() {}

#[stallscope::main(foo(1))]
async fn list() {}

#[stallscope::main("multi_thread")]
async fn literal() {}

#[stallscope::main(core_threads = 4)]
async fn renamed() {}

#[stallscope::main(multi_thread)]
async fn flavor_alone() {}

#[stallscope::main(threaded_scheduler)]
async fn old_flavor_alone() {}

#[stallscope::main(current_thread)]
async fn other_flavor_alone() {}

#[stallscope::main(basic_scheduler)]
async fn other_old_flavor_alone() {}

#[stallscope::main(single_threaded)]
async fn guessed_flavor_alone() {}

#[stallscope::main(flavor)]
async fn flavor_without_value() {}

#[stallscope::main(worker_threads)]
async fn worker_threads_without_value() {}

#[stallscope::main(start_paused)]
async fn start_paused_without_value() {}

#[stallscope::main(crate)]
async fn crate_without_value() {}

#[stallscope::main(unhandled_panic)]
async fn unhandled_panic_without_value() {}

#[stallscope::main(name)]
async fn name_without_value() {}

#[stallscope::main(flavor = )]
async fn value_missing() {}

#[stallscope::main(flavor = "local" worker_threads = 2)]
async fn comma_missing() {}

#[stallscope::main(flavor = "local", flavor = "local")]
async fn flavor_twice() {}

#[stallscope::main(worker_threads = 1, worker_threads = 2)]
async fn worker_threads_twice() {}

#[stallscope::main(start_paused = true, start_paused = true)]
async fn start_paused_twice() {}

#[stallscope::main(crate = "tokio", crate = "tokio")]
async fn crate_twice() {}

#[stallscope::main(unhandled_panic = "ignore", unhandled_panic = "ignore")]
async fn unhandled_panic_twice() {}

#[stallscope::main(name = "a", name = "b")]
async fn name_twice() {}

fn main() {
    // The fn is there all the same: no error about a name that cannot be found.
    unknown_without_value();
}
