//! A program's types and functions, by name, by address, by reference.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::by_id::ById;
use super::files::{Files, Section};
use super::functions::{Function, FunctionId};
use super::index::{Await, Index};
use super::pass;
use super::paths;
use super::read::Reader;
use super::thread_local::ThreadLocal;
use super::types::{Member, Shape, Type, TypeId};
use super::units::{self, Entries, Unit};
use crate::Error;
use crate::tasks::Place;

/// A program's types and functions. What was read once is kept.
pub struct Program<'f> {
    files: &'f Files,
    units: Vec<Unit<'f>>,
    index: Index<'f>,
    opened: RefCell<HashMap<usize, Option<Rc<Entries<'f>>>>>,
    types: RefCell<ById<TypeId, Rc<Type>>>,
    definitions: RefCell<ById<TypeId, TypeId>>,
    functions: RefCell<ById<FunctionId, Rc<Function>>>,
    /// The lines at which a future of that type is awaited.
    awaits: RefCell<Option<Rc<AwaitsByFuture>>>,
}

type AwaitsByFuture = HashMap<String, Vec<Await>>;

/// Functions refer to others for their name; more steps than this are no program's.
const MOST_STEPS: usize = 4;

impl<'f> Program<'f> {
    /// Index the debug information in `files`: some 100 MB a second.
    ///
    /// # Errors
    /// If it has no types.
    pub fn new(files: &'f Files) -> Result<Self, Error> {
        let units = units::list(files);
        let index = pass::index(&units);
        if !index.has_types() {
            let path = files.path().to_path_buf();
            return Err(files.lacking().unwrap_or(Error::NoTypes {
                path,
                has: if units.is_empty() {
                    "no debug information"
                } else {
                    "lines but no types in its debug information"
                },
            }));
        }
        Ok(Self {
            files,
            units,
            index,
            opened: RefCell::default(),
            types: RefCell::default(),
            definitions: RefCell::default(),
            functions: RefCell::default(),
            awaits: RefCell::default(),
        })
    }

    /// That a part of the debug information was split off and is not found, if that is so.
    pub(crate) fn lacking(&self) -> Option<Error> {
        self.files.lacking()
    }

    /// That there is no task of tokio's in this program.
    pub(crate) fn no_tokio(&self) -> Error {
        self.lacking().unwrap_or_else(|| Error::NoTokio {
            path: self.files.path().to_path_buf(),
        })
    }

    /// Where tokio keeps what a thread is doing.
    pub fn tokio_context(&self) -> Option<ThreadLocal> {
        let (symbol, offset, block) = self.files.tokio_context()?;
        Some(ThreadLocal {
            of: TypeId(self.index.context(symbol)?),
            offset,
            block,
        })
    }

    /// The variable in which tokio keeps who waits for signals: its type, and its address as linked.
    pub(crate) fn tokio_signals(&self) -> Option<(TypeId, u64)> {
        /// Its own before std had one that was old enough.
        const CELLS: [&str; 2] = [
            "std::sync::once_lock::OnceLock<tokio::signal::registry::Globals>",
            "tokio::util::once_cell::OnceCell<tokio::signal::registry::Globals>",
        ];
        let address = self.files.tokio_signals()?;
        let of = CELLS.iter().find_map(|name| self.find_type(name))?;
        Some((of, address))
    }

    /// That the tasks of this version of tokio are not understood, for want of a member.
    pub(crate) fn unknown_tokio(&self, missing: &'static str) -> Error {
        Error::UnknownTokio {
            path: self.files.path().to_path_buf(),
            version: self.tokio_version(),
            missing,
        }
    }

    /// tokio's version, as the path of its source has it: `1.54.1`.
    pub fn tokio_version(&self) -> Option<String> {
        let path = self.index.tokio_path()?;
        let mut parts = path.split('/');
        let version = parts.find_map(|part| part.strip_prefix("tokio-"))?;
        version
            .starts_with(|first: char| first.is_ascii_digit())
            .then(|| version.to_owned())
    }

    /// Whether the crate of that name is the user's own: not from a registry, not of the compiler.
    pub fn is_app_crate(&self, name: &str) -> bool {
        self.index.is_app_crate(name)
    }

    /// Where the section of this name is loaded, relative to the program's bias.
    pub fn section(&self, name: &str) -> Option<Section> {
        self.files.section(name)
    }

    /// The type. One that cannot be read is called `?` and is opaque.
    pub fn type_of(&self, id: TypeId) -> Rc<Type> {
        if let Some(known) = self.types.borrow().get(&id) {
            return Rc::clone(known);
        }
        let read = Rc::new(self.read_type(id).unwrap_or_else(Type::unreadable));
        self.types.borrow_mut().insert(id, Rc::clone(&read));
        read
    }

    /// The definition, where `id` only declares a type that is defined in another unit; otherwise `id`.
    pub fn definition(&self, id: TypeId) -> TypeId {
        if let Some(known) = self.definitions.borrow().get(&id) {
            return *known;
        }
        let declared = self.type_of(id);
        let definition = if declared.is_declaration {
            self.find_type(&declared.name).unwrap_or(id)
        } else {
            id
        };
        self.definitions.borrow_mut().insert(id, definition);
        definition
    }

    /// The type of that full name, generic arguments and all.
    pub fn find_type(&self, name: &str) -> Option<TypeId> {
        let mut named = self.index.types_named(name).map(TypeId);
        named.find(|id| self.type_of(*id).name == name)
    }

    /// What tokio has tasks of: its type `Cell<T, S>`, once for each future and scheduler, perhaps more than once.
    pub fn task_cells(&self) -> impl Iterator<Item = TypeId> {
        self.index.cells().iter().copied().map(TypeId)
    }

    /// tokio's functions that poll a task, one for each type of future, by their address as linked.
    pub fn task_polls(&self) -> impl Iterator<Item = (u64, FunctionId)> {
        let polls = self.index.polls().iter();
        polls.map(|(address, offset)| (*address, FunctionId(*offset)))
    }

    /// The functions whose code starts at this address as linked: several, where equal code was folded.
    pub fn functions_at(&self, address: u64) -> impl Iterator<Item = FunctionId> {
        self.index.functions_at(address).map(FunctionId)
    }

    /// What is known of a function.
    pub fn function(&self, id: FunctionId) -> Rc<Function> {
        if let Some(known) = self.functions.borrow().get(&id) {
            return Rc::clone(known);
        }
        let mut function = Function::default();
        let mut at = Some(id.0);
        for _ in 0..MOST_STEPS {
            at = at.and_then(|offset| self.read_function(offset, &mut function));
        }
        let function = Rc::new(function);
        self.functions.borrow_mut().insert(id, Rc::clone(&function));
        function
    }

    /// The function that is the body of the coroutine of this type name: `…::{async_fn_env#0}<T>` has `…::{async_fn#0}<T>`.
    pub fn body_of(&self, coroutine: &str) -> Option<Rc<Function>> {
        let name = coroutine.replacen("_env#", "#", 1);
        let found = self
            .index
            .bodies_named(&name)
            .map(|offset| self.function(FunctionId(offset)))
            .filter(|function| function.name == name);
        found.max_by_key(|function| function.symbol.len())
    }

    /// The lines at which a future of that type is awaited in `body`, as a coroutine's body is named.
    pub fn awaits_of(&self, future: &str, body: &str) -> Vec<Place> {
        let awaits = self.awaits_by_future();
        let mut places = Vec::new();
        for found in awaits.get(future).into_iter().flatten() {
            if self.function(FunctionId(found.function)).name != body {
                continue;
            }
            if let Some(place) = self.place(found.function, found.file, found.line)
                && !places.contains(&place)
            {
                places.push(place);
            }
        }
        places
    }

    /// Where a member of `of` is declared.
    pub fn declared(&self, of: TypeId, member: &Member) -> Option<Place> {
        let declared = member.declared?;
        self.place(of.0, declared.file, declared.line)
    }

    /// How many types and functions are held in memory: for a test of "lazily".
    pub fn held(&self) -> usize {
        self.types.borrow().len() + self.functions.borrow().len()
    }

    fn read_type(&self, id: TypeId) -> Option<Type> {
        let scope = self.index.scope_of(id.0);
        let mut read = self.with_reader(id.0, |reader| reader.read(id.0, &scope))??;
        if let Shape::Array(of, count) = read.shape
            && read.size == 0
        {
            read.size = self.type_of(of).size.saturating_mul(count);
        }
        if read.name.is_empty() {
            read.name = self.made_up_name(&read);
        }
        Some(read)
    }

    /// The name of a type that has none.
    fn made_up_name(&self, read: &Type) -> String {
        match read.shape {
            Shape::Pointer(Some(to)) => format!("*{}", self.type_of(to).name),
            Shape::Array(of, count) => format!("[{}; {count}]", self.type_of(of).name),
            _ => "?".to_owned(),
        }
    }

    /// Add what the entry at `offset` says of a function, and return the entry it refers to for the rest.
    fn read_function(&self, offset: u64, function: &mut Function) -> Option<u64> {
        let scope = self.index.scope_of(offset);
        self.with_reader(offset, |reader| {
            reader.read_function(offset, &scope, function)
        })?
    }

    fn place(&self, near: u64, file: u64, line: u32) -> Option<Place> {
        let file = self.with_reader(near, |reader| paths::of(reader.0, file))??;
        (line != 0).then_some(Place { file, line })
    }

    fn awaits_by_future(&self) -> Rc<AwaitsByFuture> {
        if let Some(known) = &*self.awaits.borrow() {
            return Rc::clone(known);
        }
        let mut by_future = AwaitsByFuture::new();
        for found in self.index.awaits() {
            let future = self.type_of(TypeId(found.future)).name.clone();
            by_future.entry(future).or_default().push(*found);
        }
        let by_future = Rc::new(by_future);
        *self.awaits.borrow_mut() = Some(Rc::clone(&by_future));
        by_future
    }

    /// Call `read` with a reader of the unit that `offset` lies in.
    fn with_reader<T>(&self, offset: u64, read: impl FnOnce(&Reader<'_, 'f>) -> T) -> Option<T> {
        let after = self.units.partition_point(|unit| unit.start() <= offset);
        let number = after.checked_sub(1)?;
        let unit = self.units.get(number)?;
        let entries = self
            .opened
            .borrow_mut()
            .entry(number)
            .or_insert_with(|| unit.open().map(Rc::new))
            .clone()?;
        Some(read(&Reader(&entries)))
    }
}
