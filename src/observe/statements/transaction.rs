//! The transactions of recorded statements.

use super::log::StatementLog;
use super::statement::Statement;
use crate::instrument::TransactionEnd;

/// A transaction of one connection, as far as a record has its statements; from [`StatementLog::transactions`].
///
/// ```
/// # use multibind::{statements::TransactionEnd, Bind, Harness};
/// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
/// let log = db.record();
/// db.connection(None)?.execute_batch("BEGIN; INSERT INTO t VALUES (1); COMMIT")?;
/// let transaction = &log.transactions()[0];
/// assert_eq!((transaction.statements().len(), transaction.end()), (3, TransactionEnd::Committed));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RecordedTransaction {
    number: u64,
    statements: Vec<Statement>,
    connection: u32,
    end: TransactionEnd,
}

impl StatementLog {
    /// Returns the transactions of the statements so far, in the order in which they began, those of several connections
    /// apart. A statement that writes outside of a transaction is one of its own.
    ///
    /// ```
    /// # use multibind::{statements::TransactionEnd, Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let log = db.record();
    /// let conn = db.connection(None)?;
    /// conn.execute("INSERT INTO t VALUES (1)", [])?;
    /// conn.execute_batch("BEGIN; INSERT INTO t VALUES (2); ROLLBACK")?;
    /// let ends = log.transactions().iter().map(|transaction| transaction.end()).collect::<Vec<_>>();
    /// assert_eq!(ends, [TransactionEnd::Committed, TransactionEnd::RolledBack]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn transactions(&self) -> Vec<RecordedTransaction> {
        let mut transactions = Vec::<RecordedTransaction>::new();
        for statement in self.statements() {
            let (Some(number), Some(end)) = (statement.transaction(), statement.transaction_end()) else { continue };
            match transactions.iter_mut().find(|transaction| transaction.number == number) {
                Some(transaction) => transaction.statements.push(statement),
                None => {
                    let connection = statement.connection();
                    transactions.push(RecordedTransaction { number, statements: vec![statement], connection, end });
                }
            }
        }
        transactions
    }
}

impl RecordedTransaction {
    /// Returns its number in the harness, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns the number of its connection in the harness, from 1.
    pub fn connection(&self) -> u32 {
        self.connection
    }

    /// Returns how it ended.
    pub fn end(&self) -> TransactionEnd {
        self.end
    }

    /// Returns its statements in the order in which they began, those that begin and end it included.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }
}
