//! A program that knows nothing of stallscope: the published server of the crate `mini-redis`,
//! unmodified, under a `main` of which one line was changed.
//!
//! ```text
//! cargo run --example mini_redis -- 127.0.0.1:6379
//! stallscope tree
//! ```

use tokio::net::TcpListener;

#[stallscope::main] // was: #[tokio::main]
async fn main() -> mini_redis::Result<()> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:6379".to_owned());
    let listener = TcpListener::bind(&address).await?;
    println!("listening on {}", listener.local_addr()?);
    mini_redis::server::run(listener, tokio::signal::ctrl_c()).await
}
