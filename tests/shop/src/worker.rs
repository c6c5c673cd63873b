//! The thread that ships purchases, a few in a transaction.

use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use crate::databases::Databases;
use crate::slips::{has, Slip};
use crate::Result;

/// The purchases of one transaction.
const BATCH: usize = 3;

enum Job {
    Ship(i64, &'static str),
    Flush(Sender<()>),
}

/// The thread; it ends when this is dropped.
pub struct Worker {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub fn start(databases: &Databases) -> Result<Worker> {
        let conn = Connection::open(&databases.addresses.main)?;
        let (jobs, waiting) = mpsc::channel();
        let run = move || {
            let mut open = 0;
            for job in waiting {
                if let Err(error) = work(&conn, &mut open, job) {
                    eprintln!("shipping: {error}");
                }
            }
        };
        let thread = thread::Builder::new().name("shipping".to_string()).spawn(run)?;
        Ok(Worker { jobs: Some(jobs), thread: Some(thread) })
    }

    pub fn ship(&self, purchase: i64, carrier: &'static str) -> Result {
        Ok(self
            .jobs
            .as_ref()
            .ok_or("the worker has ended")?
            .send(Job::Ship(purchase, carrier))
            .map_err(|e| e.to_string())?)
    }

    /// Waits until all that was to be shipped is.
    pub fn flush(&self) -> Result {
        let (done, wait) = mpsc::channel();
        self.jobs.as_ref().ok_or("the worker has ended")?.send(Job::Flush(done)).map_err(|e| e.to_string())?;
        Ok(wait.recv()?)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn work(conn: &Connection, open: &mut usize, job: Job) -> Result {
    match job {
        Job::Ship(purchase, carrier) => {
            if *open == 0 {
                conn.execute_batch("BEGIN")?;
            }
            conn.execute("INSERT INTO shipment (purchase_id, carrier) VALUES (?1, ?2)", (purchase, carrier))?;
            *open += 1;
            if *open == BATCH {
                finish(conn, open)?;
            }
        }
        Job::Flush(done) => {
            if *open > 0 && !has(Slip::NeverCommitted) {
                finish(conn, open)?;
            }
            done.send(())?;
        }
    }
    Ok(())
}

fn finish(conn: &Connection, open: &mut usize) -> Result {
    conn.execute_batch("COMMIT")?;
    *open = 0;
    Ok(())
}
