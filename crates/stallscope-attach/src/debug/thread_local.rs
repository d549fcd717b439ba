//! Where tokio keeps what a thread is doing: the thread-local variable `CONTEXT`.

use object::{Object, ObjectSymbol, ObjectSymbolTable, SymbolKind};

use super::files::Mapped;
use super::types::TypeId;

/// A thread-local variable of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreadLocal {
    /// Its type.
    pub of: TypeId,
    /// Its bytes from the beginning of the program's thread-local block.
    pub offset: u64,
    /// Size of that block, and what its address is a multiple of.
    pub block: (u64, u64),
}

impl ThreadLocal {
    /// Its address in the thread with this thread pointer.
    ///
    /// The program's block is the first there is: on x86-64 it ends at the thread pointer, on aarch64 it begins two words behind it.
    pub fn address(&self, thread_pointer: u64) -> Option<u64> {
        let (size, align) = (self.block.0, self.block.1.max(1));
        if cfg!(target_arch = "aarch64") {
            let begins = 16_u64.checked_next_multiple_of(align)?;
            thread_pointer.checked_add(begins)?.checked_add(self.offset)
        } else {
            let begins = thread_pointer.checked_sub(size.checked_next_multiple_of(align)?)?;
            begins.checked_add(self.offset)
        }
    }
}

/// The symbol of that kind that has all these names in it, and its address: of a thread-local variable the offset in the block.
pub(super) fn symbol<'m>(
    file: &'m Mapped,
    kind: SymbolKind,
    names: &[&str],
) -> Option<(&'m str, u64)> {
    let elf = file.elf()?;
    let symbols = elf.symbol_table()?;
    let mut found = symbols.symbols().filter(|symbol| {
        symbol.kind() == kind
            && symbol
                .name()
                .is_ok_and(|name| names.iter().all(|part| name.contains(part)))
    });
    let first = found.next()?;
    let offset = first.address();
    // Two of them, from two versions of tokio, would be told apart by nothing.
    let is_only = found.all(|other| other.address() == offset);
    Some((first.name().ok()?, offset)).filter(|_| is_only)
}

/// Size and alignment of the program's thread-local block.
pub(super) fn block(file: &Mapped) -> Option<(u64, u64)> {
    use object::read::elf::{FileHeader, ProgramHeader};
    let header = object::elf::FileHeader64::<object::Endianness>::parse(file.bytes()).ok()?;
    let endian = header.endian().ok()?;
    let mut segments = header.program_headers(endian, file.bytes()).ok()?.iter();
    let block = segments.find(|segment| segment.p_type(endian) == object::elf::PT_TLS)?;
    Some((block.p_memsz(endian), block.p_align(endian)))
}
