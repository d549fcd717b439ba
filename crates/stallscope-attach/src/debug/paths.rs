//! Paths of source files, by their number in a unit.

use super::origin::is_app_path;
use super::units::Entries;

/// The path of the file of that number: relative to the directory the compiler ran in, as panics have it, or absolute.
pub(super) fn of(entries: &Entries<'_>, number: u64) -> Option<String> {
    let header = entries.unit.line_program.as_ref()?.header();
    let file = header.file(number)?;
    let mut path = String::new();
    let mut push = |value| {
        if let Some(part) = entries.text(value) {
            let part = String::from_utf8_lossy(part);
            if part.starts_with('/') {
                path.clear();
            } else if !path.is_empty() && !path.ends_with('/') {
                path.push('/');
            }
            path.push_str(&part);
        }
    };
    // Directory 0 is the one that the compiler ran in.
    if file.directory_index() != 0
        && let Some(directory) = file.directory(header)
    {
        push(directory);
    }
    push(file.path_name());
    // Whose code it is must be seen from the path alone.
    if !path.starts_with('/')
        && let Some(directory) = entries.unit.comp_dir
    {
        let directory = format!("{}/", String::from_utf8_lossy(directory.slice()));
        if !is_app_path(&directory) {
            path.insert_str(0, &directory);
        }
    }
    Some(path)
}
