//! `cargo xtask bench [--peers] [--only NAME] ..`. In: workloads; out: for each one a table of everybody's time, memory and
//! difference from ours, measured in one go, taking turns.
//!
//! A runner per side (`bench/src` is ours, `bench/peers` the others') loads the same weights and inputs and computes on request.
//! All runners of a workload are alive at once, one of them computes at a time, and each round gives everybody a turn: what slows
//! the machine for a while slows all of them.

mod compare;
mod compile;
mod contest;
mod machine;
mod options;
pub(crate) mod peers;
mod side;
mod statistics;
mod table;
mod workload;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::setup::{self, Ready};
use crate::workspace;
use options::{Options, USAGE};
use table::Table;

/// Runs the workloads that are asked for.
///
/// # Errors
/// If ours cannot run, if a peer cannot or computes something else, or if nothing is asked for.
pub(crate) fn run(root: &Path, args: &[String]) -> Result<()> {
    match args.split_first() {
        Some((first, rest)) if first == "--criterion" => return criterion(root, rest),
        Some((first, _)) if first == "--list" => {
            workload::all().iter().for_each(|workload| println!("{:<20} {}", workload.name, workload.about));
            return Ok(());
        }
        _ if args.iter().any(|arg| arg == "--help" || arg == "-h") => {
            print!("{USAGE}");
            return Ok(());
        }
        _ => {}
    }
    let options = Options::parse(args)?;
    if options.compile {
        setup::run(root, Ready::Silent)?;
        return compile::run(root, options.rounds);
    }
    let mut workloads = workload::all();
    workloads.retain(|workload| options.wants(&workload.name));
    ensure!(!workloads.is_empty(), "no workload is named `{}`\n  fix: cargo xtask bench --list", options.only.join("`, `"));

    setup::run(root, Ready::Silent)?;
    if options.peers && options.device.is_none() {
        peers::setup(root, Ready::Silent)?;
    }
    workspace::run(workspace::cargo(root).args(["build", "--release", "--package", "snn-bench"]))?;
    let before = machine::describe();
    println!("{before}");
    let mut tables = Vec::new();
    for workload in &workloads {
        for &threads in &options.threads {
            let table = contest::run(root, workload, threads, options.peers, options.device, options.rounds)?;
            println!("\n{}", table.text().trim_end());
            tables.push(table);
        }
    }
    let after = machine::describe();
    println!("\nafterwards: {after}");
    if let Some(file) = &options.json {
        let all: Vec<Value> = tables.iter().map(Table::json).collect();
        let json = json!({ "before": before, "after": after, "workloads": all });
        fs::write(file, serde_json::to_string_pretty(&json)?).with_context(|| format!("cannot write {}", file.display()))?;
    }
    match tables.iter().map(Table::failures).sum::<usize>() {
        0 => Ok(()),
        failures => bail!("{failures} row{} above failed or did other work", if failures == 1 { "" } else { "s" }),
    }
}

/// The benchmarks in `benches/` of the kernels and the library.
fn criterion(root: &Path, args: &[String]) -> Result<()> {
    setup::run(root, Ready::Silent)?;
    for package in ["snn-kernels", "snn"] {
        workspace::run(workspace::cargo(root).args(["bench", "--package", package, "--"]).args(args))?;
    }
    Ok(())
}
