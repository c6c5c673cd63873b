//! The running of a bind's sources on a private database, from the beginning or from the second half on.

use std::sync::Arc;

use rusqlite::Connection;

use super::blueprint::Blueprint;
use super::head::Head;
use super::template::{Facts, Template};
use crate::config::DatabaseSpec;
use crate::data::{self, DataFile, Load};
use crate::database::Setup;
use crate::error::{Error, Result};
use crate::instrument::noticing;
use crate::list::{has_name, mapped};
use crate::nearest::nearest;
use crate::schema::{self, Halves, Place, SchemaPart, Standing};
use crate::sqlite::objects::Objects;
use crate::sqlite::{has_noticed, notice_counts, open_noticing, texts, Image};

/// A second half to run.
pub(super) struct Rest<'h> {
    pub(super) head: &'h Head,
    pub(super) halves: &'h Halves,
    /// Set where statements that ask for a count are to be noticed.
    pub(super) notices_counts: bool,
}

impl Blueprint<'_> {
    /// Makes the template. Also returns the place at which its schema may be divided, where a statement is not the same twice.
    pub(super) fn run(&self, schema: &schema::Read) -> Result<(Template, Option<Place>)> {
        let schema::Read { parts, folders } = schema;
        let key = self.spec.key();
        let mut conn = self.beginning()?;
        let ended = schema::execute(&mut conn, &self.ground(), parts, None).map_err(|error| self.explained(error))?;
        let lent = parts.iter().any(|part| matches!(part, SchemaPart::Migrator(_)));
        if self.original.is_none() && (lent || self.spec.is_server()) {
            let uncounted = schema::uncounted_column(&conn, self.spec.is_server());
            if let Some(problem) = uncounted.map_err(Error::sql(key))? {
                let error = Error::Schema { bind: key.clone(), file: None, line: None, problem, at: None };
                return Err(self.explained(error));
            }
        }
        let objects = self.objects(&conn)?;
        self.load(&mut conn)?;
        let place = if has_noticed() { ended.search.place(parts.len(), &conn) } else { None };
        write_encoding(&conn).map_err(Error::sql(key))?;
        let missing_parents =
            if self.may_refer(parts) { schema::missing_parents(&conn).map_err(Error::sql(key))? } else { Vec::new() };
        let facts = Facts { missing_parents, folders: folders.clone() };
        let is_plain = self.spec.options.pragmas.is_empty()
            && !self.data.iter().any(DataFile::is_script)
            && ended.search.leaves_plain(&conn);
        let mut image = self.image_of(conn)?;
        if let Some(objects) = objects {
            image = image.knowing(objects);
        }
        if is_plain {
            image = image.lending();
        }
        Ok((Template::of(image, facts), place))
    }

    /// Runs the first half of a schema alone. Also returns what it has left of its connection.
    pub(super) fn run_head(&self, halves: &Halves) -> Result<(Image, Standing)> {
        let mut conn = self.beginning()?;
        let ended = schema::execute(&mut conn, &self.ground(), &halves.head, None)?;
        Ok((self.image_of(conn)?, ended.standing))
    }

    /// Makes a template of a first half: runs the second and the data.
    pub(super) fn run_rest(&self, rest: &Rest<'_>) -> Result<Template> {
        let Rest { head, halves, notices_counts } = rest;
        let key = self.spec.key();
        let mut conn = connection(&self.spec)?;
        if *notices_counts {
            notice_counts(&conn).map_err(Error::sql(key))?;
        }
        head.image.copy_into(&mut conn, "main").map_err(Error::sql(key))?;
        let resumed = Some(halves.resumed(head.standing));
        schema::execute(&mut conn, &self.ground(), &halves.tail, resumed).map_err(|error| self.explained(error))?;
        self.load(&mut conn)?;
        Ok(Template::of(self.image_of(conn)?, head.facts.clone()))
    }

    /// Reads the objects of the schema; `None` where that fails, which the first statement on the bind reports. A name that is no text is
    /// an error.
    fn objects(&self, conn: &Connection) -> Result<Option<Objects>> {
        let read = Objects::of(conn, self.spec.options.on_connect.is_empty());
        if let Ok(objects) = read {
            return Ok(Some(objects));
        }
        let bind = self.spec.key();
        match schema::unreadable_name(conn).map_err(Error::sql(bind))? {
            Some(name) => {
                let problem = format!("`{name}` in `sqlite_schema` is not UTF-8: write the schema as SQL text");
                Err(Error::Schema { bind: bind.clone(), file: None, line: None, problem, at: None })
            }
            None => Ok(None),
        }
    }

    /// Opens a private database that holds what the bind starts as a copy of.
    fn beginning(&self) -> Result<Connection> {
        let mut conn = connection(&self.spec)?;
        if let (Some(original), Some((_, origin))) = (&self.original, &self.spec.copy_of) {
            let copied = original.copy_into(&mut conn);
            copied.map_err(|problem| origin.error(self.spec.key(), format!("`copy_of`: {problem}")))?;
        }
        Ok(conn)
    }

    fn ground(&self) -> schema::Ground<'_> {
        let options = &self.spec.options;
        let (foreign_keys, journal_mode) = (options.foreign_keys, options.journal_mode());
        schema::Ground { key: self.spec.key(), limit: options.schema_limit(), foreign_keys, journal_mode }
    }

    fn load(&self, conn: &mut Connection) -> Result<()> {
        if self.data.is_empty() {
            return Ok(());
        }
        let (key, reading) = (self.spec.key(), self.spec.options.reading());
        let loaded = data::load(vec![Load { key, conn, files: self.data.clone(), reading }]);
        loaded.map(drop).map_err(|error| match error {
            Error::Data { file, line, bind, mut problem, .. } => {
                problem.push_str(self.of_a_server(&problem));
                Error::Data { file, line, bind, problem, at: None }
            }
            error => error,
        })
    }

    fn image_of(&self, conn: Connection) -> Result<Image> {
        let image = Image::new(conn).map_err(Error::sql(self.spec.key()))?;
        Ok(image.connected(&self.spec.options.on_connect))
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
    let conn = noticing(open_noticing).map_err(Error::sql(key))?;
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
