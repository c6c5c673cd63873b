//! The names of Flask-SQLAlchemy that are no form of a bind: what each does here.

use crate::nearest::nearest;

/// Names of Flask-SQLAlchemy, those of its second version among them, that set an engine option for every bind.
const OPTIONS: [(&str, &str); 5] = [
    ("SQLALCHEMY_ECHO", "echo"),
    ("SQLALCHEMY_MAX_OVERFLOW", "max_overflow"),
    ("SQLALCHEMY_POOL_RECYCLE", "pool_recycle"),
    ("SQLALCHEMY_POOL_SIZE", "pool_size"),
    ("SQLALCHEMY_POOL_TIMEOUT", "pool_timeout"),
];

/// Names of Flask-SQLAlchemy that mean nothing here.
const WITHOUT_EFFECT: [&str; 5] = [
    "SQLALCHEMY_COMMIT_ON_TEARDOWN",
    "SQLALCHEMY_NATIVE_UNICODE",
    "SQLALCHEMY_QUERY_TIMEOUT",
    "SQLALCHEMY_RECORD_QUERIES",
    "SQLALCHEMY_TRACK_MODIFICATIONS",
];

/// Returns the engine option that a name sets for every bind.
pub(super) fn option(name: &str) -> Option<&'static str> {
    let (_, option) = OPTIONS.iter().find(|(known, _)| *known == name)?;
    Some(option)
}

/// Returns whether a name of Flask-SQLAlchemy means nothing here.
pub(super) fn is_without_effect(name: &str) -> bool {
    WITHOUT_EFFECT.contains(&name)
}

/// Returns all names here.
pub(super) fn names() -> Vec<&'static str> {
    let mut names = Vec::new();
    for (name, _) in &OPTIONS {
        names.push(*name);
    }
    names.extend_from_slice(&WITHOUT_EFFECT);
    names
}

/// Returns whether a name is in upper case and not one of Flask-SQLAlchemy's, nor near to one or to the `others` known.
pub(super) fn is_the_applications(name: &str, others: &[&'static str]) -> bool {
    let upper = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    let near = nearest(name, &[others, &names()].concat()).is_some_and(|near| near.starts_with("SQLALCHEMY_"));
    upper && !name.starts_with("SQLALCHEMY_") && !near
}
