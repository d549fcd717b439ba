//! A path at which there is no tokio.

#[stallscope::main(crate = "does_not_exist")]
async fn main() {}
