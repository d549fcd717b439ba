//! Bodies of another type than the fn declares: each error is at the user's own code.

use std::fmt::Display;

#[stallscope::main]
async fn type_or_semicolon_missing() {
    Ok(())
}

#[stallscope::main]
async fn type_missing() {
    return Ok(());
}

#[stallscope::main]
async fn value_missing() -> Result<(), std::io::Error> {
    println!("nothing returned");
}

#[stallscope::main]
async fn semicolon_too_much() -> Result<(), std::io::Error> {
    Ok(());
}

#[stallscope::main]
async fn question_mark_without_result() {
    std::fs::read("file")?;
}

#[stallscope::main]
async fn other_error() -> Result<(), std::io::Error> {
    let error: Result<(), &str> = Err("text");
    if error.is_err() {
        return error;
    }
    Ok(())
}

#[stallscope::main]
async fn other_than_returned_before() -> Option<u8> {
    if true {
        return None;
    }
    5_u8
}

#[stallscope::main]
async fn comes_to_an_end() -> ! {
    println!("over");
}

#[stallscope::main]
async fn lacks_the_trait() -> impl Display {
    [0_u8; 3]
}

fn main() {}
