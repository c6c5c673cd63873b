//! SQL that runs whole, as that of a data file does: lines that divide a migration divide nothing there.

use super::{marked, migrations};

/// Refuses SQL with a line that begins a direction or a bind's part, and says on which line that is.
pub(crate) fn check_whole(text: &str) -> Result<(), (usize, String)> {
    if let Some(tool) = migrations::tool_of(text) {
        let problem = format!(
            "it has {tool}'s lines for what leads up and back, and a data file runs whole: leave the rows alone"
        );
        return Err((1, problem));
    }
    migrations::check_unknown(text).map_err(|misplaced| (misplaced.line, misplaced.problem))?;
    match marked::first(text) {
        Some(line) => {
            let problem = "`-- bind:` lines do not divide a data file, which goes to one bind: make a file for each";
            Err((line, problem.to_string()))
        }
        None => Ok(()),
    }
}
