//! Whose code a frame is, told by its file, or else by its name.

/// Whose code a frame is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// The user's own: the lines that can be changed.
    App,
    /// Rust's standard library, also when inlined or instantiated elsewhere.
    Std,
    /// The crate `tokio`.
    Tokio,
    /// Another crate from a registry, a git checkout or a vendor directory, by its package name.
    Registry(String),
    /// The crates of stallscope.
    Stallscope,
    /// Code that is not Rust: the C library, the kernel's page, a C library of somebody.
    Native,
    /// Nobody can tell: no debug information, and a name that could be anybody's.
    Unknown,
}

/// How a path shows whose file it is; the first rule that matches decides.
const PATH_RULES: &[PathRule] = &[
    // /rustc/<commit>/library/std/src/…, /rust/deps/<crate>-<version>/src/…
    PathRule {
        marker: "/rustc/",
        owner: Owner::Std,
    },
    PathRule {
        marker: "/rust/deps/",
        owner: Owner::Std,
    },
    // With the component rust-src installed: <toolchain>/lib/rustlib/src/rust/library/std/src/…
    PathRule {
        marker: "/rustlib/src/rust/library/",
        owner: Owner::Std,
    },
    // ~/.cargo/registry/src/<registry>/<crate>-<version>/src/…
    PathRule {
        marker: "/registry/src/",
        owner: Owner::SecondPart,
    },
    // ~/.cargo/git/checkouts/<repository>-<hash>/<commit>/…
    PathRule {
        marker: "/git/checkouts/",
        owner: Owner::FirstPart,
    },
    // What `cargo vendor` makes: vendor/<crate>[-<version>]/src/…
    PathRule {
        marker: "/vendor/",
        owner: Owner::FirstPart,
    },
];

struct PathRule {
    marker: &'static str,
    owner: Owner,
}

enum Owner {
    Std,
    /// The first part of the path behind the marker is the package, with its version.
    FirstPart,
    /// The second is.
    SecondPart,
}

/// Packages that are ours. Tests, examples and benches of these are users like any other.
const OURS: &[&str] = &[
    "stallscope",
    "stallscope-macros",
    "stallscope-stack",
    "stallscope-wire",
    "stallscope-attach",
];

/// Crates whose names need no path to be known.
const STD_CRATES: &[&str] = &[
    "std",
    "core",
    "alloc",
    "proc_macro",
    "test",
    "panic_unwind",
    "std_detect",
    "backtrace_rs",
    "__rustc",
    "rustc_demangle",
    "compiler_builtins",
    "hashbrown",
    "gimli",
    "addr2line",
    "miniz_oxide",
    "unwind",
];

impl Origin {
    /// By the file, as the compiler recorded its path.
    pub fn of_file(path: &str) -> Self {
        let path = path.replace('\\', "/");
        if is_our_source(&path) {
            return Self::Stallscope;
        }
        for rule in PATH_RULES {
            let Some((_, rest)) = path.split_once(rule.marker) else {
                continue;
            };
            let mut parts = rest.split('/');
            let package = match rule.owner {
                Owner::Std => return Self::Std,
                Owner::FirstPart => parts.next(),
                Owner::SecondPart => parts.nth(1),
            };
            if let Some(package) = package.filter(|package| !package.is_empty()) {
                return Self::of_package(without_suffix(package));
            }
        }
        if path
            .rsplit_once('.')
            .is_some_and(|(_, extension)| extension == "rs")
        {
            Self::App
        } else {
            Self::Native
        }
    }

    /// By the demangled name of a function without a known file. `program` is the crate the program was built from.
    pub fn of_function(name: &str, program: Option<&str>) -> Self {
        let Some(krate) = crate_of(name) else {
            return Self::Native;
        };
        if Some(krate) == program {
            Self::App
        } else if STD_CRATES.contains(&krate) {
            Self::Std
        } else if krate == "tokio" {
            Self::Tokio
        } else if OURS.iter().any(|ours| ours.replace('-', "_") == krate) {
            Self::Stallscope
        } else {
            Self::Unknown
        }
    }

    fn of_package(package: &str) -> Self {
        if package == "tokio" {
            Self::Tokio
        } else if OURS.contains(&package) {
            Self::Stallscope
        } else {
            Self::Registry(package.to_owned())
        }
    }
}

/// Whether a file is a source of our crates, wherever they were built from.
fn is_our_source(path: &str) -> bool {
    // This very file, as the compiler recorded it: `<where we are>/stallscope-stack/src/origin.rs`, relative when we
    // are a member of the workspace being built, absolute when we are a path dependency of another.
    let own = file!().replace('\\', "/");
    let Some(home) = own
        .strip_suffix("/src/origin.rs")
        .and_then(|own| own.rsplit_once('/'))
        .map(|(home, _)| home)
    else {
        return false;
    };
    OURS.iter().any(|package| {
        let sources = format!("{home}/{package}/src/");
        path.split_once(&sources).is_some_and(|(before, _)| {
            before.is_empty() || before.ends_with('/') || home.starts_with('/')
        })
    })
}

/// `serde_json-1.0.150+meta` → `serde_json`; `my-repo-0a1b2c3d4e5f6071` → `my-repo`.
fn without_suffix(package: &str) -> &str {
    let is_version =
        |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit()) && rest.contains('.');
    let is_hash =
        |rest: &str| rest.len() >= 16 && rest.bytes().all(|byte| byte.is_ascii_hexdigit());
    package
        .match_indices('-')
        .map(|(at, _)| package.split_at(at))
        .find(|(_, rest)| {
            let rest = rest.strip_prefix('-').unwrap_or(rest);
            // In `md-5-0.10.6` the version is what begins at the second dash.
            is_hash(rest)
                || is_version(rest)
                    && rest
                        .split('.')
                        .next()
                        .is_some_and(|major| !major.contains('-'))
        })
        .map_or(package, |(name, _)| name)
}

/// The crate a demangled Rust name begins with; `None` for a name of C.
///
/// `<alloc::boxed::Box<F> as core::ops::FnOnce<()>>::call_once` begins with `alloc`, `<&mut app::X as T>::f` with `app`.
fn crate_of(name: &str) -> Option<&str> {
    if !name.contains("::") {
        return None;
    }
    let mut rest = name;
    loop {
        let before = rest;
        rest = rest.trim_start_matches(['<', '&', '*', '(', '[', ' ']);
        for keyword in ["mut ", "const ", "dyn ", "impl ", "for<'a> ", "unsafe "] {
            rest = rest.strip_prefix(keyword).unwrap_or(rest);
        }
        if rest == before {
            break;
        }
    }
    let end = rest
        .find(|character: char| !(character.is_alphanumeric() || character == '_'))
        .unwrap_or(rest.len());
    let (krate, after) = rest.split_at(end);
    // `<T as app::Trait>::f`: the type is a parameter or a primitive, so the trait decides.
    if !after.starts_with("::") {
        return after
            .split_once(" as ")
            .and_then(|(_, name)| crate_of(name));
    }
    // A name may not begin with a digit, so the compiler puts an underscore before one that does.
    let digit_first = krate
        .strip_prefix('_')
        .filter(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
    Some(digit_first.unwrap_or(krate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_belongs_to_whom_its_path_says() {
        let registry = |package: &str| Origin::Registry(package.to_owned());
        let cases = [
            (
                "/rustc/59807616e1fa/library/std/src/thread/mod.rs",
                Origin::Std,
            ),
            ("/rust/deps/hashbrown-0.15.2/src/raw/mod.rs", Origin::Std),
            (
                "/home/u/.rustup/toolchains/stable/lib/rustlib/src/rust/library/core/src/iter.rs",
                Origin::Std,
            ),
            (
                "/home/u/.cargo/registry/src/a-registry-1949cf8c/tokio-1.54.1/src/task.rs",
                Origin::Tokio,
            ),
            (
                "/home/u/.cargo/registry/src/x/tokio-util-0.7.1/src/lib.rs",
                registry("tokio-util"),
            ),
            (
                "/home/u/.cargo/registry/src/x/md-5-0.10.6/src/lib.rs",
                registry("md-5"),
            ),
            (
                "/home/u/.cargo/registry/src/x/time-0.3.0-alpha-2/src/lib.rs",
                registry("time"),
            ),
            (
                "/home/u/.cargo/registry/src/x/stallscope-wire-0.1.0/src/lib.rs",
                Origin::Stallscope,
            ),
            (
                "/home/u/.cargo/registry/src/x/libsqlite3-sys-0.39.0/sqlite3/sqlite3.c",
                registry("libsqlite3-sys"),
            ),
            (
                "/home/u/.cargo/git/checkouts/my-repo-0a1b2c3d4e5f6071/1f3d2aa/src/lib.rs",
                registry("my-repo"),
            ),
            ("/home/u/app/vendor/serde/src/lib.rs", registry("serde")),
            ("/home/u/app/src/main.rs", Origin::App),
            ("src/bin/3d-server.rs", Origin::App),
            ("/home/u/stallscope/src/main.rs", Origin::App),
            ("./nptl/pthread_mutex_lock.c", Origin::Native),
            ("../sysdeps/x86_64/start.S", Origin::Native),
        ];
        for (path, origin) in cases {
            assert_eq!(Origin::of_file(path), origin, "{path}");
        }
    }

    #[test]
    fn our_sources_are_ours_where_this_was_built_but_our_tests_are_users() {
        let own = file!();
        assert_eq!(Origin::of_file(own), Origin::Stallscope);
        assert_eq!(
            Origin::of_file(&format!("/somewhere/{own}")),
            Origin::Stallscope
        );
        let sibling = own.replace(
            "stallscope-stack/src/origin.rs",
            "stallscope/src/watchdog.rs",
        );
        assert_eq!(Origin::of_file(&sibling), Origin::Stallscope);
        let test = own.replace("src/origin.rs", "tests/zoo.rs");
        assert_eq!(Origin::of_file(&test), Origin::App);
    }

    #[test]
    fn a_function_without_a_file_belongs_to_its_crate() {
        let of = |name| Origin::of_function(name, Some("3d_app"));
        assert_eq!(of("std::thread::sleep"), Origin::Std);
        assert_eq!(
            of("<alloc::boxed::Box<F> as core::ops::function::FnOnce<A>>::call_once"),
            Origin::Std
        );
        assert_eq!(of("tokio::runtime::park::Inner::park"), Origin::Tokio);
        assert_eq!(of("stallscope_stack::capture::capture"), Origin::Stallscope);
        assert_eq!(of("3d_app::main"), Origin::App);
        assert_eq!(of("_3d_app::report::render"), Origin::App);
        assert_eq!(
            of("<&mut _3d_app::Report as core::fmt::Display>::fmt"),
            Origin::App
        );
        assert_eq!(of("<T as _3d_app::Render>::render"), Origin::App);
        assert_eq!(of("reqwest::connect::verbose"), Origin::Unknown);
        assert_eq!(of("clock_nanosleep"), Origin::Native);
        assert_eq!(of(""), Origin::Native);
    }
}
