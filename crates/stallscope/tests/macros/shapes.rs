//! Every shape of async fn keeps its meaning: what it returns, what it takes, what stands around
//! it.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::panic;
use std::process::{ExitCode, Termination};

mod unit {
    #[stallscope::main]
    pub(super) async fn main() {
        tokio::task::yield_now().await;
    }
}

mod result {
    #[stallscope::main]
    pub(super) async fn main() -> Result<(), Box<dyn std::error::Error>> {
        let number: u32 = "seven".parse()?;
        println!("{number}");
        Ok(())
    }
}

mod exit_code {
    #[stallscope::main]
    pub(super) async fn main() -> std::process::ExitCode {
        if tokio::spawn(async { 3 })
            .await
            .is_ok_and(|three| three == 3)
        {
            return std::process::ExitCode::from(42);
        }
        std::process::ExitCode::SUCCESS
    }
}

mod never {
    #[stallscope::main]
    pub(super) async fn main() -> ! {
        let mut polls = 0;
        loop {
            tokio::task::yield_now().await;
            polls += 1;
            if polls == 3 {
                std::panic::resume_unwind(Box::new("the only way out"));
            }
        }
    }
}

mod diverges {
    #[stallscope::main]
    pub(super) async fn main() -> Result<(), std::num::ParseIntError> {
        std::panic::resume_unwind(Box::new("before there is a result"))
    }
}

mod termination {
    #[stallscope::main]
    pub(super) async fn main() -> impl std::process::Termination {
        std::process::ExitCode::from(7)
    }
}

#[test]
fn main_returns_what_its_body_does() {
    unit::main();
    let error = result::main().expect_err("`seven` is no number in digits");
    assert_eq!(error.to_string(), "invalid digit found in string");
    assert_eq!(exit_code::main(), ExitCode::from(42));
    assert_eq!(termination::main().report(), ExitCode::from(7));
}

#[test]
fn panics_pass_through() {
    let payload = panic::catch_unwind(|| never::main()).expect_err("it does not return");
    assert_eq!(payload.downcast_ref(), Some(&"the only way out"));
    assert!(panic::catch_unwind(diverges::main).is_err());
}

#[stallscope::main]
async fn nested_impl_trait(value: u8) -> Result<Vec<impl Display>, impl Debug> {
    if value == 0 {
        Err("zero")
    } else {
        Ok(vec![value])
    }
}

#[test]
fn impl_trait_may_stand_inside_of_the_type() {
    let shown = nested_impl_trait(5).map(|values| values[0].to_string());
    assert_eq!(shown.ok().as_deref(), Some("5"));
}

/// An async block would settle on `Box<io::Error>`; an async fn coerces, and so does the attribute.
#[stallscope::main]
async fn coerced() -> Box<dyn Error> {
    Box::new(std::io::Error::other("boxed"))
}

#[test]
fn body_is_coerced_to_the_declared_type() {
    assert_eq!(coerced().to_string(), "boxed");
}

#[stallscope::main(flavor = "current_thread")]
async fn longest<'a, const N: usize, T>(words: &'a [T; N], body: &str, builder: usize) -> &'a str
where
    T: AsRef<str>,
{
    tokio::task::yield_now().await;
    let limit = body.len() + builder;
    let short = words
        .iter()
        .map(AsRef::as_ref)
        .filter(|word| word.len() <= limit);
    short.max_by_key(|word| word.len()).unwrap_or_default()
}

struct Counter(u32);

impl Counter {
    #[stallscope::main(flavor = "current_thread")]
    async fn add(&mut self, by: impl Into<u32>) -> &mut Self {
        self.0 += by.into();
        self
    }

    #[stallscope::main(flavor = "current_thread")]
    async fn twice(self) -> Self {
        Self(self.0 * 2)
    }
}

#[test]
fn other_fns_take_arguments_and_generics() {
    let words = ["a", "abc", "abcdef"];
    assert_eq!(longest(&words, "xx", 1), "abc");
    let mut counter = Counter(1);
    counter.add(2_u8).add(3_u16);
    assert_eq!(counter.twice().0, 12);
}

/// Each expected lint is silenced by the attribute that expects it, or the build warns twice.
mod attributes {
    #[expect(unused_variables, reason = "stands above")]
    #[stallscope::main(flavor = "current_thread")]
    #[expect(non_snake_case, reason = "stands below")]
    pub(super) async extern "C" fn keepsAll() -> u8 {
        #![expect(path_statements, reason = "stands within")]
        let nobody_reads_this = ();
        nobody_reads_this;
        let nor_this = ();
        2
    }
}

#[test]
fn attributes_and_qualifiers_stay() {
    let function: extern "C" fn() -> u8 = attributes::keepsAll;
    assert_eq!(function(), 2);
}

macro_rules! entry {
    ($name:ident -> $output:ty $body:block) => {
        #[stallscope::main(flavor = "current_thread")]
        async fn $name() -> $output $body
    };
}

entry!(from_a_macro -> Option<u8> {
    if tokio::task::try_id().is_none() {
        return Some(1);
    }
    None
});

#[test]
fn macros_may_write_the_fn() {
    assert_eq!(from_a_macro(), Some(1));
}
