//! Where the links of the README and of the guide's chapters lead, each a file of the repository or a heading in one.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::pages::{chapters, prose, root};

/// The Markdown files that link to each other.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [root.to_path_buf(), root.join("docs"), root.join("examples/services")];
    let files = folders.into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let files = files.map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// The names by which the headings of a page can be linked to, as GitHub and rustdoc make them.
fn headings(page: &Path) -> HashSet<String> {
    let headings = prose(page).into_iter().filter(|line| line.starts_with('#'));
    let name = |heading: String| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.collect::<String>().replace(' ', "-")
    };
    headings.map(name).collect()
}

/// Where the links of a line lead: `[…](here)` and `[…]: here`.
fn targets(line: &str) -> Vec<&str> {
    let definition = line.strip_prefix('[').and_then(|line| line.split_once("]: ")).map(|(_, target)| target);
    let inline = line.split("](").skip(1).filter_map(|after| after.split_once(')')).map(|(target, _)| target);
    inline.chain(definition).collect()
}

#[test]
fn every_link_of_a_page_leads_somewhere() {
    let mut dead = Vec::new();
    let mut alive = 0;
    for page in pages() {
        for line in prose(&page) {
            for target in targets(&line) {
                // The documentation's own names and the rest of the world.
                if target.starts_with("crate::") || target.contains("://") {
                    continue;
                }
                let (file, heading) = target.split_once('#').map_or((target, None), |(file, at)| (file, Some(at)));
                let file = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
                let is_there = file.exists() && heading.is_none_or(|heading| headings(&file).contains(heading));
                match is_there {
                    true => alive += 1,
                    false => dead.push(format!("{}: {target}", page.file_name().unwrap().display())),
                }
            }
        }
    }
    assert_eq!(dead, [] as [String; 0], "links that lead nowhere");
    assert!(alive > 50, "{alive} links");
}

/// rustdoc shows brackets where a name has no definition, and Markdown elsewhere does too.
#[test]
fn every_name_that_is_linked_has_a_definition() {
    let mut missing = Vec::new();
    for page in pages() {
        let lines = prose(&page);
        let defined = lines.iter().filter_map(|line| line.strip_prefix('[')?.split_once("]: "));
        let defined = defined.map(|(name, _)| name).collect::<HashSet<_>>();
        for line in &lines {
            for (at, _) in line.match_indices("][") {
                let name = line[at + 2..].split_once(']').unwrap().0;
                if !defined.contains(name) {
                    missing.push(format!("{}: {name}", page.file_name().unwrap().display()));
                }
            }
        }
    }
    assert_eq!(missing, [] as [String; 0], "names without a definition");
}

/// A file of the repository is no page of the documentation, so `guide.rs` defines the name again.
#[test]
fn every_link_between_chapters_leads_to_a_page_of_the_documentation() {
    let guide = fs::read_to_string(root().join("src/guide.rs")).unwrap();
    let mut dead = Vec::new();
    let mut alive = 0;
    for page in chapters() {
        for line in prose(&page) {
            let Some((name, target)) = line.strip_prefix('[').and_then(|line| line.split_once("]: ")) else { continue };
            if target.starts_with("crate::") || target.contains("://") {
                continue;
            }
            match guide.contains(&format!("        [{name}]: ")) {
                true => alive += 1,
                false => dead.push(format!("{}: [{name}]: {target}", page.file_name().unwrap().display())),
            }
        }
    }
    assert_eq!(dead, [] as [String; 0], "names that `guide.rs` does not define");
    assert!(alive > 30, "{alive} links");
}

/// The item of an address on docs.rs, `guards::Guard::refused` for `guards/struct.Guard.html#method.refused`.
fn item(address: &str) -> String {
    let (page, member) = address.split_once('#').unwrap_or((address, ""));
    let page = page.strip_suffix("/index.html").or_else(|| page.strip_suffix(".html")).unwrap();
    let parts = page.split('/').map(|part| part.split_once('.').map_or(part, |(_, name)| name));
    let member = member.split_once('.').map(|(_, name)| name);
    parts.chain(member).collect::<Vec<_>>().join("::")
}

/// A page leads to docs.rs in the repository, and within the documentation by what `guide_links.md` says of the same name.
#[test]
fn every_link_to_an_item_leads_to_it_in_the_documentation_too() {
    let links = fs::read_to_string(root().join("src/guide_links.md")).unwrap();
    let within = links.lines().map(|line| line.strip_prefix('[').unwrap().split_once("]: crate::").unwrap());
    let within = within.collect::<HashSet<_>>();
    let (mut wrong, mut used) = (Vec::new(), HashSet::new());
    for page in chapters() {
        for line in prose(&page) {
            for target in targets(&line).into_iter().filter(|target| target.starts_with("crate::")) {
                wrong.push(format!("{}: {target} leads nowhere on GitHub", page.file_name().unwrap().display()));
            }
            let Some((name, target)) = line.strip_prefix('[').and_then(|line| line.split_once("]: ")) else { continue };
            let Some(address) = target.strip_prefix("https://docs.rs/multibind/latest/multibind/") else { continue };
            let item = item(address);
            let bare = |path: &str| path.trim_start_matches("mod@").trim_end_matches('!').to_string();
            match within.iter().find(|(known, path)| *known == name && bare(path) == item) {
                Some(link) => drop(used.insert(*link)),
                None => wrong.push(format!("[{name}]: crate::{item}")),
            }
        }
    }
    assert_eq!(wrong, [] as [String; 0], "missing in src/guide_links.md, perhaps with `!` or `mod@`");
    let unused = within.difference(&used).collect::<Vec<_>>();
    assert_eq!(unused, [] as [&(&str, &str); 0], "no page has these links of src/guide_links.md");
    assert!(used.len() > 100, "{} links", used.len());
}
