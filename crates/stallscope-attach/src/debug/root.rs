//! The root of a program's paths, as it is reached from here: a process in a container has another than we do.

use std::path::{Component, Path};

/// What `beside` has before `name`: it is the path `name` of the program as it is reached from here. `None` if it is another path.
pub(super) fn of<'p>(beside: &'p Path, name: &Path) -> Option<&'p Path> {
    let below = name.strip_prefix("/").ok()?;
    let is_name = |part: &Component<'_>| matches!(part, Component::Normal(_));
    let depth = below.components().filter(is_name).count();
    beside
        .ends_with(below)
        .then(|| beside.ancestors().nth(depth))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_what_comes_before_the_path_of_the_program() {
        let root = |beside| of(Path::new(beside), Path::new("/opt/bin/service"));
        assert_eq!(
            root("/proc/4711/root/opt/bin/service"),
            Some(Path::new("/proc/4711/root"))
        );
        assert_eq!(root("/opt/bin/service"), Some(Path::new("/")));
        assert_eq!(root("/home/me/service"), None);
        assert_eq!(of(Path::new("service"), Path::new("service")), None);
    }
}
