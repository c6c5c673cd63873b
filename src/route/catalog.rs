//! The names in every bind, and the routes found with them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use rusqlite::Connection;

use super::access::Kind;
use super::known::Known;
use super::resolve::{one_statement, resolve, told};
use super::stage::{doubtful_names, Decoys, Doubtful, Present, Setting};
use super::stages::Stages;
use super::{Plan, Told};
use crate::error::{Error, Result};
use crate::key::{BindIndex, BindKey, PerBind};
use crate::list::{filtered, mapped};
use crate::order::{sort_by, sort_by_key};
use crate::sqlite::Image;
use crate::sync::{lock, Blocked, OnceCache};

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
    pub(super) replica_of: Option<BindIndex>,
    /// Whether its connections enforce foreign keys.
    pub(super) foreign_keys: bool,
}

/// A database that statements may be for.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) keys: Vec<BindKey>,
    pub(crate) image: Arc<Image>,
    /// The place of the one that it is a replica of, if it is one; replicas come after all others.
    pub(crate) replica_of: Option<BindIndex>,
    /// Whether its connections enforce foreign keys.
    pub(crate) foreign_keys: bool,
}

impl Place {
    pub(super) fn key(&self) -> &BindKey {
        self.keys.first().unwrap_or(&BindKey::DEFAULT)
    }

    pub(super) fn is_default(&self) -> bool {
        self.keys.iter().any(BindKey::is_default)
    }
}

/// The names of every bind at one moment, and what has been found out with them.
///
/// Shared by all harnesses of the process whose binds have the same tables, so that a statement is looked into once.
pub(crate) struct Catalog {
    pub(super) members: PerBind<Place>,
    names: HashMap<(Kind, String), Vec<Named>>,
    doubtful: OnceLock<Vec<Doubtful>>,
    stages: Mutex<Stages>,
    known: Known,
}

impl std::fmt::Debug for Catalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.keys()).finish()
    }
}

/// A name as it is written in the schema of one member.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) member: BindIndex,
    pub(super) name: String,
}

/// How many catalogs are kept that no session uses.
const MOST_CATALOGS: usize = 64;
/// How long a session waits for another that makes the catalog it needs.
const LONGEST: Duration = Duration::from_secs(60);

/// What makes two catalogs one: the keys and the images of their members, and how these are used.
type Identity = Vec<(Vec<BindKey>, u64, Option<BindIndex>, bool)>;
static CATALOGS: OnceCache<Identity, Catalog> = OnceCache::new(MOST_CATALOGS);

impl Catalog {
    /// The catalog of these databases: their keys and what their tables are.
    ///
    /// It is kept for others where another harness may start with the same tables. Those that a running database has come
    /// to are its own, and the session keeps the catalog.
    pub(crate) fn of(databases: PerBind<Candidate>) -> Result<Arc<Catalog>> {
        if databases.values().iter().any(|of| of.image.is_passing()) {
            return Catalog::make(databases).map(Arc::new);
        }
        let identity =
            mapped(databases.values(), |of| (of.keys.clone(), of.image.id(), of.replica_of, of.foreign_keys));
        let bind = databases.values().first().and_then(|of| of.keys.first()).cloned().unwrap_or(BindKey::DEFAULT);
        let blocked = |blocked: Blocked| Error::Schema { bind, file: None, line: None, problem: blocked.problem() };
        CATALOGS.get_or_make(&identity, LONGEST, || Catalog::make(databases), |_| true, blocked)
    }

    /// The catalog of one database alone, whose names mean it whatever other binds have.
    pub(crate) fn alone(keys: &[BindKey], image: Arc<Image>) -> Result<Arc<Catalog>> {
        let mut all = vec![BindKey::DEFAULT];
        all.append(&mut filtered(keys, |key| !key.is_default()));
        Catalog::of(PerBind::new(vec![Candidate { keys: all, image, replica_of: None, foreign_keys: false }]))
    }

    /// Whether this is the catalog of these databases.
    pub(crate) fn is_of(&self, databases: &[(&[BindKey], Arc<Image>)]) -> bool {
        let own = self.members.values().iter().map(|member| (member.keys.as_slice(), member.image.id()));
        own.eq(databases.iter().map(|(keys, image)| (*keys, image.id())))
    }

    fn make(databases: PerBind<Candidate>) -> Result<Catalog> {
        let mut names = HashMap::<_, Vec<Named>>::new();
        let members = databases.try_map_into(|member, Candidate { keys, image, replica_of, foreign_keys }| {
            let key = keys.first().unwrap_or(&BindKey::DEFAULT);
            let found = image.with(|conn| names_in(conn)).map_err(Error::sql(key, ""))?;
            let mut virtuals = Vec::new();
            for (kind, name, is_virtual) in found {
                if is_virtual {
                    virtuals.push(folded(&name));
                }
                names.entry((kind, folded(&name))).or_default().push(Named { member, name });
            }
            Ok::<_, Error>(Place { keys, image, virtuals, replica_of, foreign_keys })
        })?;
        Ok(Catalog { members, names, doubtful: OnceLock::new(), stages: Mutex::default(), known: Known::default() })
    }

    /// The configured keys, in order.
    pub(super) fn keys(&self) -> Vec<BindKey> {
        let mut keys = Vec::new();
        for member in self.members.values() {
            keys.extend_from_slice(&member.keys);
        }
        keys
    }

    /// The first key of a member.
    pub(crate) fn key(&self, member: BindIndex) -> BindKey {
        self.members[member].key().clone()
    }

    /// The member that has the default bind's key.
    pub(crate) fn default_member(&self) -> Option<BindIndex> {
        self.members.find(Place::is_default)
    }

    /// Where a name is, compared as SQL does.
    pub(super) fn named(&self, kind: Kind, name: &str) -> &[Named] {
        self.names.get(&(kind, folded(name))).map_or(&[], Vec::as_slice)
    }

    /// The key and the member that a name means which is written without a key; `None` where none or several have it.
    pub(super) fn owner(&self, kind: Kind, name: &str) -> Option<Present> {
        match self.owners(kind, name).as_slice() {
            [one] => Some(self.present(one.member)),
            _ => None,
        }
    }

    /// A member by the key that is meant where none is written.
    pub(super) fn present(&self, member: BindIndex) -> Present {
        let is_default = self.members[member].is_default();
        (if is_default { BindKey::DEFAULT } else { self.key(member) }, member)
    }

    pub(super) fn default_present(&self) -> Option<Present> {
        self.default_member().map(|member| (BindKey::DEFAULT, member))
    }

    /// Every key with its member, in order.
    pub(super) fn all_present(&self) -> Vec<Present> {
        let mut all = Vec::new();
        for (at, member) in self.members.iter() {
            for key in &member.keys {
                all.push((key.clone(), at));
            }
        }
        self.in_order(&mut all);
        all
    }

    /// Every key but the default one, with its member.
    pub(super) fn named_keys(&self) -> Vec<Present> {
        filtered(&self.all_present(), |(key, _)| !key.is_default())
    }

    /// Puts keys in the order in which SQLite is to find names: that of the members, replicas after their sources, and the
    /// first key of each first.
    pub(super) fn in_order(&self, present: &mut [Present]) {
        sort_by_key(present, |(key, member)| {
            (*member, !key.is_default(), self.members[*member].keys.iter().position(|known| known == key))
        });
    }

    /// A stage with decoys where these keys are present. Foreign keys bear on what is used only within one bind.
    pub(super) fn setting(&self, present: &[Present]) -> Setting {
        let foreign_keys = match present {
            [(_, member)] => self.members[*member].foreign_keys,
            _ => false,
        };
        Setting { present: present.to_vec(), decoys: Decoys::Doubtful, foreign_keys }
    }

    /// The names of tables and views, folded.
    pub(super) fn table_names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for (kind, name) in self.names.keys() {
            if *kind == Kind::Table {
                names.push(name.as_str());
            }
        }
        names
    }

    /// The names that do not always mean one table, found out on a connection without tables.
    pub(super) fn doubtful(&self, conn: &Connection) -> rusqlite::Result<&[Doubtful]> {
        if let Some(doubtful) = self.doubtful.get() {
            return Ok(doubtful);
        }
        let doubtful = doubtful_names(self, conn)?;
        Ok(self.doubtful.get_or_init(|| doubtful))
    }

    /// Where a name is that is written without a key, which never means a replica.
    pub(super) fn owners(&self, kind: Kind, name: &str) -> Vec<Named> {
        filtered(self.named(kind, name), |named| !self.is_replica(named.member))
    }

    pub(super) fn is_replica(&self, member: BindIndex) -> bool {
        self.members[member].replica_of.is_some()
    }

    /// The names of a kind that several members have, replicas left out, in order.
    pub(super) fn names_of_several(&self, kind: Kind) -> Vec<(Kind, String)> {
        let mut names = Vec::new();
        for name in self.names.keys() {
            if name.0 == kind && self.owners(kind, &name.1).len() > 1 {
                names.push(name.clone());
            }
        }
        sort_by(&mut names, Ord::cmp);
        names
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
        self.known.plan(sql, || {
            one_statement(sql)?;
            resolve(self, &mut lock(&self.stages), sql)
        })
    }

    /// What a statement does to the one bind it is told to run on.
    pub(crate) fn told(&self, sql: &str) -> Result<Told> {
        let sql = sql.trim();
        self.known.told(sql, || {
            one_statement(sql)?;
            told(self, &mut lock(&self.stages), sql)
        })
    }
}

/// A name as SQLite compares it: ASCII letters without case, all others as they are.
pub(super) fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// Every name in a schema, with its kind and whether it is a virtual table's.
fn names_in(conn: &Connection) -> rusqlite::Result<Vec<(Kind, String, bool)>> {
    let mut objects = conn.prepare("SELECT type, name, rootpage = 0 FROM sqlite_schema")?;
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
pub(super) fn check_version(version: i32, sql: &str, binds: usize) -> Result<()> {
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
