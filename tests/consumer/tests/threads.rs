//! A thousand harnesses of three binds each, on eight threads, leave the process as the first ones did: no thread and no
//! open file more.
//!
//! Without the standard test harness, whose own threads come and go.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::Barrier;

use multibind::{row, Bind, Harness};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const THREADS: usize = 8;
const HARNESSES: usize = 1000;

/// Where Linux lists the threads and the open files of the process; on another system there is nothing to look at.
const LISTS: [&str; 2] = ["/proc/self/task", "/proc/self/fd"];

fn listed(folder: &str) -> Result<BTreeSet<OsString>> {
    if !Path::new(folder).exists() {
        return Ok(BTreeSet::new());
    }
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
}

/// What is listed now and was not before.
///
/// A pool's worker may still be putting its last connection away. It is given the processor, not a time: what stays after
/// that many turns stays for good.
fn more_than(before: &BTreeSet<OsString>, folder: &str) -> Result<Vec<OsString>> {
    const TURNS: usize = 10_000;
    let mut more = Vec::new();
    for _ in 0..TURNS {
        more = listed(folder)?.difference(before).cloned().collect();
        if more.is_empty() {
            break;
        }
        std::thread::yield_now();
    }
    Ok(more)
}

/// A panic is an error, so that no thread waits for one that is gone.
fn one_test(number: usize) -> Result<()> {
    catch_unwind(|| sign_up_and_look(number)).unwrap_or_else(|_| Err("a test panicked".into()))
}

fn sign_up_and_look(number: usize) -> Result<()> {
    let db = Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL)"))
        .bind("auth", Bind::memory().schema_path("fixtures/auth"))
        .bind("meta", Bind::temp_file().schema_path("fixtures/meta.sql"))
        .start()?;
    let name = format!("user {number}");
    my_app::sign_up(&*db.connection("auth")?, &name);
    my_app::audit(&*db.connection("meta")?, &name);
    let mut session = db.session();
    session.table("post")?.insert(row! { title: name.as_str() })?;
    session.commit()?;
    drop(session);
    db.assert_landed("auth", "user", row! { username: name.as_str() });
    db.assert_landed("meta", "log", row! { event: name.as_str() });
    db.assert_landed(None, "post", row! { title: name.as_str() });
    Ok(db.close()?)
}

fn main() -> Result<()> {
    // The eight threads are alive, and wait, whenever threads are counted: none is on its way out.
    let [warm, counted, done, end] = [(); 4].map(|()| Barrier::new(THREADS + 1));

    let more = std::thread::scope(|scope| -> Result<_> {
        let workers: Vec<_> = (0..THREADS)
            .map(|worker| {
                let (warm, counted, done, end) = (&warm, &counted, &done, &end);
                scope.spawn(move || {
                    let first = one_test(HARNESSES + worker);
                    warm.wait();
                    counted.wait();
                    let rest = (worker..HARNESSES).step_by(THREADS).try_for_each(one_test);
                    done.wait();
                    end.wait();
                    first.and(rest)
                })
            })
            .collect();
        warm.wait();
        let before = LISTS.map(|list| (list, listed(list)));
        counted.wait();
        done.wait();
        let more = before.map(|(list, before)| before.and_then(|before| more_than(&before, list)));
        end.wait();
        for worker in workers {
            worker.join().map_err(|_| "a thread panicked")??;
        }
        Ok(more)
    })?;
    for (list, more) in LISTS.into_iter().zip(more) {
        assert_eq!(more?, [] as [OsString; 0], "in {list} after {HARNESSES} harnesses and not after the first");
    }

    println!("{HARNESSES} harnesses: no thread and no open file more");
    Ok(())
}
