//! The migration tools whose folders are read, and what a connection of each does by itself.

use std::fmt;

/// A tool that migrates databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    Sqlx,
    Diesel,
    Refinery,
    RusqliteMigration,
    Prisma,
    FlaskMigrate,
    Dbmate,
    Goose,
    SqlMigrate,
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tool::Sqlx => "sqlx",
            Tool::Diesel => "Diesel",
            Tool::Refinery => "refinery",
            Tool::RusqliteMigration => "rusqlite_migration",
            Tool::Prisma => "Prisma",
            Tool::FlaskMigrate => "Flask-Migrate",
            Tool::Dbmate => "dbmate",
            Tool::Goose => "goose",
            Tool::SqlMigrate => "sql-migrate",
        })
    }
}

impl Tool {
    /// Returns whether its connection to SQLite enforces foreign keys by default.
    ///
    /// sqlx says so on every connection, and the SQLite that Rust's drivers bundle is compiled so. Go's and Python's
    /// leave SQLite's own default.
    pub(super) fn enforces_foreign_keys(self) -> bool {
        !matches!(self, Tool::Dbmate | Tool::Goose | Tool::SqlMigrate | Tool::FlaskMigrate)
    }

    /// Returns whether it makes a table of its own before the first migration runs, so that the database is not empty then.
    pub(super) fn has_table(self) -> bool {
        !matches!(self, Tool::RusqliteMigration | Tool::FlaskMigrate)
    }

    /// Returns how a migration of it runs outside a transaction.
    pub(super) fn without_transaction(self) -> &'static str {
        match self {
            Tool::Sqlx => "begin the file with the line `-- no-transaction`",
            Tool::Diesel => "put a `metadata.toml` with `run_in_transaction = false` beside the file",
            Tool::Dbmate => "write `-- migrate:up transaction:false`",
            Tool::Goose => "add the line `-- +goose NO TRANSACTION`",
            Tool::SqlMigrate => "write `-- +migrate Up notransaction`",
            Tool::Refinery | Tool::RusqliteMigration | Tool::Prisma | Tool::FlaskMigrate => {
                "write `COMMIT;` before the statement and `BEGIN;` after it"
            }
        }
    }

    /// Returns whether a migration can say that it runs outside a transaction.
    pub(super) fn marks_no_transaction(self) -> bool {
        matches!(self, Tool::Sqlx | Tool::Diesel | Tool::Dbmate | Tool::Goose | Tool::SqlMigrate)
    }

    /// Returns the lines around a statement with lines that end in a semicolon.
    pub(super) fn around_statement(self) -> &'static str {
        match self {
            Tool::SqlMigrate => "`-- +migrate StatementBegin` and `-- +migrate StatementEnd` around it",
            _ => "`-- +goose StatementBegin` and `-- +goose StatementEnd` around it",
        }
    }
}
