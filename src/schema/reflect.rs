//! Reading metadata from a database: SQLite says what is there.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::metadata::{
    ColumnInfo, ForeignKey, GeneratedKind, IndexInfo, IndexOrigin, Metadata, ObjectKind, SchemaObject, TableInfo,
    TableKind, TriggerInfo, ViewInfo,
};
use crate::error::{Error, Result};
use crate::key::BindKey;
use crate::sorted::Sorted;
use crate::sqlite::Image;

// `main` is also the name of a main schema that has been renamed (`SQLITE_DBCONFIG_MAINDBNAME`). Only the table list,
// which is of all schemas, has to be told the present name.
const OBJECTS: &str = "SELECT type, name, tbl_name, sql FROM main.sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid";
const TABLES: &str = "SELECT name, type, wr, strict FROM pragma_table_list \
    WHERE schema = (SELECT name FROM pragma_database_list WHERE seq = 0)";

// A virtual table or a view has no root page. SQLite would ask the module of the one and the tables of the other for
// their columns, and fail on all tables at once where those are not there.
const COLUMNS: &str = "SELECT t.name AS of, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk, c.hidden \
    FROM main.sqlite_schema AS t CROSS JOIN pragma_table_xinfo(t.name, 'main') AS c \
    WHERE t.type = 'table' AND t.rootpage > 0 ORDER BY t.rowid, c.cid";
const COLUMNS_OF_ONE: &str = "SELECT ?1 AS of, name, type, \"notnull\", dflt_value, pk, hidden \
    FROM pragma_table_xinfo(?1, 'main') ORDER BY cid";

// SQLite numbers foreign keys and indexes from the newest to the oldest.
const FOREIGN_KEYS: &str = "SELECT t.name AS of, k.id, k.\"table\", k.\"from\", k.\"to\", k.on_update, k.on_delete \
    FROM main.sqlite_schema AS t CROSS JOIN pragma_foreign_key_list(t.name, 'main') AS k \
    WHERE t.type = 'table' AND t.rootpage > 0 ORDER BY t.rowid, k.id DESC, k.seq";
const INDEXES: &str = "SELECT t.name AS of, i.name, i.\"unique\", i.origin, i.partial, c.name AS column \
    FROM main.sqlite_schema AS t CROSS JOIN pragma_index_list(t.name, 'main') AS i \
    CROSS JOIN pragma_index_xinfo(i.name, 'main') AS c \
    WHERE t.type = 'table' AND t.rootpage > 0 AND c.key ORDER BY t.rowid, i.seq DESC, c.seqno";

impl Metadata {
    /// Reads the metadata of an image.
    pub(crate) fn of(image: &Image, key: &BindKey) -> Result<Metadata> {
        image.with(|conn| Metadata::read(conn, key)).map_err(Error::sql(key))?
    }

    /// Reads the metadata of the connection's main database.
    pub(crate) fn read(conn: &Connection, key: &BindKey) -> Result<Metadata> {
        // One read transaction, so that all answers are about one schema.
        let transaction = if conn.is_autocommit() {
            Some(conn.unchecked_transaction().map_err(Error::sql_in(key, "BEGIN"))?)
        } else {
            None
        };
        let metadata = read(conn, key)?;
        match transaction {
            Some(transaction) => transaction.finish().map_err(Error::sql_in(key, "ROLLBACK")).map(|()| metadata),
            None => Ok(metadata),
        }
    }
}

fn read(conn: &Connection, key: &BindKey) -> Result<Metadata> {
    let mut details = Sorted::default();
    let mut shadows = Sorted::default();
    each(conn, key, TABLES, &mut |row| {
        let (name, kind): (String, String) = (row.get("name")?, row.get("type")?);
        match kind.as_str() {
            "shadow" => drop(shadows.insert(name, ())),
            kind => {
                let kind = if kind == "virtual" { TableKind::Virtual } else { TableKind::Ordinary };
                details.insert(name, (kind, row.get::<_, bool>("wr")?, row.get::<_, bool>("strict")?));
            }
        }
        Ok(())
    })?;

    let mut metadata = Metadata::default();
    each(conn, key, OBJECTS, &mut |row| {
        let (name, table): (String, String) = (row.get("name")?, row.get("tbl_name")?);
        let (kind, sql): (String, String) = (row.get("type")?, row.get("sql")?);
        if name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_")) {
            return Ok(());
        }
        let shadow = shadows.contains(&table);
        let kind = match kind.as_str() {
            "table" => ObjectKind::Table,
            "index" => ObjectKind::Index,
            "view" => ObjectKind::View,
            _ => ObjectKind::Trigger,
        };
        metadata.objects.push(SchemaObject {
            kind,
            name: name.clone(),
            table: table.clone(),
            sql: sql.clone(),
            shadow,
        });
        match kind {
            ObjectKind::Table if !shadow => {
                let (kind, without_rowid, strict) =
                    details.get(&name).copied().unwrap_or((TableKind::Ordinary, false, false));
                metadata.tables.push(TableInfo {
                    name,
                    kind,
                    strict,
                    without_rowid,
                    sql,
                    columns: Vec::new(),
                    foreign_keys: Vec::new(),
                    indexes: Vec::new(),
                });
            }
            ObjectKind::View => metadata.views.push(ViewInfo { name, sql }),
            ObjectKind::Trigger => metadata.triggers.push(TriggerInfo { name, table, sql }),
            _ => {}
        }
        Ok(())
    })?;

    let mut places = Places::default();
    for (at, table) in metadata.tables.iter().enumerate() {
        places.insert(table.name.clone(), at);
    }
    read_columns(conn, key, &mut metadata.tables, &places)?;
    read_foreign_keys(conn, key, &mut metadata.tables, &places)?;
    read_indexes(conn, key, &mut metadata.tables, &places)?;
    name_implied_parents(&mut metadata);
    Ok(metadata)
}

/// Returns the first name in the schema that is not text, with a mark for each byte that is not.
///
/// SQLite itself makes none of SQL that is text; one comes of a schema that a script writes by itself, and every name of
/// a column is taken for text from here on.
pub(crate) fn unreadable_name(conn: &Connection) -> rusqlite::Result<Option<String>> {
    let mut objects = conn.prepare("SELECT name, tbl_name, sql FROM main.sqlite_schema")?;
    let mut rows = objects.query([])?;
    while let Some(row) = rows.next()? {
        for column in 0..3 {
            if let ValueRef::Text(bytes) = row.get_ref(column)?
                && std::str::from_utf8(bytes).is_err()
            {
                return Ok(Some(String::from_utf8_lossy(bytes).into_owned()));
            }
        }
    }
    Ok(None)
}

type Places = Sorted<String, usize>;

/// Returns the table that a row is about, `None` for one that is not listed.
fn table_of<'t>(
    row: &Row<'_>,
    tables: &'t mut [TableInfo],
    places: &Places,
) -> rusqlite::Result<Option<&'t mut TableInfo>> {
    let name: String = row.get("of")?;
    Ok(places.get(&name).and_then(|at| tables.get_mut(*at)))
}

fn read_columns(conn: &Connection, key: &BindKey, tables: &mut [TableInfo], places: &Places) -> Result<()> {
    each(conn, key, COLUMNS, &mut |row| {
        if let Some(table) = table_of(row, tables, places)? {
            table.columns.push(column(row)?);
        }
        Ok(())
    })?;
    for table in tables {
        if table.kind == TableKind::Virtual {
            // Only the connections of the application may know the table's module.
            table.columns = columns_of(conn, &table.name).unwrap_or_default();
        }
    }
    Ok(())
}

fn columns_of(conn: &Connection, table: &str) -> rusqlite::Result<Vec<ColumnInfo>> {
    let mut statement = conn.prepare_cached(COLUMNS_OF_ONE)?;
    let mut rows = statement.query([table])?;
    let mut columns = Vec::new();
    while let Some(row) = rows.next()? {
        columns.push(column(row)?);
    }
    Ok(columns)
}

fn column(row: &Row<'_>) -> rusqlite::Result<ColumnInfo> {
    let (hidden, primary_key): (i64, i64) = (row.get("hidden")?, row.get("pk")?);
    Ok(ColumnInfo {
        name: row.get("name")?,
        declared_type: row.get::<_, Option<String>>("type")?.unwrap_or_default(),
        not_null: row.get("notnull")?,
        default: row.get("dflt_value")?,
        primary_key: usize::try_from(primary_key).ok().filter(|place| *place > 0),
        generated: match hidden {
            2 => Some(GeneratedKind::Virtual),
            3 => Some(GeneratedKind::Stored),
            _ => None,
        },
        hidden: hidden == 1,
    })
}

fn read_foreign_keys(conn: &Connection, key: &BindKey, tables: &mut [TableInfo], places: &Places) -> Result<()> {
    each(conn, key, FOREIGN_KEYS, &mut |row| {
        let Some(table) = table_of(row, tables, places)? else { return Ok(()) };
        let id = row.get("id")?;
        if table.foreign_keys.last().is_none_or(|last| last.id != id) {
            table.foreign_keys.push(ForeignKey {
                id,
                columns: Vec::new(),
                parent: row.get("table")?,
                parent_columns: Vec::new(),
                on_update: row.get("on_update")?,
                on_delete: row.get("on_delete")?,
            });
        }
        if let Some(last) = table.foreign_keys.last_mut() {
            last.columns.push(row.get("from")?);
            if let Some(column) = row.get("to")? {
                last.parent_columns.push(column);
            }
        }
        Ok(())
    })
}

fn read_indexes(conn: &Connection, key: &BindKey, tables: &mut [TableInfo], places: &Places) -> Result<()> {
    each(conn, key, INDEXES, &mut |row| {
        let Some(table) = table_of(row, tables, places)? else { return Ok(()) };
        let name: String = row.get("name")?;
        if table.indexes.last().is_none_or(|last| last.name != name) {
            let origin: String = row.get("origin")?;
            table.indexes.push(IndexInfo {
                name,
                unique: row.get("unique")?,
                origin: match origin.as_str() {
                    "u" => IndexOrigin::Unique,
                    "pk" => IndexOrigin::PrimaryKey,
                    _ => IndexOrigin::Created,
                },
                partial: row.get("partial")?,
                columns: Vec::new(),
            });
        }
        if let Some(last) = table.indexes.last_mut() {
            last.columns.push(row.get("column")?);
        }
        Ok(())
    })
}

/// Fills in the parent's primary key where a foreign key names no columns of its parent.
fn name_implied_parents(metadata: &mut Metadata) {
    for at in 0..metadata.tables.len() {
        for place in 0..metadata.tables[at].foreign_keys.len() {
            let key = &metadata.tables[at].foreign_keys[place];
            if !key.parent_columns.is_empty() {
                continue;
            }
            let Some(parent) = metadata.table(&key.parent) else { continue };
            let mut columns = Vec::new();
            for column in parent.primary_key() {
                columns.push(column.to_string());
            }
            metadata.tables[at].foreign_keys[place].parent_columns = columns;
        }
    }
}

/// Calls `take` with each row of the query.
fn each(
    conn: &Connection,
    key: &BindKey,
    sql: &str,
    take: &mut dyn FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> Result<()> {
    let mut run = || {
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            take(row)?;
        }
        Ok(())
    };
    run().map_err(Error::sql_in(key, sql))
}
