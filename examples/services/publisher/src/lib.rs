//! Publishes texts as pages of a site. What is to be published waits as a job in the queue's database; worker threads make
//! the pages in the site's.
//!
//! The two databases have no common commit. A page is committed before its job goes, so a job may be done twice and is
//! never lost; done twice, it makes the same page.

mod functions;

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use r2d2_sqlite::SqliteConnectionManager;

pub use functions::register;

pub type Pool = r2d2::Pool<SqliteConnectionManager>;
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A job is given up after so many tries.
const TRIES: i64 = 3;

/// Opens a pool on a file or an SQLite URI.
pub fn open(address: &str) -> Result<Pool> {
    let manager = SqliteConnectionManager::file(address).with_init(|conn| register(conn));
    Ok(Pool::builder().max_size(4).build(manager)?)
}

#[derive(Clone)]
pub struct Databases {
    pub queue: Pool,
    pub site: Pool,
}

impl Databases {
    /// Puts a text into the queue, and returns the number of its job.
    pub fn add(&self, title: &str, body: &str) -> Result<i64> {
        let queue = self.queue.get()?;
        queue.execute("INSERT INTO job (title, body) VALUES (?1, ?2)", [title, body])?;
        Ok(queue.last_insert_rowid())
    }

    fn waiting(&self) -> Result<Vec<i64>> {
        let queue = self.queue.get()?;
        let mut jobs = queue.prepare("SELECT id FROM job WHERE tries < ?1 ORDER BY id")?;
        Ok(jobs.query_map([TRIES], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
    }

    fn publish(&self, job: i64) -> Result {
        let queue = self.queue.get()?;
        let (title, body): (String, String) =
            queue
                .query_row("SELECT title, body FROM job WHERE id = ?1", [job], |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.site.get()?.execute(
            "INSERT INTO page (title, words) VALUES (?1, word_count(?2))
             ON CONFLICT (slug) DO UPDATE SET title = excluded.title, words = excluded.words",
            [title, body],
        )?;
        queue.execute("DELETE FROM job WHERE id = ?1", [job])?;
        Ok(())
    }

    /// Notes that a job failed, and returns the number of its tries.
    fn failed(&self, job: i64, problem: &str) -> Result<i64> {
        let note = "UPDATE job SET tries = tries + 1, problem = ?2 WHERE id = ?1 RETURNING tries";
        Ok(self.queue.get()?.query_row(note, (job, problem), |row| row.get(0))?)
    }
}

/// The threads. Dropping it lets them end the jobs that they have.
pub struct Publisher {
    databases: Databases,
    jobs: Option<Sender<i64>>,
    workers: Vec<JoinHandle<()>>,
}

impl Publisher {
    /// Starts the threads, which begin with what an earlier run has left in the queue.
    pub fn start(databases: Databases, threads: usize) -> Result<Publisher> {
        let (jobs, waiting) = mpsc::channel();
        for job in databases.waiting()? {
            jobs.send(job)?;
        }
        let waiting = Arc::new(Mutex::new(waiting));
        let workers = (0..threads).map(|_| {
            let (databases, waiting) = (databases.clone(), Arc::clone(&waiting));
            thread::spawn(move || {
                while let Some(job) = next(&waiting) {
                    work(&databases, job);
                }
            })
        });
        Ok(Publisher { workers: workers.collect(), jobs: Some(jobs), databases })
    }

    pub fn submit(&self, title: &str, body: &str) -> Result {
        let job = self.databases.add(title, body)?;
        Ok(self.jobs.as_ref().ok_or("the publisher has ended")?.send(job)?)
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.jobs = None;
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
    }
}

fn next(waiting: &Mutex<Receiver<i64>>) -> Option<i64> {
    waiting.lock().ok()?.recv().ok()
}

fn work(databases: &Databases, job: i64) {
    while let Err(problem) = databases.publish(job) {
        match databases.failed(job, &problem.to_string()) {
            Ok(tries) if tries < TRIES => {}
            Ok(_) => return,
            Err(error) => return eprintln!("job {job} waits for the next start: {problem}, and then {error}"),
        }
    }
}
