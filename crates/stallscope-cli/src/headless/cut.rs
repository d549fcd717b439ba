//! How much of a long answer is shown, and how is what is left out told?

/// Keeps the first `limit` rows; all of them without one.
pub(super) fn cut<T>(rows: &mut Vec<T>, limit: Option<u64>) {
    if let Some(limit) = limit {
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
}

/// The line above a table that shows so many of those that match; `None` if there is nothing to say.
pub(super) fn note(shown: usize, matched: u64, is_filtered: bool) -> Option<String> {
    match ((shown as u64) < matched, is_filtered) {
        (true, true) => Some(format!(
            "the first {shown} of {matched} that match the filter"
        )),
        (true, false) => Some(format!("the first {shown} of {matched}")),
        (false, true) => Some(format!("{matched} that match the filter")),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told() {
        let told = |shown, matched, is_filtered| note(shown, matched, is_filtered);
        assert_eq!(told(3, 3, false), None);
        assert_eq!(told(3, 9, false).as_deref(), Some("the first 3 of 9"));
        assert_eq!(told(3, 3, true).as_deref(), Some("3 that match the filter"));
        let both = told(3, 9, true);
        assert_eq!(
            both.as_deref(),
            Some("the first 3 of 9 that match the filter")
        );
    }

    #[test]
    fn a_limit_beyond_all_rows_cuts_nothing() {
        let mut rows = vec![1, 2, 3];
        cut(&mut rows, Some(u64::MAX));
        cut(&mut rows, None);
        assert_eq!(rows, [1, 2, 3]);
        cut(&mut rows, Some(1));
        assert_eq!(rows, [1]);
    }
}
