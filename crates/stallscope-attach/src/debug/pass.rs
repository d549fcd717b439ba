//! The pass over all debug information that makes the index.

use std::collections::{HashMap, HashSet};

use gimli::{AttributeValue as Value, EntriesRaw};

use super::files::Slice;
use super::index::{Await, HASH_START, Index, Offset, Scope, ScopeId, hash};
use super::origin::is_app_path;
use super::paths;
use super::units::{Entries, Unit};

/// Index all of `units`. What cannot be read of one unit is left out; the next unit starts afresh.
pub(super) fn index<'f>(units: &[Unit<'f>]) -> Index<'f> {
    let mut index = Index::default();
    let mut namespaces = HashMap::new();
    let mut polls = Polls::default();
    for unit in units {
        if let Some(entries) = unit.open() {
            let mut pass = Pass {
                unit: &entries,
                index: &mut index,
                namespaces: &mut namespaces,
                polls: &mut polls,
                open: Vec::new(),
                is_app_file: HashMap::new(),
            };
            // Damaged bytes end this unit. What was read of it before stands.
            let _ = pass.run();
        }
    }
    index.polls.extend(polls.found());
    index.types.sort_unstable();
    index.functions.sort_unstable();
    index.bodies.sort_unstable();
    index.polls.sort_unstable();
    index
}

/// tokio's poll function where its entry has no name of its own: it was inlined somewhere else, too, and its code refers to what was inlined.
#[derive(Default)]
struct Polls {
    declared: HashSet<Offset>,
    instances: Vec<Instance>,
}

impl Polls {
    fn found(&self) -> impl Iterator<Item = (u64, Offset)> {
        let instances = self.instances.iter();
        let polls = instances.filter(|instance| self.declared.contains(&instance.of));
        polls.map(|instance| (instance.address, instance.offset))
    }
}

/// The pass over one unit.
struct Pass<'p, 'f> {
    unit: &'p Entries<'f>,
    index: &'p mut Index<'f>,
    /// The same namespace is opened in every unit.
    namespaces: &'p mut HashMap<(u32, &'f str), ScopeId>,
    polls: &'p mut Polls,
    /// What encloses the next entry, outermost first.
    open: Vec<Open<'f>>,
    /// By the number of the file in this unit.
    is_app_file: HashMap<u64, bool>,
}

/// Code of a function that is declared in another entry.
struct Instance {
    address: u64,
    offset: Offset,
    of: Offset,
}

/// An entry that has others in it.
#[derive(Clone, Copy)]
enum Open<'f> {
    Scope(ScopeId),
    /// A type that gets a scope when something named is found in it.
    Type(Option<ScopeId>, &'f str),
    Function(Offset, Option<ScopeId>, &'f str),
    Other,
}

/// The attributes that matter, of one entry.
#[derive(Default)]
struct Attributes<'f> {
    name: Option<&'f str>,
    declaration: bool,
    /// The symbol of a variable or function.
    symbol: Option<Value<Slice<'f>>>,
    address: Option<u64>,
    of_type: Option<Offset>,
    origin: Option<Offset>,
    file: u64,
    line: u32,
}

impl<'f> Pass<'_, 'f> {
    fn run(&mut self) -> gimli::Result<()> {
        let mut entries = self.unit.unit.entries_raw(None)?;
        while !entries.is_empty() {
            let offset = self.unit.start + entries.next_offset().0 as u64;
            let Some(abbreviation) = entries.read_abbreviation()? else {
                self.open.pop();
                continue;
            };
            let opened = match abbreviation.tag() {
                gimli::DW_TAG_namespace => {
                    let name = self.read(&mut entries, abbreviation)?.name.unwrap_or("?");
                    self.namespace(name).map_or(Open::Other, Open::Scope)
                }
                gimli::DW_TAG_structure_type
                | gimli::DW_TAG_union_type
                | gimli::DW_TAG_enumeration_type => {
                    let read = self.read(&mut entries, abbreviation)?;
                    self.found_type(offset, &read)
                }
                gimli::DW_TAG_subprogram => {
                    let read = self.read(&mut entries, abbreviation)?;
                    self.found_function(offset, &read)
                }
                gimli::DW_TAG_variable => {
                    let read = self.read(&mut entries, abbreviation)?;
                    self.found_await(&read);
                    self.found_context(&read);
                    Open::Other
                }
                _ => {
                    entries.skip_attributes(abbreviation.attributes())?;
                    Open::Other
                }
            };
            if abbreviation.has_children() {
                self.open.push(opened);
            }
        }
        Ok(())
    }

    fn read(
        &self,
        entries: &mut EntriesRaw<'_, Slice<'f>>,
        abbreviation: &gimli::Abbreviation,
    ) -> gimli::Result<Attributes<'f>> {
        let mut found = Attributes::default();
        for spec in abbreviation.attributes() {
            let attribute = entries.read_attribute(*spec)?;
            match attribute.name() {
                gimli::DW_AT_name => found.name = self.text(attribute.value()),
                gimli::DW_AT_declaration => found.declaration = true,
                gimli::DW_AT_linkage_name => found.symbol = Some(attribute.value()),
                gimli::DW_AT_low_pc => {
                    found.address = self.unit.address(attribute.value());
                }
                gimli::DW_AT_type => found.of_type = self.unit.reference(attribute.value()),
                gimli::DW_AT_abstract_origin | gimli::DW_AT_specification => {
                    found.origin = self.unit.reference(attribute.value());
                }
                gimli::DW_AT_decl_file => found.file = attribute.udata_value().unwrap_or(0),
                gimli::DW_AT_decl_line => {
                    found.line = attribute
                        .udata_value()
                        .and_then(|line| u32::try_from(line).ok())
                        .unwrap_or(0);
                }
                _ => {}
            }
        }
        Ok(found)
    }

    fn text(&self, value: Value<Slice<'f>>) -> Option<&'f str> {
        std::str::from_utf8(self.unit.text(value)?).ok()
    }

    fn found_type(&mut self, offset: Offset, read: &Attributes<'f>) -> Open<'f> {
        let scope = self.scope();
        let Some(name) = read.name else {
            return Open::Type(scope, "?");
        };
        self.index.has_types = true;
        if let Some(scope) = scope {
            self.index.scope_of.push((offset, scope));
        }
        if !read.declaration {
            let full = self.full_hash(scope, name);
            self.index.types.push((full, offset));
            if name.starts_with("Cell<") && self.is_in(scope, "tokio::runtime::task::core") {
                self.index.cells.push(offset);
            }
        }
        Open::Type(scope, name)
    }

    fn found_function(&mut self, offset: Offset, read: &Attributes<'f>) -> Open<'f> {
        let scope = self.scope();
        let name = read.name.unwrap_or("");
        if let (Some(scope), Some(name)) = (scope, read.name) {
            self.index.scope_of.push((offset, scope));
            self.vote(read.file);
            if name.starts_with("{async_") {
                let full = self.full_hash(Some(scope), name);
                self.index.bodies.push((full, offset));
            }
        }
        let is_poll = name.starts_with("poll<") && self.is_in(scope, "tokio::runtime::task::raw");
        // Address 0 is what the linker gives to code it has thrown away.
        if let Some(address) = read.address.filter(|address| *address != 0) {
            self.index.functions.push((address, offset));
            if is_poll {
                self.index.polls.push((address, offset));
            } else if let Some(of) = read.origin {
                self.polls.instances.push(Instance {
                    address,
                    offset,
                    of,
                });
            }
        } else if is_poll {
            self.polls.declared.insert(offset);
        }
        Open::Function(offset, scope, name)
    }

    /// Count a function of the outermost scope, a crate, as whose its file is.
    fn vote(&mut self, file: u64) {
        let Some(Open::Scope(outermost)) =
            self.open.iter().find(|open| !matches!(open, Open::Other))
        else {
            return;
        };
        let unit = self.unit;
        let name = self.index.scopes[outermost.0 as usize].name;
        let tokio_path = &mut self.index.tokio_path;
        let is_app = *self.is_app_file.entry(file).or_insert_with(|| {
            let path = paths::of(unit, file);
            let is_app = path.as_deref().is_some_and(is_app_path);
            if name == "tokio" && tokio_path.is_none() && !is_app {
                *tokio_path = path;
            }
            is_app
        });
        self.index.origins.entry(name).or_default().add(is_app);
    }

    fn found_context(&mut self, read: &Attributes<'f>) {
        // What `thread_local!` calls the variable, now and in older versions of the compiler.
        let is_thread_local =
            matches!(read.name, Some("__RUST_STD_INTERNAL_VAL" | "VAL" | "__KEY"));
        if !is_thread_local {
            return;
        }
        let names = ["tokio", "runtime", "context", "CONTEXT"].map(Some);
        let mut scopes = self.open.iter().filter_map(|open| match open {
            Open::Scope(id) => Some(self.index.scopes[id.0 as usize].name),
            Open::Type(_, name) | Open::Function(_, _, name) => Some(name),
            Open::Other => None,
        });
        if names.map(|_| scopes.next()) == names {
            let symbol = read.symbol.and_then(|symbol| self.text(symbol));
            self.index.contexts.extend(symbol.zip(read.of_type));
        }
    }

    fn found_await(&mut self, read: &Attributes<'f>) {
        let (Some("__awaitee"), Some(future)) = (read.name, read.of_type) else {
            return;
        };
        let function = self.open.iter().rev().find_map(|open| match open {
            Open::Function(offset, ..) => Some(*offset),
            _ => None,
        });
        if let Some(function) = function {
            self.index.awaits.push(Await {
                function,
                future,
                file: read.file,
                line: read.line,
            });
        }
    }

    /// The scope of what is found next.
    fn scope(&mut self) -> Option<ScopeId> {
        match self
            .open
            .iter()
            .rev()
            .find(|open| !matches!(open, Open::Other))?
        {
            Open::Scope(id) => Some(*id),
            Open::Type(parent, name) | Open::Function(_, parent, name) => {
                let (parent, name) = (*parent, *name);
                self.add(parent, name)
            }
            Open::Other => None,
        }
    }

    fn namespace(&mut self, name: &'f str) -> Option<ScopeId> {
        let parent = self.scope();
        self.add(parent, name)
    }

    fn add(&mut self, parent: Option<ScopeId>, name: &'f str) -> Option<ScopeId> {
        let key = (parent.map_or(u32::MAX, |parent| parent.0), name);
        if let Some(known) = self.namespaces.get(&key) {
            return Some(*known);
        }
        let id = ScopeId(u32::try_from(self.index.scopes.len()).ok()?);
        let hash = self.full_hash(parent, name);
        self.index.scopes.push(Scope { parent, name, hash });
        self.namespaces.insert(key, id);
        Some(id)
    }

    fn full_hash(&self, scope: Option<ScopeId>, name: &str) -> u64 {
        match scope {
            Some(scope) => hash(hash(self.index.scopes[scope.0 as usize].hash, "::"), name),
            None => hash(HASH_START, name),
        }
    }

    fn is_in(&self, scope: Option<ScopeId>, name: &str) -> bool {
        scope
            .is_some_and(|scope| self.index.scopes[scope.0 as usize].hash == hash(HASH_START, name))
    }
}
