//! What `#[stallscope::test]` refuses; arguments of a runtime are those of `#[stallscope::main]`.

#[stallscope::test(long_poll = 50)]
async fn no_string() {}

#[stallscope::test(long_poll = "50")]
async fn no_unit() {}

#[stallscope::test(long_poll = "50us")]
async fn unknown_unit() {}

#[stallscope::test(long_poll = "fast")]
async fn no_number() {}

#[stallscope::test(long_poll = "2m")]
async fn too_long() {}

#[stallscope::test(long_poll = "0ms")]
async fn too_short() {}

#[stallscope::test(long_poll)]
async fn without_value() {}

#[stallscope::test(long_poll = "1s", long_poll = "2s")]
async fn twice() {}

#[stallscope::test(long_pol = "50ms")]
async fn mistyped() {}

#[stallscope::main(long_poll = "50ms")]
async fn of_tests_only() {}

#[stallscope::test(leaks = "some")]
async fn neither_allowed_nor_denied() {}

#[stallscope::test(leaks = true)]
async fn leaks_no_string() {}

#[stallscope::test(worker_threads = 2)]
async fn one_thread_by_default() {}

#[stallscope::test(multi_thread)]
async fn bare_flavor() {}

#[stallscope::test]
#[test]
async fn second_attribute() {}

#[stallscope::test]
fn not_async() {}

#[stallscope::test]
const NO_FN: u8 = 1;

fn main() {}
