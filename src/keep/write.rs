//! Writing the databases of a harness, what changed in them and what ran on them to a folder.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file_name::file_name;
use super::page::{self, Beside, PAGE};
use super::saved::Saved;
use crate::database::{self, Database, Patience};
use crate::error::{Error, Result};
use crate::harness::{Bound, Running};
use crate::list::mapped;
use crate::observe::{committed, read_statements, since_start, unreadable};
use crate::report::statements::in_detail;
use crate::sorted::Sorted;
use crate::sqlite::platform::with_permissions;
use crate::sqlite::Image;

/// The file that says what changed.
pub(super) const CHANGES: &str = "changes.txt";

/// The file that has the statements, if any were recorded.
pub(super) const STATEMENTS: &str = "statements.txt";

/// Copies the committed state of each database, or says why it cannot be read. All are of one moment where all can be
/// read.
pub(super) fn copies(databases: &[Arc<Bound>]) -> Vec<Result<Arc<Image>>> {
    if let Ok(images) = committed(databases) {
        return mapped(&images, |image| Ok(Arc::clone(image)));
    }
    // The committed state of all was waited for above.
    mapped(databases, |database| {
        database::committed(database, &Patience::none()).map_err(|source| unreadable(database, source))
    })
}

/// Saves all of them in a folder, or says why that is not possible.
pub(super) fn all(running: &Running, test: Option<&str>, dir: &Path) -> Result<Vec<PathBuf>> {
    let databases = running.databases();
    let mut images = Vec::with_capacity(databases.len());
    for image in copies(&databases) {
        images.push(image?);
    }
    fs::create_dir_all(dir).map_err(Error::io("make the folder", dir))?;
    let (mut files, mut now) = (Vec::with_capacity(images.len()), Vec::with_capacity(images.len()));
    let mut saved = Vec::with_capacity(images.len());
    for (image, (database, name)) in images.iter().zip(named(&databases)) {
        let file = dir.join(&name);
        write_database(&file, bytes(database, image)?)?;
        files.push(file);
        now.push((database, Some(image)));
        saved.push(Saved { label: database.label(), file: Ok(name) });
    }
    write_beside(running, test, dir, &now, &saved, &[])?;
    Ok(files)
}

/// Saves those that can be read, in no more bytes than this, and notes why others are missing.
pub(super) fn what_can_be(
    running: &Running,
    test: Option<&str>,
    (databases, images): (&[Arc<Bound>], &[Result<Arc<Image>>]),
    mut room: u64,
    dir: &Path,
) -> Result<Vec<Saved>> {
    let mut saved = Vec::with_capacity(images.len());
    let (mut now, mut notes, mut open) = (Vec::with_capacity(images.len()), Vec::new(), Vec::new());
    for (image, (database, name)) in images.iter().zip(named(databases)) {
        let (label, file) = match image {
            Ok(image) => (database.label(), within(&mut room, database, image, dir, name)?),
            Err(error) => (database.label(), Err(error.to_string())),
        };
        if let Err(problem) = &file {
            notes.push(format!("The database of {label} is not kept: {problem}"));
        }
        if database.has_uncommitted_session() {
            open.push(format!("A session has written to {label} and not committed."));
        }
        now.push((database, image.as_ref().ok()));
        saved.push(Saved { label, file });
    }
    notes.append(&mut open);
    write_beside(running, test, dir, &now, &saved, &notes)?;
    Ok(saved)
}

fn within(
    room: &mut u64,
    database: &Database,
    image: &Image,
    dir: &Path,
    name: String,
) -> Result<Result<String, String>> {
    let bytes = bytes(database, image)?;
    match room.checked_sub(u64::try_from(bytes.len()).unwrap_or(u64::MAX)) {
        Some(rest) => *room = rest,
        None => return Ok(Err(format!("with {} MiB it is too large; `save_to` has no limit", bytes.len() >> 20))),
    }
    write_database(&dir.join(&name), bytes)?;
    Ok(Ok(name))
}

/// Returns the databases with the names of their files. Two databases of a dynamic bind may have names that differ only in
/// case, and some systems take such files for one.
fn named(databases: &[Arc<Bound>]) -> Vec<(&Arc<Bound>, String)> {
    let mut taken = Sorted::default();
    let mut named = Vec::<(&Arc<Bound>, String)>::with_capacity(databases.len());
    for database in databases {
        let plain = file_name(&database.key().to_string());
        let (mut name, mut number) = (plain.clone(), 1);
        while taken.insert(name.to_ascii_lowercase(), ()).is_some() {
            number += 1;
            name = format!("{plain}~{number}");
        }
        named.push((database, format!("{name}.db")));
    }
    named
}

fn bytes<'i>(database: &Database, image: &'i Image) -> Result<&'i [u8]> {
    image.bytes().map_err(Error::sql(database.key()))
}

/// Writes what stands beside the databases: the changes since the start, the statements, and the page.
fn write_beside(
    running: &Running,
    test: Option<&str>,
    dir: &Path,
    now: &[(&Arc<Bound>, Option<&Arc<Image>>)],
    saved: &[Saved],
    notes: &[String],
) -> Result<()> {
    let (changes, errors) = since_start(now);
    let mut notes = notes.to_vec();
    for error in errors {
        notes.push(format!("Its changes cannot be listed: {error}"));
    }
    let mut told = format!("The committed changes in every bind since the harness started:\n\n{changes}\n");
    for note in &notes {
        told.push_str(&format!("\n{note}\n"));
    }
    write(&dir.join(CHANGES), told.as_bytes())?;
    write_statements(running, dir)?;
    let mut databases = Vec::with_capacity(saved.len());
    for ((database, image), saved) in now.iter().zip(saved) {
        databases.push(Beside { database, image: *image, saved });
    }
    write(&dir.join(PAGE), page::written(running, test, &databases, &changes, &notes).as_bytes())
}

/// Writes the statements that were recorded; where none were, an earlier file of them goes.
fn write_statements(running: &Running, dir: &Path) -> Result<()> {
    let file = dir.join(STATEMENTS);
    let recorded = running.recorder().asked_for();
    if recorded.is_empty() {
        return remove(file);
    }
    let statements = read_statements(recorded);
    let told = format!("The statements that ran while they were recorded:\n\n{}\n", in_detail(&statements));
    write(&file, told.as_bytes())
}

fn remove(file: PathBuf) -> Result<()> {
    match fs::remove_file(&file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", file)(error)),
        _ => Ok(()),
    }
}

/// Replaces a database. What an earlier one left beside it must not be taken for its own.
fn write_database(path: &Path, bytes: &[u8]) -> Result<()> {
    for beside in ["-journal", "-wal", "-shm"] {
        let mut beside_it = path.as_os_str().to_owned();
        beside_it.push(beside);
        remove(PathBuf::from(beside_it))?;
    }
    write(path, bytes)
}

/// Replaces a file in one step: who has the old one open keeps it.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |error| Error::io("write", path)(error);
    let mut builder = tempfile::Builder::new();
    // As any file is made, and not for its owner alone.
    with_permissions(&mut builder, 0o666);
    let mut new = builder.tempfile_in(path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
    new.write_all(bytes).map_err(failed)?;
    new.persist(path).map(drop).map_err(|error| failed(error.error))
}
