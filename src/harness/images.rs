//! The store of templates: what one process has made, the next reads.

use std::env;
use std::path::PathBuf;

use super::head::Head;
use super::shape::Shape;
use super::template::{Facts, Template};
use crate::config::{resolve_path, DatabaseSpec, ImageFolder};
use crate::say;
use crate::schema::{Applied, Place, Standing};
use crate::sqlite::store::{Answer, Claim, Store, Stored};
use crate::sqlite::Image;
use crate::target;

/// The variable that names the folder of the store, or says `off`.
const VARIABLE: &str = "MULTIBIND_IMAGES";

/// The store of templates that a harness uses.
#[derive(Debug)]
pub(super) struct Images {
    store: Store,
}

/// The answer of a store.
pub(super) enum Looked {
    Found(Template),
    /// Its first half; each start makes the rest.
    Head(Box<Head>),
    /// It is not the same twice: each start makes it.
    Fleeting,
    Missing,
}

impl Images {
    /// Returns the store in the folder that is chosen, else in the one that `MULTIBIND_IMAGES` names, else in the target folder;
    /// `None` where none of them is, and where it is off.
    pub(super) fn of(chosen: Option<&ImageFolder>) -> Option<Images> {
        let said = env::var_os(VARIABLE).filter(|said| !said.is_empty());
        let folder = match (said, chosen) {
            (Some(said), _) if said == "off" => return None,
            (_, Some(ImageFolder::Nowhere)) => return None,
            (_, Some(ImageFolder::In(folder))) => folder.clone(),
            (Some(said), None) => resolve_path(said.as_ref()),
            (None, None) => target::of(env::current_exe().ok().as_deref())?.join("multibind").join("images"),
        };
        Some(Images { store: Store::at(folder) })
    }

    /// Looks for a template. What cannot be used is logged, and missing.
    pub(super) fn look(&self, spec: &DatabaseSpec, shape: &Shape) -> Looked {
        let problem = match self.store.read(shape.identity()) {
            Answer::Stored(Stored { mut files, notes }) => match files.pop().map(Image::of_file) {
                None => return Looked::Fleeting,
                Some(Some(image)) => match read(image.connected(&spec.options.on_connect), notes) {
                    Some(looked) => return looked,
                    None => "its notes are not those of a template".to_string(),
                },
                Some(None) => "it is too short for a database".to_string(),
            },
            Answer::Absent => return Looked::Missing,
            Answer::Unusable(problem) => problem,
        };
        let key = spec.key();
        say::warn_of(key, format_args!("bind `{key}`: its stored image cannot be used and is made anew: {problem}"));
        Looked::Missing
    }

    /// Returns the store itself.
    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// Claims the making of a template. Nobody waits for code of the application's.
    pub(super) fn claim(&self, shape: &Shape) -> Claim {
        self.store.claim(shape.identity(), shape.is_of_texts())
    }

    /// Stores the first half of a template.
    pub(super) fn keep_head(&self, spec: &DatabaseSpec, shape: &Shape, head: &Head) {
        self.write(spec, shape, stored_head(head));
    }

    /// Stores a template, or that it is made at each start. Where that fails, each process makes its own.
    pub(super) fn keep(&self, spec: &DatabaseSpec, shape: &Shape, template: &Template) {
        self.write(spec, shape, stored(template));
    }

    fn write(&self, spec: &DatabaseSpec, shape: &Shape, stored: rusqlite::Result<Option<Stored>>) {
        let stored = match stored {
            Ok(Some(stored)) => self.store.write(shape.identity(), &stored).map_err(|error| error.to_string()),
            Ok(None) => return,
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = stored {
            say::debug(format_args!("bind `{}`: its image is not stored: {error}", spec.key()));
        }
    }
}

/// Returns what is stored of a template; `None` where that is not worth it, or its facts cannot be written down.
fn stored(template: &Template) -> rusqlite::Result<Option<Stored>> {
    let files = if template.fleeting().is_some() {
        Vec::new()
    } else if template.image.is_empty()? {
        // Nothing is made as fast as it.
        return Ok(None);
    } else {
        vec![template.image.file()?]
    };
    let mut written = Vec::new();
    Ok(notes(template.facts(), &mut written).map(|()| Stored { files, notes: written }))
}

/// Returns what is stored of a first half: after the facts its place, and what it has left of its connection.
fn stored_head(head: &Head) -> rusqlite::Result<Option<Stored>> {
    let Head { image, standing, place, facts, reason } = head;
    let (files, mut written) = (vec![image.file()?], Vec::new());
    if notes(facts, &mut written).is_none() {
        return Ok(None);
    }
    written.extend([place.parts.to_string(), place.bytes.to_string()]);
    written.extend([standing.enforces.to_string(), standing.rowid.to_string(), reason.clone()]);
    Ok(Some(Stored { files, notes: written }))
}

/// Reads what [`stored`] or [`stored_head`] has written.
fn read(image: Image, notes: Vec<String>) -> Option<Looked> {
    let mut notes = notes.into_iter();
    let facts = facts(&mut notes)?;
    let Some(parts) = notes.next() else { return Some(Looked::Found(Template::of(image, facts))) };
    let place = Place { parts: parts.parse().ok()?, bytes: notes.next()?.parse().ok()? };
    let standing = Standing { enforces: notes.next()?.parse().ok()?, rowid: notes.next()?.parse().ok()? };
    let head = Head { image, standing, place, facts, reason: notes.next()? };
    notes.next().is_none().then(|| Looked::Head(Box::new(head)))
}

/// Writes down the facts about a template; `None` where a path is no text, or a name has no end that can be told.
pub(super) fn notes(facts: &Facts, notes: &mut Vec<String>) -> Option<()> {
    notes.push(facts.missing_parents.len().to_string());
    for (table, parent) in &facts.missing_parents {
        notes.extend([table.clone(), parent.clone()]);
    }
    notes.push(facts.folders.len().to_string());
    for Applied { folder, names } in &facts.folders {
        if names.iter().any(|name| name.contains(BETWEEN)) {
            return None;
        }
        notes.extend([folder.to_str()?.to_string(), names.len().to_string(), names.join(&String::from(BETWEEN))]);
    }
    Some(())
}

/// Stands between the names of a folder, which may be many and are one note. No file's name has it.
const BETWEEN: char = '\0';

/// Reads what [`notes`] has written.
pub(super) fn facts(notes: &mut dyn Iterator<Item = String>) -> Option<Facts> {
    let mut facts = Facts::default();
    for _ in 0..notes.next()?.parse::<usize>().ok()? {
        facts.missing_parents.push((notes.next()?, notes.next()?));
    }
    for _ in 0..notes.next()?.parse::<usize>().ok()? {
        let (folder, number, all) = (PathBuf::from(notes.next()?), notes.next()?.parse::<usize>().ok()?, notes.next()?);
        let mut names = Vec::new();
        for name in all.split(BETWEEN).take(number) {
            names.push(name.to_string());
        }
        if names.len() != number {
            return None;
        }
        facts.folders.push(Applied { folder, names });
    }
    Some(facts)
}

#[cfg(test)]
mod tests {
    use super::{facts, notes, Applied, Facts};

    #[test]
    fn facts_are_read_as_they_were_written() {
        let folder = |name: &str, names: &[&str]| Applied {
            folder: name.into(),
            names: names.iter().map(ToString::to_string).collect(),
        };
        let missing_parents = vec![("post".to_string(), "user".to_string())];
        let folders = vec![folder("a", &["1", "2"]), folder("b", &[]), folder("c", &["3"]), folder("d", &[""])];
        for written in [Facts { missing_parents, folders }, Facts::default()] {
            let mut texts = Vec::new();
            notes(&written, &mut texts).unwrap();
            let mut texts = texts.into_iter();
            assert_eq!(facts(&mut texts), Some(written));
            assert_eq!(texts.next(), None);
        }
        let unwritable = Facts { missing_parents: Vec::new(), folders: vec![folder("a", &["1\0", "2"])] };
        assert_eq!(notes(&unwritable, &mut Vec::new()), None);
        for cut_off in [["1", "post"].as_slice(), &["0", "1", "a", "3", "b\0c"]] {
            assert_eq!(facts(&mut cut_off.iter().map(ToString::to_string)), None);
        }
        assert_eq!(facts(&mut [].into_iter()), None);
    }
}
