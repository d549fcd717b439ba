//! With which seeds is a test perturbed, and how is it run once more with the one that failed it?

use std::any::type_name;
use std::ops::RangeInclusive;
use std::panic::resume_unwind;
use std::process::{ExitCode, Termination};

use super::Failure;

/// Runs a test once with each of its seeds, until one fails it; once without any if it has none. `B` is the body: it knows the test's name.
pub(super) fn each<B, T: Termination>(
    seeds: Option<RangeInclusive<u64>>,
    mut run: impl FnMut(Option<u64>) -> Result<T, Failure>,
) -> Result<T, String> {
    let Some(seeds) = seeds else {
        return run(None).map_err(Failure::or_go_on);
    };
    let last = *seeds.end();
    for seed in *seeds.start()..last {
        let output = perturbed::<B, T>(seed, &mut run)?;
        // Prints an error that the body returned.
        if output.report() != ExitCode::SUCCESS {
            return Err(format!(
                "the body of the test failed\n\n{}",
                replay(name_of::<B>(), seed)
            ));
        }
    }
    let output = perturbed::<B, T>(last, &mut run)?;
    // Only the harness will know whether this is an error. It shows the line if so.
    if size_of::<T>() > 0 {
        eprintln!("{}", replay(name_of::<B>(), last));
    }
    Ok(output)
}

fn perturbed<B, T>(
    seed: u64,
    run: &mut impl FnMut(Option<u64>) -> Result<T, Failure>,
) -> Result<T, String> {
    let replay = || replay(name_of::<B>(), seed);
    run(Some(seed)).map_err(|failure| match failure {
        Failure::Complaint(complaint) => format!("{complaint}\n\n{}", replay()),
        Failure::Panic(payload) => {
            eprintln!("{}", replay());
            resume_unwind(payload)
        }
    })
}

/// The test whose body this is, as cargo takes its name.
pub(super) fn name_of<B>() -> &'static str {
    test_of(type_name::<B>())
}

/// How exactly this run is had again.
pub(super) fn replay(test: &str, seed: u64) -> String {
    format!(
        "perturbed with seed {seed}; the same again: STALLSCOPE_PERTURB={seed} cargo test {test}"
    )
}

/// `shop::tests::sells::{{closure}}` → `tests::sells`
fn test_of(body: &str) -> &str {
    let function = body.split("::{{closure}}").next().unwrap_or(body);
    function.split_once("::").map_or(function, |(_, path)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seeds: RangeInclusive<u64>, fails: u64) -> (Result<ExitCode, String>, Vec<u64>) {
        let mut runs = Vec::new();
        let result = each::<(), _>(Some(seeds), |seed| {
            runs.extend(seed);
            if seed == Some(fails) {
                return Err(Failure::Complaint("a task is alive".to_owned()));
            }
            Ok(ExitCode::from(u8::from(seed == Some(fails + 10))))
        });
        (result, runs)
    }

    #[test]
    fn the_first_seed_that_fails_is_the_last_that_is_run_and_is_told() {
        let (result, runs) = run(5..=9, 7);
        assert_eq!(runs, [5, 6, 7]);
        let told = result.expect_err("7 fails");
        assert!(
            told.starts_with("a task is alive\n\nperturbed with seed 7; the same again: STALLSCOPE_PERTURB=7 cargo test "),
            "{told}"
        );
        assert_eq!(run(7..=7, 1).1, [7]);
        assert_eq!(run(u64::MAX..=u64::MAX, 1).1, [u64::MAX]);
    }

    #[test]
    fn an_error_of_the_body_fails_too() {
        let (result, runs) = run(11..=13, 2);
        assert_eq!(runs, [11, 12]);
        let told = result.expect_err("12 fails");
        assert!(told.contains("STALLSCOPE_PERTURB=12 "), "{told}");
        // Of the last run the harness sees it.
        assert!(run(11..=12, 2).0.is_ok());
    }

    #[test]
    fn a_test_is_named_as_cargo_takes_it() {
        assert_eq!(
            test_of("shop::tests::sells::{{closure}}::{{closure}}"),
            "tests::sells"
        );
        assert_eq!(test_of("api::sells::{{closure}}"), "sells");
    }
}
