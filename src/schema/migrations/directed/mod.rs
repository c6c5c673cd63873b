//! Files that have what leads up and what leads back in one: dbmate's, goose's and sql-migrate's.
//!
//! A line of its own begins each direction. Each tool reads the lines of a file for it, whatever SQL they stand in, and so
//! does this.

mod dbmate;
mod goose;
mod section;
mod sql_migrate;
mod unknown;

use std::path::Path;

use super::super::folder;
use super::super::marked::Misplaced;
use super::super::migration::{Migration, Problem};
use super::super::tool::Tool;
use super::conflict::{same_version, LIST_THEM};
use super::found::{name, Found};
use super::version::{self, Version};
use crate::order::sort_by;
pub(crate) use section::Direction;
use section::{lines, Section};
pub(in super::super) use unknown::check as check_unknown;

/// Returns the tool whose lines the text has.
pub(in super::super) fn tool_of(text: &str) -> Option<Tool> {
    let mut found = None;
    for line in lines(text) {
        if dbmate::begins(line.text).is_some() {
            return Some(Tool::Dbmate);
        }
        if goose::is_annotation(line.text) {
            return Some(Tool::Goose);
        }
        if found.is_none() && sql_migrate::is_command(line.text) {
            found = Some(Tool::SqlMigrate);
        }
    }
    found
}

/// Returns the sections of a file that lead in a direction.
pub(super) fn sections(tool: Tool, text: &str, direction: Direction) -> Result<Vec<Section>, Misplaced> {
    match tool {
        Tool::Dbmate => dbmate::sections(text, direction),
        Tool::Goose => goose::sections(text, direction),
        Tool::SqlMigrate => sql_migrate::sections(text, direction),
        _ => Ok(Vec::new()),
    }
}

/// Returns the migrations of a folder whose files have such lines; `None` where none has.
pub(super) fn migrations(found: &Found) -> Result<Option<Vec<Migration>>, Problem> {
    let mut of_tools = Vec::new();
    for file in found.sql_files() {
        let text = folder::text(file).map_err(|error| Problem::of_file(file, error.line, error.problem))?;
        of_tools.push((file, tool_of(&text)));
    }
    let Some((first, tool)) = of_tools.iter().find_map(|(file, tool)| Some((*file, (*tool)?))) else { return Ok(None) };
    let mut migrations = Vec::new();
    for (file, its_tool) in &of_tools {
        if *its_tool != Some(tool) {
            let other = match its_tool {
                Some(other) => format!("`{}` has {other}'s `{}`: keep to one tool", name(file), example(*other)),
                None => format!("`{}` has none: add it", name(file)),
            };
            return Err(Problem::from(format!(
                "`{}` has {tool}'s `{}`, and {other}, or {LIST_THEM}",
                name(first),
                example(tool)
            )));
        }
        migrations.push(migration(file, tool)?);
    }
    if tool == Tool::Goose
        && let Some(go) = found.files.iter().find(|file| is_go(file))
    {
        return Err(Problem::from(format!(
            "`{}` is a migration in Go, which goose alone can run: write it in SQL, or leave it out and {LIST_THEM}",
            name(go)
        )));
    }
    in_order(tool, &mut migrations)?;
    Ok(Some(migrations))
}

/// Returns whether goose takes the file for a migration that is a program.
fn is_go(file: &Path) -> bool {
    let name = name(file);
    name.ends_with(".go") && !name.ends_with("_test.go") && goose::version_of(&name).is_some()
}

/// Returns the line that begins what leads up.
fn example(tool: Tool) -> &'static str {
    match tool {
        Tool::Goose => "-- +goose Up",
        Tool::SqlMigrate => "-- +migrate Up",
        _ => "-- migrate:up",
    }
}

/// Returns a file as a migration of the tool, which must have a name that the tool takes.
fn migration(file: &Path, tool: Tool) -> Result<Migration, Problem> {
    let name = name(file);
    let (version, wanted) = match tool {
        Tool::Goose => (goose::version_of(&name).map(|version| version.to_string()), "a number above 0 and `_`"),
        Tool::SqlMigrate => (sql_migrate::version_of(&name), "a smaller number, and end it in `.sql`"),
        _ => (dbmate::version_of(&name), "digits, and end it in `.sql`"),
    };
    match version {
        Some(version) => {
            let (up, down) = (file.to_path_buf(), Some(file.to_path_buf()));
            Ok(Migration { name, version, tool: Some(tool), up, part: None, down })
        }
        None => Err(Problem::from(format!(
            "`{name}` has {tool}'s lines, but not its names, so {tool} passes it over: begin it with {wanted}"
        ))),
    }
}

/// Sorts migrations into the order in which the tool runs them.
fn in_order(tool: Tool, migrations: &mut [Migration]) -> Result<(), Problem> {
    sort_by(migrations, |one, other| {
        match tool {
            Tool::Goose => goose::version_of(&one.name).cmp(&goose::version_of(&other.name)),
            Tool::SqlMigrate => sql_migrate::order(&one.name, &other.name),
            _ => one.name.cmp(&other.name),
        }
        .then_with(|| one.name.cmp(&other.name))
    });
    for (at, migration) in migrations.iter().enumerate() {
        if let Some(first) = migrations[..at].iter().find(|other| other.version == migration.version) {
            return Err(same_version(&first.name, &migration.name, &migration.version));
        }
    }
    let mut counted = Vec::new();
    for migration in migrations.iter() {
        if let Some(version) = Version::whole(&migration.version) {
            counted.push((version, migration.name.as_str()));
        }
    }
    version::gaps(&counted)
}

// Files that no person writes.
#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::schema::marked;

    const PARTS: [&str; 22] = [
        "-- migrate:up",
        "-- migrate:down",
        " transaction:false",
        "-- +goose Up",
        "-- +goose Down",
        "-- +goose StatementBegin",
        "-- +goose StatementEnd",
        "-- +goose NO TRANSACTION",
        "-- +migrate Up",
        "-- +migrate Down",
        "-- +migrate StatementBegin",
        "-- +migrate StatementEnd",
        "\n",
        "\n",
        "\r\n",
        "SELECT 'größe;",
        "';",
        "SELECT 1;",
        "-- Down",
        "-- bind: auth",
        "/* 日本",
        "*/",
    ];

    proptest! {
        #[test]
        fn pieces_of_any_file_keep_section_and_order(parts in vec(select(&PARTS[..]), 0..24)) {
            let text = parts.concat();
            for direction in [Direction::Up, Direction::Down] {
                for tool in [Tool::Dbmate, Tool::Goose, Tool::SqlMigrate] {
                    let Ok(sections) = sections(tool, &text, direction) else { continue };
                    for section in sections {
                        let mut end = section.range.start;
                        for piece in &section.pieces {
                            prop_assert!(end <= piece.start && piece.end <= section.range.end);
                            prop_assert!(text.get(piece.clone()).is_some());
                            end = piece.end;
                        }
                    }
                }
            }
            let _ = check_unknown(&text);
            let _ = marked::share(&text, &["auth".into()], &["auth".into(), "meta".into()]);
        }
    }
}
