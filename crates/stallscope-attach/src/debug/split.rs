//! Where debug information is that the compiler has split off: in a package beside the program (`.dwp`), or in a file for each unit (`.dwo`).
//!
//! The binary then has a skeleton of each such unit: its addresses, its lines, and the number by which the rest of it is known.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use gimli::{Dwarf, DwoId, UnitHeader};

use super::files::{Mapped, Slice};
use super::root;

/// What was found of it.
#[derive(Debug, Default)]
pub(super) struct Split {
    /// The package, if it has any unit of this program.
    pub(super) package: Option<Mapped>,
    /// Files that have a unit of this program which the package has not.
    pub(super) files: Vec<Mapped>,
    /// The first unit that was not found.
    pub(super) lacking: Option<Lacking>,
}

/// A unit that was split off and cannot be read.
#[derive(Debug, Clone)]
pub(super) struct Lacking {
    /// The file that has it, or should have it.
    pub(super) file: PathBuf,
    /// What is wrong with that file: "is not there".
    pub(super) because: String,
}

/// What the binary has of a unit that was split off.
pub(super) struct Skeleton<'f> {
    pub(super) id: DwoId,
    pub(super) header: UnitHeader<Slice<'f>>,
    /// The file that the compiler wrote, as it named it.
    file: PathBuf,
}

/// A program of more files than this is nobody's: each takes a part of the address space.
const MOST_FILES: usize = 16 * 1024;

/// The units that `dwarf` has: those that are whole, and skeletons. A number that comes twice is used once.
pub(super) fn units<'f>(
    dwarf: &Dwarf<Slice<'f>>,
) -> (Vec<UnitHeader<Slice<'f>>>, Vec<Skeleton<'f>>) {
    let (mut whole, mut skeletons) = (Vec::new(), Vec::new());
    let mut ids = HashSet::new();
    let mut headers = dwarf.units();
    while let Ok(Some(header)) = headers.next() {
        match skeleton(dwarf, header) {
            None => whole.push(header),
            Some(skeleton) if ids.insert(skeleton.id) => skeletons.push(skeleton),
            Some(_) => {}
        }
    }
    (whole, skeletons)
}

/// The unit as a skeleton, if it names the file that the rest of it is in.
fn skeleton<'f>(dwarf: &Dwarf<Slice<'f>>, header: UnitHeader<Slice<'f>>) -> Option<Skeleton<'f>> {
    let abbreviations = dwarf.abbreviations(&header).ok()?;
    let mut entries = header.entries(&abbreviations);
    let root = entries.next_dfs().ok()??;
    // Of DWARF 5, and of the extension to DWARF 4 that it was made from.
    let name = [gimli::DW_AT_dwo_name, gimli::DW_AT_GNU_dwo_name]
        .into_iter()
        .find_map(|name| root.attr_value(name))?;
    let unit = dwarf.unit(header).ok()?;
    let name = dwarf.attr_string(&unit, name).ok()?;
    let folder = unit.comp_dir.map_or(Path::new(""), path);
    Some(Skeleton {
        id: unit.dwo_id?,
        header,
        file: folder.join(path(name)),
    })
}

/// Units that were split off, by number, of a file or of a part of a package.
pub(super) fn numbered<'f>(
    dwarf: &Dwarf<Slice<'f>>,
) -> impl Iterator<Item = (DwoId, UnitHeader<Slice<'f>>)> {
    let mut headers = dwarf.units();
    std::iter::from_fn(move || headers.next().ok().flatten())
        .filter_map(|header| Some((dwarf.unit(header).ok()?.dwo_id?, header)))
}

fn path(bytes: Slice<'_>) -> &Path {
    Path::new(OsStr::from_bytes(bytes.slice()))
}

impl Split {
    /// Look for what was split off of `debug`, a program's file with debug information. The path of the program is `name`, and `beside`
    /// where its neighbours are.
    pub(super) fn find(debug: &Mapped, beside: &Path, name: &Path) -> Self {
        let dwarf = debug.dwarf();
        let (_, mut skeletons) = units(&dwarf);
        let mut split = Self::default();
        if skeletons.is_empty() {
            return split;
        }
        // The package that is there and of another build, if there is one.
        let mut other = None;
        for path in packages(&debug.path, beside, name) {
            let Ok(file) = Mapped::open(&path) else {
                continue;
            };
            let Some(package) = file.package() else {
                continue;
            };
            let before = skeletons.len();
            skeletons.retain(|skeleton| package.cu_index.find(skeleton.id.0).is_none());
            if skeletons.len() < before {
                split.package = Some(file);
                break;
            }
            other.get_or_insert(if path == with_suffix(beside) {
                with_suffix(name)
            } else {
                path
            });
        }
        split.find_files(&skeletons, beside, name);
        if let (Some(lacking), Some(path)) = (&mut split.lacking, other) {
            *lacking = Lacking::of_another_build(path);
        }
        split
    }

    fn find_files(&mut self, skeletons: &[Skeleton<'_>], beside: &Path, name: &Path) {
        let mut tried = HashSet::new();
        // Several units may be in one file.
        let mut found = HashSet::new();
        for skeleton in skeletons {
            if tried.len() < MOST_FILES && tried.insert(&skeleton.file) {
                for path in files(&skeleton.file, beside, name) {
                    let Ok(file) = Mapped::open(&path) else {
                        continue;
                    };
                    let ids: Vec<_> = numbered(&file.split_dwarf()).map(|(id, _)| id).collect();
                    if ids.contains(&skeleton.id) {
                        found.extend(ids);
                        self.files.push(file);
                        break;
                    }
                    self.lacking.get_or_insert(Lacking::of_another_build(path));
                }
            }
            if !found.contains(&skeleton.id) {
                self.lacking.get_or_insert_with(|| Lacking {
                    file: with_suffix(name),
                    because: format!("is not there, nor is {}", skeleton.file.display()),
                });
            }
        }
    }
}

impl Lacking {
    fn of_another_build(file: PathBuf) -> Self {
        Self {
            file,
            because: "is of another build".to_owned(),
        }
    }
}

/// Where a package may be, in the order in which debuggers look: beside the program, and beside the file that its debug information was
/// moved to (`debug`), under the name of either.
fn packages(debug: &Path, beside: &Path, name: &Path) -> Vec<PathBuf> {
    let mut paths = vec![with_suffix(beside)];
    if debug != name {
        let renamed = debug.parent().zip(name.file_name());
        paths.extend(renamed.map(|(folder, name)| with_suffix(&folder.join(name))));
        paths.push(with_suffix(debug));
    }
    paths
}

fn with_suffix(program: &Path) -> PathBuf {
    let mut path = program.as_os_str().to_owned();
    path.push(".dwp");
    path.into()
}

/// Where the file may be that the compiler has written to `file`: there, as the program sees it or as we do, or beside the program.
fn files(file: &Path, beside: &Path, name: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    if let Ok(below) = file.strip_prefix("/") {
        paths.extend(root::of(beside, name).map(|root| root.join(below)));
        paths.push(file.to_owned());
    }
    let neighbour = beside.parent().zip(file.file_name());
    paths.extend(neighbour.map(|(folder, name)| folder.join(name)));
    paths.dedup();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_beside_the_program_or_beside_its_debug_information() {
        let program = Path::new("/opt/bin/service");
        let beside = Path::new("/proc/4711/root/opt/bin/service");
        assert_eq!(
            packages(program, beside, program),
            [Path::new("/proc/4711/root/opt/bin/service.dwp")]
        );
        let debug = Path::new("/usr/lib/debug/.build-id/ab/cd01.debug");
        assert_eq!(
            packages(debug, beside, program),
            [
                Path::new("/proc/4711/root/opt/bin/service.dwp"),
                Path::new("/usr/lib/debug/.build-id/ab/service.dwp"),
                Path::new("/usr/lib/debug/.build-id/ab/cd01.debug.dwp"),
            ]
        );
    }

    #[test]
    fn a_file_is_where_the_compiler_wrote_it_or_beside_the_program() {
        let file = Path::new("/build/target/service.dwo");
        let program = Path::new("/opt/bin/service");
        assert_eq!(
            files(file, Path::new("/proc/4711/root/opt/bin/service"), program),
            [
                Path::new("/proc/4711/root/build/target/service.dwo"),
                Path::new("/build/target/service.dwo"),
                Path::new("/proc/4711/root/opt/bin/service.dwo"),
            ]
        );
        assert_eq!(
            files(file, program, program),
            [
                Path::new("/build/target/service.dwo"),
                Path::new("/opt/bin/service.dwo"),
            ]
        );
        // Relative to nothing that is known here.
        assert_eq!(
            files(Path::new("target/service.dwo"), program, program),
            [Path::new("/opt/bin/service.dwo")]
        );
    }
}
