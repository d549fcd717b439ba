//! The bytes of a file that is too large to be read: mapped into memory.

#![allow(unsafe_code)] // Mapping a file.

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;

/// Maps a regular file: others may wait for ever to be opened, and their names come from outside.
pub(crate) fn map(path: &Path) -> Result<Mmap, String> {
    let cannot_open = |error| format!("cannot be opened: {error}");
    let metadata = std::fs::metadata(path).map_err(cannot_open)?;
    if !metadata.is_file() {
        return Err("is no regular file".to_owned());
    }
    let file = File::open(path).map_err(cannot_open)?;
    // SAFETY: nothing of ours writes the file. Should another program write it meanwhile, we see other bytes: they are only read through
    // checked slices and parsers that take any bytes, and none is trusted to keep its value. Should one cut it off, reading ends this
    // program (not the one that is looked at) with SIGBUS, which core files and installed programs, that are replaced and not
    // rewritten, make rare; of a program that runs the kernel forbids it.
    unsafe { Mmap::map(&file) }.map_err(|error| format!("cannot be mapped: {error}"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::map;

    #[test]
    fn only_a_regular_file_is_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(
            map(folder.path()).expect_err("a folder"),
            "is no regular file"
        );
        let missing = map(Path::new("/nowhere/program")).expect_err("nothing");
        assert!(missing.starts_with("cannot be opened: "), "{missing}");
        let file = folder.path().join("file");
        std::fs::write(&file, b"bytes").expect("written");
        assert_eq!(&*map(&file).expect("mapped"), b"bytes");
    }
}
