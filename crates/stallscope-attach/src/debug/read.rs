//! Types and functions as they stand in the file, entry by entry.

use gimli::{AttributeValue as Value, EntriesTreeNode, Reader as _};

use super::files::Slice;
use super::functions::Function;
use super::types::{Choice, Declared, Member, Number, Shape, Type, TypeId, Variant, cut};
use super::units::Entries;

/// Reads the entries of one unit.
pub(super) struct Reader<'r, 'f>(pub(super) &'r Entries<'f>);

/// An entry's parts are no deeper than a variant's member; what lies deeper belongs to other types.
type Node<'abbrev, 'tree, 'f> = EntriesTreeNode<'abbrev, 'tree, Slice<'f>>;

impl<'f> Reader<'_, 'f> {
    /// The type that stands at `offset`.
    pub(super) fn read(&self, offset: u64, scope: &str) -> Option<Type> {
        let in_unit = gimli::UnitOffset(usize::try_from(offset.checked_sub(self.0.start)?).ok()?);
        let mut tree = self.0.unit.entries_tree(Some(in_unit)).ok()?;
        let root = tree.root().ok()?;
        let entry = root.entry();
        let short = self.text(entry, gimli::DW_AT_name);
        let mut read = Type {
            name: match (&short, scope) {
                (Some(name), "") => name.clone(),
                (Some(name), scope) => format!("{scope}::{name}"),
                (None, _) => String::new(),
            },
            size: number(entry, gimli::DW_AT_byte_size).unwrap_or(0),
            align: number(entry, gimli::DW_AT_alignment).unwrap_or(1).max(1),
            shape: Shape::Opaque,
            parameters: Vec::new(),
            is_declaration: entry.has_attr(gimli::DW_AT_declaration),
        };
        match entry.tag() {
            gimli::DW_TAG_base_type => read.shape = Shape::Number(Self::kind_of_number(entry)),
            gimli::DW_TAG_pointer_type => {
                read.size = 8;
                read.shape = Shape::Pointer(self.reference(entry, gimli::DW_AT_type));
            }
            gimli::DW_TAG_structure_type => self.read_struct(root, &mut read),
            gimli::DW_TAG_union_type => {
                self.read_struct(root, &mut read);
                if let Shape::Struct(members) = read.shape {
                    read.shape = Shape::Union(members);
                }
            }
            gimli::DW_TAG_enumeration_type => read.shape = self.read_names(root, read.size),
            gimli::DW_TAG_array_type => {
                if let Some(of) = self.reference(entry, gimli::DW_AT_type) {
                    read.shape = Shape::Array(of, Self::read_count(root));
                }
            }
            _ => {}
        }
        Some(read)
    }

    /// Adds to `function` what the entry at `offset` says and is not known yet; returns the entry it refers to for the rest.
    pub(super) fn read_function(
        &self,
        offset: u64,
        scope: &str,
        function: &mut Function,
    ) -> Option<u64> {
        let in_unit = gimli::UnitOffset(usize::try_from(offset.checked_sub(self.0.start)?).ok()?);
        let mut tree = self.0.unit.entries_tree(Some(in_unit)).ok()?;
        let root = tree.root().ok()?;
        let entry = root.entry();
        if function.name.is_empty()
            && let Some(name) = self.text(entry, gimli::DW_AT_name)
        {
            function.name = match scope {
                "" => name,
                scope => format!("{scope}::{name}"),
            };
        }
        if function.symbol.is_empty()
            && let Some(symbol) = self.text(entry, gimli::DW_AT_linkage_name)
        {
            function.symbol = format!("{:#}", rustc_demangle::demangle(&symbol));
        }
        let refers_to = [gimli::DW_AT_abstract_origin, gimli::DW_AT_specification]
            .into_iter()
            .find_map(|name| self.reference(entry, name));
        let mut children = root.children();
        while let Ok(Some(child)) = children.next() {
            let entry = child.entry();
            match entry.tag() {
                gimli::DW_TAG_template_type_parameter => {
                    let name = self.text(entry, gimli::DW_AT_name);
                    let of = self.reference(entry, gimli::DW_AT_type);
                    function.parameters.extend(name.zip(of));
                }
                gimli::DW_TAG_formal_parameter if function.first_argument.is_none() => {
                    function.first_argument = self.reference(entry, gimli::DW_AT_type);
                }
                _ => {}
            }
        }
        refers_to.map(|TypeId(offset)| offset)
    }

    fn read_struct(&self, node: Node<'_, '_, 'f>, read: &mut Type) {
        let mut members = Vec::new();
        let mut choice = None;
        let mut children = node.children();
        while let Ok(Some(child)) = children.next() {
            let entry = child.entry();
            match entry.tag() {
                gimli::DW_TAG_member => members.extend(self.read_member(entry)),
                gimli::DW_TAG_template_type_parameter => {
                    let name = self.text(entry, gimli::DW_AT_name);
                    let of = self.reference(entry, gimli::DW_AT_type);
                    read.parameters.extend(name.zip(of));
                }
                gimli::DW_TAG_variant_part => choice = Some(self.read_choice(child)),
                _ => {}
            }
        }
        read.shape = choice.map_or(Shape::Struct(members), Shape::Choice);
    }

    fn read_choice(&self, node: Node<'_, '_, 'f>) -> Choice {
        let tag_at = self.reference(node.entry(), gimli::DW_AT_discr);
        let mut choice = Choice {
            tag: None,
            variants: Vec::new(),
        };
        let mut children = node.children();
        while let Ok(Some(child)) = children.next() {
            let entry = child.entry();
            match entry.tag() {
                gimli::DW_TAG_member => {
                    let at = self.0.start + entry.offset().0 as u64;
                    if tag_at == Some(TypeId(at)) {
                        choice.tag = self.read_member(entry);
                    }
                }
                gimli::DW_TAG_variant => {
                    let values = values(entry);
                    let mut inner = child.children();
                    while let Ok(Some(data)) = inner.next() {
                        if data.entry().tag() == gimli::DW_TAG_member {
                            if let Some(data) = self.read_member(data.entry()) {
                                choice.variants.push(Variant { values, data });
                            }
                            break;
                        }
                    }
                }
                _ => {}
            }
        }
        choice
    }

    fn read_names(&self, node: Node<'_, '_, 'f>, size: u64) -> Shape {
        let mut names = Vec::new();
        let mut children = node.children();
        while let Ok(Some(child)) = children.next() {
            let entry = child.entry();
            let value = entry
                .attr_value(gimli::DW_AT_const_value)
                .and_then(constant);
            if let (Some(value), Some(name)) = (value, self.text(entry, gimli::DW_AT_name)) {
                names.push((cut(value, size), name));
            }
        }
        Shape::Names(names)
    }

    fn read_count(node: Node<'_, '_, 'f>) -> u64 {
        let mut children = node.children();
        while let Ok(Some(child)) = children.next() {
            let entry = child.entry();
            if let Some(count) = number(entry, gimli::DW_AT_count) {
                return count;
            }
            if let Some(last) = number(entry, gimli::DW_AT_upper_bound) {
                return last.saturating_add(1);
            }
        }
        0
    }

    fn read_member(&self, entry: &gimli::DebuggingInformationEntry<Slice<'f>>) -> Option<Member> {
        let line = number(entry, gimli::DW_AT_decl_line).and_then(|line| u32::try_from(line).ok());
        let file = number(entry, gimli::DW_AT_decl_file);
        Some(Member {
            name: self.text(entry, gimli::DW_AT_name).unwrap_or_default(),
            of: self.reference(entry, gimli::DW_AT_type)?,
            offset: number(entry, gimli::DW_AT_data_member_location).unwrap_or(0),
            declared: file.zip(line).map(|(file, line)| Declared { file, line }),
        })
    }

    fn kind_of_number(entry: &gimli::DebuggingInformationEntry<Slice<'f>>) -> Number {
        let Some(Value::Encoding(encoding)) = entry.attr_value(gimli::DW_AT_encoding) else {
            return Number::Unsigned;
        };
        match encoding {
            gimli::DW_ATE_boolean => Number::Bool,
            gimli::DW_ATE_float => Number::Float,
            gimli::DW_ATE_signed | gimli::DW_ATE_signed_char => Number::Signed,
            gimli::DW_ATE_UTF => Number::Char,
            _ => Number::Unsigned,
        }
    }

    fn reference(
        &self,
        entry: &gimli::DebuggingInformationEntry<Slice<'f>>,
        name: gimli::DwAt,
    ) -> Option<TypeId> {
        self.0.reference(entry.attr_value(name)?).map(TypeId)
    }

    pub(super) fn text(
        &self,
        entry: &gimli::DebuggingInformationEntry<Slice<'f>>,
        name: gimli::DwAt,
    ) -> Option<String> {
        let bytes = self.0.text(entry.attr_value(name)?)?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }
}

/// The attribute as a number.
pub(super) fn number(
    entry: &gimli::DebuggingInformationEntry<Slice<'_>>,
    name: gimli::DwAt,
) -> Option<u64> {
    entry.attr(name)?.udata_value()
}

/// A constant of up to 128 bits, signed ones with their sign drawn out.
fn constant(value: Value<Slice<'_>>) -> Option<u128> {
    match value {
        Value::Data1(value) => Some(value.into()),
        Value::Data2(value) => Some(value.into()),
        Value::Data4(value) => Some(value.into()),
        Value::Data8(value) | Value::Udata(value) => Some(value.into()),
        Value::Data16(value) => Some(value),
        Value::Sdata(value) => Some(i128::from(value).cast_unsigned()),
        Value::Block(bytes) => {
            let mut wide = [0; 16];
            wide.get_mut(..bytes.len())?.copy_from_slice(bytes.slice());
            Some(u128::from_le_bytes(wide))
        }
        _ => None,
    }
}

/// What `DW_AT_discr_value` or `DW_AT_discr_list` of a variant says.
fn values(entry: &gimli::DebuggingInformationEntry<Slice<'_>>) -> Vec<(u128, u128)> {
    if let Some(value) = entry
        .attr_value(gimli::DW_AT_discr_value)
        .and_then(constant)
    {
        return vec![(value, value)];
    }
    let Some(Value::Block(mut list)) = entry.attr_value(gimli::DW_AT_discr_list) else {
        return Vec::new();
    };
    let mut values = Vec::new();
    while let Ok(kind) = list.read_u8() {
        let Ok(from) = list.read_uleb128() else { break };
        let to = match gimli::DwDsc(kind) {
            gimli::DW_DSC_range => list.read_uleb128().unwrap_or(from),
            _ => from,
        };
        values.push((from.into(), to.into()));
    }
    values
}
