//! Ratios of Criterion's measurements, beside their targets.
#![allow(clippy::print_stdout, reason = "the table is what the benchmark is run for")]

use std::fs;
use std::path::Path;

/// A pair of benchmarks of one group: `multibind` against `hand`.
pub(crate) struct Pair {
    pub(crate) group: &'static str,
    pub(crate) what: &'static str,
    pub(crate) against: &'static str,
    /// The ratio to stay below.
    pub(crate) target: f64,
}

/// Prints the table, as Markdown. A pair that this run did not measure (a filter was given) is left out.
pub(crate) fn print(folder: &Path, pairs: &[Pair]) {
    println!("\n| what | against | by hand | multibind | ratio | target |\n|---|---|--:|--:|--:|--:|");
    for pair in pairs {
        let median = |function: &str| median(&folder.join(pair.group).join(function).join("new/estimates.json"));
        let (Some(hand), Some(own)) = (median("hand"), median("multibind")) else { continue };
        let (ratio, target) = (own / hand, pair.target);
        let met = if ratio <= target { "" } else { " **missed**" };
        println!(
            "| {} | {} | {} | {} | {ratio:.3}{met} | ≤ {target} |",
            pair.what,
            pair.against,
            micros(hand),
            micros(own)
        );
    }
    println!("\nMedians, SQLite {}.", multibind::rusqlite::version());
}

/// Returns the median of the samples in nanoseconds.
fn median(estimates: &Path) -> Option<f64> {
    let estimates: serde_json::Value = serde_json::from_slice(&fs::read(estimates).ok()?).ok()?;
    estimates.get("median")?.get("point_estimate")?.as_f64()
}

fn micros(nanos: f64) -> String {
    format!("{:.1} µs", nanos / 1000.0)
}
