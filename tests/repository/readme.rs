//! What the README and the guide show is what a reader sees.

use std::fs;
use std::path::Path;
use std::process::Command;

use rstest::rstest;

/// The README and the chapters of the guide.
fn pages() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let chapters = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let chapters = chapters.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    chapters.chain([root.join("README.md")]).map(|path| fs::read_to_string(path).unwrap()).collect()
}

#[rstest]
#[case::landing("landing")]
#[case::investigate("investigate")]
#[case::tenants("tenants")]
#[case::half_paid("half_paid")]
fn a_page_shows_what_an_example_prints(#[case] example: &str) {
    // Stands before the block that shows it, `in the output of` where that is a part.
    let mark = format!("output of: cargo run --example {example} -->\n```text\n");
    let pages = pages();
    let marked = pages.iter().filter_map(|page| page.split_once(&mark)).collect::<Vec<_>>();
    let [(before, after)] = marked.as_slice() else { panic!("{} pages have the mark\n{mark}", marked.len()) };
    let (shown, _) = after.split_once("```\n").unwrap();

    let ran = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--example", example])
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let (printed, stderr) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{printed}\n{stderr}");
    if before.ends_with("<!-- in the ") {
        assert!(printed.contains(shown), "put into the page a part of what the example prints:\n{printed}");
    } else {
        assert_eq!(printed, shown, "put into the page what the example prints:\n{printed}");
    }
    assert_eq!(stderr, "");
}
