//! The bytes that a schema is read from: what it is known by before anything in it is read as SQL.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, FileType};
use std::hash::{Hash, Hasher};
use std::io::{self, Read};
use std::path::Path;

use super::marked;
use crate::config::{resolve_path, SchemaSource};
use crate::key::BindKey;
use crate::list::mapped;
use crate::order::sort_by;

/// The bounds of what is taken for a schema: entries of its folders, how deep they are, and bytes.
const MOST_ENTRIES: usize = 10_000;
const MOST_DEEP: usize = 16;
const MOST_BYTES: usize = 64 << 20;

/// The files that a schema's paths lead to, with the names and the bytes of all of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SchemaTexts {
    /// Each path, and below it each name with its kind and a file's length.
    outline: Vec<u8>,
    /// The bytes of all files, one behind the other.
    bytes: Vec<u8>,
    entries: usize,
    /// The names in its folders.
    names: Vec<OsString>,
    /// Set if a file may have parts for binds.
    has_parts: bool,
}

impl Hash for SchemaTexts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.outline.hash(state);
        self.bytes.hash(state);
    }
}

impl SchemaTexts {
    /// Reads what the sources name. `None` where that is too much, or cannot be read: then nothing is known of it beforehand.
    pub(crate) fn read(sources: &[SchemaSource]) -> Option<SchemaTexts> {
        let mut texts = SchemaTexts::default();
        for source in sources {
            if let SchemaSource::Path(path) | SchemaSource::UpTo(path, _) = source {
                let path = resolve_path(path);
                texts.name(path.as_os_str());
                let name = path.file_name().unwrap_or_default();
                texts.add(&path, name, kind_of(&path), 0).ok()?;
            }
        }
        texts.has_parts = str::from_utf8(&texts.bytes).map_or(true, may_have_parts);
        Some(texts)
    }

    /// Returns whether another bind may find other tables in them: parts of a file, a folder or a file that may be named after it,
    /// or the hidden one that is the default bind's.
    pub(crate) fn depend_on_the_bind(&self, configured: &[BindKey]) -> bool {
        let keys = mapped(configured, |key| marked::name(key).as_bytes());
        self.has_parts || self.names.iter().any(|name| may_be_of_a_bind(name.as_encoded_bytes(), &keys))
    }

    /// Adds a file's bytes, or the entries of a folder, each with its name and in the order of the names.
    fn add(&mut self, path: &Path, name: &OsStr, kind: Kind, depth: usize) -> io::Result<()> {
        self.entries += 1;
        if self.entries > MOST_ENTRIES || depth > MOST_DEEP {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        match kind {
            Kind::Folder => {
                self.outline.push(b'/');
                for Entry { name, kind } in entries(path)? {
                    self.name(&name);
                    self.add(&path.join(&name), &name, kind, depth + 1)?;
                    self.names.push(name);
                }
                self.outline.push(b'.');
            }
            Kind::File => {
                self.outline.push(b'=');
                // Of other files a schema takes nothing, and they may be anything: a database of production's, for example.
                if is_read(name.as_encoded_bytes()) {
                    self.file(path)?;
                }
            }
            Kind::Other => self.outline.push(b'?'),
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> io::Result<()> {
        /// Room for most files, so that one call of the system reads all of it, and one more finds its end.
        const USUAL: usize = 8 << 10;
        let room = MOST_BYTES.saturating_sub(self.bytes.len()) as u64;
        self.bytes.reserve(USUAL);
        let read = File::open(path)?.take(room + 1).read_to_end(&mut self.bytes)? as u64;
        if read > room {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        self.outline.extend_from_slice(&read.to_le_bytes());
        Ok(())
    }

    /// Adds a name, which has no NUL in it.
    fn name(&mut self, name: &OsStr) {
        self.outline.extend_from_slice(name.as_encoded_bytes());
        self.outline.push(0);
    }
}

/// Returns whether the files of a schema that are read have such a name: scripts, and what their tools note of them.
fn is_read(name: &[u8]) -> bool {
    ends_in(name, b".sql") || ends_in(name, b".toml") && name.len() > b".toml".len()
}

fn ends_in(name: &[u8], ending: &[u8]) -> bool {
    name.split_at_checked(name.len().wrapping_sub(ending.len()))
        .is_some_and(|(_, end)| end.eq_ignore_ascii_case(ending))
}

/// Returns whether an entry of that name may be for one of these binds: it is hidden, or a key of theirs, alone or before a dot.
fn may_be_of_a_bind(name: &[u8], keys: &[&[u8]]) -> bool {
    let is_of = |key: &&[u8]| {
        let ends = |end: Option<&u8>| end.is_none_or(|byte| *byte == b'.');
        name.len() >= key.len() && ends(name.get(key.len())) && name[..key.len()].eq_ignore_ascii_case(key)
    };
    name.starts_with(b".") || keys.iter().any(is_of)
}

/// Returns whether a text has the letters of a line that begins the part of a bind. Searches by a single letter, for which `std`
/// has optimised code in tests too.
fn may_have_parts(text: &str) -> bool {
    let begins =
        |(at, _): (usize, &str)| text.as_bytes()[at..].get(..4).is_some_and(|part| part.eq_ignore_ascii_case(b"bind"));
    text.match_indices('b').any(begins) || text.match_indices('B').any(begins)
}

/// The kind of thing that a path leads to. A link has the kind of its target; one that leads nowhere is like a pipe.
#[derive(Clone, Copy)]
enum Kind {
    File,
    Folder,
    Other,
}

impl Kind {
    fn of(kind: FileType) -> Kind {
        if kind.is_file() {
            Kind::File
        } else if kind.is_dir() {
            Kind::Folder
        } else {
            Kind::Other
        }
    }
}

fn kind_of(path: &Path) -> Kind {
    fs::metadata(path).map_or(Kind::Other, |data| Kind::of(data.file_type()))
}

/// One entry of a folder.
struct Entry {
    name: OsString,
    kind: Kind,
}

/// Lists a folder in the order of the names. Most systems say with a name what it is, and only a link is looked up.
fn entries(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = match entry.file_type() {
            Ok(kind) if !kind.is_symlink() => Kind::of(kind),
            _ => kind_of(&entry.path()),
        };
        entries.push(Entry { name: entry.file_name(), kind });
    }
    sort_by(&mut entries, |one, other| one.name.as_encoded_bytes().cmp(other.name.as_encoded_bytes()));
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::SchemaTexts;
    use crate::config::SchemaSource;

    #[test]
    fn every_name_and_every_byte_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let texts = || SchemaTexts::read(&[SchemaSource::Path(folder.path().to_path_buf())]).unwrap();
        fs::create_dir(path("1_user")).unwrap();
        fs::write(path("1_user/up.sql"), "CREATE TABLE user (x)").unwrap();
        let mut seen = vec![texts()];
        assert_eq!(seen, [texts()]);
        let mut next = |change: &dyn Fn()| {
            change();
            let now = texts();
            assert!(!seen.contains(&now));
            seen.push(now);
        };
        next(&|| fs::write(path("1_user/up.sql"), "CREATE TABLE user (y)").unwrap());
        next(&|| fs::write(path("1_user/down.sql"), "").unwrap());
        next(&|| fs::rename(path("1_user"), path("2_user")).unwrap());
        next(&|| fs::rename(path("2_user/up.sql"), path("up.sql")).unwrap());
        next(&|| fs::create_dir(path("3")).unwrap());
        next(&|| fs::write(path("3/x"), "").unwrap());
        next(&|| fs::write(path("3/metadata.toml"), "").unwrap());
        next(&|| fs::write(path("3/metadata.toml"), "run_in_transaction = false").unwrap());
    }

    #[test]
    fn what_a_bind_alone_finds_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let depends = || {
            let texts = SchemaTexts::read(&[SchemaSource::Path(folder.path().to_path_buf())]).unwrap();
            texts.depend_on_the_bind(&["auth".into(), None.into()])
        };
        fs::write(path("1_user.sql"), "CREATE TABLE b (bin, x)").unwrap();
        assert!(!depends());
        for (name, text) in
            [("auth.sql", ""), ("Auth/1.sql", ""), (".sql", ""), ("2.sql", "-- Bind: auth"), ("default/1.sql", "")]
        {
            fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            fs::write(path(name), text).unwrap();
            assert!(depends(), "{name}");
            fs::remove_file(path(name)).unwrap();
            let _ = fs::remove_dir(path(name).parent().unwrap());
        }
        assert!(!depends());
    }

    #[test]
    fn a_folder_that_is_too_deep_is_not_known() {
        let folder = tempfile::tempdir().unwrap();
        let deep = (0..20).fold(folder.path().to_path_buf(), |path, _| path.join("a"));
        fs::create_dir_all(deep).unwrap();
        assert_eq!(SchemaTexts::read(&[SchemaSource::Path(folder.path().to_path_buf())]), None);
    }
}
