//! Statements that use tables of one bind by names that no other has: its image alone tells where they belong.
//!
//! An image's connection knows its tables already. A router has to be given those of every bind first, and to parse
//! them, which for the first statement of a harness takes longer than everything else a session does.

use super::access::{AccessLog, Act, Kind};
use super::ambiguity::is_reserved;
use super::catalog::{folded, Catalog};
use super::look::Look;
use super::resolve::route;
use super::router::{copy_no_table_at_once, may_join_by_name, see, Seen};
use super::touched::Touched;
use super::{Destination, Plan};
use crate::error::sqlite_message;
use crate::key::BindKey;
use crate::script::has_letters;

/// The plan of a statement if it is plain, the same as a router would find; `None` where only a router can tell, what is
/// wrong with a statement included.
///
/// It is plain where SQLite, on a connection to one bind, reports every access as the statement's own reading or
/// writing of a table in `main`, and no other bind has a table of that name: whatever is attached beside it, SQLite
/// finds the same tables.
pub(super) fn plain(catalog: &Catalog, sql: &str) -> Option<Plan> {
    let first = catalog.default_member().unwrap_or(0);
    let (member, seen) = match look(catalog, first, sql)? {
        Ok(seen) => (first, seen),
        Err((error, _)) => {
            // The bind that has the first table that is missing here: it has the others as well, or it is not plain.
            let (_, member) = catalog.missed_in(&sqlite_message(&error)).into_iter().next()?;
            (member, look(catalog, member, sql)?.ok()?)
        }
    };
    plan(catalog, member, sql, &seen)
}

/// Prepares a statement on the connection of a member's image.
fn look(catalog: &Catalog, member: usize, sql: &str) -> Option<Look> {
    let seen = catalog.members.get(member)?.image.with_plain(|conn| {
        // What copies a table has to name it. Where that is said of one that does not, it costs two pragmas.
        let may_copy = has_letters(sql, "select") && (has_letters(sql, "insert") || has_letters(sql, "replace"));
        if may_copy {
            copy_no_table_at_once(conn, true).ok()?;
        }
        let log = AccessLog::default();
        log.listen(conn).ok()?;
        let seen = see(conn, &log, sql);
        AccessLog::leave(conn).ok()?;
        if may_copy {
            copy_no_table_at_once(conn, false).ok()?;
        }
        Some(seen)
    });
    seen?
}

fn plan(catalog: &Catalog, member: usize, sql: &str, seen: &Seen) -> Option<Plan> {
    let place = catalog.members.get(member)?;
    // Which of several keys of one database is meant, a router tells.
    let [own] = place.keys.as_slice() else { return None };
    if seen.explains || may_join_by_name(sql) || (!own.is_default() && may_name_main(sql)) {
        return None;
    }
    let mut touched = Touched::default();
    for access in &seen.accesses {
        let (name, writes) = match &access.act {
            Act::Read(name) => (name, false),
            Act::Write(name) => (name, true),
            _ => return None,
        };
        let is_own = access.accessor.is_none() && access.schema.as_deref() == Some("main");
        // Not that of a table-valued function, of which no bind has a table.
        let is_alone = matches!(catalog.owners(Kind::Table, name).as_slice(), [named] if named.member == member);
        // The first use of a virtual table is reported with statements of its own.
        let is_virtual = place.virtuals.contains(&folded(name));
        if !is_own || !is_alone || is_virtual || is_reserved(name) {
            return None;
        }
        touched.note((own.clone(), member), name, writes);
    }
    if touched.uses.is_empty() {
        return None;
    }
    let on = Destination::One(member, own.clone());
    let route = route(catalog, &touched);
    Some(Plan { on, route, changes_schema: false, in_transaction: true, counts: None, looks_up: false })
}

/// Whether a name may be written as one in `main`, which is every connection's own database, and the default bind's
/// beside others. There is no such name without the word and a dot.
fn may_name_main(sql: &str) -> bool {
    sql.contains('.') && has_letters(sql, BindKey::DEFAULT.schema_name())
}

// That a plan was found without a router is not seen from outside, and neither is the plan.
#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rusqlite::Connection;

    use super::super::catalog::Candidate;
    use super::super::resolve::resolve;
    use super::*;
    use crate::database::Image;

    fn image(tables: &str) -> Arc<Image> {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(tables).unwrap();
        Arc::new(Image::new(conn).unwrap())
    }

    fn candidate((keys, image): (Vec<BindKey>, Arc<Image>)) -> Candidate {
        Candidate { keys, image, replica_of: None }
    }

    const AUTH: &str = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
        CREATE TABLE login (id INTEGER PRIMARY KEY, name REFERENCES user (name) ON DELETE CASCADE);
        CREATE TABLE log (id, name); CREATE TABLE both (id, name);
        CREATE TABLE watched (id, name); CREATE INDEX by_name ON watched (name);
        CREATE TRIGGER watching AFTER INSERT ON watched BEGIN INSERT INTO login (name) VALUES (new.name); END;
        CREATE VIEW seen AS SELECT id, name FROM user; CREATE VIEW one AS SELECT 1 AS id, 2 AS name;
        CREATE VIRTUAL TABLE text USING fts5(id, name);
        CREATE TEMP TABLE passing (id, name); CREATE TEMP TABLE user (id, name);
        CREATE TEMP TRIGGER passing_by AFTER INSERT ON login BEGIN DELETE FROM user; END;
        PRAGMA recursive_triggers = ON; PRAGMA writable_schema = ON";
    const META: &str = "CREATE TABLE log (id, name); CREATE TABLE kind (id, name); CREATE TABLE json_each (id, name);
        CREATE VIEW both AS SELECT * FROM kind; INSERT INTO kind VALUES (1, 'a'); ANALYZE";
    const DEFAULT: &str = "CREATE TABLE post (id, name); CREATE TABLE log (id, name); CREATE TABLE main (id, name)";

    fn catalog(default: bool) -> Arc<Catalog> {
        let mut members = vec![(vec!["auth".into()], image(AUTH)), (vec!["meta".into(), "more".into()], image(META))];
        members.push((vec!["kinds".into()], image("CREATE TABLE sort (id PRIMARY KEY, name); CREATE TABLE kinds (id REFERENCES sort ON DELETE CASCADE, name)")));
        if default {
            members.insert(0, (vec![BindKey::DEFAULT], image(DEFAULT)));
        }
        Catalog::of(members.into_iter().map(candidate).collect()).unwrap()
    }

    const NAMES: [&str; 26] = [
        "user",
        "USER",
        "login",
        "log",
        "both",
        "watched",
        "seen",
        "one",
        "text",
        "passing",
        "kind",
        "sort",
        "kinds",
        "post",
        "main",
        "auth.login",
        "auth.user",
        "main.user",
        "\"MAIN\".sort",
        "main.post",
        "kinds.sort",
        "temp.passing",
        "json_each",
        "sqlite_schema",
        "sqlite_stat1",
        "nowhere",
    ];

    const STATEMENTS: [&str; 31] = [
        "SELECT name FROM {a}",
        "SELECT {a}.name FROM {a}",
        "SELECT count(*) FROM {a}",
        "SELECT 1 FROM {a} WHERE 0",
        "SELECT a.name FROM {a} AS a JOIN {b} AS b USING (id)",
        "SELECT a.name FROM {a} AS a, {b}",
        "SELECT a.name FROM {a} AS a NATURAL JOIN {b} AS b",
        "SELECT a.name FROM {a} AS a LEFT JOIN {b} AS b ON a.id = b.id",
        "SELECT name FROM {a} WHERE id IN (SELECT id FROM {b})",
        "SELECT name FROM {a} WHERE id IN {b}",
        "SELECT name FROM {a} WHERE EXISTS (SELECT 1 FROM {b})",
        "SELECT name, (SELECT max(name) FROM {b} AS b WHERE b.id = a.id) FROM {a} AS a",
        "SELECT rank() OVER (ORDER BY name) FROM (SELECT * FROM {a} GROUP BY id) ORDER BY 1",
        "SELECT name FROM {a} UNION ALL SELECT name FROM {b}",
        "SELECT name, changes() FROM {a}",
        "SELECT a.name FROM {a} AS a, json_each(a.id)",
        "SELECT name FROM {a}, pragma_table_info('user')",
        "WITH user AS (SELECT name FROM {a}) SELECT name FROM user",
        "WITH login AS MATERIALIZED (SELECT 1 AS id) SELECT a.name FROM {a} AS a JOIN login USING (id)",
        "INSERT INTO {a} (name) VALUES ('x')",
        "REPLACE INTO {a} (id, name) VALUES (1, 'main.x')",
        "INSERT INTO {a} (name) SELECT name FROM {b} RETURNING name",
        "INSERT INTO {a} SELECT * FROM {b}",
        "INSERT INTO {a} (id, name) VALUES (1, 'x') ON CONFLICT DO UPDATE SET name = excluded.name",
        "UPDATE {a} SET name = 'x' WHERE id = 1 RETURNING id",
        "UPDATE {a} SET name = b.name FROM {b} AS b",
        "DELETE FROM {a}",
        "DELETE FROM {a} WHERE EXISTS (SELECT * FROM {b})",
        "EXPLAIN QUERY PLAN SELECT name FROM {a}",
        "CREATE INDEX added ON {a} (name)",
        "DROP TABLE {a}",
    ];

    #[test]
    fn a_plain_statement_has_the_plan_that_a_router_finds() {
        for default in [false, true] {
            let catalog = catalog(default);
            let mut found = std::collections::BTreeMap::new();
            for pattern in STATEMENTS {
                for a in NAMES {
                    let second = if pattern.contains("{b}") { &NAMES[..] } else { &NAMES[..1] };
                    for b in second {
                        let sql = pattern.replace("{a}", a).replace("{b}", b);
                        let Some(plan) = plain(&catalog, &sql) else { continue };
                        let routed = catalog.with_router(|router| resolve(&catalog, router, &sql));
                        assert_eq!(format!("Ok({plan:?})"), format!("{routed:?}"), "{sql}");
                        *found.entry(pattern).or_insert(0) += 1;
                    }
                }
            }
            // As many as there should be, so that nothing above was passed over.
            let found = found.into_iter().map(|(pattern, count)| format!("{count} {pattern}")).collect::<Vec<_>>();
            match default {
                false => insta::assert_snapshot!(found.join("\n"), @"
                4 DELETE FROM {a}
                10 DELETE FROM {a} WHERE EXISTS (SELECT * FROM {b})
                2 INSERT INTO {a} (id, name) VALUES (1, 'x') ON CONFLICT DO UPDATE SET name = excluded.name
                4 INSERT INTO {a} (name) SELECT name FROM {b} RETURNING name
                2 INSERT INTO {a} (name) VALUES ('x')
                4 INSERT INTO {a} SELECT * FROM {b}
                10 SELECT a.name FROM {a} AS a LEFT JOIN {b} AS b ON a.id = b.id
                5 SELECT name FROM {a}
                13 SELECT name FROM {a} UNION ALL SELECT name FROM {b}
                13 SELECT name FROM {a} WHERE id IN (SELECT id FROM {b})
                13 SELECT name, (SELECT max(name) FROM {b} AS b WHERE b.id = a.id) FROM {a} AS a
                5 SELECT rank() OVER (ORDER BY name) FROM (SELECT * FROM {a} GROUP BY id) ORDER BY 1
                5 SELECT {a}.name FROM {a}
                4 UPDATE {a} SET name = 'x' WHERE id = 1 RETURNING id
                "),
                true => insta::assert_snapshot!(found.join("\n"), @"
                7 DELETE FROM {a}
                19 DELETE FROM {a} WHERE EXISTS (SELECT * FROM {b})
                5 INSERT INTO {a} (id, name) VALUES (1, 'x') ON CONFLICT DO UPDATE SET name = excluded.name
                13 INSERT INTO {a} (name) SELECT name FROM {b} RETURNING name
                5 INSERT INTO {a} (name) VALUES ('x')
                13 INSERT INTO {a} SELECT * FROM {b}
                3 REPLACE INTO {a} (id, name) VALUES (1, 'main.x')
                1 SELECT 1 FROM {a} WHERE 0
                19 SELECT a.name FROM {a} AS a LEFT JOIN {b} AS b ON a.id = b.id
                3 SELECT a.name FROM {a} AS a, {b}
                1 SELECT count(*) FROM {a}
                8 SELECT name FROM {a}
                22 SELECT name FROM {a} UNION ALL SELECT name FROM {b}
                3 SELECT name FROM {a} WHERE EXISTS (SELECT 1 FROM {b})
                22 SELECT name FROM {a} WHERE id IN (SELECT id FROM {b})
                22 SELECT name, (SELECT max(name) FROM {b} AS b WHERE b.id = a.id) FROM {a} AS a
                8 SELECT rank() OVER (ORDER BY name) FROM (SELECT * FROM {a} GROUP BY id) ORDER BY 1
                8 SELECT {a}.name FROM {a}
                7 UPDATE {a} SET name = 'x' WHERE id = 1 RETURNING id
                3 UPDATE {a} SET name = b.name FROM {b} AS b
                "),
            }
        }
    }

    #[test]
    fn a_table_that_only_a_replica_has_too_is_plain_by_its_name() {
        let auth = image("CREATE TABLE user (id, name); CREATE TABLE login (id, name)");
        let post = image("CREATE TABLE post (id, name)");
        for lone in [false, true] {
            // A replica that lags may have what its source has no more.
            let had =
                if lone { image("CREATE TABLE user (id, name); CREATE TABLE gone (id, name)") } else { auth.clone() };
            let mut members =
                [(vec![BindKey::DEFAULT], post.clone()), (vec!["auth".into()], auth.clone())].map(candidate).to_vec();
            members.push(Candidate { replica_of: Some(1), ..candidate((vec!["replica".into()], had)) });
            let catalog = Catalog::of(members).unwrap();
            let mut found = 0;
            for pattern in STATEMENTS {
                for a in ["user", "gone", "post", "auth.user", "replica.user", "replica.gone", "main.post", "main.user"]
                {
                    for b in ["login", "gone", "post", "replica.user", "replica.gone"] {
                        let sql = pattern.replace("{a}", a).replace("{b}", b);
                        let Some(plan) = plain(&catalog, &sql) else { continue };
                        let routed = catalog.with_router(|router| resolve(&catalog, router, &sql));
                        assert_eq!(format!("Ok({plan:?})"), format!("{routed:?}"), "{sql}");
                        found += usize::from(a == "user");
                    }
                }
            }
            assert!(found > 0);
            assert!(plain(&catalog, "SELECT name FROM gone").is_none());
        }
    }

    #[test]
    fn no_statement_is_plain_where_the_connection_is_not_as_a_router_s_would_be() {
        let lent = Connection::open_in_memory().unwrap();
        lent.execute_batch("CREATE TABLE t (x)").unwrap();
        let without_keys = Connection::open_in_memory().unwrap();
        without_keys.execute_batch("CREATE TABLE t (x); PRAGMA foreign_keys = OFF").unwrap();
        let own = Connection::open_in_memory().unwrap();
        own.execute_batch("CREATE TABLE t (x)").unwrap();

        let is_plain = |image: Image| {
            let catalog = Catalog::of(vec![candidate((vec!["auth".into()], Arc::new(image)))]).unwrap();
            plain(&catalog, "SELECT x FROM t").is_some()
        };

        assert!(is_plain(Image::new(own).unwrap()));
        assert!(!is_plain(Image::of_lent(lent).unwrap()));
        assert!(!is_plain(Image::new(without_keys).unwrap()));
    }
}
