//! The names in every bind, and the routes found with them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rusqlite::Connection;

use super::access::Kind;
use super::plain::plain;
use super::resolve::{one_statement, resolve, told};
use super::router::Router;
use super::{Plan, Told};
use crate::database::{column_names, lock, Image, OnceCache};
use crate::error::{Error, Result};
use crate::key::BindKey;
use crate::list::{filtered, mapped};
use crate::order::sort_by;
use crate::script::quote;

/// One database as the router sees it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Every key that means it, the first its own.
    pub(super) keys: Vec<BindKey>,
    /// Its tables.
    pub(super) image: Arc<Image>,
    /// The names of its virtual tables.
    pub(super) virtuals: Vec<String>,
    /// The member that it is a replica of, if it is one. Only its key leads to its tables.
    pub(super) replica_of: Option<usize>,
}

/// A database that statements may be for.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) keys: Vec<BindKey>,
    pub(crate) image: Arc<Image>,
    /// The place of the one that it is a replica of, if it is one; replicas come after all others.
    pub(crate) replica_of: Option<usize>,
}

impl Place {
    pub(super) fn key(&self) -> &BindKey {
        self.keys.first().unwrap_or(&BindKey::DEFAULT)
    }

    /// The key to attach it by; `None` where it is `main`.
    pub(super) fn named_key(&self) -> Option<&BindKey> {
        self.keys.first().filter(|_| !self.is_default())
    }

    pub(super) fn is_default(&self) -> bool {
        self.keys.iter().any(BindKey::is_default)
    }
}

/// The names of every bind at one moment, and what has been found out with them.
///
/// Shared by all harnesses of the process whose binds have the same tables, so that a statement is looked into once.
pub(crate) struct Catalog {
    pub(super) members: Vec<Place>,
    names: HashMap<(Kind, String), Vec<Named>>,
    /// Made for the first statement that is not [plain](super::plain).
    router: Mutex<Option<Router>>,
    /// By the text of a statement.
    known: Mutex<HashMap<Box<str>, Known>>,
}

/// What has been found out about a statement.
#[derive(Default)]
struct Known {
    plan: Option<Arc<Plan>>,
    told: Option<Told>,
}

impl std::fmt::Debug for Catalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.keys()).finish()
    }
}

/// A name as it is written in the schema of one member.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) member: usize,
    pub(super) name: String,
}

/// How many routes a catalog keeps; when there are more it starts anew, which costs each a look.
const MOST_ROUTES: usize = 4096;
/// The longest text in bytes that a route is kept for; a longer one is looked into each time.
const LONGEST_TEXT: usize = 16 * 1024;
/// How many catalogs are kept that no session uses.
const MOST_CATALOGS: usize = 64;

/// What makes two catalogs one: the keys and the images of their members.
type Identity = Vec<(Vec<BindKey>, u64, Option<usize>)>;
static CATALOGS: OnceCache<Identity, Catalog> = OnceCache::new(MOST_CATALOGS);

impl Catalog {
    /// The catalog of these databases: their keys and what their tables are.
    pub(crate) fn of(databases: Vec<Candidate>) -> Result<Arc<Catalog>> {
        let identity = mapped(&databases, |of| (of.keys.clone(), of.image.id(), of.replica_of));
        CATALOGS.get_or_make(&identity, || Catalog::make(databases))
    }

    /// The catalog of one database alone, whose names mean it whatever other binds have.
    pub(crate) fn alone(keys: &[BindKey], image: Arc<Image>) -> Result<Arc<Catalog>> {
        let mut all = vec![BindKey::DEFAULT];
        all.append(&mut filtered(keys, |key| !key.is_default()));
        Catalog::of(vec![Candidate { keys: all, image, replica_of: None }])
    }

    /// Whether this is the catalog of these databases.
    pub(crate) fn is_of(&self, databases: &[(&[BindKey], Arc<Image>)]) -> bool {
        let own = self.members.iter().map(|member| (member.keys.as_slice(), member.image.id()));
        own.eq(databases.iter().map(|(keys, image)| (*keys, image.id())))
    }

    fn make(databases: Vec<Candidate>) -> Result<Catalog> {
        let mut members = Vec::with_capacity(databases.len());
        let mut names = HashMap::<_, Vec<Named>>::new();
        for (member, Candidate { keys, image, replica_of }) in databases.into_iter().enumerate() {
            let key = keys.first().unwrap_or(&BindKey::DEFAULT);
            let found = image.with(|conn| names_in(conn)).map_err(Error::sql(key, ""))?;
            let mut virtuals = Vec::new();
            for (kind, name, is_virtual) in found {
                if is_virtual {
                    virtuals.push(folded(&name));
                }
                names.entry((kind, folded(&name))).or_default().push(Named { member, name });
            }
            members.push(Place { keys, image, virtuals, replica_of });
        }
        Ok(Catalog { members, names, router: Mutex::default(), known: Mutex::default() })
    }

    /// The configured keys, in order.
    pub(super) fn keys(&self) -> Vec<BindKey> {
        let mut keys = Vec::new();
        for member in &self.members {
            keys.extend_from_slice(&member.keys);
        }
        keys
    }

    /// The first key of a member.
    pub(crate) fn key(&self, member: usize) -> BindKey {
        self.members.get(member).map_or(BindKey::DEFAULT, |member| member.key().clone())
    }

    /// The member that has the default bind's key.
    pub(crate) fn default_member(&self) -> Option<usize> {
        self.members.iter().position(Place::is_default)
    }

    /// Where a name is, compared as SQL does.
    pub(super) fn named(&self, kind: Kind, name: &str) -> &[Named] {
        self.names.get(&(kind, folded(name))).map_or(&[], Vec::as_slice)
    }

    /// Where a name is that is written without a key, which never means a replica.
    pub(super) fn owners(&self, kind: Kind, name: &str) -> Vec<Named> {
        filtered(self.named(kind, name), |named| !self.is_replica(named.member))
    }

    pub(super) fn is_replica(&self, member: usize) -> bool {
        self.members.get(member).is_some_and(|member| member.replica_of.is_some())
    }

    /// The names of some kinds that several members have, replicas left out, in order.
    pub(super) fn names_of_several(&self, kinds: &[Kind]) -> Vec<(Kind, String)> {
        let owners = |named: &[Named]| named.iter().filter(|named| !self.is_replica(named.member)).count();
        let mut names = Vec::new();
        for (name, named) in &self.names {
            if kinds.contains(&name.0) && owners(named) > 1 {
                names.push(name.clone());
            }
        }
        sort_by(&mut names, Ord::cmp);
        names
    }

    /// The columns that tables of one name have, in whatever member.
    pub(super) fn columns_of(&self, table: &str) -> Vec<String> {
        let mut columns = Vec::<String>::new();
        for named in self.named(Kind::Table, table) {
            let Some(member) = self.members.get(named.member) else { continue };
            let own = member.image.with(|conn| {
                let select = conn.prepare(&format!("SELECT * FROM {}", quote(table)));
                select.map(|select| column_names(&select))
            });
            // A view may be one that cannot be read.
            for column in own.unwrap_or_default() {
                if !columns.iter().any(|known| known.eq_ignore_ascii_case(&column)) {
                    columns.push(column);
                }
            }
        }
        if columns.is_empty() {
            columns.push("multibind".to_string());
        }
        columns
    }

    /// What tells the tables of a member from what they were.
    pub(crate) fn image_id(&self, member: usize) -> Option<u64> {
        self.members.get(member).map(|member| member.image.id())
    }

    /// Every table name with its bind.
    pub(super) fn tables(&self) -> Vec<(BindKey, String)> {
        let mut tables = Vec::new();
        for ((_, _), all) in self.names.iter().filter(|((kind, _), _)| *kind == Kind::Table) {
            for named in all.iter().filter(|named| !self.is_replica(named.member)) {
                tables.push((self.key(named.member), named.name.clone()));
            }
        }
        tables
    }

    /// The plan of a statement: found once, then kept by its text.
    pub(crate) fn route(&self, sql: &str) -> Result<Arc<Plan>> {
        // As rusqlite prepares it, which takes blanks for blanks that SQLite does not.
        let sql = sql.trim();
        if let Some(plan) = lock(&self.known).get(sql).and_then(|known| known.plan.clone()) {
            return Ok(plan);
        }
        one_statement(sql)?;
        let plan = match plain(self, sql) {
            Some(plan) => plan,
            None => {
                check_version(rusqlite::version_number(), sql, self.members.len())?;
                self.with_router(|router| resolve(self, router, sql))?
            }
        };
        let plan = Arc::new(plan);
        self.keep(sql, &|known| known.plan = Some(Arc::clone(&plan)));
        Ok(plan)
    }

    /// What a statement does to the one bind it is told to run on.
    pub(crate) fn told(&self, sql: &str) -> Result<Told> {
        let sql = sql.trim();
        if let Some(told) = lock(&self.known).get(sql).and_then(|known| known.told) {
            return Ok(told);
        }
        one_statement(sql)?;
        let told = self.with_router(|router| told(self, router, sql))?;
        self.keep(sql, &|known| known.told = Some(told));
        Ok(told)
    }

    /// Keeps what was found out about a statement, unless its text is a long one.
    fn keep(&self, sql: &str, what: &dyn Fn(&mut Known)) {
        if sql.len() > LONGEST_TEXT {
            return;
        }
        let mut known = lock(&self.known);
        if known.len() >= MOST_ROUTES {
            known.clear();
        }
        what(known.entry(sql.into()).or_default());
    }

    /// Runs `look` with the router, which has everything that it was asked for before.
    pub(super) fn with_router<T>(&self, look: impl FnOnce(&mut Router) -> Result<T>) -> Result<T> {
        let mut router = lock(&self.router);
        let router = match &mut *router {
            Some(router) => router,
            none => {
                let new = Router::new(&self.members, self.default_member());
                none.insert(new?)
            }
        };
        look(router)
    }
}

/// A name as SQLite compares it: ASCII letters without case, all others as they are.
pub(super) fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// Every name in a schema, with its kind and whether it is a virtual table's.
fn names_in(conn: &Connection) -> rusqlite::Result<Vec<(Kind, String, bool)>> {
    // The indexes that SQLite makes for a constraint cannot be named in a statement of their own, and have no text.
    let sql = "SELECT type, name, rootpage = 0 FROM sqlite_schema WHERE type <> 'index' OR sql IS NOT NULL";
    let mut objects = conn.prepare(sql)?;
    let mut rows = objects.query([])?;
    let mut names = Vec::new();
    while let Some(row) = rows.next()? {
        let of = row.get_ref(0)?.as_str()?;
        let kind = match of {
            "index" => Kind::Index,
            "trigger" => Kind::Trigger,
            _ => Kind::Table,
        };
        names.push((kind, row.get::<_, String>(1)?, of == "table" && row.get(2)?));
    }
    Ok(names)
}

/// The oldest SQLite whose reports are known to be told apart rightly, in the form of `sqlite3_libversion_number`.
const OLDEST: i32 = 3_050_000;

/// Refuses to guess where SQLite, older than any that this was tried with, may report a virtual table, a table-valued
/// function or a `REINDEX` in another way.
fn check_version(version: i32, sql: &str, binds: usize) -> Result<()> {
    if version >= OLDEST || binds < 2 {
        return Ok(());
    }
    let told = |version: i32| format!("{}.{}.{}", version / 1_000_000, version / 1_000 % 1_000, version % 1_000);
    Err(Error::Statement {
        sql: sql.to_string(),
        problem: format!(
            "the SQLite that is linked is {}, and which bind this statement is for is told for certain from {} on: name \
             it with `session.on(key)`, or turn on the feature `bundled`",
            told(version),
            told(OLDEST)
        ),
    })
}

#[cfg(test)]
mod version_tests {
    use super::check_version;

    #[test]
    fn an_old_sqlite_is_not_asked_where_a_statement_belongs() {
        assert!(check_version(3_050_002, "SELECT 1", 2).is_ok());
        assert!(check_version(3_040_001, "SELECT 1", 1).is_ok());
        insta::assert_snapshot!(check_version(3_040_001, "SELECT 1", 2).unwrap_err(), @"
        the session does not run this statement: the SQLite that is linked is 3.40.1, and which bind this statement is for is told for certain from 3.50.0 on: name it with `session.on(key)`, or turn on the feature `bundled`
          in: SELECT 1
        ");
    }
}
