//! Reading over several binds: one connection with all of them attached by key.

use std::sync::{Arc, Mutex};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::Connection;

use super::engines::{failed, Engines};
use super::statement::Ready;
use crate::database::{attach, lock, Database};
use crate::error::{list, sqlite_message, Error, Result};
use crate::harness::Running;
use crate::key::BindKey;
use crate::route::{Catalog, Member, Told};
use crate::script::quote;

/// A connection for the last join, kept for the next over the same binds.
#[derive(Debug, Default)]
pub(super) struct Joined {
    open: Option<(Vec<(BindKey, usize)>, Connection)>,
}

impl Joined {
    /// Runs `work` on a connection that has these binds attached and sees the session's own rows in them.
    pub(super) fn run<T>(
        &mut self,
        running: &Running,
        engines: &mut Engines,
        members: &[Member],
        lookups: Option<Arc<Catalog>>,
        sql: &str,
        work: impl FnOnce(Ready<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let fail = |error| failed(&blamed(members, &error), sql, error);
        let written = members.iter().filter(|member| engines.has_written(member.position)).collect::<Vec<_>>();
        for member in &written {
            let shares = running.at(member.position).is_some_and(Database::is_shared_cache);
            let problem = match (shares, engines.has_changed_schema(member.position)) {
                (true, false) => continue,
                // No connection prepares a statement while another's schema change is not committed.
                (true, true) => "commit first",
                (false, _) => "commit first, or keep the bind in `Bind::memory()`",
            };
            let binds = members.iter().map(|member| member.key.clone()).collect::<Vec<_>>();
            return Err(Error::Statement {
                sql: sql.to_string(),
                problem: format!(
                    "it reads {} on one connection, which cannot see what this session has written to bind `{}` and \
                     not committed: {problem}",
                    list(&binds),
                    member.key
                ),
            });
        }
        if !written.is_empty() {
            // Rows that others have not committed must stay unseen: a read lock keeps their writers out.
            for member in members {
                let shares = running.at(member.position).is_some_and(Database::is_shared_cache);
                if shares && !engines.has_written(member.position) {
                    lock_tables(running, engines, member, sql)?;
                }
            }
        }
        let conn = self.connection(running, members).map_err(fail)?;
        for copy in copies(running, members) {
            if let Some(database) = running.at(copy.position) {
                let image = engines.own_image(database, copy.position).map_err(fail)?;
                image.copy_into(conn, copy.key.schema_name()).map_err(fail)?;
            }
        }
        conn.pragma_update(None, "read_uncommitted", !written.is_empty()).map_err(fail)?;
        let limit =
            members.iter().filter_map(|member| running.at(member.position)).map(|database| database.busy_timeout());
        let limit = limit.max().unwrap_or_default();
        let work = |conn: &Connection| engines.as_last_inserter(conn, |conn| work(Ready { conn, limit }));
        match lookups {
            Some(catalog) => refusing_guesses(conn, catalog, work)?.map_err(fail),
            None => work(conn).map_err(fail),
        }
    }

    fn connection(&mut self, running: &Running, members: &[Member]) -> rusqlite::Result<&mut Connection> {
        let wanted = members.iter().map(|member| (member.key.clone(), member.position)).collect::<Vec<_>>();
        let kept = self.open.take().filter(|(open, _)| *open == wanted);
        let open = match kept {
            Some(open) => open,
            None => {
                let conn = open(running, members)?;
                (wanted, conn)
            }
        };
        Ok(&mut self.open.insert(open).1)
    }
}

/// The bind that an error is about: that of the locked table where one is locked, else the first.
fn blamed(members: &[Member], error: &rusqlite::Error) -> BindKey {
    let message = sqlite_message(error);
    let locked = |member: &&Member| member.tables.iter().any(|table| message.ends_with(&format!(": {table}")));
    members.iter().find(locked).or(members.first()).map_or(BindKey::DEFAULT, |member| member.key.clone())
}

/// The second keys of a database, where SQLite attaches it but once: it refuses to attach a shared cache again.
fn copies<'m>(running: &'m Running, members: &'m [Member]) -> impl Iterator<Item = &'m Member> {
    members.iter().enumerate().filter_map(|(at, member)| {
        let again = members.iter().take(at).any(|before| before.position == member.position);
        (again && running.at(member.position).is_some_and(Database::is_shared_cache)).then_some(member)
    })
}

/// Does something on a connection on which a table-valued function may look names up: one that several binds have is
/// an error, where SQLite would take the first.
fn refusing_guesses<T>(
    conn: &Connection,
    catalog: Arc<Catalog>,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<rusqlite::Result<T>> {
    let refused = Arc::new(Mutex::new(None));
    let refusal = Arc::clone(&refused);
    let listening = conn.authorizer(Some(move |context: AuthContext<'_>| {
        let AuthAction::Pragma { pragma_name, pragma_value } = context.action else { return Authorization::Allow };
        match catalog.refuse_pragma(pragma_name, pragma_value, context.database_name) {
            Some(error) => {
                *lock(&refusal) = Some(error);
                Authorization::Deny
            }
            None => Authorization::Allow,
        }
    }));
    listening.map_err(failed_to_listen)?;
    let done = work(conn);
    conn.authorizer(None::<fn(AuthContext<'_>) -> Authorization>).map_err(failed_to_listen)?;
    let refused = lock(&refused).take();
    refused.map_or(Ok(done), Err)
}

fn failed_to_listen(error: rusqlite::Error) -> Error {
    failed(&BindKey::DEFAULT, "", error)
}

fn open(running: &Running, members: &[Member]) -> rusqlite::Result<Connection> {
    let main = members.iter().find(|member| member.key.is_default()).and_then(|member| running.at(member.position));
    let conn = match main {
        Some(database) => database.open()?,
        None => {
            let conn = Connection::open_in_memory()?;
            if let Some(database) = members.first().and_then(|member| running.at(member.position)) {
                database.set_up(&conn)?;
            }
            conn
        }
    };
    for member in members.iter().filter(|member| !member.key.is_default()) {
        if let Some(database) = running.at(member.position) {
            let is_copy = copies(running, members).any(|copy| copy.key == member.key);
            let uri = if is_copy { ":memory:".to_string() } else { database.uri() };
            attach(&conn, &uri, member.key.schema_name())?;
        }
    }
    conn.pragma_update(None, "query_only", true)?;
    Ok(conn)
}

/// Reads a row of each table in the session's own transaction, which keeps a read lock until that ends.
fn lock_tables(running: &Running, engines: &mut Engines, member: &Member, sql: &str) -> Result<()> {
    let told = Told { writes: false, changes_schema: Some(false), in_transaction: true };
    for table in &member.tables {
        let probe = format!("SELECT 1 FROM {} LIMIT 1", quote(table));
        engines.run(running, member.position, &member.key, sql, told, |ready| ready.query(&probe, [], |_| Ok(())))?;
    }
    Ok(())
}
