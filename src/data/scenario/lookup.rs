//! The rows that labels and names of scenarios mean.

use super::entry::Referred;
use super::labels::Labelled;
use super::names::{after_key, no_label, no_row, not_one_key};
use super::resolve::Resolver;
use super::written::WrittenTable;
use crate::error::list;
use crate::key::BindIndex;
use crate::list::mapped;

impl<'r> Resolver<'r> {
    /// Returns the column of the key of a row, or why it is not one.
    pub(super) fn only_key(&self, labeled: &Referred<'_>) -> Result<String, String> {
        let (name, keys) = match labeled {
            Referred::Before(known) => (known.name(), known.key.clone()),
            Referred::Here(at) => {
                let entry = &self.rows[*at];
                let keys = entry.info.map(|info| info.primary_key().map(str::to_string).collect::<Vec<_>>());
                (entry.name(), keys.unwrap_or_default())
            }
        };
        match keys.as_slice() {
            [key] => Ok(key.clone()),
            keys => Err(not_one_key(&name, keys)),
        }
    }

    /// Returns the row of a label.
    pub(super) fn find(&self, at: BindIndex, table: &str, label: &str) -> Option<Referred<'r>> {
        let place = (at, table.to_ascii_lowercase(), label.to_string());
        if let Some(row) = self.names.get(&place) {
            return Some(Referred::Here(*row));
        }
        self.ground.known.find(self.ground.targets[at].keys.first(), table, label).map(Referred::Before)
    }

    /// Returns the row of a name: `auth.user.bob`, or `user.bob` in the bind `own`, else in the one bind that has it.
    pub(super) fn by_name(&self, own: BindIndex, name: &str) -> Result<Referred<'r>, String> {
        let (mut ways, mut others) = (Vec::new(), Vec::new());
        for (at, target) in self.ground.targets.iter() {
            for key in target.keys.iter() {
                ways.extend(after_key(name, key).map(|rest| (at, rest)));
            }
            others.extend(self.in_bind(at, name).0.map(|found| (at, found)));
        }
        ways.push((own, name));
        let mut of_table = None;
        for (at, rest) in ways {
            match self.in_bind(at, rest) {
                (Some(found), _) => return Ok(found),
                (None, table) => of_table = of_table.or(table.map(|(table, label)| (at, table, label))),
            }
        }
        if others.len() > 1 {
            let keys = mapped(&others, |(at, _)| self.ground.targets[*at].keys.first());
            return Err(format!("`{name}` is in the binds {}: say which, before its table", list(&keys)));
        }
        if let Some((_, found)) = others.pop() {
            return Ok(found);
        }
        // A dynamic bind's, which is no database.
        if let Ok(known) = self.ground.known.named(name) {
            return Ok(Referred::Before(known));
        }
        if let Some((at, table, label)) = of_table {
            return Err(no_label(label, self.ground.targets[at].keys.first(), table, &self.labels(at, table)));
        }
        let mut names = self.ground.known.names();
        for entry in self.rows.iter().filter(|entry| entry.row.label.is_some()) {
            if !names.contains(&entry.name()) {
                names.push(entry.name());
            }
        }
        Err(no_row(name, &names))
    }

    /// Returns the row that `user.bob` means in a bind, and its table there with the label that is asked for.
    fn in_bind<'n>(&self, at: BindIndex, name: &'n str) -> (Option<Referred<'r>>, Option<(&'r str, &'n str)>) {
        let mut of_table = None;
        for (dot, _) in name.match_indices('.') {
            let (table, label) = (&name[..dot], &name[dot + 1..]);
            if let Some(found) = self.find(at, table, label) {
                return (Some(found), None);
            }
            if let Some(info) = self.ground.targets[at].metadata.table(table) {
                of_table.get_or_insert((info.name(), label));
            }
        }
        (None, of_table)
    }

    /// Returns the labels of a table, in the order of the file.
    pub(super) fn labels(&self, at: BindIndex, table: &str) -> Vec<&str> {
        let mut labels = Vec::new();
        for entry in &self.rows {
            if let Some(label) = &entry.row.label
                && entry.table.at == at
                && entry.table.table.eq_ignore_ascii_case(table)
            {
                labels.push(label.as_str());
            }
        }
        for known in self.ground.known.of_table(self.ground.targets[at].keys.first(), table) {
            if !labels.contains(&known) {
                labels.push(known);
            }
        }
        labels
    }

    /// Returns the row of the same name that was loaded before.
    pub(super) fn known(&self, row: usize) -> Option<&'r Labelled> {
        let WrittenTable { at, table, .. } = self.rows[row].table;
        let label = self.rows[row].row.label.as_deref()?;
        self.ground.known.find(self.ground.targets[*at].keys.first(), table, label)
    }
}
