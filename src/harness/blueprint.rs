//! The making of a template: a bind's sources, read and run once.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::{Arc, OnceLock};

use rusqlite::Connection;

use super::bound::Start;
use super::images::{Images, Looked};
use super::shape::Shape;
use super::template::{Facts, Template};
use crate::config::{resolve_path, DatabaseSpec, SchemaSource};
use crate::data::{self, DataFile, Files, Load, Scenario};
use crate::database::Setup;
use crate::error::{list, Error, Result};
use crate::list::{has_name, mapped};
use crate::nearest::nearest;
use crate::say;
use crate::schema::{self, SchemaPart, SchemaTexts};
use crate::sqlite::script::has_letters;
use crate::sqlite::store::Identity;
use crate::sqlite::{noticing, open_noticing, texts, Image, Original};
use crate::sync::{Blocked, OnceCache};

/// The most templates kept that no harness uses.
const MOST_TEMPLATES: usize = 128;
static TEMPLATES: OnceCache<Identity, Template> = OnceCache::new(MOST_TEMPLATES);

/// A bind's sources, as they are before anything is made of them.
pub(super) struct Blueprint<'s> {
    spec: Cow<'s, DatabaseSpec>,
    /// The original that it starts as a copy of.
    original: Option<Original>,
    /// The bytes of the files of its schema; `None` where there are too many to know them by.
    texts: Option<SchemaTexts>,
    /// The schema as it runs, read from them when a template is made.
    schema: OnceLock<schema::Read>,
    data: Vec<DataFile>,
    /// Its own data whose rows are still to be resolved.
    scenarios: Vec<Scenario>,
    /// The store of what earlier processes have made.
    images: Option<Arc<Images>>,
}

impl<'s> Blueprint<'s> {
    /// Reads the files of a bind's schema and of its own data.
    pub(super) fn read(spec: &'s DatabaseSpec, images: Option<&Arc<Images>>) -> Result<Blueprint<'s>> {
        let key = spec.key();
        let Files { files, scenarios } = Files::at(&spec.data, Some(key))?;
        let original = spec.copy_of.as_ref().map(|(path, origin)| {
            Original::read(path).map_err(|problem| origin.error(key, format!("`copy_of`: {problem}")))
        });
        Ok(Blueprint {
            spec: Cow::Borrowed(spec),
            original: original.transpose()?,
            texts: SchemaTexts::read(&spec.schema),
            schema: OnceLock::new(),
            data: files,
            scenarios,
            images: images.cloned(),
        })
    }

    /// Returns the blueprint with a specification of its own.
    pub(super) fn into_owned(self) -> Blueprint<'static> {
        Blueprint { spec: Cow::Owned(self.spec.into_owned()), ..self }
    }

    /// Takes out the scenarios among its own data.
    pub(super) fn take_scenarios(&mut self) -> Vec<Scenario> {
        std::mem::take(&mut self.scenarios)
    }

    /// Returns the blueprint with more data.
    pub(super) fn with(mut self, data: Vec<DataFile>) -> Blueprint<'s> {
        self.data.extend(data);
        self
    }

    /// Reads the schema, once.
    fn schema(&self) -> Result<&schema::Read> {
        if let Some(schema) = self.schema.get() {
            return Ok(schema);
        }
        let schema = schema::read(&self.spec.made_for, &self.spec.configured, &self.spec.schema)?;
        Ok(self.schema.get_or_init(|| schema))
    }

    /// Returns what a database of this template starts from.
    pub(super) fn start(&self) -> Result<Start> {
        Ok(Start::of(self.template()?, &self.spec))
    }

    /// Returns the shape of what it makes; `None` where nothing is known of that beforehand: of a closure that captures something, and of
    /// more files than are read here.
    pub(super) fn shape(&self) -> Option<Shape> {
        self.texts.as_ref().and_then(|texts| Shape::of(&self.spec, self.original.as_ref(), texts, &self.data))
    }

    /// Returns the template, creating it if neither this process nor one before has made it.
    pub(super) fn template(&self) -> Result<Arc<Template>> {
        match self.shape() {
            Some(shape) => {
                let limit = self.spec.options.schema_limit();
                let make = || self.stored_or_made(&shape);
                let keeps = |template: &Template| self.keeps(template);
                let blocked = |blocked: Blocked| self.refused(blocked.problem());
                TEMPLATES.get_or_make(shape.identity(), limit, make, keeps, blocked)
            }
            None => self.make().map(Arc::new),
        }
    }

    fn stored_or_made(&self, shape: &Shape) -> Result<Template> {
        let Some(images) = self.images.as_ref().filter(|_| shape.may_be_stored()) else { return self.make() };
        let claim = match images.look(&self.spec, shape) {
            Looked::Found(template) => return Ok(template),
            Looked::Fleeting => return self.make(),
            Looked::Missing => images.claim(shape),
        };
        if claim.has_waited
            && let Looked::Found(template) = images.look(&self.spec, shape)
        {
            return Ok(template);
        }
        let watched = shape.watch();
        let made = self.make()?;
        if watched.has_seen_all() {
            images.keep(&self.spec, shape, &made);
        }
        Ok(made)
    }

    fn refused(&self, problem: String) -> Error {
        Error::Schema { bind: self.spec.key().clone(), file: None, line: None, problem, at: None }
    }

    /// Returns whether making it again would give the same. If not, the log says so once.
    fn keeps(&self, template: &Template) -> bool {
        if let Some(statement) = template.fleeting() {
            let key = self.spec.key();
            say::info(format_args!("bind `{key}`: each start makes its tables and data anew, for {statement}"));
        }
        template.fleeting().is_none()
    }

    /// Returns whether its tables may have foreign keys; there is none without the word.
    fn may_refer(&self, schema: &[SchemaPart]) -> bool {
        let may = |part: &SchemaPart| match part {
            SchemaPart::Script(script) => has_letters(&script.text, "references"),
            SchemaPart::Migrator(_) => true,
        };
        !self.data.is_empty() || schema.iter().any(may)
    }

    /// Adds to a schema's failure the likely cause.
    fn explained(&self, error: Error) -> Error {
        let Error::Schema { bind, file, line, mut problem, .. } = error else { return error };
        let is_path = |text: &str| !text.contains(char::is_whitespace) && resolve_path(text.as_ref()).exists();
        let path = self.spec.schema.iter().find_map(|source| match source {
            SchemaSource::Sql(text) if is_path(text) => Some(text),
            _ => None,
        });
        if let Some(path) = path.filter(|_| file.is_none()) {
            problem.push_str(&format!("; `{path}` is a file or a folder: give it to `schema_path`"));
        }
        if self.spec.made_for.len() > 1 && !self.spec.is_mirrored {
            let keys = list(&self.spec.made_for);
            problem.push_str(&format!("; the binds {keys} have the same URL, so they share one database"));
        }
        problem.push_str(self.of_a_server(&problem));
        // SQL that stands in the configuration has lines of its own.
        if let (None, (Some(configured), Some(at))) = (&file, self.spec.origin.place()) {
            problem.push_str(&format!("; the bind is configured at {}:{at}", configured.display()));
        }
        Error::Schema { bind, file, line, problem, at: None }
    }

    /// Returns a hint for SQL of a server, which SQLite does not read.
    fn of_a_server(&self, problem: &str) -> &'static str {
        let unread =
            ["syntax error", "unrecognized token", "no such function", "unknown function", "by which a server"];
        if self.spec.is_server() && unread.iter().any(|part| problem.contains(part)) {
            "; the URL of the bind names a server, and the bind's stand-in is SQLite, so its SQL is SQLite's"
        } else {
            ""
        }
    }

    fn make(&self) -> Result<Template> {
        let Some(_nested) = Nested::begin() else {
            let problem = format!(
                "migrators start harnesses within each other, {} deep: leave the migrator out of the harness that it starts",
                Nested::MOST
            );
            return Err(self.refused(problem));
        };
        let schema = self.schema()?;
        let (made, fleeting) = noticing(|| self.run(schema));
        let made = made?;
        let mut fleeting = match fleeting {
            Some(statement) => Some(statement),
            None => self.fleeting_function(&made.image, &schema.parts).map_err(Error::sql(self.spec.key()))?,
        };
        if self.texts.is_some() && self.texts != SchemaTexts::read(&self.spec.schema) {
            fleeting = Some("its files were written while they were read".to_string());
        }
        Ok(made.that_is(fleeting))
    }

    /// Returns the words for a function of the application's that may give something else each time, if the schema or the data may call
    /// one.
    fn fleeting_function(&self, image: &Image, schema: &[SchemaPart]) -> rusqlite::Result<Option<String>> {
        if self.spec.options.on_connect.is_empty() {
            return Ok(None);
        }
        let own = image.with(|conn| texts(conn, FLEETING_FUNCTIONS))??;
        let of_sqlite = texts(&open_noticing()?, FLEETING_FUNCTIONS)?;
        let may_call = |name: &str| {
            let in_schema = schema.iter().any(|part| match part {
                SchemaPart::Script(script) => has_letters(&script.text, name),
                SchemaPart::Migrator(_) => true,
            });
            in_schema || self.original.is_some() || self.data.iter().any(|file| file.has_letters(name))
        };
        let mut found =
            own.iter().filter(|entry| !of_sqlite.contains(entry)).filter_map(|entry| entry.splitn(4, ' ').last());
        let found = found.find(|name| may_call(name));
        Ok(found.map(|name| format!("`on_connect` registers `{name}`, which is not SQLITE_DETERMINISTIC")))
    }

    fn run(&self, schema: &schema::Read) -> Result<Template> {
        let schema::Read { parts, folders } = schema;
        let key = self.spec.key();
        let limit = self.spec.options.schema_limit();
        let mut conn = connection(&self.spec)?;
        if let (Some(original), Some((_, origin))) = (&self.original, &self.spec.copy_of) {
            let copied = original.copy_into(&mut conn);
            copied.map_err(|problem| origin.error(key, format!("`copy_of`: {problem}")))?;
        }
        let options = &self.spec.options;
        let (foreign_keys, journal_mode) = (options.foreign_keys, options.journal_mode());
        let ground = schema::Ground { key, limit, foreign_keys, journal_mode };
        schema::execute(&mut conn, &ground, parts).map_err(|error| self.explained(error))?;
        let lent = parts.iter().any(|part| matches!(part, SchemaPart::Migrator(_)));
        if self.original.is_none() && (lent || self.spec.is_server()) {
            let uncounted = schema::uncounted_column(&conn, self.spec.is_server());
            if let Some(problem) = uncounted.map_err(Error::sql(key))? {
                let error = Error::Schema { bind: key.clone(), file: None, line: None, problem, at: None };
                return Err(self.explained(error));
            }
        }
        if let Some(name) = schema::unreadable_name(&conn).map_err(Error::sql(key))? {
            let problem = format!("`{name}` in `sqlite_schema` is not UTF-8: write the schema as SQL text");
            return Err(Error::Schema { bind: key.clone(), file: None, line: None, problem, at: None });
        }
        if !self.data.is_empty() {
            let reading = self.spec.options.reading();
            let loaded = data::load(vec![Load { key, conn: &mut conn, files: self.data.clone(), reading }]);
            loaded.map_err(|error| match error {
                Error::Data { file, line, bind, mut problem, .. } => {
                    problem.push_str(self.of_a_server(&problem));
                    Error::Data { file, line, bind, problem, at: None }
                }
                error => error,
            })?;
        }
        write_encoding(&conn).map_err(Error::sql(key))?;
        let missing_parents =
            if self.may_refer(parts) { schema::missing_parents(&conn).map_err(Error::sql(key))? } else { Vec::new() };
        let image = Image::new(conn).map_err(Error::sql(key))?.connected(&self.spec.options.on_connect);
        Ok(Template::of(image, Facts { missing_parents, folders: folders.clone() }))
    }
}

/// The functions of a connection that are not built in and not deterministic, each with its name last, see
/// <https://sqlite.org/c3ref/c_deterministic.html>. One that replaces a function of the same name has an entry of its own.
const FLEETING_FUNCTIONS: &str = "SELECT DISTINCT narg || ' ' || enc || ' ' || flags || ' ' || name \
    FROM pragma_function_list WHERE NOT builtin AND (flags & 0x800) = 0 ORDER BY name";

thread_local! {
    /// The number of templates that this thread is making, each within a migrator of the one before.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// A template in the making on this thread.
struct Nested;

impl Nested {
    /// A migrator that captures something may well start harnesses with itself, but not without end.
    const MOST: usize = 16;

    /// Counts one more; `None` where there are too many.
    fn begin() -> Option<Nested> {
        let depth = DEPTH.get();
        (depth < Nested::MOST).then(|| {
            DEPTH.set(depth + 1);
            Nested
        })
    }
}

impl Drop for Nested {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
    }
}

/// Refuses a pragma that SQLite does not have, which would silently do nothing.
fn check_pragmas(conn: &Connection, spec: &DatabaseSpec) -> Result<()> {
    let (options, key) = (&spec.options, spec.key());
    if options.pragmas.is_empty() {
        return Ok(());
    }
    let known = texts(conn, "SELECT name FROM pragma_pragma_list").map_err(Error::sql(key))?;
    for (name, _) in &options.pragmas {
        if !has_name(&known, name) {
            let near = nearest(name, &mapped(&known, String::as_str));
            let near = near.map(|near| format!("; the nearest is `{near}`")).unwrap_or_default();
            return Err(spec.origin.error(key, format!("SQLite has no pragma `{name}`{near}")));
        }
    }
    Ok(())
}

/// Opens a private database set up as the bind's connections are, so that pragmas shape the new database.
fn connection(spec: &DatabaseSpec) -> Result<Connection> {
    let key = spec.key();
    let conn = open_noticing().map_err(Error::sql(key))?;
    check_pragmas(&conn, spec)?;
    let setup = Setup::new(&spec.options, "", Arc::default());
    let applied = setup.apply_options(&conn, false);
    applied.map_err(|error| spec.origin.error(key, format!("a pragma failed: {error}")))?;
    setup.connected(&conn).map_err(|error| spec.origin.error(key, error.to_string()))?;
    // A bind may be read only for its application; its tables are made all the same.
    conn.pragma_update(None, "query_only", false).map_err(Error::sql(key))?;
    Ok(conn)
}

/// Writes down the encoding of a database that nothing was written to: until then only its connection knows it.
fn write_encoding(conn: &Connection) -> rusqlite::Result<()> {
    // One after the other, for their table-valued functions take SQLite longer to set up than to answer.
    let pages: i64 = conn.pragma_query_value(None, "page_count", |row| row.get(0))?;
    if pages > 0 {
        return Ok(());
    }
    let encoding: String = conn.pragma_query_value(None, "encoding", |row| row.get(0))?;
    match encoding.as_str() {
        "UTF-8" => Ok(()),
        // A view has no page of its own to leave behind.
        _ => conn.execute_batch("CREATE VIEW v AS SELECT 1; DROP VIEW v"),
    }
}
