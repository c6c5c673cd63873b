//! The making of a prepared state: read from the store, or a harness started and the test's code run on it.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::images::Images;
use super::prepared::Stage;
use super::running::RunningBind;
use super::shape::{program, Watched};
use super::state::{Kept, State};
use super::{Harness, Keep};
use crate::error::{chain, panic_message, Error, Result};
use crate::instrument::{displaced, still_open, OpenedBy, StillOpen};
use crate::key::BindKey;
use crate::say;
use crate::sqlite::store::{Answer, Identity};
use crate::sqlite::OnConnect;
use crate::sync::{Blocked, OnceCache};

/// The most states kept that no harness uses.
const MOST_STATES: usize = 32;
static STATES: OnceCache<Identity, State> = OnceCache::new(MOST_STATES);

/// The time for which a start waits while another thread makes the state. It runs the application.
const LIMIT: Duration = Duration::from_secs(60);

/// The time for which connections that the code leaves behind may still be about to close, as those of an async driver.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(2);

/// A state to make: what its stages begin with is not decided here.
pub(super) struct Preparation<'p> {
    pub(super) stages: &'p [Stage],
    /// The state's identity; `None` where nothing is known of it beforehand.
    pub(super) identity: Option<Identity>,
    pub(super) images: Option<&'p Images>,
    /// Returns the application's code for the connections to a database.
    pub(super) on_connect: &'p dyn Fn(&BindKey) -> Option<Vec<OnConnect>>,
    /// Starts a harness that has gone through the stages before the last.
    pub(super) start: &'p dyn Fn(&[Stage]) -> Result<Harness>,
}

impl Preparation<'_> {
    /// Returns the state, making it if neither this process nor one before has made it.
    pub(super) fn state(&self) -> Result<Arc<State>> {
        let Some(identity) = &self.identity else { return self.make().map(|(state, _)| Arc::new(state)) };
        let make = || self.stored_or_made(identity);
        let blocked = |blocked: Blocked| self.failed(&waited(blocked));
        STATES.get_or_make(identity, LIMIT, make, |state| self.keeps(state), blocked)
    }

    /// Returns whether making it again would give the same. If not, the log says so once.
    fn keeps(&self, state: &State) -> bool {
        if let Some(reason) = state.fleeting() {
            say::info(format_args!("prepared state `{}`: its code runs at each start, for {reason}", self.name()));
        }
        state.fleeting().is_none()
    }

    fn stored_or_made(&self, identity: &Identity) -> Result<State> {
        // Without a file that says which program it is, no other process has its code.
        let Some(images) = self.images.filter(|_| program().is_some()) else {
            return self.make().map(|(state, _)| state);
        };
        let claim = match self.look(images, identity) {
            Some(Kept::State(state)) => return Ok(state),
            Some(Kept::NotStored) => return self.make().map(|(state, _)| state),
            Some(Kept::Old) | None => images.store().claim(identity, true),
        };
        if claim.has_waited {
            match self.look(images, identity) {
                Some(Kept::State(state)) => return Ok(state),
                // Those who wait would make it one after the other.
                Some(Kept::NotStored) => drop(claim),
                Some(Kept::Old) | None => return self.make_and_keep(images, identity),
            }
            return self.make().map(|(state, _)| state);
        }
        self.make_and_keep(images, identity)
    }

    fn make_and_keep(&self, images: &Images, identity: &Identity) -> Result<State> {
        let (state, read_nothing) = self.make()?;
        if !read_nothing {
            say::debug(format_args!(
                "prepared state `{}`: it is not stored for other processes, for this one has read a file while its code ran",
                self.name()
            ));
        }
        let stored = if read_nothing && state.fleeting().is_none() { state.stored() } else { Ok(Some(Kept::mark())) };
        let written = stored.map_err(|error| error.to_string()).and_then(|stored| match stored {
            Some(stored) => images.store().write(identity, &stored).map_err(|error| error.to_string()),
            None => Err("the path of its migrations is no text".to_string()),
        });
        if let Err(error) = written {
            say::debug(format_args!("prepared state `{}`: it is not stored: {error}", self.name()));
        }
        Ok(state)
    }

    /// Looks for it in the store. What cannot be used is logged, and missing.
    fn look(&self, images: &Images, identity: &Identity) -> Option<Kept> {
        let problem = match images.store().read(identity) {
            Answer::Stored(stored) => match Kept::of(stored, self.on_connect) {
                Some(kept) => return Some(kept),
                None => "its notes are not those of a state".to_string(),
            },
            Answer::Absent => return None,
            Answer::Unusable(problem) => problem,
        };
        let name = self.name();
        say::warn(format_args!(
            "prepared state `{name}`: what is stored of it cannot be used and is made anew: {problem}"
        ));
        None
    }

    /// Runs the last stage. Also returns whether the process has read no file meanwhile, as far as the system tells.
    fn make(&self) -> Result<(State, bool)> {
        let Some((stage, before)) = self.stages.split_last() else { return Err(self.failed("it has no code")) };
        let harness = (self.start)(before)?;
        // Of a start that fails nothing is kept, as of a schema that fails.
        harness.keep(Keep::Never);
        let recorder = harness.running().recorder();
        let (search, so_far, watched) = (recorder.search(), recorder.displaced_so_far(), Watched::begin(true));
        let outcome = catch_unwind(AssertUnwindSafe(|| (stage.run)(&harness)));
        let read_nothing = watched.has_seen_all();
        // To words at once: a harness that ends beside an error of its own keeps its databases.
        let problem = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(format!("its code failed: {}", chain(error.as_ref()))),
            Err(panic) => Some(format!("its code panicked: {}", panic_message(panic.as_ref()))),
        };
        match problem {
            Some(problem) => return Err(self.failed(&problem)),
            None => self.await_closed(&harness)?,
        }
        let mut fleeting = search.found();
        if fleeting.is_none()
            && let Some(hidden) = displaced(recorder, so_far).iter().find(|connection| connection.hides_statements())
        {
            fleeting = Some(match &hidden.opened {
                Some(opened) => {
                    let bind = opened.names.first();
                    format!("a connection to `{bind}` has a trace of the application's, which hides its statements")
                }
                None => "its code has called `sqlite3_reset_auto_extension`, which hides its connections".to_string(),
            });
        }
        let state = State::taken(harness.running(), fleeting)?;
        Ok((state, read_nothing))
    }

    /// Waits until the code has left nothing open.
    fn await_closed(&self, harness: &Harness) -> Result<()> {
        let began = Instant::now();
        while let Some(problem) = left_open(harness) {
            if began.elapsed() > PATIENCE {
                return Err(self.failed(&problem));
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn name(&self) -> &str {
        self.stages.last().map_or("", |stage| &stage.name)
    }

    fn failed(&self, problem: &str) -> Error {
        Error::Prepared { name: self.name().to_string(), problem: problem.to_string(), at: None }
    }
}

/// Returns the problem of what is still open, if anything is.
fn left_open(harness: &Harness) -> Option<String> {
    for connection in still_open(harness.running().recorder()) {
        let StillOpen { names, opened, in_transaction } = connection;
        let bind = names.first();
        let at = opened.place.as_ref().and_then(|place| place.text()).map(|at| format!(" (opened at {at})"));
        let at = at.unwrap_or_default();
        match (opened.by, in_transaction) {
            (OpenedBy::Application, true) => {
                return Some(format!(
                    "its code left a transaction open on a connection to bind `{bind}`{at}: commit it, and close the connection"
                ));
            }
            (OpenedBy::Application, false) => {
                return Some(format!(
                    "its code left a connection to bind `{bind}` open{at}: close it, for the database ends with the preparation"
                ));
            }
            (OpenedBy::Session, _) => {
                return Some(format!("its code left a session alive that uses bind `{bind}`: commit and drop it"));
            }
            (OpenedBy::Pool, true) => {
                return Some(format!(
                    "its code left a transaction open on a connection of the pool of bind `{bind}`: commit it"
                ));
            }
            (OpenedBy::Pool, false) => {}
        }
    }
    for bind in harness.running().binds().values().iter().flat_map(RunningBind::databases) {
        if bind.connections_out() > 0 {
            return Some(format!("its code left a connection of the pool of bind `{}` in use: drop it", bind.key()));
        }
    }
    (harness.sessions() > 0).then(|| "its code left a session alive: commit and drop it".to_string())
}

/// Says of a state what happened and what to do.
fn waited(blocked: Blocked) -> String {
    match blocked {
        Blocked::ByItself => "its code starts a harness with this state, which would wait for itself: leave `prepared` out \
            of the harness that it starts"
            .to_string(),
        Blocked::ByEachOther => "its code and that of another state, on two threads, each start a harness with the other \
            and would wait for each other: leave one of them out"
            .to_string(),
        Blocked::For(limit) => format!(
            "another thread has been making it for {limit:?}: its code takes too long, or waits for a thread that starts a \
             harness with it"
        ),
    }
}
