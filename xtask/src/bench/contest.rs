//! One workload. In: its name and work, and who takes part; out: the table of everybody's rounds.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

use super::compare;
use super::side::{PATIENCE, Runner, Side};
use super::statistics::{iterations, median};
use super::table::{Measured, Row, Table};
use super::workload::Workload;

/// Runs the workload with ours and, if asked, its peers.
///
/// # Errors
/// If ours cannot do it. A peer that cannot is a row that says so.
pub(crate) fn run(root: &Path, workload: &Workload, threads: usize, peers: bool, device: Option<usize>, rounds: usize) -> Result<Table> {
    let on = device.map_or_else(|| threads.to_string(), |device| format!("cuda{device}"));
    let files = Files::open(root, &format!("{}-{on}", workload.name))?;
    // In a process of its own: what it takes is nobody's memory.
    let mut maker = Runner::start(&mut Side::Snn.command(root, threads, None), &files.words("make"))?;
    let made = maker.ask(&json!({ "do": "make", "work": workload.work, "file": files.work() }), PATIENCE)?;
    drop(maker);

    let sides = workload.sides(peers, device.is_some());
    let mut entrants: Vec<Entrant> =
        sides.into_iter().map(|side| Entrant::prepare(side, root, workload, threads, device, &files)).collect();
    for round in 0..rounds {
        for turn in 0..entrants.len() {
            let next = (round + turn) % entrants.len(); // nobody is always the first
            entrants[next].take_turn();
        }
    }
    let mut rows = Vec::new();
    for entrant in entrants {
        let ours = workload.ours().contains(&entrant.side);
        let row = entrant.finish(&files);
        match &row.outcome {
            Err(error) if ours => anyhow::bail!("{}: {error}", workload.name),
            _ => rows.push(row),
        }
    }
    let firing = serde_json::from_value(made["firing"].clone()).context("our runner says nothing of firing rates")?;
    Ok(Table { name: workload.name.clone(), about: workload.about.clone(), threads, firing, rows })
}

/// A side and how far it is.
struct Entrant {
    side: Side,
    who: String,
    state: Result<(Runner, Measured)>,
    /// Where it says more about an error.
    words: PathBuf,
}

impl Entrant {
    fn prepare(side: Side, root: &Path, workload: &Workload, threads: usize, device: Option<usize>, files: &Files) -> Entrant {
        let words = files.words(side.name());
        let mut who = side.name().to_string();
        let mut ready = || -> Result<(Runner, Measured)> {
            let mut runner = Runner::start(&mut side.command(root, threads, device), &words)?;
            let request = json!({
                "do": "prepare", "work": workload.work, "file": files.work(), "results": files.results(side), "threads": threads,
                "device": device,
            });
            let reply = runner.ask(&request, PATIENCE)?;
            who = reply["about"].as_str().context("the runner does not say who it is")?.to_string();
            let seconds = reply["seconds"].as_f64().context("the runner does not say how long it takes")?;
            let base = reply["base"].as_u64().context("the runner does not say how much memory it has")?;
            Ok((runner, Measured { iterations: iterations(seconds), base, ..Measured::default() }))
        };
        let state = ready();
        Entrant { side, who, state, words }
    }

    /// One round; an error is kept and ends its part.
    fn take_turn(&mut self) {
        let Ok((runner, measured)) = &mut self.state else { return };
        let mut turn = || -> Result<()> {
            let reply = runner.ask(&json!({ "do": "run", "iterations": measured.iterations }), PATIENCE)?;
            let seconds: Vec<f64> = serde_json::from_value(reply["seconds"].clone()).context("the runner reports no times")?;
            measured.rounds.push(median(&seconds));
            measured.peak = reply["peak"].as_u64().context("the runner reports no peak")?;
            Ok(())
        };
        if let Err(error) = turn() {
            self.state = Err(error);
        }
    }

    fn finish(self, files: &Files) -> Row {
        let outcome = self.state.and_then(|(_, mut measured)| {
            if self.side != Side::Snn {
                measured.differences = compare::files(&files.results(Side::Snn), &files.results(self.side))?;
            }
            Ok(measured)
        });
        Row { who: self.who, outcome: outcome.map_err(|error| format!("{error:#} (more in {})", self.words.display())) }
    }
}

/// `target/bench/NAME-THREADS/..`: what everybody loaded and computed, to look at.
struct Files(PathBuf);

impl Files {
    fn open(root: &Path, name: &str) -> Result<Files> {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        let dir = target.join("bench").join(name);
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        Ok(Files(dir))
    }

    fn work(&self) -> PathBuf {
        self.0.join("work.safetensors")
    }

    fn results(&self, side: Side) -> PathBuf {
        self.0.join(format!("{}.safetensors", side.name()))
    }

    fn words(&self, who: &str) -> PathBuf {
        self.0.join(format!("{who}.log"))
    }
}
