//! Lends books. The catalogue with the loans is one database, the members are another.

mod schema;

use diesel::prelude::*;
use diesel_migrations::{embed_migrations, EmbeddedMigrations, MigrationHarness};

use schema::{catalogue, members};

const CATALOGUE: EmbeddedMigrations = embed_migrations!("migrations/catalogue");
const MEMBERS: EmbeddedMigrations = embed_migrations!("migrations/members");

pub struct Library {
    catalogue: SqliteConnection,
    members: SqliteConnection,
}

#[derive(Debug)]
pub enum Refusal {
    Blocked,
    NotLent,
    Database(diesel::result::Error),
}

impl From<diesel::result::Error> for Refusal {
    fn from(error: diesel::result::Error) -> Refusal {
        Refusal::Database(error)
    }
}

impl Library {
    /// Opens the two databases, each by a path or an SQLite URI.
    pub fn open(catalogue: &str, members: &str) -> ConnectionResult<Library> {
        let (mut catalogue, mut members) =
            (SqliteConnection::establish(catalogue)?, SqliteConnection::establish(members)?);
        // Diesel sets none: a second writer would get "database is locked" at once.
        for conn in [&mut catalogue, &mut members] {
            diesel::sql_query("PRAGMA busy_timeout = 5000")
                .execute(conn)
                .map_err(ConnectionError::CouldntSetupConfiguration)?;
        }
        Ok(Library { catalogue, members })
    }

    pub fn migrate(&mut self) -> diesel::migration::Result<()> {
        self.catalogue.run_pending_migrations(CATALOGUE)?;
        self.members.run_pending_migrations(MEMBERS)?;
        Ok(())
    }

    /// Lends a copy of a book, if one is left.
    ///
    /// The catalogue is committed last. Should that fail, the member's history has a line too many, and no book is missing.
    pub fn lend(&mut self, book: i32, member: &str) -> Result<(), Refusal> {
        let Library { catalogue, members } = self;
        if members::member::table.find(member).select(members::member::is_blocked).first(members)? {
            return Err(Refusal::Blocked);
        }
        catalogue.transaction(|catalogue| {
            use catalogue::{book as books, history, loan};
            diesel::update(books::table.find(book)).set(books::copies.eq(books::copies - 1)).execute(catalogue)?;
            diesel::insert_into(loan::table)
                .values((loan::book_id.eq(book), loan::member.eq(member)))
                .execute(catalogue)?;
            diesel::insert_into(history::table)
                .values(history::line.eq(format!("{book} lent to {member}")))
                .execute(catalogue)?;
            note(members, format!("{member} takes {book}"))
        })?;
        Ok(())
    }

    pub fn give_back(&mut self, book: i32, member: &str) -> Result<(), Refusal> {
        let Library { catalogue, members } = self;
        catalogue.transaction(|catalogue| {
            use catalogue::{book as books, loan};
            let of_member = loan::table.filter(loan::book_id.eq(book)).filter(loan::member.eq(member));
            let Some(id) = of_member.select(loan::id).first::<i32>(catalogue).optional()? else {
                return Err(Refusal::NotLent);
            };
            diesel::delete(loan::table.find(id)).execute(catalogue)?;
            diesel::update(books::table.find(book)).set(books::copies.eq(books::copies + 1)).execute(catalogue)?;
            Ok(note(members, format!("{member} brings {book}"))?)
        })
    }
}

fn note(members: &mut SqliteConnection, line: String) -> QueryResult<()> {
    use members::history;
    diesel::insert_into(history::table).values(history::line.eq(line)).execute(members).map(drop)
}
