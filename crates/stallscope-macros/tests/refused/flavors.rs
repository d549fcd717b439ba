//! Arguments that the flavor leaves without meaning.

#[stallscope::main(flavor = "current_thread", worker_threads = 4)]
async fn workers_of_current_thread() {}

#[stallscope::main(worker_threads = 4, flavor = "local")]
async fn workers_of_local() {}

#[stallscope::main(start_paused = true)]
async fn paused_by_default() {}

#[stallscope::main(flavor = "multi_thread", start_paused = false)]
async fn paused_with_workers() {}

#[stallscope::main(unhandled_panic = "ignore")]
async fn unhandled_panic_by_default() {}

#[stallscope::main(unhandled_panic = "shutdown_runtime", start_paused = true)]
async fn first_of_two_in_the_order_of_the_table() {}

fn main() {}
