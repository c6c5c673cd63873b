//! Binds that are another key of a bind's database: what they may say, and whose database it is.

use super::bind::Bind;
use super::origin::Origin;
use crate::error::{list, Result};
use crate::key::BindKey;
use crate::nearest::nearest;

/// Refuses a bind that says of itself what only a mirror, or only another, can be told.
pub(super) fn check(key: &BindKey, bind: &Bind) -> Result<()> {
    let Some((source, origin)) = &bind.mirror else {
        return match &bind.lag {
            Some((_, origin)) => Err(origin.error(
                key,
                "`lag` is for a replica: name the bind that it is of with `mirror`, and set `read_only` too",
            )),
            None => Ok(()),
        };
    };
    if bind.dynamic.is_some() {
        let problem = format!(
            "it is dynamic, so its callback chooses its databases, and it mirrors bind `{source}` too: take one of the \
             two out"
        );
        return Err(origin.error(key, problem));
    }
    // A variable that names production's replica says nothing of the one here.
    let has_url = bind.url.as_ref().is_some_and(|url| !matches!(url.origin(), Origin::Variable(_)));
    let own = [
        ("url", has_url),
        ("storage", bind.storage.is_some()),
        ("schema", !bind.schema.is_empty()),
        ("data", !bind.data.is_empty()),
        ("copy_of", bind.copy_of.is_some()),
        ("allow_missing_parents", bind.allow_missing_parents),
    ];
    if let Some((setting, _)) = own.iter().find(|(_, is_set)| *is_set) {
        let problem = format!(
            "it mirrors bind `{source}`, whose database it has, so it cannot have `{setting}`: set that in bind \
             `{source}`, or take `mirror` out"
        );
        return Err(origin.error(key, problem));
    }
    match &bind.lag {
        Some((_, origin)) if bind.read_only != Some(true) => {
            Err(origin.error(key, "a replica that lags is only read: set `read_only` too"))
        }
        _ => Ok(()),
    }
}

/// Returns the bind whose database a mirror has, which is no mirror itself.
pub(super) fn source<'b>(
    binds: &[(&'b BindKey, &'b Bind)],
    key: &BindKey,
    (source, origin): &(BindKey, Origin),
) -> Result<&'b BindKey> {
    if source == key {
        return Err(origin.error(key, "it mirrors itself: `mirror` names another bind"));
    }
    let Some((found, bind)) = binds.iter().find(|(known, _)| *known == source) else {
        let (mut keys, mut names) = (Vec::new(), Vec::new());
        for (known, _) in binds {
            if *known != key {
                keys.push(*known);
                if let Some(name) = known.as_str() {
                    names.push(name);
                }
            }
        }
        let near = match source.as_str().and_then(|asked| nearest(asked, &names)) {
            Some(near) => format!("; the nearest is `{near}`"),
            None => String::new(),
        };
        let problem = format!("it mirrors bind `{source}`, which is not configured: there are {}{near}", list(&keys));
        return Err(origin.error(key, problem));
    };
    if bind.dynamic.is_some() {
        let problem = format!(
            "it mirrors bind `{source}`, which is dynamic and has a database for each name: a mirror is of a bind with one"
        );
        return Err(origin.error(key, problem));
    }
    match &bind.mirror {
        None => Ok(found),
        Some((next, _)) if is_in_a_circle(binds, source) => {
            Err(origin.error(key, format!("it mirrors bind `{source}`, which mirrors `{next}`, and so on in a circle")))
        }
        Some((next, _)) => Err(origin.error(
            key,
            format!(
                "it mirrors bind `{source}`, which is a mirror itself: name `{next}`, whose database both then have"
            ),
        )),
    }
}

fn is_in_a_circle(binds: &[(&BindKey, &Bind)], start: &BindKey) -> bool {
    let next = |key: &BindKey| {
        let (_, bind) = binds.iter().find(|(known, _)| *known == key)?;
        bind.mirror.as_ref().map(|(next, _)| next.clone())
    };
    let mut at = Some(start.clone());
    for _ in binds {
        at = at.as_ref().and_then(next);
    }
    // Whoever goes on after as many steps as there are binds has been somewhere twice.
    at.is_some()
}
