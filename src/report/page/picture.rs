//! The picture: the binds, their tables, and what refers to what.

use super::html::Html;
use super::part::part;
use super::places::{places, Card, Group, Picture, Place, EDGE, HEAD, LINE};
use super::value::plural;
use super::Shown;
use crate::observe::TableChange;
use crate::report::words::cut;

/// The number of references that are drawn and listed, and of characters of a name.
const REFERENCES: usize = 400;
/// The bytes that the picture takes.
const BYTES: usize = 150 << 10;
const NAME: usize = 26;
const LISTED: usize = 120;
/// The distance by which the line of a reference within a column of cards stands out.
const OUT: usize = 40;

/// A reference as it is drawn.
struct Edge {
    from: (Place, usize),
    to: (Place, usize),
    /// Set if it leads from one bind into another.
    crosses: bool,
    words: String,
}

/// Writes the picture.
pub(super) fn write(html: &mut Html, shown: &Shown<'_>) {
    let about =
        "The binds and their tables. A solid line is a foreign key, a dashed one a reference into another bind.";
    part(html, "picture", "Picture", about);
    let picture = places(shown);
    let (edges, listed) = edges(shown, &picture);
    let (width, height) = (picture.width.to_string(), picture.height.to_string());
    let name = "The binds, their tables and their references";
    html.open("div", &[("class", "scroll"), ("tabindex", "0"), ("role", "group"), ("aria-label", name)]);
    html.open(
        "svg",
        &[
            ("width", &width),
            ("height", &height),
            ("viewBox", &format!("0 0 {width} {height}")),
            ("role", "img"),
            ("aria-label", name),
        ],
    );
    let limit = html.bytes() + BYTES;
    for group in &picture.groups {
        draw_group(html, shown, group, limit);
    }
    for edge in &edges {
        if html.bytes() < limit {
            draw_edge(html, edge);
        }
    }
    html.close();
    html.close();
    if !listed.is_empty() {
        html.open("details", &[]);
        html.element("summary", &[], &format!("{} as a list", plural(listed.len() as u64, "reference")));
        html.open("ul", &[]);
        for words in &listed {
            if html.bytes() > limit {
                html.element("li", &[], "… and more, left out with what is not drawn: this page would be too large.");
                break;
            }
            html.element("li", &[], words);
        }
        html.close();
        html.close();
    }
    if shown.databases.len() > picture.groups.len() {
        let hidden = plural((shown.databases.len() - picture.groups.len()) as u64, "database");
        html.element("p", &[("class", "about")], &format!("{hidden} more are not drawn."));
    }
    html.close();
}

/// Returns the references that can be drawn, and all in words.
fn edges(shown: &Shown<'_>, picture: &Picture<'_>) -> (Vec<Edge>, Vec<String>) {
    let (mut edges, mut listed) = (Vec::new(), Vec::new());
    let mut add = |from: (usize, &str, &str), to: (usize, &str, &str)| {
        if listed.len() == REFERENCES {
            return;
        }
        let named = |(database, table, column): (usize, &str, &str)| {
            let bind = shown.databases.get(database).map_or_else(String::new, |database| database.key.to_string());
            let dot = if column.is_empty() { "" } else { "." };
            cut(&format!("{bind}.{table}{dot}{column}"), LISTED)
        };
        let words = format!("{} → {}", named(from), named(to));
        let ends = picture.column(from.0, from.1, from.2).zip(picture.column(to.0, to.1, to.2));
        if let Some((from_place, to_place)) = ends {
            let crosses = from.0 != to.0;
            edges.push(Edge { from: from_place, to: to_place, crosses, words: words.clone() });
        }
        listed.push(words);
    };
    for (number, database) in shown.databases.iter().enumerate() {
        let Ok(contents) = &database.contents else { continue };
        for table in contents.metadata.tables() {
            for key in table.foreign_keys() {
                let parent = contents.metadata.table(key.parent());
                for (at, column) in key.columns().iter().enumerate() {
                    // A key that names no columns means the primary key.
                    let named = key.parent_columns().get(at).map(String::as_str);
                    let own = || parent.and_then(|parent| parent.primary_key().nth(at).map(str::to_string));
                    let to = named.map(str::to_string).or_else(own).unwrap_or_default();
                    add((number, table.name(), column), (number, key.parent(), &to));
                }
            }
        }
    }
    for link in shown.references {
        let (from, to) = (&link.from, &link.to);
        add((from.database, &from.table, &from.column), (to.database, &to.table, &to.column));
    }
    (edges, listed)
}

fn draw_group(html: &mut Html, shown: &Shown<'_>, group: &Group<'_>, limit: usize) {
    html.open("g", &[("class", "group")]);
    rectangle(html, "box", group.place, 10);
    text(html, "title", group.place.x + EDGE, group.place.y + 26, &cut(&group.database.label, LISTED));
    let note = match &group.database.contents {
        Err(_) => Some("cannot be read".to_string()),
        Ok(_) if group.hidden > 0 => Some(format!("… and {} more", plural(group.hidden as u64, "table"))),
        Ok(_) if group.cards.is_empty() => Some("no tables".to_string()),
        Ok(_) => None,
    };
    if let Some(note) = note {
        let right = group.place.x + group.place.width - EDGE;
        text(html, "note", right, group.place.y + 26, &note);
    }
    for card in &group.cards {
        let is_it = |change: &&TableChange| {
            change.bind() == &group.database.key && change.table() == card.table.name() && !change.is_view()
        };
        if html.bytes() > limit {
            break;
        }
        draw_card(html, card, shown.changes.changes().iter().find(is_it));
    }
    html.close();
}

fn draw_card(html: &mut Html, card: &Card<'_>, change: Option<&TableChange>) {
    let Place { x, y, width, .. } = card.place;
    html.open("g", &[("class", if change.is_some() { "card touched" } else { "card" })]);
    html.element("title", &[], &cut(card.table.name(), LISTED));
    rectangle(html, "box", card.place, 6);
    text(html, "name", x + 10, y + 19, &cut(card.table.name(), NAME));
    if let Some(change) = change {
        let counts = [("+", change.inserted().len()), ("~", change.updated().len()), ("−", change.deleted().len())];
        let mut shown = String::new();
        for (sign, count) in counts {
            if count > 0 {
                shown.push_str(&format!(" {sign}{count}"));
            }
        }
        text(html, "note", x + width - 10, y + 19, shown.trim_start());
    }
    for (at, line) in card.lines.iter().enumerate() {
        let y = y + HEAD + at * LINE + 14;
        let class = match (line.is_key, line.refers) {
            (true, _) => "column key",
            (false, true) => "column refers",
            (false, false) => "column",
        };
        text(html, class, x + 10, y, &line.name);
        text(html, "type", x + width - 10, y, &line.declared);
    }
    if card.hidden > 0 {
        let y = y + HEAD + card.lines.len() * LINE + 14;
        text(html, "column", x + 10, y, &format!("… {} more", card.hidden));
    }
    html.close();
}

fn draw_edge(html: &mut Html, edge: &Edge) {
    let ((from, y), (to, there)) = (edge.from, edge.to);
    let is_right = to.x >= from.x + from.width;
    let is_left = to.x + to.width <= from.x;
    // The cards are apart, or one is above the other and the line goes around.
    let (x1, x2, c1, c2) = if is_right {
        let bend = ((to.x - from.x - from.width) / 2).max(OUT);
        (from.x + from.width, to.x, from.x + from.width + bend, to.x.saturating_sub(bend))
    } else if is_left {
        let bend = ((from.x - to.x - to.width) / 2).max(OUT);
        (from.x, to.x + to.width, from.x.saturating_sub(bend), to.x + to.width + bend)
    } else {
        let (one, other) = (from.x + from.width, to.x + to.width);
        (one, other, one + OUT, other + OUT)
    };
    html.open("g", &[("class", if edge.crosses { "edge crosses" } else { "edge" })]);
    html.element("title", &[], &edge.words);
    html.void("path", &[("d", &format!("M{x1} {y}C{c1} {y} {c2} {there} {x2} {there}"))]);
    // An arrow at the parent.
    let back = if is_right { x2.saturating_sub(7) } else { x2 + 7 };
    let (above, below) = (there.saturating_sub(4), there + 4);
    html.void("path", &[("class", "tip"), ("d", &format!("M{x2} {there}L{back} {above}L{back} {below}Z"))]);
    html.void("circle", &[("cx", &x1.to_string()), ("cy", &y.to_string()), ("r", "2.5")]);
    html.close();
}

fn rectangle(html: &mut Html, class: &str, place: Place, radius: usize) {
    let [x, y, width, height, radius] =
        [place.x, place.y, place.width, place.height, radius].map(|number| number.to_string());
    html.void(
        "rect",
        &[("class", class), ("x", &x), ("y", &y), ("width", &width), ("height", &height), ("rx", &radius)],
    );
}

fn text(html: &mut Html, class: &str, x: usize, y: usize, text: &str) {
    html.element("text", &[("class", class), ("x", &x.to_string()), ("y", &y.to_string())], text);
}
