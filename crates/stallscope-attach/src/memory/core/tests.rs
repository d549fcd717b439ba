//! A live process written as a core file and read again is the same process; damaged files are read as far as they go.

use std::fs;

use proptest::prelude::*;

use super::super::child::{Child, KEPT};
use super::super::{Image, Live, build_id};
use super::*;
use crate::Signal;

/// All that can be read of the child.
fn image_of(child: &Child) -> (Live, Image) {
    let live = Live::open(child.pid()).expect("our child");
    let mut image = Image::new(live.areas(), live.threads());
    for area in &image.areas.clone() {
        let mut bytes = vec![0; usize::try_from(area.end - area.start).expect("it fits")];
        if live.read(area.start, &mut bytes).is_ok() {
            image.put(area.start, &bytes);
        }
    }
    (live, image)
}

#[test]
fn a_live_process_as_a_core_file_is_the_same_process() {
    let child = Child::start();
    let (live, image) = image_of(&child);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("core");
    fs::write(&path, image.to_core()).expect("written");
    let core = Core::open(&path, None).expect("a core file");

    for (address, bytes) in image.pieces() {
        let mut again = vec![0; bytes.len()];
        core.read(address, &mut again).expect("all of it");
        assert!(again == bytes, "the piece at {address:#x} differs");
    }
    let (then, now) = (
        live.executable().expect("live"),
        core.executable().expect("core"),
    );
    assert_eq!((now.bias, &now.path), (then.bias, &then.path));
    assert_eq!(build_id(&core, now.bias), build_id(&live, then.bias));
    let told = |threads: Vec<Thread>| -> Vec<_> {
        let told = |thread: Thread| (thread.tid, thread.thread_pointer, thread.stack_pointer());
        threads.into_iter().map(told).collect()
    };
    assert_eq!(
        told(core.threads()),
        told(image.threads.iter().map(without_zero).collect())
    );
    assert_eq!(core.areas().len(), image.areas.len());
    for (core, image) in core.areas().iter().zip(&image.areas) {
        assert_eq!(
            (core.start, core.end, core.writable, &core.name),
            (image.start, image.end, image.writable, &image.name)
        );
    }
}

/// A running thread has no stack pointer, in a core file each has one.
fn without_zero(thread: &Thread) -> Thread {
    let mut thread = thread.clone();
    if let (None, Some(kernel)) = (thread.stack_pointer(), &mut thread.kernel) {
        kernel.position = stallscope_stack::kernel::Position::InFault { sp: 0, pc: 0 };
    }
    thread
}

#[test]
fn what_the_core_file_leaves_out_is_read_from_the_programs_file() {
    let child = Child::start();
    let (live, mut image) = image_of(&child);
    let program = live.executable().expect("its program");
    // As the kernel does: of the program only the first page and what can be written.
    let all = std::mem::take(&mut image);
    image.areas.clone_from(&all.areas);
    image.put(program.bias, &first_page(&live, program.bias));
    let core = Core::from_bytes(image.to_core(), None).expect("a core file");
    let mut instructions = [0; 16];
    live.read(child.code, &mut instructions).expect("live");
    let mut again = [0; 16];
    core.read(child.code, &mut again).expect("from the file");
    assert_eq!(instructions, again);
    assert!(
        core.read(child.kept, &mut [0; KEPT.len()]).is_err(),
        "the heap is in no file"
    );
}

#[test]
fn another_build_of_the_program_is_refused() {
    let child = Child::start();
    let (live, image) = image_of(&child);
    let program = live.executable().expect("its program");
    let mut other = fs::read(&program.open).expect("its file");
    let id = build_id(&live, program.bias).expect("the linker's default");
    let at = other
        .windows(id.len())
        .position(|bytes| bytes == id)
        .expect("its note");
    other[at] ^= 1;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("other build");
    fs::write(&path, other).expect("written");
    let error = Core::from_bytes(image.to_core(), Some(&path)).expect_err("another build");
    assert!(error.to_string().contains("another build"), "{error}");
    let same = Core::from_bytes(image.to_core(), Some(&program.open)).expect("the same build");
    assert_eq!(same.executable().expect("given").open, program.open);
}

#[test]
fn what_is_no_core_file_is_said_to_be_none() {
    for bytes in [
        &b""[..],
        b"\x7fELF",
        &fs::read(std::env::current_exe().expect("own path")).expect("own file"),
    ] {
        let error = Core::from_bytes(bytes.to_vec(), None).expect_err("no core file");
        assert!(error.to_string().contains("no core file"), "{error}");
    }
    let error = Core::open(Path::new("/dev/zero"), None).expect_err("endless");
    assert!(error.to_string().contains("no regular file"), "{error}");
}

fn first_page(memory: &dyn Memory, at: u64) -> [u8; 4096] {
    let mut page = [0; 4096];
    memory.read(at, &mut page).expect("its header");
    page
}

/// A small core file with all that can be in one.
fn sample() -> Vec<u8> {
    let area = |start, end, name: &str| Area {
        start,
        end,
        writable: start & 0x1000 != 0,
        file_offset: 0,
        name: name.to_owned(),
    };
    let areas = vec![
        area(0x1000, 0x3000, "/no/such/file"),
        area(0x8000, 0x9000, ""),
        area(0x9000, 0xa000, "/no/such/file"),
    ];
    let main = Thread {
        tid: 7,
        name: "main".to_owned(),
        thread_pointer: Some(0x1100),
        killed_by: Some(Signal(6)),
        ..Thread::default()
    };
    let other = Thread {
        tid: 8,
        ..Thread::default()
    };
    let mut image = Image::new(areas, vec![main, other]);
    image.put(0x1100, b"some bytes");
    image.put(0x8ff0, &[7; 32]);
    image.to_core()
}

#[test]
fn the_sample_is_read_as_it_was_written() {
    let core = Core::from_bytes(sample(), None).expect("a core file");
    let mut bytes = [0; 32];
    core.read(0x8ff0, &mut bytes).expect("over two areas");
    assert_eq!(bytes, [7; 32]);
    assert_eq!(core.read(0x1100, &mut [0; 16]), Err(Unreadable(0x110a)));
    let threads = core.threads();
    assert_eq!(
        (
            threads[0].tid,
            threads[0].name.as_str(),
            threads[0].thread_pointer
        ),
        (7, "main", Some(0x1100))
    );
    let killed: Vec<_> = threads.iter().map(|thread| thread.killed_by).collect();
    assert_eq!(
        killed,
        [Some(Signal(6)), None],
        "all notes have the signal, one thread got it"
    );
    assert_eq!(core.pid(), Some(7));
}

/// A library with its head in the core file, if `head` is given, and none of its code.
fn with_library(path: &Path, head: Option<&[u8]>) -> Core {
    let area = |start, file_offset| Area {
        start,
        end: start + 0x1000,
        writable: false,
        file_offset,
        name: path.to_str().expect("a plain path").to_owned(),
    };
    // The lowest file counts as the program.
    let program = Area {
        name: "/no/such/program".to_owned(),
        ..area(0x1000, 0)
    };
    let mut image = Image::new(vec![program, area(0x8000, 0), area(0x9000, 0x1000)], vec![]);
    if let Some(head) = head {
        image.put(0x8000, head);
    }
    Core::from_bytes(image.to_core(), None).expect("a core file")
}

#[test]
fn a_library_that_is_not_known_to_be_the_one_that_ran_is_not_read() {
    let own = fs::read(std::env::current_exe().expect("own path")).expect("own file");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("library.so");
    fs::write(&path, &own).expect("written");
    let head = &own[..0x1000];
    let id = Elf::parse(head)
        .and_then(Elf::build_id)
        .expect("the linker's default");
    let at = head.windows(id.len()).position(|bytes| bytes == id);
    let mut other = head.to_vec();
    other[at.expect("its note")] ^= 1;

    let mut bytes = [0; 16];
    let same = with_library(&path, Some(head));
    assert_eq!(same.read(0x9000, &mut bytes), Ok(()));
    assert_eq!(bytes, own[0x1000..0x1010]);
    for head in [Some(&*other), None] {
        let core = with_library(&path, head);
        assert_eq!(core.read(0x9000, &mut bytes), Err(Unreadable(0x9000)));
    }
}

/// Everything that can be asked.
fn ask(bytes: Vec<u8>, address: u64) {
    if let Ok(core) = Core::from_bytes(bytes, None) {
        let _ = (core.areas(), core.threads(), core.executable());
        for address in [address, 0x1100, 0x8ff0, u64::MAX] {
            let _ = core.read(address, &mut [0; 64]);
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..600), address: u64) {
        ask(bytes.clone(), address);
        let sample = sample();
        for (byte, true_one) in bytes.iter_mut().zip(&sample[..64]) {
            *byte = *true_one;
        }
        ask(bytes, address);
    }

    #[test]
    fn no_damage_makes_it_panic(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u64>(), 1..=8_usize), 1..6), cut in 0..2000_usize, address: u64) {
        let mut bytes = sample();
        for (at, value, length) in changes {
            let at = at.index(bytes.len());
            for (byte, new) in bytes[at..].iter_mut().zip(value.to_le_bytes()).take(length) {
                *byte = new;
            }
        }
        ask(bytes.clone(), address);
        bytes.truncate(cut);
        ask(bytes, address);
    }
}
