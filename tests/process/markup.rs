//! Markup read strictly: what a browser would mend fails a test here.

/// Asserts that a page is well formed: elements nest, attributes are quoted and unescaped nowhere, references are known. Returns
/// its ids, each of which is there once.
pub(crate) fn well_formed(page: &str) -> Vec<String> {
    let (mut open, mut ids) = (Vec::<String>::new(), Vec::<String>::new());
    let mut rest = page.strip_prefix("<!DOCTYPE html>").expect("no doctype");
    loop {
        let at = rest.find('<').unwrap_or(rest.len());
        check_references(&rest[..at]);
        if at == rest.len() {
            break;
        }
        rest = &rest[at + 1..];
        let end = tag_end(rest);
        let (tag, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closes another element than was opened last");
            continue;
        }
        let (tag, is_void) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let name = tag.split(' ').next().unwrap();
        assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "an element <{tag}>");
        for (attribute, value) in attributes(&tag[name.len()..]) {
            check_references(value);
            assert!(!attribute.starts_with("on"), "a script in an attribute: {tag}");
            if attribute == "id" {
                assert!(!ids.contains(&value.to_string()), "the id {value} is there twice");
                ids.push(value.to_string());
            }
        }
        if name == "script" || name == "style" {
            let close = format!("</{name}>");
            rest = &rest[rest.find(&close).expect("it is not closed") + close.len()..];
        } else if !is_void {
            open.push(name.to_string());
        }
    }
    assert!(open.is_empty(), "not closed: {open:?}");
    ids
}

/// Returns the targets of all links.
pub(crate) fn links(page: &str) -> Vec<&str> {
    let targets = page.split(" href=\"").skip(1);
    targets.map(|target| target.split('"').next().unwrap()).collect()
}

/// Returns the place of the `>` that ends a tag, which is in no attribute.
fn tag_end(tag: &str) -> usize {
    let mut is_quoted = false;
    for (at, byte) in tag.bytes().enumerate() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'>' if !is_quoted => return at,
            b'<' => panic!("a `<` in a tag: {}", &tag[..at]),
            _ => {}
        }
    }
    panic!("a tag without an end")
}

fn attributes(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("no attribute: {rest}"));
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "an attribute {name}");
        let (value, after) = after.split_once('"').unwrap();
        found.push((name, value));
        rest = after.trim_start();
    }
    found
}

/// Asserts that each `&` begins one of the references that the page has.
fn check_references(text: &str) {
    for (at, _) in text.match_indices('&') {
        let known = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
        assert!(known.iter().any(|known| text[at..].starts_with(known)), "{}", &text[at..]);
    }
    assert!(!text.contains('>'), "a `>` in a text: {text}");
}
