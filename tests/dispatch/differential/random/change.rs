//! Random statements that change a schema.

use super::statement::{For, Sql, Writer};
use super::world::{named, quoted, table, NAMES};

impl Writer<'_> {
    /// A statement that changes a schema, and the bind it changes. `number` is in the name of what needs its own.
    pub(crate) fn change(&mut self, number: usize) -> Option<(Sql, usize)> {
        let (run, tables) = (self.run, self.tables);
        let place = match run {
            For::Told(place) | For::Other(place) => place,
            For::Session => self.dice.below(self.world.places.len()),
        };
        let in_place =
            tables.iter().filter(|table| table.place == place && !table.columns.is_empty()).collect::<Vec<_>>();
        let existing = if in_place.is_empty() { None } else { Some(*self.dice.one(&in_place)) };
        let others = in_place.iter().map(|table| table.name.clone()).collect::<Vec<_>>();
        let Some(of) = existing.filter(|_| self.dice.chance(70)) else {
            let name = *self.dice.one(&NAMES);
            return Some(self.create(place, name, &others));
        };
        let name = &of.name;
        let column = quoted(self.dice.one(&of.columns));
        let kind = if of.is_view { "VIEW" } else { "TABLE" };
        let object = quoted(format!("object {number}"));
        let sql = match self.dice.below(12) {
            0 | 1 => {
                let exists = *self.dice.one(&["", "IF EXISTS "]);
                Sql::of(format!("DROP {kind} {exists}")).and(&self.name(place, name))
            }
            2 => {
                let sql = Sql::of("ALTER TABLE ").and(&self.name(place, name));
                sql.text(format!(
                    " ADD COLUMN {} DEFAULT {number}",
                    self.dice.one(&["ref", "extra", "name", "title CHECK (title <> 0)", "n INT"])
                ))
            }
            3 => {
                let to = quoted(self.dice.one(&["ref", "renamed", "name", "id"]));
                Sql::of("ALTER TABLE ").and(&self.name(place, name)).text(format!(" RENAME COLUMN {column} TO {to}"))
            }
            4 => {
                let to = quoted(self.dice.one(&NAMES));
                Sql::of("ALTER TABLE ").and(&self.name(place, name)).text(format!(" RENAME TO {to}"))
            }
            5 => Sql::of("ALTER TABLE ").and(&self.name(place, name)).text(format!(" DROP COLUMN {column}")),
            6 => {
                let unique = *self.dice.one(&["", "UNIQUE "]);
                let condition = *self.dice.one(&["", " WHERE 1 < 2"]);
                let (target, on) = self.on(place, &object, name);
                Sql::of(format!("CREATE {unique}INDEX ")).and(&target).text(format!(" ON {on} ({column}){condition}"))
            }
            7 => {
                let (target, on) = self.on(place, &object, name);
                let to = quoted(self.dice.one(&others));
                let time = if of.is_view { "INSTEAD OF" } else { "AFTER" };
                let verb = *self.dice.one(&["INSERT", "UPDATE", "DELETE"]);
                Sql::of("CREATE TRIGGER ").and(&target).text(format!(
                    " {time} {verb} ON {on} WHEN (SELECT count(*) FROM {to}) < 9 BEGIN DELETE FROM {to} WHERE rowid > 20; END"
                ))
            }
            // Without a key, the name of a bind means that bind and not the table.
            8 if self.is_key(name) => return None,
            8 => Sql::of("ANALYZE ").and(&self.name(place, name)),
            9 => Sql::of("REINDEX ").and(&self.name(place, name)),
            10 => {
                let made = *self.dice.one(&NAMES);
                let view = self.target(place, made);
                Sql::of("CREATE VIEW ")
                    .and(&view)
                    .text(format!(" AS SELECT * FROM {} WHERE {column} IS NOT NULL", quoted(name)))
            }
            _ => {
                let made = *self.dice.one(&NAMES);
                let copy = self.target(place, made);
                let from = self.name(place, name);
                Sql::of("CREATE TABLE ").and(&copy).text(" AS SELECT * FROM ").and(&from)
            }
        };
        Some((sql, place))
    }

    fn is_key(&self, name: &str) -> bool {
        let mut keys = self.world.places.iter().flat_map(|place| &place.keys);
        keys.any(|key| named(*key).eq_ignore_ascii_case(name))
    }

    /// A table or a view that is made; without a key the default bind's.
    fn create(&mut self, place: usize, name: &str, others: &[String]) -> (Sql, usize) {
        let target = self.target(place, name);
        let made = table(self.dice, "", name, others).sql;
        // The name stands after the kind, and the first name is it.
        let (verb, rest) = made.split_once(&quoted(name)).unwrap();
        let verb = if self.dice.chance(15) { format!("{verb}IF NOT EXISTS ") } else { verb.to_string() };
        (Sql::of(verb).and(&target).text(rest), place)
    }

    /// A new name, with the bind's key or, in the default bind, without.
    fn target(&mut self, place: usize, name: &str) -> Sql {
        let keys = &self.world.places[place].keys;
        let one = format!("{}.{}", quoted(self.world.places[place].name()), quoted(name));
        let session = match self.run {
            For::Other(_) => return Sql::of(quoted(name)),
            For::Told(_) => quoted(name),
            For::Session if keys.contains(&None) && self.dice.chance(60) => quoted(name),
            For::Session if !self.world.has_default() && self.dice.chance(5) => {
                self.is_homeless = true;
                quoted(name)
            }
            For::Session => format!("{}.{}", quoted(named(*self.dice.one(keys))), quoted(name)),
        };
        Sql { one, session }
    }

    /// An index or a trigger, which a session sends to its table's bind, and its table.
    fn on(&mut self, place: usize, object: &str, table: &str) -> (Sql, String) {
        let one = format!("{}.{object}", quoted(self.world.places[place].name()));
        let session = match self.run {
            For::Other(_) => return (Sql::of(object), quoted(table)),
            For::Told(_) => object.to_string(),
            For::Session if self.is_alone(table) => object.to_string(),
            For::Session => {
                let key = named(*self.dice.one(&self.world.places[place].keys));
                format!("{}.{object}", quoted(key))
            }
        };
        (Sql { one, session }, quoted(table))
    }
}
