//! Messages of errors.

use std::fmt::{self, Display, Formatter};

use super::words::{
    advised, at, by_a_hook, capitalized, configured_replicas, elsewhere, held, in_file, in_the_way,
    instead_of_a_shared_cache, joined, joined_by, list, meant, nearest_tables, other_spelling, place, say_which, shown,
    shown_path, sqlite_message, statement, OPEN,
};
use super::Error;

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Error::NoBind { .. } => f.write_str("no bind is configured: set a default or a named bind"),
            Error::Library { problem, .. } => write!(
                f,
                "the SQLite that this program is linked to {problem}: turn on the feature `bundled` of multibind, which \
                 compiles a newer one in, or link another"
            ),
            Error::BindKey { key, problem, .. } => {
                let key = key.to_string();
                write!(f, "`{}` cannot be a bind key: {problem}", shown(&key))
            }
            Error::DuplicateBind { bind, first, .. } => {
                let other = other_spelling(bind, first);
                let other = if other.is_empty() { "; `Config::change` changes one that is there" } else { &other };
                write!(f, "bind `{bind}` is configured twice{other}")
            }
            Error::UnknownBind { bind, configured, .. } => {
                let (name, meant) = (bind.to_string(), meant(bind, configured));
                write!(f, "no bind `{}`: configured are {}{meant}", shown(&name), list(configured))
            }
            Error::NoDefaultBind { what, configured, .. } => {
                let what = what.as_ref().map(|what| format!(" for {what}")).unwrap_or_default();
                write!(
                    f,
                    "no default bind{what}: configured are {}; set one with `default_bind` or `[default]`, or name a \
                     bind with `on(key)` or a qualified table",
                    list(configured)
                )
            }
            Error::Dynamic { bind, problem, .. } => write!(f, "bind `{bind}` is dynamic: {problem}"),
            Error::NotDynamic { bind, .. } => {
                write!(f, "bind `{bind}` is not dynamic: it has one database, which closes with the harness")
            }
            Error::Context { name, known, .. } => {
                write!(f, "the context has no value `{name}`: it has {}", list(known))
            }
            Error::Config { file, line, problem, .. } => write!(f, "{}{problem}", place(file, *line)),
            Error::Url { file, line, bind, problem, .. } => write!(f, "{}bind `{bind}`: {problem}", place(file, *line)),
            Error::Schema { bind, file, line, problem, .. } => {
                write!(f, "bind `{bind}`: the schema failed{}: {problem}", at(file, *line))
            }
            Error::Prepared { name, problem, .. } => write!(f, "prepared state `{name}`: {problem}"),
            Error::ForeignParent { bind, table, parent, found, .. } => write!(
                f,
                "table `{table}` in bind `{bind}` has a foreign key to `{parent}`, which is not in bind `{bind}` but \
                 in {}: SQLite cannot enforce it. Give `{table}` the bind key of its parent; or declare a reference in \
                 place of the foreign key, with `reference` or `[[references]]`; or allow it with \
                 `allow_missing_parents`",
                list(found)
            ),
            Error::Data { file, line, bind, problem, .. } => {
                write!(f, "{}: {problem}; nothing was loaded", in_file(file, *line, bind.as_ref()))
            }
            Error::UnknownTable { table, nearest, .. } => {
                write!(f, "no table `{}` in any bind{}", shown(table), nearest_tables(nearest))
            }
            Error::NotInBind { bind, table, found, nearest, .. } => {
                write!(f, "no table `{table}` in bind `{bind}`{}{}", elsewhere(found), nearest_tables(nearest))
            }
            Error::AmbiguousTable { table, binds, .. } => {
                write!(f, "table `{table}` is in the binds {}{}", list(binds), say_which(binds, table))
            }
            Error::Sql { bind, sql, source, .. } => {
                write!(f, "bind `{bind}`: {}{}", shown(&advised(source)), statement(sql.as_deref()))
            }
            Error::Locked { bind, sql, conflict, source, .. } => write!(
                f,
                "bind `{bind}`: {}. {}: commit or drop it first (an uncommitted session counts){}{}",
                sqlite_message(source),
                capitalized(&held(conflict, OPEN)),
                instead_of_a_shared_cache(source),
                statement(sql.as_deref())
            ),
            Error::Stale { bind, sql, source, .. } => write!(
                f,
                "bind `{bind}`: {}. Another connection has written to it since this unit of work first read from it, \
                 and what was read is out of date: call `session.rollback()`, then start again{}",
                sqlite_message(source),
                statement(sql.as_deref())
            ),
            Error::Guarded { bind, guard, sql, .. } => write!(
                f,
                "bind `{bind}` is guarded: {guard} refuses this statement. Drop the guard first if it is meant to \
                 run{}",
                statement(sql.as_str())
            ),
            Error::RolledBack { bind, .. } => write!(
                f,
                "bind `{bind}`: an earlier error made SQLite roll the transaction back: call `session.rollback()`, \
                 then start the unit of work again"
            ),
            Error::Prepare { sql, source, .. } => {
                let message = advised(source);
                write!(f, "SQLite does not accept the statement: {}{}", shown(&message), statement(sql.as_str()))
            }
            Error::OpenSavepoint { .. } => f.write_str(
                "the session cannot commit while a savepoint is open: commit or drop the savepoint first; \
                 `session.rollback()` ends one that was forgotten",
            ),
            Error::StillInUse { sessions: 0, connections, .. } => write!(
                f,
                "the harness was closed while connections of its pools were in use: {}. Give \
                 them back before `close`",
                joined_by(connections, ", ", &|(bind, count)| format!("{count} of `{bind}`"))
            ),
            Error::StillInUse { sessions: 1, .. } => {
                f.write_str("the harness is still in use: a session of it is alive; drop it before `close`")
            }
            Error::StillInUse { sessions, .. } => {
                write!(f, "the harness is still in use: {sessions} sessions of it are alive; drop them before `close`")
            }
            Error::Statement { sql, problem, .. } => {
                write!(f, "the session does not run this statement: {problem}{}", statement(sql.as_str()))
            }
            Error::CrossBindWrite { write, others, hint, sql, .. } => {
                let (others, sql) = (list(others), statement(sql.as_str()));
                write!(f, "a statement cannot write to bind `{write}` and use {others} too: {hint}{sql}")
            }
            Error::Commit { failed, committed, rolled_back, source, .. } => write!(
                f,
                "commit failed in bind `{failed}`: {}{}. Committed: {}; rolled back: {}",
                sqlite_message(source),
                by_a_hook(source),
                list(committed),
                list(rolled_back)
            ),
            Error::Fault { bind, problem, .. } => write!(f, "bind `{bind}`: {problem}"),
            Error::InUse { bind, conflict, source, .. } => write!(
                f,
                "bind `{bind}` is being written to: {} ({source}). Commit it or roll it back first; an \
                 uncommitted session counts",
                held(conflict, "another connection has a transaction open on it")
            ),
            Error::Restore { failed, restored, conflict, source, .. } => {
                let (why, restored) = (in_the_way(source, conflict), list(restored));
                write!(f, "cannot restore bind `{failed}`: {source}{why}. Restored: {restored}")
            }
            Error::ForeignSnapshot { binds, .. } => write!(
                f,
                "the snapshot was taken of another harness, with the binds {}: take one of this harness with \
                 `snapshot()`, or start both with one `prepared` state",
                list(binds)
            ),
            Error::Orphans { orphans, .. } => {
                write!(
                    f,
                    "commit refused, nothing was committed in any bind: {}. Write what they refer to and commit again, \
                     or roll back",
                    joined(orphans, "; ")
                )
            }
            Error::NotAReplica { bind, replicas, .. } => {
                write!(f, "bind `{bind}` is not a replica; {}", configured_replicas(replicas))
            }
            Error::Pool { bind, source, .. } => write!(f, "bind `{bind}`: the pool gave no connection: {source}"),
            Error::Row { problem, .. } => write!(f, "row: {problem}"),
            Error::Io { bind: None, action, path, source, .. } => {
                write!(f, "cannot {action} `{}`: {source}", shown_path(path))
            }
            Error::Io { bind: Some(bind), action, path, source, .. } => {
                let path = shown_path(path);
                write!(f, "bind `{bind}`: cannot {action} `{path}`: {source}; `temp_dir` or TMPDIR says where files go")
            }
        }
    }
}
