//! Keeping the databases of a test, as the test asks or else the environment.

use std::env;
use std::sync::OnceLock;

use super::Harness;
use crate::say;
use crate::sync::lock;

/// The variable that says it for every test that does not.
const VARIABLE: &str = "MULTIBIND_KEEP";

/// The occasions on which a harness saves its databases as files when it is dropped; for [`Harness::keep`], and the values of
/// `MULTIBIND_KEEP`.
///
/// ```
/// use multibind::{Bind, Harness, Keep};
///
/// let db = Harness::builder().default_bind(Bind::memory()).start()?;
/// db.keep(Keep::Never);
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Keep {
    /// Whatever becomes of the test: `MULTIBIND_KEEP=always`.
    Always,
    /// For a failed test, which is the default: `MULTIBIND_KEEP=failed`.
    #[default]
    Failed,
    /// Not even then: `MULTIBIND_KEEP=never`.
    Never,
}

impl Keep {
    /// Returns the value of `MULTIBIND_KEEP`, read once in a process.
    fn from_env() -> Keep {
        static SAID: OnceLock<Keep> = OnceLock::new();
        *SAID.get_or_init(|| match env::var_os(VARIABLE).map(|value| value.to_string_lossy().into_owned()).as_deref() {
            None | Some("") => Keep::default(),
            Some("always") => Keep::Always,
            Some("failed") => Keep::Failed,
            Some("never") => Keep::Never,
            Some(unknown) => {
                say::warn(format_args!(
                    "{VARIABLE} has the unknown value `{unknown}` (expected always, failed or never); using failed"
                ));
                Keep::default()
            }
        })
    }
}

impl Harness {
    /// Says when this harness's databases are saved as it is dropped, whatever `MULTIBIND_KEEP` says.
    ///
    /// A test that is to panic has nothing to look into: with [`Keep::Never`] it leaves nothing behind.
    ///
    /// By default they are saved when the test fails by a panic, as a failed assertion is one, on whichever thread it fails. They are ordinary SQLite
    /// files with a rollback journal, one for each database, named by its bind key; beside them, `report.html` shows what
    /// happened, for a browser, `changes.txt` says what changed since the harness started, and `statements.txt` what ran, if [`record`](Harness::record) has recorded
    /// something. A line on standard error says where they are:
    /// `multibind/PACKAGE--BINARY/TEST` in the target folder, where `TEST` is the test's path with `--` for `::`. The
    /// target folder is `CARGO_TARGET_DIR` if that is an absolute path, else the one the test's program is in, else the
    /// system's folder for temporary files. Of a test with several harnesses, the first that is dropped has its files
    /// there, the others in folders `2`, `3` and so on in it.
    ///
    /// The files have what is committed. A later failure of the same test replaces the files; of all tests, the last 100
    /// are kept, in at most 512 MiB.
    ///
    /// A test that returns an error has dropped its harness before it fails. Give it the return type
    /// [`TestResult`](crate::TestResult), whose `?` panics. Without it, a harness that is dropped while an [`Error`](crate::Error)
    /// lives which it or its sessions returned saves its databases; `{:?}` of the error, which a test that returns it prints, then
    /// says where they are, and if nobody has printed it by the time that it is dropped, they are removed. Of errors of other
    /// crates a harness knows nothing. Where a panic aborts, nothing is dropped and nothing saved.
    ///
    /// ```should_panic
    /// use multibind::{Bind, Harness, Keep};
    ///
    /// let db = Harness::builder().default_bind(Bind::memory()).start().unwrap();
    /// db.keep(Keep::Never).assert_landed(None, "post", multibind::row! { title: "hello" });
    /// ```
    pub fn keep(&self, keep: Keep) -> &Harness {
        *lock(&self.keep) = Some(keep);
        self
    }

    /// Returns when the databases are to be saved: what the test says, or else the environment.
    pub(super) fn keeps(&self) -> Keep {
        lock(&self.keep).unwrap_or_else(Keep::from_env)
    }

    /// Returns the name of the test that started it, as far as there is one: libtest gives it to the test's thread.
    pub(crate) fn test_name(&self) -> Option<&str> {
        self.started_by.name()
    }
}
