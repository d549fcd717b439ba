//! A type as the compiler lays it out, read from the file when it is asked for.

/// Names a type of one [`Program`](super::Program): where it stands in the debug information.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub(super) u64);

/// A type as the compiler lays it out.
#[derive(Debug, Clone, PartialEq)]
pub struct Type {
    /// With its scope: `core::option::Option<u32>`; pointers and numbers as the compiler has them: `&str`, `*mut u8`, `u64`.
    pub name: String,
    /// In bytes. 0 for one of no size, and for one whose size is not told.
    pub size: u64,
    /// What its address is a multiple of. 1 where that is not told.
    pub align: u64,
    /// How its bytes are to be read.
    pub shape: Shape,
    /// The types it was made for, by the name of the parameter: `T` → `u32`.
    pub parameters: Vec<(String, TypeId)>,
    /// Whether only its name is known here: the definition stands elsewhere.
    pub is_declaration: bool,
}

/// How the bytes of a type are to be read.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A number, `bool` or `char`.
    Number(Number),
    /// The address of a value. Pointers to slices, `str` and `dyn` are structs of two members.
    Pointer(Option<TypeId>),
    /// All members, each at its offset.
    Struct(Vec<Member>),
    /// One of several variants: an `enum`, or a coroutine (the state machine of an `async fn`).
    Choice(Choice),
    /// Any of the members.
    Union(Vec<Member>),
    /// An `enum` without data: value and name.
    Names(Vec<(u128, String)>),
    /// So many of a type, one behind the other.
    Array(TypeId, u64),
    /// Something that is never looked into, such as a function.
    Opaque,
}

/// What a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// `u8` … `u128`, `usize`, `()`.
    Unsigned,
    /// `i8` … `i128`, `isize`.
    Signed,
    /// `f32`, `f64`.
    Float,
    /// `bool`.
    Bool,
    /// `char`.
    Char,
}

/// A part of a type.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Its name: `__0` in a tuple.
    pub name: String,
    /// Its type.
    pub of: TypeId,
    /// Bytes from the beginning of the whole.
    pub offset: u64,
    /// Where it is declared. In a coroutine's variants: the await.
    pub(super) declared: Option<Declared>,
}

/// A place as the debug information has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Declared {
    /// The file's number in the unit of the type.
    pub(super) file: u64,
    pub(super) line: u32,
}

/// One of several variants.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The bytes that tell which: an integer, often a niche in one variant's data. `None`: there is one variant only.
    pub tag: Option<Member>,
    /// Each with its values of the tag.
    pub variants: Vec<Variant>,
}

/// A variant, and when it is the one.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// The values of the tag that mean it, from and to; negative ones with their sign drawn out. Empty: all that mean no other.
    pub values: Vec<(u128, u128)>,
    /// Its data, a struct; its name is the member's.
    pub data: Member,
}

impl Type {
    /// One that could not be read.
    pub(super) fn unreadable() -> Self {
        Self {
            name: "?".to_owned(),
            size: 0,
            align: 1,
            shape: Shape::Opaque,
            parameters: Vec::new(),
            is_declaration: false,
        }
    }

    /// The members of a struct or union; none for other shapes.
    pub fn members(&self) -> &[Member] {
        match &self.shape {
            Shape::Struct(members) | Shape::Union(members) => members,
            _ => &[],
        }
    }

    /// The member of that name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members().iter().find(|member| member.name == name)
    }

    /// What the type was made for under that name.
    pub fn parameter(&self, name: &str) -> Option<TypeId> {
        let found = self.parameters.iter().find(|(of, _)| of == name);
        found.map(|(_, id)| *id)
    }
}

impl Choice {
    /// The variant that a tag of this value means; the tag has `size` bytes.
    pub fn variant(&self, tag: u128, size: u64) -> Option<&Variant> {
        let named = self.variants.iter().find(|variant| {
            let mut values = variant.values.iter();
            values.any(|(from, to)| (cut(*from, size)..=cut(*to, size)).contains(&tag))
        });
        named.or_else(|| {
            self.variants
                .iter()
                .find(|variant| variant.values.is_empty())
        })
    }
}

/// The lowest `size` bytes.
pub(crate) fn cut(value: u128, size: u64) -> u128 {
    match size {
        0..16 => value & ((1 << (8 * size)) - 1),
        _ => value,
    }
}
