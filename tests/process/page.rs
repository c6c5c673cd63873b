//! The page that a failed test leaves. The tests in `runs` are run one by one, each in a process of its own.

use std::fs;

use crate::child::{Ran, Run};
use crate::markup::{links, well_formed};

/// The bytes that a page has at most.
const MOST_BYTES: usize = 2 << 20;

/// The tests that are run.
mod runs {
    use std::sync::Arc;

    use multibind::rusqlite::types::Value;
    use multibind::rusqlite::Connection;
    use multibind::{row, Bind, Harness, Keep};

    #[test]
    #[ignore = "fails, to leave a page"]
    fn a_row_in_the_wrong_bind() {
        let post = "CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT, author TEXT)";
        let user = "CREATE TABLE user (name TEXT PRIMARY KEY); INSERT INTO user VALUES ('ann')";
        let db = Harness::builder()
            .default_bind(Bind::memory().schema(post))
            .bind("auth", Bind::memory().schema(user).schema("CREATE TABLE post (title TEXT)"))
            .reference("default.post.author", "auth.user.name")
            .start()
            .unwrap();
        let auth = db.connection("auth").unwrap();
        auth.execute_batch("BEGIN; UPDATE user SET name = 'bob'; ROLLBACK").unwrap();
        auth.execute("INSERT INTO post VALUES (?1)", ["hello"]).unwrap();
        db.assert_landed(None, "post", row! { title: "hello" });
    }

    /// Texts that a page could take for markup, or show otherwise than they are.
    pub(super) const HOSTILE: [&str; 8] = [
        "</script><script>alert(1)</script>",
        "</style><b onclick='x'>",
        "\"><img src=x onerror=alert(1)>",
        "<!-- <a href=\"https://evil.example\">",
        "&lt;&amp;&#0; ' \" \\",
        "\u{0}\u{1}\u{1b}[31m\u{7f}\u{85}\r",
        "\u{202e}right to left\u{2066} שלום \u{200b}\u{feff}",
        "\u{ffff}\u{1fffe}\u{e0041}",
    ];

    #[test]
    #[ignore = "fails, to leave a page"]
    fn what_is_hostile() {
        let table = "\"</script><b>'\u{202e}\"";
        let schema = format!("CREATE TABLE {table} (\"<i>\" TEXT, \"\"\"&\" BLOB)");
        let db = Harness::builder().bind("\"><img src=x>", Bind::memory().schema(schema.as_str())).start().unwrap();
        let log = db.record();
        let conn = db.connection("\"><img src=x>").unwrap();
        for text in HOSTILE {
            let values = [Value::Text(text.to_string()), Value::Blob(text.as_bytes().to_vec())];
            conn.execute(&format!("INSERT INTO {table} VALUES (?1, ?2) /* <script> */"), values).unwrap();
            conn.execute(&format!("UPDATE {table} SET \"<i>\" = \"<i>\" || ?1"), [text]).unwrap();
        }
        conn.execute(&format!("INSERT INTO {table} VALUES (CAST(x'ff3c62fe' AS TEXT), zeroblob(100000))"), []).unwrap();
        conn.execute(&format!("INSERT INTO {table} VALUES (?1, NULL)"), ["<".repeat(1_000_000)]).unwrap();
        log.assert_containing("</script>", 0);
    }

    #[test]
    #[ignore = "fails, to leave a page"]
    fn more_than_fits() {
        let mut builder = Harness::builder();
        let schema = (0..50).map(|at| format!("CREATE TABLE \"<<<<<{at}\" (\"<a>\" TEXT, \"<b>\" TEXT);"));
        let schema = schema.collect::<String>();
        for bind in 0..8 {
            builder = builder.bind(format!("<bind {bind}>"), Bind::memory().schema(schema.as_str()));
        }
        // Dropped after the harness: a recording that ends evicts what it kept.
        let log;
        let db = builder.start().unwrap();
        log = db.record();
        let text = "<\u{1}\u{e0041}".repeat(5_000);
        for bind in 0..8 {
            let conn = db.connection(format!("<bind {bind}>")).unwrap();
            conn.execute_batch("BEGIN").unwrap();
            for at in 0..50 {
                conn.execute(&format!("INSERT INTO \"<<<<<{at}\" VALUES (?1, ?1)"), [&text]).unwrap();
            }
            conn.execute_batch("COMMIT").unwrap();
        }
        log.assert_containing(&text, 0);
    }

    fn one() -> Harness {
        Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x TEXT)")).start().unwrap()
    }

    #[test]
    #[ignore = "fails, to leave a page"]
    fn panics_by_itself() {
        std::panic::catch_unwind(|| one().assert_landed(None, "t", row! { x: 1 }).binds()).unwrap_err();
        let _db = one();
        panic!("on purpose");
    }

    #[test]
    #[ignore = "fails, to leave a page"]
    fn panics_after_an_assertion_that_was_caught() {
        let _db = one();
        std::panic::catch_unwind(|| one().assert_landed(None, "t", row! { x: 1 }).binds()).unwrap_err();
        panic!("on purpose");
    }

    fn asserts_on_a_thread() -> (Arc<Harness>, std::thread::JoinHandle<()>) {
        let db = Arc::new(one());
        let of_thread = Arc::clone(&db);
        let worker = std::thread::Builder::new().name("worker".to_string()).spawn(move || {
            of_thread.assert_landed(None, "t", row! { x: 1 });
        });
        (db, worker.unwrap())
    }

    #[test]
    #[ignore = "fails, to leave a page"]
    fn a_thread_fails() {
        let (_db, worker) = asserts_on_a_thread();
        worker.join().unwrap();
    }

    #[test]
    #[ignore = "fails, to leave a page"]
    fn a_thread_fails_of_which_the_test_learns_late() {
        let (db, worker) = asserts_on_a_thread();
        let joined = worker.join();
        drop(db);
        joined.unwrap();
    }

    #[test]
    #[ignore = "run by others"]
    fn passes() {
        one().keep(Keep::Always);
    }

    #[test]
    #[ignore = "fails, to leave a page"]
    fn writes_outside() {
        let db = one();
        let stray = Connection::open_in_memory().unwrap();
        stray.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES ('ann')").unwrap();
        db.assert_landed(None, "t", row! { x: "ann" });
    }

    #[test]
    #[ignore = "fails, to leave a page"]
    fn leaves_a_transaction_open() {
        let db = one();
        let conn = db.connection(None).unwrap();
        conn.execute_batch("BEGIN; INSERT INTO t VALUES ('ann')").unwrap();
        db.assert_landed(None, "t", row! { x: "ann" });
    }
}

/// Reads the page that a test has left in a folder, which is well formed and leads nowhere.
fn page(ran: &Ran, folder: &str) -> String {
    let bytes = fs::read(ran.folder(folder).join("report.html")).unwrap();
    assert!(bytes.len() <= MOST_BYTES, "{} bytes", bytes.len());
    let page = String::from_utf8(bytes).unwrap();
    let ids = well_formed(&page);
    for link in links(&page) {
        let target = link.strip_prefix('#').unwrap_or_else(|| panic!("a link to {link}"));
        assert!(ids.contains(&target.to_string()), "nothing at {link}");
    }
    for outward in [" src=", "url(", "@import", "http:", "https:"] {
        let found = page.find(outward);
        // Text may have it, as part of a value.
        let is_text = |at: usize| page[..at].rfind('>') > page[..at].rfind('<');
        assert!(found.is_none_or(is_text), "{outward} in {}", &page[found.unwrap()..][..100]);
    }
    page
}

fn left_by(test: &str) -> String {
    let test = format!("page::runs::{test}");
    page(&Run::of(&test).fails(), &test)
}

/// Returns the page of the second harness of a test that was dropped.
fn second_left_by(test: &str) -> String {
    let test = format!("page::runs::{test}");
    page(&Run::of(&test).fails(), &format!("{test}/2"))
}

/// Returns the contents of a page without what differs between two runs: times, places on the axis, lines; and the report, which has tests of its own.
fn steady(page: &str) -> String {
    let main = page.split_once("<header>").unwrap().1.rsplit_once("<script>").unwrap().0;
    let main = between(main, "<pre class=\"report\" tabindex=\"0\">", "</pre>", "…");
    let mut steady = String::new();
    for line in main.lines() {
        let line = between(line, "style=\"", "\"", "…");
        let line = between(&line, "<dt>place</dt><dd>", "</dd>", "…");
        let line = between(&line, "<dt>ended at</dt><dd>", "</dd>", "…");
        let line = between(&line, "page.rs:", "</code>", "…");
        steady.push_str(&times(&line));
        steady.push('\n');
    }
    steady
}

/// Replaces each text between two others.
fn between(text: &str, start: &str, end: &str, by: &str) -> String {
    let mut parts = text.split(start);
    let mut replaced = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let (_, rest) = part.split_once(end).unwrap_or(("", ""));
        replaced.extend([start, by, end, rest]);
    }
    replaced
}

/// Replaces each time by `[time]`.
fn times(line: &str) -> String {
    let mut line = line.to_string();
    for unit in [" µs", " ms", " s "] {
        while let Some(at) = line.match_indices(unit).map(|(at, _)| at).find(|at| ends_in_digit(&line[..*at])) {
            let start = line[..at].trim_end_matches(|char: char| char.is_ascii_digit() || char == '.').len();
            line.replace_range(start..at + unit.trim_end().len(), "[time]");
        }
    }
    line
}

fn ends_in_digit(text: &str) -> bool {
    text.ends_with(|char: char| char.is_ascii_digit())
}

#[test]
fn a_page_has_the_verdict_the_run_the_changes_the_rows_and_the_picture() {
    let page = left_by("a_row_in_the_wrong_bind");
    insta::assert_snapshot!(steady(&page));
}

#[test]
fn hostile_texts_are_texts() {
    let page = left_by("what_is_hostile");
    let (_, body) = page.split_once("<body").unwrap();
    let (body, _) = body.rsplit_once("<script>").unwrap();
    for markup in ["<script", "<img", "<b>'", "<i>\"", "onclick='", "https://evil.example\"", "<!--"] {
        assert!(!body.contains(markup), "{markup}");
    }
    let hidden = |char: &char| {
        char.is_control() && *char != '\n' && *char != '\t'
            || matches!(
                char,
                '\u{200b}' | '\u{202e}' | '\u{2066}' | '\u{feff}' | '\u{ffff}' | '\u{1fffe}' | '\u{e0041}'
            )
    };
    assert_eq!(page.chars().find(hidden), None);
    for shown in [
        "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;",
        "⟨U+202E⟩",
        "x&#39;ff3c62fe&#39;",
        "1,000,000 characters",
        "100,000 bytes",
        "שלום",
    ] {
        assert!(body.contains(shown), "{shown}");
    }
}

#[test]
fn a_page_is_bounded_and_says_what_it_leaves_out() {
    let page = left_by("more_than_fits");
    for said in
        ["before these are left out", "more are left out: see changes.txt", "more are left out: open their files"]
    {
        assert!(page.contains(said), "{said}");
    }
    // The last statement is nearest to the failure.
    assert!(page.contains("id=\"s416\"") && !page.contains("id=\"s1\""));
}

#[test]
fn another_panic_is_not_taken_for_an_assertion() {
    let page = second_left_by("panics_by_itself");
    assert!(page.contains("<h2>The test panicked, and not in an assertion of multibind.</h2>"), "{page}");
}

#[test]
fn an_assertion_that_may_have_been_caught_is_called_the_last() {
    let page = second_left_by("panics_after_an_assertion_that_was_caught");
    assert!(page.contains("The last assertion of multibind that failed in this thread"), "{page}");
}

#[test]
fn an_assertion_on_another_thread_has_its_verdict() {
    for test in ["a_thread_fails", "a_thread_fails_of_which_the_test_learns_late"] {
        let page = left_by(test);
        assert!(page.contains("that failed, on thread <code>worker</code>, at <code>tests/process/page.rs"), "{page}");
        assert!(page.contains("<h2>the row did not land in `default`"), "{page}");
    }
}

#[test]
fn a_test_that_passed_is_not_said_to_have_failed() {
    let test = "page::runs::passes";
    let page = page(&Run::of(test).passes(), test);
    assert!(page.contains("<h2>The test had not failed when its databases were saved.</h2>"));
    assert!(!page.contains("class=\"outcome bad\""));
}

#[test]
fn strays_have_a_lane_apart() {
    let page = left_by("writes_outside");
    assert!(page.contains("<div class=\"lane apart\">") && page.contains("stray 1: :memory:"), "{page}");
}

#[test]
fn an_open_transaction_is_shown_open() {
    let page = left_by("leaves_a_transaction_open");
    assert!(
        page.contains("class=\"tx open\"") && page.contains("<span class=\"end warn\">not committed</span>"),
        "{page}"
    );
}
