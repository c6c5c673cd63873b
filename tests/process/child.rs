//! A test that is run in a process of its own, and what it has left: most of them fail, to show what is printed then.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// One of the tests in a module `runs`, in a process whose target folder is a private one.
pub(crate) struct Run {
    pub(crate) command: Command,
    pub(crate) target: TempDir,
}

impl Run {
    /// The test of `keep::runs` for example, by its whole path.
    pub(crate) fn of(test: &str) -> Run {
        Run::by(&std::env::current_exe().unwrap(), test)
    }

    /// The same in another program.
    pub(crate) fn by(program: &Path, test: &str) -> Run {
        let target = tempfile::tempdir().unwrap();
        let mut command = Command::new(program);
        command.args(["--ignored", "--exact", test]);
        command.env("CARGO_TARGET_DIR", target.path()).env("CARGO_PKG_NAME", "my_app").env("RUST_BACKTRACE", "0");
        command.env_remove("MULTIBIND_KEEP").env("MULTIBIND_IMAGES", "off");
        Run { command, target }
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Run {
        self.command.env(name, value);
        self
    }

    pub(crate) fn arg(mut self, arg: &str) -> Run {
        self.command.arg(arg);
        self
    }

    /// Runs a test that must pass.
    pub(crate) fn passes(mut self) -> Ran {
        let output = self.command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        Ran { output, target: self.target }
    }

    /// Runs a test that must fail, as a test does and not as a process that is aborted.
    pub(crate) fn fails(mut self) -> Ran {
        let output = self.command.output().unwrap();
        assert_eq!(output.status.code(), Some(101), "{}", String::from_utf8_lossy(&output.stdout));
        Ran { output, target: self.target }
    }
}

/// What a run has left.
pub(crate) struct Ran {
    pub(crate) output: Output,
    target: TempDir,
}

impl Ran {
    /// What the harness said, with `[target]` for the target folder.
    pub(crate) fn said(&self) -> String {
        let stdout = String::from_utf8(self.output.stdout.clone()).unwrap();
        let said = stdout.split_once("multibind: ").map_or("", |(_, said)| said);
        let said = said.split("\n\n").next().unwrap().trim_end();
        said.replace(self.target.path().to_str().unwrap(), "[target]")
    }

    /// What the test printed, with `[target]` for the target folder and `[line]` for a line of a test file.
    pub(crate) fn printed(&self) -> String {
        let stdout = String::from_utf8(self.output.stdout.clone()).unwrap();
        let (_, printed) = stdout.split_once(" stdout ----\n").unwrap();
        let (printed, _) = printed.split_once("\n\nfailures:\n").unwrap();
        let printed = printed.replace(self.target.path().to_str().unwrap(), "[target]");
        without_callers(&printed).into_iter().map(without_lines).collect::<Vec<_>>().join("\n").trim().to_string()
    }

    /// The folder of the test.
    pub(crate) fn folder(&self, test: &str) -> PathBuf {
        self.target.path().join("multibind/my_app--process").join(test.replace("::", "--"))
    }

    /// Every file that was left.
    pub(crate) fn files(&self) -> String {
        files(self.target.path())
    }
}

/// Returns the lines of a report but those of callers, which a program with debug information has by their lines.
fn without_callers(printed: &str) -> Vec<&str> {
    let edge = |line: &str| line.len() - line.trim_start().len();
    let (mut lines, mut callers) = (Vec::new(), None);
    for line in printed.lines() {
        if line.trim_start().starts_with("called from") {
            callers = Some(edge(line));
        } else if callers.is_none_or(|callers| edge(line) <= callers) {
            callers = None;
            lines.push(line);
        }
    }
    lines
}

/// Returns a line of a report without what changes with each edit and run: lines of this file, numbers of threads.
fn without_lines(line: &str) -> String {
    let mut parts = line.split(".rs:");
    let mut text = parts.next().unwrap_or_default().to_string();
    for part in parts {
        text += ".rs:[line]";
        text += part.trim_start_matches(|char: char| char.is_ascii_digit() || char == ':');
    }
    // Only a program with debug information has the line of a place.
    if let Some((at, function)) = text.split_once(".rs:[line], ")
        && let Some((edge, _)) = at.split_once("at ")
    {
        text = format!("{edge}at {function}");
    }
    match (text.split_once("' ("), text.split_once(") panicked")) {
        (Some((thread, _)), Some((_, rest))) => format!("{thread}' panicked{rest}"),
        _ => text,
    }
}

/// Every file in a folder, by its path there, in order.
pub(crate) fn files(folder: &Path) -> String {
    fn collect(folder: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.is_dir() {
                true => collect(&entry, root, found),
                false => found.push(entry.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/")),
            }
        }
    }
    let mut found = Vec::new();
    collect(folder, folder, &mut found);
    found.sort();
    found.join("\n")
}
