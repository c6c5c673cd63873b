//! A migration's file as the scripts that its tool makes of it.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::super::folder;
use super::super::marked::Misplaced;
use super::super::migration::{Migration, Problem, Script, ScriptTransaction};
use super::super::tool::Tool;
use super::directed::{check_unknown, sections, tool_of, Direction};
use crate::sqlite::script::BYTE_ORDER_MARK;

/// Returns the scripts of a file that lead in a direction; `tool` is whose file it is, if a folder has told.
pub(in super::super) fn load(file: &Path, tool: Option<Tool>, direction: Direction) -> Result<Vec<Script>, Problem> {
    let unreadable = |error: folder::Unreadable| Problem::of_file(file, error.line, error.problem);
    let marked = folder::marked_text(file).map_err(unreadable)?;
    let text = marked.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&marked).to_string();
    let has_byte_order_mark = text.len() < marked.len();
    let misplaced = |misplaced: Misplaced| Problem::of_file(file, Some(misplaced.line), misplaced.problem);
    let tool = tool.or_else(|| tool_of(&text)).or_else(|| of_name(file));
    let origin = Some(file.to_path_buf());
    let whole = |transaction| Ok(vec![Script::whole(Some(file.to_path_buf()), text.clone(), tool, transaction)]);
    let transaction = match tool {
        Some(tool @ (Tool::Dbmate | Tool::Goose | Tool::SqlMigrate)) => {
            if has_byte_order_mark {
                let problem = format!("it begins with a byte order mark, which {tool} does not read: save it without");
                return Err(Problem::of_file(file, Some(1), problem));
            }
            return of_sections(origin, &text, tool, direction).map_err(misplaced);
        }
        Some(Tool::Diesel) if marked.is_empty() => {
            let problem = "it is empty, which Diesel refuses when it reads the folder: write a comment into it";
            return Err(Problem::of_file(file, None, problem));
        }
        // sqlx looks at the very first bytes.
        Some(Tool::Sqlx) if marked.starts_with("-- no-transaction") => ScriptTransaction::AsWritten,
        Some(Tool::Diesel) if !runs_in_transaction(file) => ScriptTransaction::AsWritten,
        Some(Tool::Sqlx | Tool::Diesel | Tool::Refinery) => ScriptTransaction::Own,
        Some(Tool::RusqliteMigration) => ScriptTransaction::Joint { ends: false },
        Some(Tool::Prisma | Tool::FlaskMigrate) => ScriptTransaction::AsWritten,
        None if direction == Direction::Up => return script_of_text(origin, text).map_err(misplaced),
        None => ScriptTransaction::Loose,
    };
    if direction == Direction::Up {
        check_unknown(&text).map_err(misplaced)?;
    }
    whole(transaction)
}

/// Reads the scripts that lead up in a migration, which may be a part of its file.
pub(in super::super) fn load_part(migration: &Migration) -> Result<Vec<Script>, Problem> {
    let mut scripts = load(&migration.up, migration.tool, Direction::Up)?;
    if let Some(part) = &migration.part {
        for script in &mut scripts {
            if script.text.get(part.clone()).is_some() {
                script.text = blank_but(&script.text, part);
            }
        }
    }
    Ok(scripts)
}

/// Returns the scripts of a text that no folder has told the tool of.
pub(in super::super) fn script_of_text(origin: Option<PathBuf>, text: String) -> Result<Vec<Script>, Misplaced> {
    if let Some(tool) = tool_of(&text) {
        return of_sections(origin, &text, tool, Direction::Up);
    }
    check_unknown(&text)?;
    let script = if is_of_alembic(&text) {
        Script::whole(origin, text, Some(Tool::FlaskMigrate), ScriptTransaction::AsWritten)
    } else {
        Script::loose(origin, text)
    };
    Ok(vec![script])
}

/// Returns whether Alembic has written the text: it says before each revision which one it runs.
pub(super) fn is_of_alembic(text: &str) -> bool {
    text.lines().any(|line| line.strip_prefix("-- Running upgrade ").is_some_and(|revisions| revisions.contains("->")))
}

/// Returns the tool whose file a single file is by its name.
fn of_name(file: &Path) -> Option<Tool> {
    let name = super::found::name(file);
    if name == "up.sql" || name == "down.sql" {
        return Some(Tool::Diesel);
    }
    if super::refinery::version_of(&name).is_some() {
        return Some(Tool::Refinery);
    }
    (!super::version::is_date(&name) && super::named::version_of_sqlx(&name).is_some()).then_some(Tool::Sqlx)
}

/// Returns whether Diesel runs a migration in a transaction: as the `metadata.toml` beside it says, which Diesel passes over where
/// it cannot read it.
fn runs_in_transaction(file: &Path) -> bool {
    let metadata = file.with_file_name("metadata.toml");
    let Ok(text) = std::fs::read_to_string(metadata) else { return true };
    let Ok(table) = DeTable::parse(&text) else { return true };
    match table.get_ref().get("run_in_transaction") {
        Some(value) => value.get_ref().as_bool().unwrap_or(true),
        // A file that does not say so has the default of its type.
        None => false,
    }
}

/// Returns a script for each section, each with the text of the others blanked, so that lines keep their numbers.
fn of_sections(
    origin: Option<PathBuf>,
    text: &str,
    tool: Tool,
    direction: Direction,
) -> Result<Vec<Script>, Misplaced> {
    let mut scripts = Vec::new();
    for section in sections(tool, text, direction)? {
        let transaction = if section.in_transaction { ScriptTransaction::Own } else { ScriptTransaction::AsWritten };
        let text = blank_but(text, &section.range);
        scripts.push(Script { origin: origin.clone(), text, pieces: section.pieces, transaction, tool: Some(tool) });
    }
    Ok(scripts)
}

/// Returns the text with blanks for all bytes outside a range, but for the ends of lines.
fn blank_but(text: &str, range: &Range<usize>) -> String {
    let mut blanked = String::with_capacity(text.len());
    blank_into(&text[..range.start], &mut blanked);
    blanked.push_str(&text[range.clone()]);
    blank_into(&text[range.end..], &mut blanked);
    blanked
}

fn blank_into(text: &str, blanked: &mut String) {
    for byte in text.bytes() {
        blanked.push(if byte == b'\n' { '\n' } else { ' ' });
    }
}
