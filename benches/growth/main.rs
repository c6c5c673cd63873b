//! Growth of start time and memory with binds and tables, with harnesses alive at once, and over many cycles.
//!
//! `cargo bench --bench growth` prints the tables as Markdown and writes `docs/growth.csv` and `docs/growth.svg`. Each
//! measurement is made in a process of its own, which is this binary again: what one leaves behind in the allocator
//! does not show in the next. Memory and threads are read from `/proc`, so this is for Linux.
#![allow(clippy::unwrap_used, reason = "what does not go on here ends the benchmark")]
#![allow(clippy::print_stdout, reason = "the tables are what the benchmark is run for")]

mod fit;
mod measure;
mod plot;
#[path = "../by_hand/schemas.rs"]
mod schemas;

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use fit::Line;
use plot::{Panel, Series};

const BINDS: [usize; 4] = [1, 4, 16, 64];
const TABLES: [usize; 4] = [1, 10, 50, 200];

/// The variable that has this binary measure one thing and print it.
const MEASURE: &str = "--measure";

fn main() {
    let args = std::env::args().skip(1).collect::<Vec<_>>();
    let args = args.iter().map(String::as_str).collect::<Vec<_>>();
    match args.as_slice() {
        [MEASURE, what @ ..] => println!("{}", measure::run(what)),
        // Without `--bench` it is `cargo test` that runs the target, to see that it builds.
        args if !args.contains(&"--bench") => {}
        _ if !Path::new("/proc/self/statm").exists() => println!("growth is measured on Linux only"),
        _ => report(),
    }
}

/// A measurement, made in a process of its own.
fn measured<const N: usize>(what: &[&str]) -> [f64; N] {
    let run = Command::new(std::env::current_exe().unwrap()).arg(MEASURE).args(what).output().unwrap();
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{what:?}: {errors}");
    let numbers = String::from_utf8(run.stdout).unwrap();
    let numbers = numbers.split_whitespace().map(|number| number.parse().unwrap()).collect::<Vec<_>>();
    numbers.try_into().unwrap()
}

/// One point of the grid.
struct Point {
    binds: usize,
    tables: usize,
    /// A warm start and drop.
    millis: f64,
    /// What one more harness keeps.
    mebibytes: f64,
}

fn report() {
    let mut points = Vec::new();
    for binds in BINDS {
        for tables in TABLES {
            tell(&format!("{}, {}", counted(binds, "bind"), counted(tables, "table")));
            let [millis, mebibytes] = measured(&["point", &binds.to_string(), &tables.to_string()]);
            points.push(Point { binds, tables, millis, mebibytes });
        }
    }
    println!("\n### A warm start and drop, in ms\n\n{}", grid(&points, |point| point.millis));
    println!("### Memory of a harness, in MiB\n\n{}", grid(&points, |point| point.mebibytes));
    println!("### Straight lines through them\n\n{}", fits(&points));
    alive();
    cycles();
    write_files(&points);
}

#[allow(clippy::print_stderr, reason = "the tables go to standard output")]
fn tell(what: &str) {
    eprintln!("measuring {what}");
}

fn grid(points: &[Point], value: fn(&Point) -> f64) -> String {
    let mut text = String::from("| binds |");
    TABLES.iter().for_each(|tables| write!(text, " {} |", counted(*tables, "table")).unwrap());
    text += "\n|--:|--:|--:|--:|--:|\n";
    for row in points.chunks(TABLES.len()) {
        write!(text, "| {} |", row[0].binds).unwrap();
        row.iter().for_each(|point| write!(text, " {} |", short(value(point))).unwrap());
        text.push('\n');
    }
    text
}

/// Returns "1 table" or "10 tables".
fn counted(count: usize, of: &str) -> String {
    format!("{count} {of}{}", if count == 1 { "" } else { "s" })
}

/// Formats a number with three significant digits.
fn short(number: f64) -> String {
    let places = if number >= 100.0 { 0 } else { 2 - number.abs().max(1e-6).log10().floor() as i32 };
    format!("{number:.*}", usize::try_from(places).unwrap_or(0))
}

/// Points that have one of the two numbers in common.
fn along_binds(points: &[Point], tables: usize) -> Vec<&Point> {
    points.iter().filter(|point| point.tables == tables).collect()
}

fn along_tables(points: &[Point], binds: usize) -> Vec<&Point> {
    points.iter().filter(|point| point.binds == binds).collect()
}

fn fits(points: &[Point]) -> String {
    let mut text =
        String::from("| along | with | time: slope | R² | memory: slope | R² |\n|---|---|--:|--:|--:|--:|\n");
    let mut row = |along: &str, with: String, of: &str, points: &[&Point], x: fn(&Point) -> usize| {
        let line = |y: fn(&Point) -> f64| Line::through(points.iter().map(|point| (x(point) as f64, y(point))));
        let (time, memory) = (line(|point| point.millis * 1000.0), line(|point| point.mebibytes * 1024.0));
        let (micros, kibibytes) = (short(time.slope), short(memory.slope));
        let (time, memory) = (time.r_squared, memory.r_squared);
        writeln!(text, "| {along} | {with} | {micros} µs a {of} | {time:.4} | {kibibytes} KiB a {of} | {memory:.4} |")
            .unwrap();
    };
    for tables in TABLES {
        row("binds", counted(tables, "table") + " each", "bind", &along_binds(points, tables), |point| point.binds);
    }
    for binds in BINDS {
        row("tables", counted(binds, "bind"), "table of each bind", &along_tables(points, binds), |point| point.tables);
    }
    text
}

fn alive() {
    println!("### 1,000 harnesses of 3 binds × 10 tables at once\n");
    println!("| what | threads | memory, MiB | against by hand | target |\n|---|--:|--:|--:|--:|");
    let mut by_hand = 0.0;
    for (what, name, target) in [
        ("hand", "3,000 databases by hand, a connection each", ""),
        ("started", "1,000 harnesses, as started", "≤ 1.3"),
        ("pooled", "1,000 harnesses, a connection from each pool", ""),
    ] {
        tell(name);
        let [threads, mebibytes] = measured(&["alive", what]);
        if what == "hand" {
            by_hand = mebibytes;
        }
        println!("| {name} | {threads} | {} | {:.2} | {target} |", short(mebibytes), mebibytes / by_hand);
    }
}

fn cycles() {
    println!("\n### Resident memory over start/drop cycles of 3 binds × 10 tables, in MiB\n");
    print!("| what |");
    measure::MARKS.iter().for_each(|mark| print!(" after {mark} |"));
    println!(" last against first |\n|---|--:|--:|--:|--:|--:|");
    for (what, name) in [
        ("memory", "memory"),
        ("pooled", "memory, a connection from each pool"),
        ("shared_cache", "shared-cache memory"),
        ("memdb", "`memdb`"),
        ("temp_file", "temp files"),
    ] {
        tell(name);
        let marks: [f64; measure::MARKS.len()] = measured(&["cycles", what]);
        print!("| {name} |");
        marks.iter().for_each(|mebibytes| print!(" {mebibytes:.1} |"));
        println!(" {:.3} |", marks[marks.len() - 1] / marks[0]);
    }
}

fn write_files(points: &[Point]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    std::fs::create_dir_all(&folder).unwrap();
    let mut csv = String::from("binds,tables,milliseconds,mebibytes\n");
    for Point { binds, tables, millis, mebibytes } in points {
        writeln!(csv, "{binds},{tables},{millis:.5},{mebibytes:.5}").unwrap();
    }
    std::fs::write(folder.join("growth.csv"), csv).unwrap();

    let panel = |title, x, series| Panel { title, x, series };
    let by_binds = |y: fn(&Point) -> f64| {
        let series = |tables| Series {
            name: counted(tables, "table"),
            points: along_binds(points, tables).iter().map(|point| (point.binds as f64, y(point))).collect(),
        };
        TABLES.map(series).to_vec()
    };
    let by_tables = |y: fn(&Point) -> f64| {
        let series = |binds| Series {
            name: counted(binds, "bind"),
            points: along_tables(points, binds).iter().map(|point| (point.tables as f64, y(point))).collect(),
        };
        BINDS.map(series).to_vec()
    };
    let panels = [
        panel("Warm start and drop, ms", "binds", by_binds(|point| point.millis)),
        panel("Warm start and drop, ms", "tables of each bind", by_tables(|point| point.millis)),
        panel("Memory of a harness, MiB", "binds", by_binds(|point| point.mebibytes)),
        panel("Memory of a harness, MiB", "tables of each bind", by_tables(|point| point.mebibytes)),
    ];
    std::fs::write(folder.join("growth.svg"), plot::svg(&panels)).unwrap();
    println!("\nThe points are in `docs/growth.csv`, the plot in `docs/growth.svg`.");
}
