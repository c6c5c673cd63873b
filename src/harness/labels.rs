//! The rows that data has loaded, by their labels.

use rusqlite::types::FromSql;

use super::Harness;
use crate::data::not_one_key;
use crate::error::{Error, Result};
use crate::row::Row;

impl Harness {
    /// Returns the key of a row that a [scenario](crate::Bind::data) has a label for: `auth.user.bob` is the row `bob` of the table
    /// `user` in the bind `auth`.
    ///
    /// A table that one bind alone has needs no bind: `user.bob`. The key is what the file says or the label gives, whatever the
    /// code under test has made of the row meanwhile.
    ///
    /// # Errors
    ///
    /// [`Error::Row`] for a name that no row has, with the nearest, and for a row whose key is not one column.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("team.toml");
    /// # std::fs::write(&file, "[auth.user.bob]\nname = 'Bob'\n")?;
    /// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE login (user_id INTEGER)";
    /// let db = Harness::builder().bind("auth", Bind::memory().schema(user)).data(&file).start()?;
    /// let bob: i64 = db.id_of("auth.user.bob")?;
    /// db.connection("auth")?.execute("INSERT INTO login VALUES (?1)", [bob])?; // the code under test
    /// db.assert_landed("auth", "login", row! { user_id: bob });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn id_of<T: FromSql>(&self, name: &str) -> Result<T> {
        self.running().calls(|| self.key_of(name)).and_then(|(row, key)| row.get(&key))
    }

    /// Returns a row that a [scenario](crate::Bind::data) has a label for, with the columns that the file says and its key.
    ///
    /// # Errors
    ///
    /// [`Error::Row`] for a name that no row has, with the nearest.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("team.toml");
    /// # std::fs::write(&file, "[auth.user.bob]\nname = 'Bob'\n")?;
    /// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT, email TEXT)";
    /// let db = Harness::builder().bind("auth", Bind::memory().schema(user)).data(&file).start()?;
    /// let bob = db.row_of("auth.user.bob")?;
    /// assert_eq!(bob.get::<String>("name")?, "Bob");
    /// db.assert_landed("auth", "user", bob); // unchanged
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn row_of(&self, name: &str) -> Result<Row> {
        let labels = self.running().labels();
        let found = labels.named(name).map(|found| found.row.clone());
        self.running().called(None, found.map_err(|problem| Error::Row { bind: None, problem, at: None }))
    }

    fn key_of(&self, name: &str) -> Result<(Row, String)> {
        let labels = self.running().labels();
        let error = |problem| Error::Row { bind: None, problem, at: None };
        let found = labels.named(name).map_err(error)?;
        match found.key.as_slice() {
            [key] => Ok((found.row.clone(), key.clone())),
            keys => Err(error(format!("{}, and read it from `row_of`", not_one_key(&found.name(), keys)))),
        }
    }
}
