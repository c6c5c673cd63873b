//! Databases in this process's memory, with the locks of a file: SQLite's file system, held in a table of this crate.
//!
//! A shared cache answers "table is locked" at once, and SQLite's `memdb` lets nobody read while one writes. Here a
//! database is what it is on a disk, WAL mode included: readers and one writer side by side, and a wait of up to the
//! busy timeout where two write. A new database shares the pages of its image until it writes to them, so that starting
//! one takes the same time whatever is in it.

mod contents;
mod control;
mod file;
mod held;
mod index;
mod locks;
mod name;
mod names;
mod open;
mod refusals;
mod replace;
mod shm;
mod temporary;
mod vfs;
mod who;

pub(crate) use replace::Replaced;

use std::sync::{Arc, Mutex, Weak};

use super::gate::Gate;
use crate::sorted::Sorted;
use crate::sqlite::copy::unique_name;
use crate::sqlite::packed::FileBytes;
use crate::sync::lock;
use contents::Contents;
pub(crate) use held::begins;
use index::Index;
use locks::Locks;
pub(crate) use vfs::{start, start_beside};
use who::{conflict, Party, Refusal};
pub(crate) use who::{GivenUp, Lock, Opener};

/// The beginning of every name of a database here. There is no such folder: a driver that takes the name for a path
/// finds nothing.
const FOLDER: &str = "/multibind/";

/// The end of a database's name; what SQLite appends to it names a journal.
const ENDING: &str = ".db";

/// One database in memory, alive as long as somebody holds it: a harness, or a connection.
pub(crate) struct Memory {
    name: String,
    contents: Mutex<Contents>,
    /// The contents it starts as, until somebody opens it: most binds of a harness are never opened by most tests.
    image: Mutex<Option<Arc<dyn Initial>>>,
    /// The write-ahead log and journals, by what SQLite appends to the database's name.
    journals: Mutex<Sorted<String, Arc<Journal>>>,
    locks: Mutex<Locks>,
    /// The WAL's index, which connections share as memory.
    index: Mutex<Index>,
    /// The gate that answers in place of the file system.
    gate: Arc<dyn Gate>,
}

/// The contents that a database in memory starts as.
pub(crate) trait Initial: Send + Sync {
    /// Returns the bytes of a file in WAL mode.
    fn file(&self) -> rusqlite::Result<FileBytes>;
}

/// A journal's bytes.
type Journal = Mutex<Vec<u8>>;

impl Memory {
    /// Makes one under a name that no other of the process has. SQLite finds it from now on, once it knows the file
    /// system.
    fn new(
        contents: Contents,
        image: Option<Arc<dyn Initial>>,
        journals: Vec<(String, Vec<u8>)>,
        gate: Arc<dyn Gate>,
    ) -> Arc<Memory> {
        let mut beside = Sorted::default();
        for (name, bytes) in journals {
            beside.insert(name, Arc::new(Mutex::new(bytes)));
        }
        let memory = Arc::new(Memory {
            name: format!("{FOLDER}{}{ENDING}", unique_name()),
            contents: Mutex::new(contents),
            image: Mutex::new(image),
            journals: Mutex::new(beside),
            locks: Mutex::default(),
            index: Mutex::default(),
            gate,
        });
        lock(&DATABASES).insert(memory.name.clone(), Arc::downgrade(&memory));
        memory
    }

    /// Returns the name that SQLite has for it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns an SQLite URI, see <https://sqlite.org/uri.html>.
    pub(crate) fn uri(&self) -> String {
        format!("file:{}?vfs={}", self.name, *name::NAME)
    }

    /// Returns a number that changes with every commit, once others can see what was committed.
    pub(crate) fn commits(&self) -> u64 {
        lock(&self.locks).ended()
    }

    /// Returns a number that changes with every commit to any database of the process.
    pub(crate) fn all_commits() -> u64 {
        locks::all_ended()
    }

    /// Returns who holds a lock and who wants it, after one was refused to a connection of that kind on this thread.
    pub(crate) fn conflict(&self, waiter: Opener) -> Option<String> {
        let locks = lock(&self.locks);
        let holder =
            || locks.writer().map(|writer| conflict(std::slice::from_ref(writer), Lock::Write, &Party::here(waiter)));
        let refused = || locks.refusals().rev().find(|refusal| refusal.waiter.is_here(waiter)).map(Refusal::conflict);
        match waiter {
            // It may not have asked for the lock, having seen who has it.
            Opener::Harness => holder().or_else(refused),
            // It has asked, and whoever had the lock may be done by now.
            _ => refused().or_else(holder),
        }
    }

    /// Returns the writer that has a transaction open.
    pub(crate) fn writer(&self) -> Option<String> {
        lock(&self.locks).writer().map(Party::shown)
    }

    /// Returns the application's connections that were refused a lock and have not got it since, with the holders.
    pub(crate) fn given_up(&self) -> Vec<GivenUp> {
        let locks = lock(&self.locks);
        locks.refusals().filter(|refusal| !refusal.waiter.is_harness()).map(Refusal::given_up).collect()
    }

    /// Returns whether some connection has a transaction open that can write.
    pub(crate) fn has_writer(&self) -> bool {
        lock(&self.locks).has_writer()
    }

    /// Takes the image's bytes, unless that was done before.
    fn fill(&self) -> rusqlite::Result<()> {
        let mut image = lock(&self.image);
        if let Some(from) = &*image {
            *lock(&self.contents) = Contents::new(from.file()?);
            *image = None;
        }
        Ok(())
    }

    fn journal(&self, name: &str) -> Option<Arc<Journal>> {
        lock(&self.journals).get(name).cloned()
    }

    fn journal_or_new(&self, name: &str) -> Arc<Journal> {
        Arc::clone(lock(&self.journals).or_insert_with(name.to_string(), Arc::default))
    }

    /// Returns whether there was such a journal to remove.
    fn remove_journal(&self, name: &str) -> bool {
        lock(&self.journals).remove(name).is_some()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        lock(&DATABASES).remove(&self.name);
    }
}

/// The databases of the process, by name.
static DATABASES: Mutex<Sorted<String, Weak<Memory>>> = Mutex::new(Sorted::new());

/// Returns a name that SQLite asks for, if it is one of ours: the database's, and what comes after it.
fn split(name: &str) -> Option<(&str, &str)> {
    let end = name.strip_prefix(FOLDER)?.find(ENDING)? + FOLDER.len() + ENDING.len();
    name.split_at_checked(end)
}

/// Returns the living database of that name.
fn find(name: &str) -> Option<Arc<Memory>> {
    lock(&DATABASES).get(name)?.upgrade()
}
