//! The places of the tables in the picture: a box for each bind, with a card for each table.

use unicode_width::UnicodeWidthStr;

use super::{LinkEnd, Shown, ShownDatabase};
use crate::list::has_name;
use crate::report::words::cut;
use crate::schema::{ColumnInfo, TableInfo};

/// The width of a character, the height of a line and of a card's head.
const CHARACTER: usize = 7;
pub(super) const LINE: usize = 19;
pub(super) const HEAD: usize = 28;
/// The space around what is drawn, between two cards one below the other, and between two columns of them.
pub(super) const EDGE: usize = 16;
const BETWEEN: usize = 16;
const ASIDE: usize = 64;
/// The space above the cards of a bind, for its name.
const TITLE: usize = 30;
/// The heights and widths from which on a next column and a next row of binds begin.
const TALL: usize = 620;
const WIDE: usize = 1240;
/// The least width of a card, and the characters of a name and of a type in it.
const NARROW: usize = 120;
const NAME: usize = 26;
const TYPE: usize = 14;
/// The number of cards of a bind and in all, of binds, and of lines of a card.
const CARDS: usize = 40;
const ALL_CARDS: usize = 160;
const BINDS: usize = 40;
const LINES: usize = 14;

/// A place with a size.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// A bind as it is drawn.
pub(super) struct Group<'p> {
    pub(super) database: &'p ShownDatabase,
    pub(super) number: usize,
    pub(super) place: Place,
    pub(super) cards: Vec<Card<'p>>,
    /// The number of tables that have no card.
    pub(super) hidden: usize,
}

/// A table as it is drawn.
pub(super) struct Card<'p> {
    pub(super) table: &'p TableInfo,
    pub(super) place: Place,
    pub(super) lines: Vec<Line>,
    /// The number of columns that have no line.
    pub(super) hidden: usize,
}

/// A column as it is drawn.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) declared: String,
    pub(super) is_key: bool,
    pub(super) refers: bool,
}

/// All that is drawn, and its size.
pub(super) struct Picture<'p> {
    pub(super) groups: Vec<Group<'p>>,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Finds a place for every table.
pub(super) fn places<'p>(shown: &Shown<'p>) -> Picture<'p> {
    let mut picture = Picture { groups: Vec::new(), width: 2 * EDGE, height: 2 * EDGE };
    let (mut x, mut y, mut tallest, mut cards) = (EDGE, EDGE, 0, 0);
    for (number, database) in shown.databases.iter().enumerate().take(BINDS) {
        let mut group = group(shown, number, database, ALL_CARDS.saturating_sub(cards));
        cards += group.cards.len();
        if x > EDGE && x + group.place.width > WIDE {
            (x, y, tallest) = (EDGE, y + tallest + ASIDE / 2, 0);
        }
        group.move_by(x, y);
        x += group.place.width + ASIDE;
        tallest = tallest.max(group.place.height);
        picture.width = picture.width.max(group.place.x + group.place.width + EDGE);
        picture.height = picture.height.max(group.place.y + group.place.height + EDGE);
        picture.groups.push(group);
    }
    picture
}

/// Lays a bind out, from the origin on.
fn group<'p>(shown: &Shown<'p>, number: usize, database: &'p ShownDatabase, most: usize) -> Group<'p> {
    let tables = database.contents.as_ref().map_or(&[][..], |contents| contents.metadata.tables());
    let least = NARROW.max((database.label.width() + 14) * CHARACTER);
    let shown_tables = &tables[..tables.len().min(CARDS).min(most)];
    let (mut x, mut y, mut widest, mut height) = (EDGE, TITLE + EDGE, 0, TITLE + EDGE);
    let mut cards = Vec::<Card<'p>>::with_capacity(shown_tables.len());
    let mut column = 0;
    for table in shown_tables {
        let mut card = card(shown, number, table);
        if y + card.place.height > TALL && y > TITLE + EDGE {
            widen(&mut cards[column..], widest);
            (x, y, widest, column) = (x + widest + ASIDE, TITLE + EDGE, 0, cards.len());
        }
        (card.place.x, card.place.y) = (x, y);
        y += card.place.height + BETWEEN;
        widest = widest.max(card.place.width);
        height = height.max(y - BETWEEN);
        cards.push(card);
    }
    widen(&mut cards[column..], widest);
    let width = (x + widest + EDGE).max(least);
    let place = Place { x: 0, y: 0, width, height: height + EDGE };
    Group { database, number, place, cards, hidden: tables.len() - shown_tables.len() }
}

fn widen(cards: &mut [Card<'_>], width: usize) {
    for card in cards {
        card.place.width = width;
    }
}

fn card<'p>(shown: &Shown<'_>, database: usize, table: &'p TableInfo) -> Card<'p> {
    let mut lines = Vec::new();
    let mut hidden = 0;
    for column in table.columns() {
        if column.is_hidden() {
            continue;
        }
        if lines.len() == LINES {
            hidden += 1;
            continue;
        }
        lines.push(Line {
            name: cut(column.name(), NAME),
            declared: cut(column.declared_type(), TYPE),
            is_key: column.primary_key().is_some(),
            refers: refers(shown, database, table, column),
        });
    }
    let mut characters = cut(table.name(), NAME).width() + 12;
    for line in &lines {
        characters = characters.max(line.name.width() + line.declared.width() + 5);
    }
    let height = HEAD + LINE * (lines.len() + usize::from(hidden > 0)) + 6;
    let place = Place { x: 0, y: 0, width: NARROW.max(characters * CHARACTER + 20), height };
    Card { table, place, lines, hidden }
}

/// Returns whether a column refers to another table, in its bind or in another.
fn refers(shown: &Shown<'_>, database: usize, table: &TableInfo, column: &ColumnInfo) -> bool {
    let is_from = |end: &LinkEnd| {
        end.database == database
            && end.table.eq_ignore_ascii_case(table.name())
            && end.column.eq_ignore_ascii_case(column.name())
    };
    table.foreign_keys().iter().any(|key| has_name(key.columns(), column.name()))
        || shown.references.iter().any(|link| is_from(&link.from))
}

impl Group<'_> {
    fn move_by(&mut self, x: usize, y: usize) {
        (self.place.x, self.place.y) = (self.place.x + x, self.place.y + y);
        for card in &mut self.cards {
            (card.place.x, card.place.y) = (card.place.x + x, card.place.y + y);
        }
    }
}

impl Picture<'_> {
    /// Returns the place of a column: its card, and the height of its line; that of the card's head where it has none.
    pub(super) fn column(&self, database: usize, table: &str, column: &str) -> Option<(Place, usize)> {
        let group = self.groups.iter().find(|group| group.number == database)?;
        let card = group.cards.iter().find(|card| card.table.name().eq_ignore_ascii_case(table))?;
        let columns = card.table.columns().iter().filter(|column| !column.is_hidden());
        let line = columns.take(card.lines.len()).position(|known| known.name().eq_ignore_ascii_case(column));
        let y = card.place.y + line.map_or(HEAD / 2, |line| HEAD + line * LINE + LINE / 2);
        Some((card.place, y))
    }
}
