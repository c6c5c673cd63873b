//! The binds, their tables and how many rows they have, as a table.

use std::fmt;

use super::table::Table;
use crate::observe::{Description, RowCount};

impl fmt::Display for RowCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RowCount::None => Ok(()),
            RowCount::Count(count) => write!(f, "{count}"),
            RowCount::Open(count) => write!(f, "{count} (not committed)"),
            RowCount::Unknown(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let none = ("no tables".to_string(), RowCount::None);
        let mut described = Table::new(&["bind", "storage", "table", "rows"]);
        for bind in &self.binds {
            let storage = bind.storage.to_string();
            let (first, more) = match bind.tables.split_first() {
                Some(tables) => tables,
                None => (&none, [].as_slice()),
            };
            described.row(&[&bind.label, &storage, &first.0, &first.1.to_string()]);
            for (name, rows) in more {
                described.next_row(&["", "", name, &rows.to_string()]);
            }
        }
        f.write_str(&described.drawn())
    }
}
