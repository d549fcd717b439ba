//! The modules of this process, from their program headers in memory: no file is read.

#![allow(unsafe_code)] // The loader shows its list by callback, as raw addresses.

use std::ffi::{CStr, OsStr, c_int, c_void};
use std::mem;
use std::ops::{ControlFlow, Deref, Range};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::slice;
use std::sync::Arc;

use super::eh_frame;
use crate::foreign::ForeignModule;
use crate::unwind::{Module, Source};

/// A module and what unwinding it needs.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub(super) module: Arc<Module>,
    pub(super) range: Range<u64>,
    pub(super) tables: Option<Tables>,
}

/// The unwind tables of a module, and where they lie in memory.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    pub(super) header: Bytes,
    pub(super) header_at: u64,
    pub(super) frames: Bytes,
    pub(super) frames_at: u64,
}

/// Bytes of a module: a copy, because a library may be unloaded while we unwind, but of the program itself, which
/// cannot be, the original.
#[derive(Debug, Clone)]
pub(super) enum Bytes {
    Original(&'static [u8]),
    Copy(Arc<[u8]>),
}

impl Loaded {
    /// A module of another process; `None` if it claims to lie where nothing can.
    pub(super) fn of(foreign: &ForeignModule) -> Option<Self> {
        let module = foreign.module.clone();
        let range = foreign.range.clone();
        let is_inside = |at: u64, bytes: &[u8]| {
            let end = at.checked_add(bytes.len() as u64);
            module.base <= at && end.is_some_and(|end| end <= range.end)
        };
        let tables = foreign.tables.as_ref().map(|tables| Tables {
            header: Bytes::Copy(tables.header.clone()),
            header_at: tables.header_at,
            frames: Bytes::Copy(tables.frames.clone()),
            frames_at: tables.frames_at,
        });
        let is_sound = |tables: &Tables| {
            is_inside(tables.header_at, &tables.header)
                && is_inside(tables.frames_at, &tables.frames)
                && eh_frame::tables(&tables.header, tables.header_at) == Some(tables.frames_at)
                && eh_frame::is_sound(&tables.header, tables.frames.len())
        };
        let tables = tables.filter(is_sound);
        (module.base <= range.start && range.start < range.end).then_some(Self {
            module,
            range,
            tables,
        })
    }
}

impl Default for Bytes {
    fn default() -> Self {
        Self::Original(&[])
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Original(bytes) => bytes,
            Self::Copy(bytes) => bytes,
        }
    }
}

/// The loader's count of modules loaded and unloaded so far. Unchanged: the same modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation {
    loaded: u64,
    unloaded: u64,
}

/// The current generation, some 100 ns.
pub(super) fn generation() -> Generation {
    let mut generation = Generation {
        loaded: 0,
        unloaded: 0,
    };
    for_each(&mut |info| {
        generation = Generation {
            loaded: info.dlpi_adds,
            unloaded: info.dlpi_subs,
        };
        ControlFlow::Break(())
    });
    generation
}

/// All modules, with those of `known` that are still the same taken over.
pub(super) fn list(known: &[Loaded]) -> (Generation, Vec<Loaded>) {
    let mut generation = Generation {
        loaded: 0,
        unloaded: 0,
    };
    let mut modules: Vec<Loaded> = Vec::new();
    for_each(&mut |info| {
        generation = Generation {
            loaded: info.dlpi_adds,
            unloaded: info.dlpi_subs,
        };
        // SAFETY: we are inside the callback, so the module is loaded; the first of the list is the program.
        let image = unsafe { Image::of(info, modules.is_empty()) };
        modules.extend(image.and_then(|image| image.read(known)));
        ControlFlow::Continue(())
    });
    // glibc lists it, musl does not.
    // SAFETY: the kernel maps it for the whole life of the process.
    if let Some(vdso) = unsafe { Image::of_vdso() }.and_then(|image| image.read(known))
        && !modules
            .iter()
            .any(|module| module.range.contains(&vdso.range.start))
    {
        modules.push(vdso);
    }
    (generation, modules)
}

/// A module as it lies in memory.
struct Image<'m> {
    path: PathBuf,
    base: u64,
    headers: &'m [libc::Elf64_Phdr],
    is_program: bool,
    is_vdso: bool,
}

impl<'m> Image<'m> {
    /// # Safety
    /// The module must stay loaded for `'m`.
    unsafe fn of(info: &'m libc::dl_phdr_info, is_program: bool) -> Option<Self> {
        if info.dlpi_phdr.is_null() {
            return None;
        }
        // SAFETY: the loader gives address and number of the headers, which are mapped with the module.
        let headers =
            unsafe { slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
        // SAFETY: null, or a string that lives as long as the module.
        let name = (!info.dlpi_name.is_null()).then(|| unsafe { CStr::from_ptr(info.dlpi_name) });
        let name = name.map_or(&[][..], CStr::to_bytes);
        let is_vdso = vdso_address() == Some(info.dlpi_addr) || name.starts_with(b"linux-vdso");
        let path = match (is_program, is_vdso) {
            (true, _) => {
                std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe"))
            }
            (_, true) => PathBuf::from("[vdso]"),
            _ => PathBuf::from(OsStr::from_bytes(name)),
        };
        Some(Self {
            path,
            base: info.dlpi_addr,
            headers,
            is_program,
            is_vdso,
        })
    }

    /// # Safety
    /// None; `'m` may be anything, as the vDSO is never unmapped.
    unsafe fn of_vdso() -> Option<Self> {
        let base = vdso_address()?;
        let header =
            std::ptr::with_exposed_provenance::<libc::Elf64_Ehdr>(usize::try_from(base).ok()?);
        // SAFETY: the auxiliary vector says that an ELF image begins here.
        let header = unsafe { header.as_ref()? };
        let first = base.checked_add(header.e_phoff)?;
        let first =
            std::ptr::with_exposed_provenance::<libc::Elf64_Phdr>(usize::try_from(first).ok()?);
        // SAFETY: the image says that its program headers lie here, within itself.
        let headers = unsafe { slice::from_raw_parts(first, usize::from(header.e_phnum)) };
        Some(Self {
            path: PathBuf::from("[vdso]"),
            base,
            headers,
            is_program: false,
            is_vdso: true,
        })
    }

    fn read(&self, known: &[Loaded]) -> Option<Loaded> {
        let range = self.range()?;
        let build_id = self.build_id().unwrap_or_default();
        let same = known.iter().find(|known| {
            known.range == range
                && known.module.path == self.path
                && known.module.build_id == build_id
        });
        if let Some(same) = same {
            return Some(same.clone());
        }
        let image = self
            .is_vdso
            .then(|| self.bytes(range.start, range.end))
            .flatten()
            .map(<[u8]>::to_vec);
        let module = Module {
            path: self.path.clone(),
            build_id,
            base: self.base,
            is_program: self.is_program,
            source: match image {
                Some(image) => Source::Image(image),
                None if self.is_program => Source::OwnProgram,
                None => Source::Library(Some(self.path.clone())),
            },
        };
        Some(Loaded {
            module: Arc::new(module),
            range,
            tables: self.tables(),
        })
    }

    /// From its lowest to its highest mapped address.
    fn range(&self) -> Option<Range<u64>> {
        let segments = || self.segments(libc::PT_LOAD);
        let start = segments().map(|segment| segment.start).min()?;
        let end = segments().map(|segment| segment.end).max()?;
        (start < end).then_some(start..end)
    }

    fn tables(&self) -> Option<Tables> {
        let header = self.segments(libc::PT_GNU_EH_FRAME).next()?;
        let header_at = header.start;
        let header = self.bytes(header.start, header.end)?;
        let frames_at = eh_frame::tables(header, header_at)?;
        // The header does not say how long they are: at most to the end of their segment.
        let end = self
            .segments(libc::PT_LOAD)
            .find(|segment| segment.contains(&frames_at))?
            .end;
        let frames = self.bytes(frames_at, end)?;
        Some(Tables {
            header: self.keep(header),
            header_at,
            frames: self.keep(frames),
            frames_at,
        })
    }

    fn keep(&self, bytes: &[u8]) -> Bytes {
        if self.is_program || self.is_vdso {
            // SAFETY: neither the program nor the vDSO is ever unmapped, and their tables are read-only.
            Bytes::Original(unsafe { slice::from_raw_parts(bytes.as_ptr(), bytes.len()) })
        } else {
            Bytes::Copy(bytes.into())
        }
    }

    fn build_id(&self) -> Option<Vec<u8>> {
        self.segments(libc::PT_NOTE)
            .find_map(|notes| build_id_in(self.bytes(notes.start, notes.end)?))
    }

    fn segments(&self, kind: u32) -> impl Iterator<Item = Range<u64>> {
        self.headers
            .iter()
            .filter(move |header| header.p_type == kind)
            .map(|header| {
                let start = self.base.wrapping_add(header.p_vaddr);
                start..start.saturating_add(header.p_memsz)
            })
    }

    /// Bytes of a readable loaded segment; `None` if no such segment holds all of them.
    fn bytes(&self, start: u64, end: u64) -> Option<&'m [u8]> {
        let inside = |header: &&libc::Elf64_Phdr| {
            let from = self.base.wrapping_add(header.p_vaddr);
            let to = from.saturating_add(header.p_memsz);
            header.p_type == libc::PT_LOAD
                && header.p_flags & libc::PF_R != 0
                && from <= start
                && end <= to
        };
        self.headers.iter().find(inside)?;
        let length = usize::try_from(end.checked_sub(start)?).ok()?;
        let from = std::ptr::with_exposed_provenance::<u8>(usize::try_from(start).ok()?);
        // SAFETY: inside one loaded, readable segment of a module that stays loaded for 'm. Tables, notes and headers
        // lie in read-only segments (or in those that are made so after relocation), so nobody writes them.
        Some(unsafe { slice::from_raw_parts(from, length) })
    }
}

/// Notes are (name length, description length, type, name, description), each padded to four bytes.
fn build_id_in(mut notes: &[u8]) -> Option<Vec<u8>> {
    const BUILD_ID: u32 = 3;
    let padded = |length: u32| usize::try_from(length).ok()?.checked_next_multiple_of(4);
    let word =
        |bytes: &[u8], at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    loop {
        let (name, description, kind) = (word(notes, 0)?, word(notes, 4)?, word(notes, 8)?);
        let body = notes.get(12..)?;
        let (name_end, end) = (
            padded(name)?,
            padded(name)?.checked_add(padded(description)?)?,
        );
        if kind == BUILD_ID && body.get(..4) == Some(b"GNU\0") {
            let length = usize::try_from(description).ok()?;
            return body
                .get(name_end..name_end.checked_add(length)?)
                .map(<[u8]>::to_vec);
        }
        notes = body.get(end..)?;
    }
}

fn vdso_address() -> Option<u64> {
    // SAFETY: looks a number up.
    let address = unsafe { libc::getauxval(libc::AT_SYSINFO_EHDR) };
    (address != 0).then_some(address)
}

type Visit<'v> = &'v mut dyn FnMut(&libc::dl_phdr_info) -> ControlFlow<()>;

/// Calls for each module, with the loader's list locked: none is unloaded meanwhile.
fn for_each(mut visit: Visit<'_>) {
    unsafe extern "C" fn callback(
        info: *mut libc::dl_phdr_info,
        size: usize,
        data: *mut c_void,
    ) -> c_int {
        // SAFETY: `data` is the visitor below, which outlives the call and is used by it alone.
        let visit = unsafe { &mut *data.cast::<Visit<'_>>() };
        if size < mem::size_of::<libc::dl_phdr_info>() {
            return 1;
        }
        // SAFETY: the loader passes a valid record of the size it states.
        let Some(info) = (unsafe { info.as_ref() }) else {
            return 1;
        };
        c_int::from(visit(info).is_break())
    }
    // SAFETY: the callback gets the pointer to `visit`, which lives until the call returns.
    unsafe { libc::dl_iterate_phdr(Some(callback), (&raw mut visit).cast()) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_program_comes_first_and_has_tables() {
        let (generation, modules) = list(&[]);
        let program = modules.first().expect("this program");
        assert!(program.module.is_program && program.tables.is_some());
        let here = the_program_comes_first_and_has_tables as fn() as usize as u64;
        assert!(program.range.contains(&here));
        assert_eq!(generation, super::generation());
    }

    #[test]
    fn the_vdso_is_a_module_with_an_image() {
        let (_, modules) = list(&[]);
        let vdso = modules
            .iter()
            .filter(|module| matches!(module.module.source, Source::Image(_)));
        assert_eq!(vdso.count(), usize::from(vdso_address().is_some()));
    }

    #[test]
    fn tables_of_known_modules_are_not_copied_again() {
        let (_, before) = list(&[]);
        let (_, after) = list(&before);
        assert!(
            before
                .iter()
                .zip(&after)
                .all(|(before, after)| Arc::ptr_eq(&before.module, &after.module))
        );
    }

    #[test]
    fn a_build_id_is_found_behind_other_notes() {
        let mut notes = Vec::new();
        for (kind, description) in [(1_u32, &b"abc"[..]), (3, &b"\x12\x34\x56\x78\x9a"[..])] {
            notes.extend(4_u32.to_le_bytes());
            notes.extend((description.len() as u32).to_le_bytes());
            notes.extend(kind.to_le_bytes());
            notes.extend(b"GNU\0");
            notes.extend(description);
            notes.resize(notes.len().next_multiple_of(4), 0);
        }
        assert_eq!(
            build_id_in(&notes).as_deref(),
            Some(&b"\x12\x34\x56\x78\x9a"[..])
        );
    }

    proptest! {
        #[test]
        fn no_notes_make_it_panic(notes in proptest::collection::vec(any::<u8>(), 0..96)) {
            let _ = build_id_in(&notes);
        }
    }
}
