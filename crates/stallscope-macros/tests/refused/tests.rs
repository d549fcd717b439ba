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

#[stallscope::test(conflicts = "some")]
async fn conflicts_neither_allowed_nor_denied() {}

#[stallscope::test(perturb = "often")]
async fn perturb_no_range() {}

#[stallscope::test(perturb = "42")]
async fn perturb_no_range_but_a_number() {}

#[stallscope::test(perturb = "5..5")]
async fn perturb_empty() {}

#[stallscope::test(perturb = "0..-1")]
async fn perturb_negative() {}

#[stallscope::test(perturb = true)]
async fn perturb_no_number() {}

#[stallscope::test(perturb = 0..200)]
async fn perturb_no_literal() {}

#[stallscope::test(perturb = 99999999999999999999)]
async fn perturb_too_large() {}

#[stallscope::test(perturb)]
async fn perturb_without_value() {}

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
