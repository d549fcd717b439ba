//! The units that debug information consists of, wherever each stands: in the binary, or split off into another file.

use std::collections::HashMap;
use std::rc::Rc;

use gimli::{AttributeValue as Value, Dwarf, DwarfPackage, DwoId, Section as _, UnitHeader};

use super::files::{Files, Mapped, Slice};
use super::index::Offset;
use super::split::{self, Skeleton};

/// A unit, and where it stands.
pub(super) struct Unit<'f> {
    dwarf: Rc<Dwarf<Slice<'f>>>,
    header: UnitHeader<Slice<'f>>,
    section: Offset,
    /// What the binary has of it, if it was split off.
    skeleton: Option<UnitHeader<Slice<'f>>>,
    binary: Rc<Dwarf<Slice<'f>>>,
}

/// A unit that is opened, so that its entries can be read.
pub(super) struct Entries<'f> {
    pub(super) dwarf: Rc<Dwarf<Slice<'f>>>,
    pub(super) unit: gimli::Unit<Slice<'f>>,
    /// Where its section starts. One count goes through all sections, so that no two entries of a program have the same number.
    section: Offset,
    /// Where the unit starts.
    pub(super) start: Offset,
}

/// All units of which the entries are at hand, in the order in which they are counted.
pub(super) fn list(files: &Files) -> Vec<Unit<'_>> {
    let binary = Rc::new(files.dwarf());
    let (whole, mut skeletons) = split::units(&binary);
    let mut list = List {
        units: Vec::new(),
        next: 0,
        binary: Rc::clone(&binary),
    };
    list.add(&binary, whole.into_iter().map(|header| (header, None)));
    let split = files.split();
    if let Some(package) = split.package.as_ref().and_then(Mapped::package) {
        list.add_package(&package, &mut skeletons);
    }
    let mut skeletons = skeletons
        .into_iter()
        .map(|skeleton| (skeleton.id, skeleton))
        .collect();
    for file in &split.files {
        list.add_file(file, &mut skeletons);
    }
    list.units
}

struct List<'f> {
    units: Vec<Unit<'f>>,
    /// Where the next section starts.
    next: Offset,
    binary: Rc<Dwarf<Slice<'f>>>,
}

type Split<'f> = (UnitHeader<Slice<'f>>, Option<UnitHeader<Slice<'f>>>);

impl<'f> List<'f> {
    /// Add units of one section, each with its skeleton if it was split off.
    fn add(&mut self, dwarf: &Rc<Dwarf<Slice<'f>>>, units: impl Iterator<Item = Split<'f>>) {
        let section = self.next;
        self.units.extend(units.map(|(header, skeleton)| Unit {
            dwarf: Rc::clone(dwarf),
            header,
            section,
            skeleton,
            binary: Rc::clone(&self.binary),
        }));
        self.next += dwarf.debug_info.reader().len() as u64;
    }

    /// Add the units of a package, and take away their skeletons.
    fn add_package(
        &mut self,
        package: &DwarfPackage<Slice<'f>>,
        skeletons: &mut Vec<Skeleton<'f>>,
    ) {
        // Each has a part of the section for itself. If parts overlap, all of them together could take for ever.
        let mut left = package.debug_info.reader().len();
        skeletons.retain(|skeleton| {
            let Ok(Some(mut dwarf)) = package.find_cu(skeleton.id, &self.binary) else {
                return true;
            };
            let Some(rest) = left.checked_sub(dwarf.debug_info.reader().len()) else {
                return true;
            };
            left = rest;
            self.keep_lines(&mut dwarf);
            let header = split::numbered(&dwarf).find(|(id, _)| *id == skeleton.id);
            let Some((_, header)) = header else {
                return true;
            };
            self.add(
                &Rc::new(dwarf),
                std::iter::once((header, Some(skeleton.header))),
            );
            false
        });
    }

    /// Add the units of a `.dwo` file, and take away their skeletons.
    fn add_file(&mut self, file: &'f Mapped, skeletons: &mut HashMap<DwoId, Skeleton<'f>>) {
        let mut dwarf = file.split_dwarf();
        dwarf.make_dwo(&self.binary);
        self.keep_lines(&mut dwarf);
        let units: Vec<_> = split::numbered(&dwarf)
            .filter_map(|(id, header)| Some((header, Some(skeletons.remove(&id)?.header))))
            .collect();
        self.add(&Rc::new(dwarf), units.into_iter());
    }

    /// The lines stay in the binary, and so do the names of their files.
    fn keep_lines(&self, dwarf: &mut Dwarf<Slice<'f>>) {
        dwarf.debug_line_str = self.binary.debug_line_str;
    }
}

impl<'f> Unit<'f> {
    /// Where it starts.
    pub(super) fn start(&self) -> Offset {
        let offset = self.header.debug_info_offset();
        // Only units of types stand elsewhere, and none of them is listed.
        offset.map_or(Offset::MAX, |offset| self.section + offset.0 as u64)
    }

    /// `None` if it is damaged.
    pub(super) fn open(&self) -> Option<Entries<'f>> {
        let mut unit = self.dwarf.unit(self.header).ok()?;
        if let Some(skeleton) = self.skeleton {
            let skeleton = self.binary.unit(skeleton).ok()?;
            unit.copy_relocated_attributes(&skeleton);
            unit.comp_dir = skeleton.comp_dir;
            // The lines stay in the binary.
            unit.line_program = unit.line_program.or(skeleton.line_program);
        }
        Some(Entries {
            dwarf: Rc::clone(&self.dwarf),
            unit,
            section: self.section,
            start: self.start(),
        })
    }
}

impl<'f> Entries<'f> {
    /// Where a reference leads.
    pub(super) fn reference(&self, value: Value<Slice<'f>>) -> Option<Offset> {
        match value {
            Value::UnitRef(offset) => self.start.checked_add(offset.0 as u64),
            Value::DebugInfoRef(offset) => self.section.checked_add(offset.0 as u64),
            _ => None,
        }
    }

    /// An attribute that is an address.
    pub(super) fn address(&self, value: Value<Slice<'f>>) -> Option<u64> {
        self.dwarf.attr_address(&self.unit, value).ok().flatten()
    }

    /// An attribute that is a text.
    pub(super) fn text(&self, value: Value<Slice<'f>>) -> Option<&'f [u8]> {
        let bytes = self.dwarf.attr_string(&self.unit, value).ok()?;
        Some(bytes.slice())
    }
}
