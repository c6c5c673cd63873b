//! The README and the chapters of the guide, and the blocks of code on them.

use std::fs;
use std::path::{Path, PathBuf};

/// The crate's own folder, in which the pages are.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The chapters of the guide, by file name.
pub(crate) fn chapters() -> Vec<PathBuf> {
    let files = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut chapters =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect::<Vec<_>>();
    chapters.sort();
    chapters
}

/// A block of code on a page.
#[derive(Debug)]
pub(crate) struct Block {
    /// The page's name without its ending.
    pub(crate) page: String,
    /// The page and the line that the block begins on.
    pub(crate) place: String,
    pub(crate) language: String,
    /// The line before it.
    pub(crate) mark: String,
    pub(crate) text: String,
}

/// The blocks of code of the README and of every chapter.
pub(crate) fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    for page in chapters().into_iter().chain([root().join("README.md")]) {
        let text = fs::read_to_string(&page).unwrap();
        let mut lines = text.lines().enumerate();
        let mut before = "";
        while let Some((at, line)) = lines.next() {
            if let Some(language) = line.strip_prefix("```") {
                let place = format!("{}:{}", page.file_name().unwrap().display(), at + 1);
                let inside = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
                let text = inside.map(|line| format!("{line}\n")).collect();
                let name = page.file_stem().unwrap().display().to_string();
                blocks.push(Block {
                    page: name,
                    place,
                    language: language.to_string(),
                    mark: before.to_string(),
                    text,
                });
            }
            before = line;
        }
    }
    blocks
}

/// A page without its blocks of code.
pub(crate) fn prose(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let mut in_code = false;
    let outside = text.lines().filter(|line| {
        let fence = line.starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    });
    outside.map(str::to_string).collect()
}
