//! The shape of a template: everything that decides what is in it.

use std::any::TypeId;
use std::env;
use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::SystemTime;

use crate::config::{DatabaseSpec, MigrationVersion, SchemaSource};
use crate::data::DataFile;
use crate::key::Keys;
use crate::list::mapped;
use crate::schema::SchemaTexts;
use crate::sqlite::store::Identity;
use crate::sqlite::{asked_for_fleeting, library, seed, Digest, Original};

/// The shape of a template. Two that are equal make equal databases.
pub(super) struct Shape {
    identity: Identity,
    /// Set if code of the application's takes part.
    by_code: bool,
}

/// Everything that shapes a template.
#[derive(Hash)]
struct Parts<'b> {
    maker: Maker,
    copy_of: Option<Digest>,
    schema: Vec<TableSource<'b>>,
    texts: &'b SchemaTexts,
    /// Its keys and those of all binds, where parts of its files are for them.
    of_bind: Option<(&'b Keys, &'b Keys)>,
    data: &'b [DataFile],
    csv_empty_as_text: Option<bool>,
    foreign_keys: Option<bool>,
    journal_mode: Option<&'b str>,
    on_connect: Vec<TypeId>,
    /// Set where its URL names a server: a column that only a server numbers is then refused.
    is_server: bool,
    /// Their values by how they print, for a real number has no identity of its own.
    pragmas: Vec<(&'b str, String)>,
}

/// The code that makes it.
#[derive(Hash)]
struct Maker {
    version: &'static str,
    /// The sources of this crate, which a checkout of another commit has elsewhere.
    sources: &'static str,
    library: &'static [u8],
    program: Option<Program>,
}

/// One source of tables.
#[derive(Hash)]
enum TableSource<'b> {
    Sql(&'b str),
    /// A path; the bytes that it leads to are in the texts.
    Path,
    UpTo(&'b MigrationVersion),
    With(TypeId),
}

impl Shape {
    /// Returns the shape of what is read; `None` where a closure captures something, which is not known to be the same twice.
    pub(super) fn of(
        spec: &DatabaseSpec,
        original: Option<&Original>,
        texts: &SchemaTexts,
        data: &[DataFile],
    ) -> Option<Shape> {
        let options = &spec.options;
        let (mut sources, mut on_connect) = (Vec::with_capacity(spec.schema.len()), Vec::new());
        for source in &spec.schema {
            sources.push(match source {
                SchemaSource::Sql(text) => TableSource::Sql(text),
                SchemaSource::Path(_) => TableSource::Path,
                SchemaSource::UpTo(_, version) => TableSource::UpTo(version),
                SchemaSource::With(migrator) => TableSource::With(migrator.identity?),
            });
        }
        for connect in &options.on_connect {
            on_connect.push(connect.identity?);
        }
        let by_code = !on_connect.is_empty() || sources.iter().any(|source| matches!(source, TableSource::With(_)));
        let parts = Parts {
            maker: Maker::of(by_code),
            // By what is in the file and not by its name, so that one that has changed is seen.
            copy_of: original.map(Original::digest),
            schema: sources,
            texts,
            of_bind: texts.depend_on_the_bind(&spec.configured).then_some((&spec.made_for, &spec.configured)),
            data,
            csv_empty_as_text: options.csv_empty_as_text,
            foreign_keys: options.foreign_keys,
            journal_mode: options.journal_mode(),
            on_connect,
            is_server: spec.is_server(),
            pragmas: mapped(&options.pragmas, |(name, value)| (name.as_str(), format!("{value:?}"))),
        };
        Some(Shape { identity: Identity::of(&parts), by_code })
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns whether another process can know that it has this shape.
    pub(super) fn may_be_stored(&self) -> bool {
        !self.by_code || program().is_some()
    }

    /// Returns whether it can be told beforehand that it is worth storing.
    pub(super) fn is_of_texts(&self) -> bool {
        !self.by_code
    }

    /// Watches the code that makes it.
    pub(super) fn watch(&self) -> Watched {
        Watched::begin(self.by_code)
    }
}

impl Maker {
    fn of(by_code: bool) -> Maker {
        static LIBRARY: OnceLock<Vec<u8>> = OnceLock::new();
        // Whoever works on this crate has other sources of one version with each program.
        let is_in_work = option_env!("CARGO_PRIMARY_PACKAGE").is_some();
        Maker {
            version: env!("CARGO_PKG_VERSION"),
            sources: env!("CARGO_MANIFEST_DIR"),
            library: LIBRARY.get_or_init(library),
            program: if by_code || is_in_work { program().cloned() } else { None },
        }
    }
}

/// The file of the program: another build of it is another file.
#[derive(Clone, Hash)]
pub(super) struct Program {
    path: PathBuf,
    bytes: u64,
    written: SystemTime,
}

/// Returns the file of this program, as it was when it was first asked for; `None` where the system does not tell.
pub(super) fn program() -> Option<&'static Program> {
    static PROGRAM: OnceLock<Option<Program>> = OnceLock::new();
    let read = || {
        let path = env::current_exe().ok()?;
        // On Linux the file that runs, also where a build has put another in its place meanwhile.
        let data = fs::metadata("/proc/self/exe").or_else(|_| fs::metadata(&path)).ok()?;
        Some(Program { path, bytes: data.len(), written: data.modified().ok()? })
    };
    PROGRAM.get_or_init(read).as_ref()
}

/// A watch on the code that makes a template: for what depends on more than its shape.
pub(super) struct Watched {
    asked: u64,
    /// The reads of the process, where there is code of the application's; unknown on some systems.
    reads: Option<Option<u64>>,
}

impl Watched {
    /// Begins to watch, with the application's code where some takes part.
    pub(super) fn begin(by_code: bool) -> Watched {
        if by_code {
            // SQLite reads it from a file.
            seed();
        }
        Watched { asked: asked_for_fleeting(), reads: by_code.then(reads) }
    }

    /// Returns whether the code is known to have read no file, and no thread has asked SQLite for the time or a random number. What
    /// another test reads meanwhile counts too.
    pub(super) fn has_seen_all(&self) -> bool {
        let read_nothing = match self.reads {
            None => true,
            Some(None) => false,
            // The first count is a read itself.
            Some(Some(before)) => reads() == Some(before + 1),
        };
        read_nothing && asked_for_fleeting() == self.asked
    }
}

/// Returns how often this process has called `read` and its kin, on a file, a pipe or a device, see
/// <https://docs.kernel.org/filesystems/proc.html>; `None` where the system does not count. Asking is one read. Not counted
/// are `recv` on a socket, a file that is mapped, and the names in a folder.
fn reads() -> Option<u64> {
    let mut text = [0; 512];
    let length = File::open("/proc/self/io").and_then(|mut file| file.read(&mut text)).ok()?;
    let text = str::from_utf8(text.get(..length)?).ok()?;
    text.lines().find_map(|line| line.strip_prefix("syscr: ")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::{Identity, Maker, Parts, Program, SchemaTexts, TableSource};
    use crate::sqlite::store::{Answer, Store, Stored};
    use std::time::{Duration, SystemTime};

    fn maker() -> Maker {
        let program = Program { path: "suite".into(), bytes: 100, written: SystemTime::UNIX_EPOCH };
        Maker { version: "0.1.0", sources: "multibind-0.1.0", library: b"3.51.0", program: Some(program) }
    }

    /// The identity of one schema, by a maker.
    fn identity(maker: Maker) -> Identity {
        Identity::of(&Parts {
            maker,
            copy_of: None,
            schema: vec![TableSource::Sql("CREATE TABLE user (name TEXT)")],
            texts: &SchemaTexts::default(),
            of_bind: None,
            data: &[],
            csv_empty_as_text: None,
            foreign_keys: None,
            journal_mode: None,
            on_connect: Vec::new(),
            is_server: false,
            pragmas: Vec::new(),
        })
    }

    fn of_program(change: fn(&mut Program)) -> Maker {
        let mut maker = maker();
        maker.program.iter_mut().for_each(change);
        maker
    }

    #[test]
    fn two_versions_in_one_folder_have_images_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path().to_path_buf());
        let stored = |note: &str| Stored { files: vec![b"SQLite".to_vec().into()], notes: vec![note.to_string()] };
        let others = [
            Maker { version: "0.2.0", ..maker() },
            Maker { sources: "multibind-0.2.0", ..maker() },
            Maker { library: b"3.51.1", ..maker() },
            Maker { program: None, ..maker() },
            of_program(|program| program.path = "other".into()),
            of_program(|program| program.bytes = 101),
            of_program(|program| program.written += Duration::from_nanos(1)),
        ];
        let own = identity(maker());
        store.write(&own, &stored("own")).unwrap();
        for (place, other) in others.map(identity).into_iter().enumerate() {
            let note = format!("other {place}");
            assert_eq!(store.read(&other), Answer::Absent, "{place}");
            store.write(&other, &stored(&note)).unwrap();
            assert_eq!(store.read(&other), Answer::Stored(stored(&note)));
        }
        assert_eq!(store.read(&own), Answer::Stored(stored("own")));
    }

    #[test]
    fn the_maker_of_an_image_is_this_version() {
        let Maker { version, sources, library, .. } = Maker::of(false);
        assert_eq!((version, sources), (env!("CARGO_PKG_VERSION"), env!("CARGO_MANIFEST_DIR")));
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        let source: String = conn.query_row("SELECT sqlite_source_id()", [], |row| row.get(0)).unwrap();
        assert!(library.starts_with(source.as_bytes()), "{}", library.escape_ascii());
    }
}
