//! `third-party`: a program that knows nothing of stallscope, under a `main` of which one line was changed.
//!
//! The program is the server of the crate `mini-redis`, as published.

use tokio::net::TcpListener;

#[stallscope::main] // was: #[tokio::main]
async fn main() -> mini_redis::Result<()> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:6379".to_owned());
    let listener = TcpListener::bind(&address).await?;
    eprintln!("listening on {}", listener.local_addr()?);
    mini_redis::server::run(listener, tokio::signal::ctrl_c()).await
}
