//! The document: its head, the verdict, and the parts in the order in which they are read.

use super::html::Html;
use super::run::Run;
use super::value::{plural, time};
use super::{changes, picture, rows, statements, timeline, Outcome, Shown};
use crate::observe::StatementKind;
use crate::report::words::cut;

/// The number of characters of a report, and of a note, that are shown.
const REPORT_SHOWN: usize = 10_000;
const NOTE_SHOWN: usize = 500;
/// The number of notes that are shown.
const NOTES_SHOWN: usize = 10;

/// The policy that forbids every request: nothing in a value can make one.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; \
                      form-action 'none'";

/// Writes the page.
pub(crate) fn page(shown: &Shown<'_>) -> String {
    let mut run = Run::of(shown);
    let listed = statements::listed(shown, &run);
    run.keep_last(listed.len());
    let mut html = Html::default();
    html.markup("<!DOCTYPE html>\n");
    html.open("html", &[("lang", "en")]);
    html.open("head", &[]);
    html.void("meta", &[("charset", "utf-8")]);
    html.void("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
    html.void("meta", &[("name", "color-scheme"), ("content", "light dark")]);
    html.void("meta", &[("name", "referrer"), ("content", "no-referrer")]);
    html.void("meta", &[("http-equiv", "Content-Security-Policy"), ("content", POLICY)]);
    html.element("title", &[], &format!("{} · multibind", shown.test));
    html.open("style", &[]);
    html.markup(include_str!("page.css"));
    html.close();
    html.close();
    let has_failed = !matches!(shown.outcome, Outcome::Standing);
    html.open("body", &[("class", if has_failed { "failed" } else { "kept" })]);
    head(&mut html, shown, &run);
    html.open("main", &[]);
    verdict(&mut html, shown);
    html.open("div", &[]);
    timeline::write(&mut html, shown, &run);
    statements::write(&mut html, &run, listed);
    html.close();
    changes::write(&mut html, shown);
    rows::write(&mut html, shown);
    picture::write(&mut html, shown);
    html.close();
    html.open("script", &[]);
    html.markup(include_str!("page.js"));
    html.close();
    html.finish()
}

fn head(html: &mut Html, shown: &Shown<'_>, run: &Run<'_>) {
    html.open("header", &[]);
    let (class, outcome) = match shown.outcome {
        Outcome::Failed { .. } | Outcome::Panicked => ("outcome bad", "failed"),
        Outcome::Returning => ("outcome bad", "error"),
        Outcome::Standing => ("outcome", "kept"),
    };
    html.open("h1", &[]);
    html.element("span", &[("class", class)], outcome);
    html.markup(" ");
    html.element("bdi", &[], shown.test);
    html.close();
    let mut writes = 0;
    for ran in &run.ran {
        writes += u64::from(ran.statement.kind() == StatementKind::Write);
    }
    let facts = [
        plural(shown.databases.len() as u64, "database"),
        plural((run.before + run.ran.len()) as u64, "statement"),
        plural(writes, "write"),
        format!("{} from the start of the harness to its end", time(run.end)),
    ];
    html.element("p", &[("class", "facts")], &facts.join(" · "));
    html.open("nav", &[("aria-label", "Parts of this page")]);
    for (target, name) in [
        ("#verdict", "Verdict"),
        ("#timeline", "Timeline"),
        ("#statements", "Statements"),
        ("#changes", "Changes"),
        ("#rows", "Rows"),
        ("#picture", "Picture"),
    ] {
        html.element("a", &[("href", target)], name);
    }
    html.close();
    html.close();
}

fn verdict(html: &mut Html, shown: &Shown<'_>) {
    html.open("section", &[("id", "verdict"), ("class", "verdict"), ("aria-label", "Verdict")]);
    match &shown.outcome {
        Outcome::Failed { report, place, thread } => {
            let report = cut(report, REPORT_SHOWN);
            let (headline, rest) = headline(&report);
            html.element("h2", &[], &headline);
            // Code under test may have caught it, and panicked again.
            html.open("p", &[("class", "place")]);
            match thread {
                Some(thread) => {
                    html.markup("The last assertion of multibind that failed, on thread ");
                    html.element("code", &[], thread);
                }
                None => html.markup("The last assertion of multibind that failed in this thread"),
            }
            if let Some(place) = place {
                html.markup(", at ");
                html.element("code", &[], place);
            }
            html.close();
            if !rest.is_empty() {
                html.element("pre", &[("class", "report"), ("tabindex", "0")], rest);
            }
        }
        Outcome::Panicked => {
            html.element("h2", &[], "The test panicked, and not in an assertion of multibind.");
            html.element("p", &[], "Its message is on standard error, before the line that names this page.");
        }
        Outcome::Returning => {
            html.element("h2", &[], "The test ended while an error was alive, which it may have returned.");
            html.element("p", &[], "If so, the error is on standard error, with the line that names this page.");
        }
        Outcome::Standing => {
            html.element("h2", &[], "The test had not failed when its databases were saved.");
        }
    }
    if !shown.notes.is_empty() {
        html.open("ul", &[("class", "notes")]);
        for note in &shown.notes[..shown.notes.len().min(NOTES_SHOWN)] {
            html.element("li", &[], &cut(note, NOTE_SHOWN));
        }
        if shown.notes.len() > NOTES_SHOWN {
            html.element("li", &[], &format!("… and {} more", shown.notes.len() - NOTES_SHOWN));
        }
        html.close();
    }
    html.close();
}

/// Splits a report into its first paragraph, on one line, and the rest.
fn headline(report: &str) -> (String, &str) {
    let (first, rest) = report.split_once("\n\n").unwrap_or((report, ""));
    let mut headline = String::new();
    for line in first.lines() {
        if !headline.is_empty() {
            headline.push(' ');
        }
        headline.push_str(line.trim());
    }
    (headline, rest.trim_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::headline;

    #[test]
    fn the_headline_is_the_first_paragraph_on_one_line() {
        let (first, rest) = headline("the row did not land in\n`meta`:\n\n─────\n a\n\nnext");
        assert_eq!((first.as_str(), rest), ("the row did not land in `meta`:", "─────\n a\n\nnext"));
        assert_eq!(headline("short"), ("short".to_string(), ""));
    }
}
