//! Values that an argument cannot have.

#[stallscope::main(flavor = 1)]
async fn flavor_no_string() {}

#[stallscope::main(flavor = "foo")]
async fn flavor_unknown() {}

#[stallscope::main(flavor = "single_thread")]
async fn flavor_guessed() {}

#[stallscope::main(flavor = "basic_scheduler")]
async fn flavor_renamed() {}

#[stallscope::main(flavor = "threaded_scheduler")]
async fn other_flavor_renamed() {}

#[stallscope::main(flavor = multi_thread)]
async fn no_literal() {}

#[stallscope::main(worker_threads = "2")]
async fn worker_threads_no_integer() {}

#[stallscope::main(worker_threads = -1)]
async fn worker_threads_negative() {}

#[stallscope::main(worker_threads = 0)]
async fn worker_threads_zero() {}

#[stallscope::main(worker_threads = 99999999999999999999)]
async fn worker_threads_too_many() {}

#[stallscope::main(flavor = "current_thread", start_paused = 1)]
async fn start_paused_no_bool() {}

#[stallscope::main(crate = 1)]
async fn crate_no_string() {}

#[stallscope::main(crate = "1")]
async fn crate_no_path() {}

#[stallscope::main(flavor = "current_thread", unhandled_panic = 1)]
async fn unhandled_panic_no_string() {}

#[stallscope::main(flavor = "current_thread", unhandled_panic = "foo")]
async fn unhandled_panic_unknown() {}

#[stallscope::main(name = 1)]
async fn name_no_string() {}

fn main() {}
