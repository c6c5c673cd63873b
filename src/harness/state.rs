//! A prepared state: the databases of all binds as code of the test's has left them, copied and stored like a template.

use std::any::TypeId;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::blueprint::Blueprint;
use super::images::{facts, notes};
use super::prepared::Stage;
use super::running::{Running, RunningBind};
use super::shape::{program, Program};
use super::template::{Facts, Template};
use crate::config::{DatabaseSpec, Replica};
use crate::data::Labels;
use crate::database::{at_one_moment, Patience};
use crate::error::{Error, Result};
use crate::key::{BindKey, Keys, PerBind};
use crate::list::mapped;
use crate::schema::missing_parents;
use crate::sorted::Sorted;
use crate::sqlite::store::{Identity, Stored};
use crate::sqlite::{FileBytes, Image, OnConnect};

/// The databases of all binds, by the key that names each first.
#[derive(Debug)]
pub(super) struct State {
    templates: Sorted<BindKey, Arc<Template>>,
    /// The reason why making it again might give another, if there is one: then the next start makes its own.
    fleeting: Option<String>,
    /// The labels of the rows that its code has loaded.
    labels: Arc<Labels>,
}

/// The time for which a stored state is used: the time that an application has taken from the system is never older.
const FRESH: Duration = Duration::from_secs(600);

/// Everything that shapes a state.
#[derive(Hash)]
struct Parts<'s> {
    binds: Vec<BindParts<'s>>,
    replicas: Vec<(&'s Keys, String)>,
    stages: Vec<(&'s str, TypeId)>,
    program: Option<&'s Program>,
}

/// A bind's part in it.
#[derive(Hash)]
struct BindParts<'s> {
    template: Vec<u8>,
    keys: (&'s Keys, &'s Keys, &'s Keys),
    chooser: Option<TypeId>,
    /// Its other settings by how they print.
    settings: String,
}

/// Returns the identity of the state after these stages; `None` where a closure captures something.
pub(super) fn identity(
    specs: &PerBind<DatabaseSpec>,
    blueprints: &PerBind<Blueprint<'_>>,
    replicas: &[(Replica, DatabaseSpec)],
    stages: &[Stage],
) -> Option<Identity> {
    let mut parts = Parts { binds: Vec::new(), replicas: Vec::new(), stages: Vec::new(), program: program() };
    for stage in stages {
        parts.stages.push((&stage.name, stage.identity?));
    }
    for (bind, spec) in specs.iter() {
        let chooser = match &spec.dynamic {
            Some(chooser) => Some(chooser.identity?),
            None => None,
        };
        let DatabaseSpec { keys, made_for, configured, .. } = spec;
        parts.binds.push(BindParts {
            template: blueprints[bind].shape()?.identity().bytes().to_vec(),
            keys: (keys, made_for, configured),
            chooser,
            settings: settings(spec),
        });
    }
    for (replica, spec) in replicas {
        parts.replicas.push((&spec.keys, format!("{replica:?} {}", settings(spec))));
    }
    Some(Identity::of(&parts))
}

fn settings(spec: &DatabaseSpec) -> String {
    let DatabaseSpec { identity, storage, read_only, options, allow_missing_parents, .. } = spec;
    format!("{identity:?} {storage:?} {read_only} {options:?} {allow_missing_parents}")
}

impl State {
    /// Takes what the binds hold committed, all at one moment; `fleeting` is the reason why it might differ the next time.
    pub(super) fn taken(running: &Running, fleeting: Option<String>) -> Result<State> {
        let databases = running.databases();
        let all = mapped(&databases, |database| &***database);
        let images = at_one_moment(&all, &Patience::new()).map_err(|(at, error)| Error::sql(all[at].key())(error))?;
        let mut state = State { templates: Sorted::default(), fleeting, labels: running.labels() };
        for (database, image) in databases.iter().zip(images) {
            let template = database.template();
            if state.fleeting.is_none() {
                state.fleeting = template.fleeting().map(str::to_string);
            }
            let template = if image.id() == template.image.id() {
                Arc::clone(template)
            } else {
                let (key, missing_parents) = (database.key(), image.with(|conn| missing_parents(conn)));
                let file = image.file().map_err(Error::sql(key))?;
                let missing_parents = missing_parents.and_then(|found| found).map_err(Error::sql(key))?;
                let facts = Facts { missing_parents, folders: database.folders() };
                Arc::new(template_of(file, facts, image.on_connect()).ok_or_else(|| Error::sql(key)(no_database()))?)
            };
            state.templates.insert(database.key().clone(), template);
        }
        for bind in running.binds().values() {
            if let (RunningBind::Dynamic(bind), None) = (bind, &state.fleeting) {
                state.fleeting = bind.template().fleeting().map(str::to_string);
            }
        }
        Ok(state)
    }

    /// Returns what a database starts as, by the key that names it first.
    pub(super) fn get(&self, key: &BindKey) -> Option<&Arc<Template>> {
        self.templates.get(key)
    }

    /// Returns the databases that a dynamic bind starts with.
    pub(super) fn of_dynamic(&self, bind: &BindKey) -> Vec<(BindKey, Arc<Template>)> {
        let mut own = Vec::new();
        for (key, template) in self.templates.entries() {
            if key.is_of_database_of(bind) {
                own.push((key.clone(), Arc::clone(template)));
            }
        }
        own
    }

    /// Returns the labels of the rows that its code has loaded; of one that is stored, no code has.
    pub(super) fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Returns the reason why making it again might give another, if there is one.
    pub(super) fn fleeting(&self) -> Option<&str> {
        self.fleeting.as_deref()
    }

    /// Returns it as it is stored; `None` where its facts cannot be written down.
    pub(super) fn stored(&self) -> rusqlite::Result<Option<Stored>> {
        let (mut files, mut texts) = (Vec::new(), vec![now()]);
        for (key, template) in self.templates.entries() {
            texts.push(key.as_str().unwrap_or_default().to_string());
            if notes(template.facts(), &mut texts).is_none() {
                return Ok(None);
            }
            files.push(template.image.file()?);
        }
        Ok(Some(Stored { files, notes: texts }))
    }

    /// Reads what [`stored`](State::stored) has written; `on_connect` gives the application's code for a database's connections.
    fn read(
        files: Vec<FileBytes>,
        texts: &mut dyn Iterator<Item = String>,
        on_connect: &dyn Fn(&BindKey) -> Option<Vec<OnConnect>>,
    ) -> Option<State> {
        let mut templates = Sorted::default();
        for file in files {
            let key = texts.next()?;
            let key = if key.is_empty() { BindKey::DEFAULT } else { BindKey::from(key) };
            let facts = facts(texts)?;
            let template = template_of(file, facts, &on_connect(&key)?)?;
            templates.insert(key, Arc::new(template));
        }
        texts.next().is_none().then_some(State { templates, fleeting: None, labels: Arc::default() })
    }
}

/// A store's account of a state.
pub(super) enum Kept {
    State(State),
    /// It is not stored: each start makes it, or each process.
    NotStored,
    /// It is older than it is used.
    Old,
}

impl Kept {
    /// Reads a stored state; `None` where it is not a state.
    pub(super) fn of(stored: Stored, on_connect: &dyn Fn(&BindKey) -> Option<Vec<OnConnect>>) -> Option<Kept> {
        let mut texts = stored.notes.into_iter();
        if !is_fresh(&texts.next()?) {
            return Some(Kept::Old);
        }
        if stored.files.is_empty() {
            return Some(Kept::NotStored);
        }
        State::read(stored.files, &mut texts, on_connect).map(Kept::State)
    }

    /// Returns what is stored in place of a state that is not.
    pub(super) fn mark() -> Stored {
        Stored { files: Vec::new(), notes: vec![now()] }
    }
}

/// Writes the time down, in seconds.
fn now() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs().to_string()
}

/// Returns whether a time that was written down is near. One that is yet to come is not: the clock was set back.
fn is_fresh(made: &str) -> bool {
    let made = made.parse().ok().and_then(|made| UNIX_EPOCH.checked_add(Duration::from_secs(made)));
    made.and_then(|made| made.elapsed().ok()).is_some_and(|age| age < FRESH)
}

fn template_of(file: FileBytes, facts: Facts, on_connect: &[OnConnect]) -> Option<Template> {
    Image::of_file(file).map(|image| Template::of(image.connected(on_connect), facts))
}

fn no_database() -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOTADB);
    rusqlite::Error::SqliteFailure(code, Some("its copy is too short for a database".to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_fresh_for_ten_minutes_and_not_before_it_was_made() {
        let at = |offset: i64| (now().parse::<i64>().unwrap() + offset).to_string();
        assert!(is_fresh(&at(0)) && is_fresh(&at(-500)));
        assert!(!is_fresh(&at(-601)) && !is_fresh(&at(100)));
        assert!(!is_fresh("") && !is_fresh("18446744073709551615"));
        let kept = |seconds: &str, notes: &[&str]| {
            let notes = [&[seconds], notes].concat().into_iter().map(str::to_string).collect();
            Kept::of(Stored { files: vec![b"SQLite".to_vec().into()], notes }, &|_| Some(Vec::new()))
        };
        assert!(matches!(kept(&at(-601), &["auth", "0", "0"]), Some(Kept::Old)));
        assert!(matches!(kept(&at(100), &["auth", "0", "0"]), Some(Kept::Old)));
        assert!(matches!(Kept::of(Kept::mark(), &|_| None), Some(Kept::NotStored)));
        // Of a note too few, a database too short, bytes that are nobody's.
        assert!(kept(&at(0), &[]).is_none() && kept(&at(0), &["auth", "0", "0"]).is_none());
        assert!(kept(&at(0), &["auth", "0"]).is_none());
    }
}
