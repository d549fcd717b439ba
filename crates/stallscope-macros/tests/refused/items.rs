//! Items that are no async fn, and a `main` with arguments.

#[stallscope::main]
fn not_async() {}

#[stallscope::main(foo)]
fn not_async_and_a_wrong_argument() {}

#[stallscope::main]
struct NoFn;

trait Trait {
    #[stallscope::main]
    async fn without_a_body();
}

mod module {
    #[stallscope::main]
    async fn main(argument: u8) {}
}

fn main() {}
