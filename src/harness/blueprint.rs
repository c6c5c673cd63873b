//! The making of a template: a bind's sources, read and run once.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::{Arc, OnceLock};

use super::bound::Start;
use super::head::Known;
use super::images::{Images, Looked};
use super::shape::Shape;
use super::template::Template;
use crate::config::{resolve_path, DatabaseSpec, SchemaSource};
use crate::data::{DataFile, Files, Scenario};
use crate::error::{list, shown_path, Error, Result};
use crate::say;
use crate::schema::{self, Place, SchemaPart, SchemaTexts};
use crate::sqlite::script::has_letters;
use crate::sqlite::store::Identity;
use crate::sqlite::{noticing, open_noticing, texts, Image, Original};
use crate::sync::{Blocked, OnceCache};

/// The most templates kept that no harness uses.
const MOST_TEMPLATES: usize = 128;
static TEMPLATES: OnceCache<Identity, Template> = OnceCache::new(MOST_TEMPLATES);

/// A bind's sources, as they are before anything is made of them.
pub(super) struct Blueprint<'s> {
    pub(super) spec: Cow<'s, DatabaseSpec>,
    /// The original that it starts as a copy of.
    pub(super) original: Option<Original>,
    /// The bytes of the files of its schema; `None` where there are too many to know them by.
    texts: Option<SchemaTexts>,
    /// The schema as it runs, read from them when a template is made.
    schema: OnceLock<schema::Read>,
    pub(super) data: Vec<DataFile>,
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

    /// Takes out the scenarios among its own data, and with them the rest of it, which may refer to their rows.
    pub(super) fn take_scenarios(&mut self) -> (Vec<DataFile>, Vec<Scenario>) {
        if self.scenarios.is_empty() {
            return (Vec::new(), Vec::new());
        }
        (std::mem::take(&mut self.data), std::mem::take(&mut self.scenarios))
    }

    /// Returns the blueprint with more data.
    pub(super) fn with(mut self, data: Vec<DataFile>) -> Blueprint<'s> {
        self.data.extend(data);
        self
    }

    /// Reads the schema, once.
    pub(super) fn schema(&self) -> Result<&schema::Read> {
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
            None => self.make().map(|(template, _)| Arc::new(template)),
        }
    }

    fn stored_or_made(&self, shape: &Shape) -> Result<Template> {
        let Some(images) = self.images.as_ref().filter(|_| shape.may_be_stored()) else {
            return self.make().map(|(template, _)| template);
        };
        match Known::of(shape.identity()) {
            Some(Known::Head(head)) => return self.completed(&head),
            Some(Known::Whole) => return self.make().map(|(template, _)| template),
            None => {}
        }
        let mut looked = images.look(&self.spec, shape);
        let mut claim = None;
        if let Looked::Missing = looked {
            let claimed = claim.insert(images.claim(shape));
            if claimed.has_waited {
                looked = images.look(&self.spec, shape);
            }
        }
        match looked {
            Looked::Found(template) => return Ok(template),
            Looked::Head(head) => {
                drop(claim);
                return self.completed(&head.keep(shape.identity()));
            }
            Looked::Fleeting => {
                // Those who wait would make it one after the other.
                drop(claim);
                return self.make().map(|(template, _)| template);
            }
            Looked::Missing => {}
        }
        let watched = shape.watch();
        let (made, place) = self.make()?;
        if made.fleeting().is_none() {
            if watched.has_seen_all() {
                images.keep(&self.spec, shape, &made);
            }
            return Ok(made);
        }
        match place.and_then(|place| self.head(shape, place, &made)) {
            Some((head, may_be_stored)) => {
                if may_be_stored {
                    images.keep_head(&self.spec, shape, &head);
                }
                head.keep(shape.identity());
                Ok(made.in_halves())
            }
            None if self.has_its_texts() => {
                images.keep(&self.spec, shape, &made);
                Known::Whole.keep(shape.identity());
                Ok(made)
            }
            None => Ok(made),
        }
    }

    fn refused(&self, problem: String) -> Error {
        Error::Schema { bind: self.spec.key().clone(), file: None, line: None, problem, at: None }
    }

    /// Returns whether making it again would give the same. If not, the log says so once.
    fn keeps(&self, template: &Template) -> bool {
        if let Some(statement) = template.fleeting() {
            let key = self.spec.key();
            let what = if template.is_in_halves() {
                "copies the tables and rows that come first and makes the rest anew"
            } else {
                "makes its tables and data anew"
            };
            say::info(format_args!("bind `{key}`: each start {what}, for {statement}"));
        }
        template.fleeting().is_none()
    }

    /// Returns whether its tables may have foreign keys; there is none without the word.
    pub(super) fn may_refer(&self, schema: &[SchemaPart]) -> bool {
        let may = |part: &SchemaPart| match part {
            SchemaPart::Script(script) => has_letters(&script.text, "references"),
            SchemaPart::Migrator(_) => true,
        };
        !self.data.is_empty() || schema.iter().any(may)
    }

    /// Adds to a schema's failure the likely cause.
    pub(super) fn explained(&self, error: Error) -> Error {
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
            problem.push_str(&format!("; the bind is configured at {}:{at}", shown_path(&configured)));
        }
        Error::Schema { bind, file, line, problem, at: None }
    }

    /// Returns a hint for SQL of a server, which SQLite does not read.
    pub(super) fn of_a_server(&self, problem: &str) -> &'static str {
        let unread = [
            "syntax error",
            "unrecognized token",
            "no such function",
            "unknown function",
            "no such collation sequence",
            "by which a server",
            "MySQL runs it",
        ];
        if self.spec.is_server() && unread.iter().any(|part| problem.contains(part)) {
            "; the URL of the bind names a server, and the bind's stand-in is SQLite, so its SQL is SQLite's"
        } else {
            ""
        }
    }

    /// Makes the template. Also returns the place at which its schema may be divided, where it is not the same twice.
    pub(super) fn make(&self) -> Result<(Template, Option<Place>)> {
        let Some(_nested) = Nested::begin() else {
            let problem = format!(
                "migrators start harnesses within each other, {} deep: leave the migrator out of the harness that it starts",
                Nested::MOST
            );
            return Err(self.refused(problem));
        };
        let schema = self.schema()?;
        let (made, mut fleeting) = noticing(|| self.run(schema));
        let (made, mut place) = made?;
        let function = self.fleeting_function(&made.image, &schema.parts).map_err(Error::sql(self.spec.key()))?;
        if function.is_some() {
            // It may be called before.
            place = None;
            fleeting = fleeting.or(function);
        }
        if !self.has_its_texts() {
            place = None;
            fleeting = Some("its files were written while they were read".to_string());
        }
        Ok((made.that_is(fleeting), place))
    }

    /// Returns whether the files of its schema are still as they were when it was read.
    pub(super) fn has_its_texts(&self) -> bool {
        self.texts.is_none() || self.texts == SchemaTexts::read(&self.spec.schema)
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
