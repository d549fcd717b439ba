//! Whose code it is, by the path of its source.

/// Whether a source file is the user's own: not of a registry or checkout of cargo's, not of the compiler.
pub(crate) fn is_app_path(path: &str) -> bool {
    !path.contains("/registry/src/")
        && !path.contains("/git/checkouts/")
        && !path.starts_with("/rustc/")
        && !path.starts_with("library/")
}

/// How many functions of a crate have their source where: generated ones may point elsewhere, so the majority tells.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Votes {
    app: u32,
    other: u32,
}

impl Votes {
    pub(super) fn add(&mut self, is_app: bool) {
        let count = if is_app {
            &mut self.app
        } else {
            &mut self.other
        };
        *count = count.saturating_add(1);
    }

    pub(super) fn is_app(self) -> bool {
        self.app > self.other
    }
}

#[cfg(test)]
mod tests {
    use super::is_app_path;

    #[test]
    fn registries_checkouts_and_the_compiler_are_not_the_users() {
        for (path, is_app) in [
            ("src/main.rs", true),
            ("/home/me/service/src/main.rs", true),
            (
                "/home/me/.cargo/registry/src/index-1a2b/tokio-1.54.1/src/lib.rs",
                false,
            ),
            (
                "/home/me/.cargo/git/checkouts/x-1a2b/3c4d/src/lib.rs",
                false,
            ),
            ("/rustc/59807616e1fa/library/core/src/future/mod.rs", false),
            ("library/std/src/thread.rs", false),
        ] {
            assert_eq!(is_app_path(path), is_app, "{path}");
        }
    }
}
