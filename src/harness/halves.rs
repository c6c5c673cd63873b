//! A template in two halves: the first of an image, the second run at each start.

use super::blueprint::Blueprint;
use super::head::Head;
use super::make::Rest;
use super::shape::Shape;
use super::template::Template;
use crate::error::Result;
use crate::schema::{Halves, Place};
use crate::sqlite::{counts, noticing, texts};

impl Blueprint<'_> {
    /// Makes the first half of a template that ends at a place. Also returns whether another process may use it; `None` where the
    /// two halves do not make what the whole has made.
    pub(super) fn head(&self, shape: &Shape, place: Place, whole: &Template) -> Option<(Head, bool)> {
        let halves = Halves::of(&self.schema().ok()?.parts, place)?;
        let watched = shape.watch();
        let (made, noticed) = noticing(|| self.run_head(&halves));
        let may_be_stored = watched.has_seen_all();
        let (image, standing) = made.ok().filter(|_| noticed.is_none())?;
        let (facts, reason) = (whole.facts().clone(), whole.fleeting()?.to_string());
        let head = Head { image, standing, place, facts, reason };
        let before = counts();
        let rest = Rest { head: &head, halves: &halves, notices_counts: true };
        let tried = noticing(|| self.run_rest(&rest)).0.ok()?;
        // A count of changed rows is of the connection, which has run the second half alone.
        (counts() == before && objects(&tried)? == objects(whole)?).then_some((head, may_be_stored))
    }

    /// Makes a template of its first half.
    pub(super) fn completed(&self, head: &Head) -> Result<Template> {
        let Some(halves) = Halves::of(&self.schema()?.parts, head.place).filter(|_| self.has_its_texts()) else {
            return self.make().map(|(template, _)| template);
        };
        let rest = Rest { head, halves: &halves, notices_counts: false };
        let template = noticing(|| self.run_rest(&rest)).0?;
        Ok(template.that_is(Some(head.reason.clone())).in_halves())
    }
}

/// Returns what SQLite has of a template's schema, in the order in which it was made.
fn objects(template: &Template) -> Option<Vec<String>> {
    const OBJECTS: &str =
        "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_schema";
    template.image.with(|conn| texts(conn, OBJECTS)).ok()?.ok()
}
