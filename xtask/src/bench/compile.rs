//! `cargo xtask bench --compile`: what a net costs its user at the keyboard. In: SEW-ResNet-18 as the language description writes it; out: seconds
//! of `cargo check` and of a release build after one line of it changed, beside the same crate without a net.
//!
//! The net stands in a file that the member `snn-goldens` includes, so libtorch's bindings and the library are the workspace's, built once.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};

use super::statistics::median;
use super::{machine, workspace};
use crate::goldens::source::{Kind, Source};

const NET: &str = include_str!("../../../snn-macros/src/tests/models/sew_resnet18.rs");
/// The line that changes: the classes of its last layer and its output.
const CLASSES: &str = "1000";

/// What is asked of cargo, and how it is called in the table.
const COMMANDS: [(&str, &[&str]); 2] = [("cargo check", &["check"]), ("release build", &["build", "--release"])];

/// Changes, compiles and prints, `rounds` times each.
///
/// # Errors
/// If cargo cannot run or the net does not compile.
pub(crate) fn run(root: &Path, rounds: usize) -> Result<()> {
    let dir = workspace::target(root).join("compile-time");
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let bench = Bench { root, dir };
    println!("{}\n", machine::describe());
    println!("seconds after one line changed, median of {rounds} rounds (least .. most)\n");
    println!("                 SEW-ResNet-18            no net");
    for (name, command) in COMMANDS {
        // The dependencies and the first build are not what is measured.
        bench.compile(command, &net(0))?;
        bench.compile(command, &empty(0))?;
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for round in 1..=rounds {
            with.push(bench.compile(command, &net(round))?);
            without.push(bench.compile(command, &empty(round))?);
        }
        println!("{name:<16} {:<24} {}", shown(&with), shown(&without));
    }
    println!("\nafterwards: {}", machine::describe());
    Ok(())
}

struct Bench<'a> {
    root: &'a Path,
    dir: PathBuf,
}

impl Bench<'_> {
    /// Seconds that cargo takes for the crate with this text.
    fn compile(&self, command: &[&str], text: &str) -> Result<f64> {
        for file in ["probe.rs", "cases.rs"] {
            let path = self.dir.join(file);
            fs::write(&path, if file == "probe.rs" { text } else { EMPTY }).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let mut cargo = workspace::cargo(self.root);
        cargo.args(command).args(["--quiet", "--package", "snn-goldens", "--bin", "golden-probe"]).env("SNN_GOLDENS_DIR", &self.dir);
        let start = Instant::now();
        workspace::output(&mut cargo)?;
        Ok(start.elapsed().as_secs_f64())
    }
}

/// The net with another number of classes in each round.
fn net(round: usize) -> String {
    let changed = NET.replace(CLASSES, &(1000 + round).to_string());
    let mut source = Source::new();
    source.module(Kind::Compiled, &changed.replacen("snn_net!", "snn::snn_net!", 1));
    source.finish()
}

/// No net, and another constant in each round.
fn empty(round: usize) -> String {
    let mut source = Source::new();
    source.module(Kind::Compiled, &format!("    pub const CLASSES: usize = {};\n", 1000 + round));
    source.finish()
}

const EMPTY: &str = "pub const NETS: &[(&str, snn_goldens::Open)] = &[];\npub const FUNCTIONS: &[(&str, snn_goldens::Function)] = &[];\n";

fn shown(seconds: &[f64]) -> String {
    let least = seconds.iter().copied().fold(f64::INFINITY, f64::min);
    let most = seconds.iter().copied().fold(0.0, f64::max);
    format!("{:.2} ({least:.2} .. {most:.2})", median(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_changes_the_net_in_its_last_layer() {
        let (a, b) = (net(1), net(2));
        let changed: Vec<(&str, &str)> = a.lines().zip(b.lines()).filter(|(a, b)| a != b).collect();
        assert_eq!(changed.len(), 2, "{changed:?}"); // the output's declaration, and the layer
        assert!(changed.iter().all(|(a, _)| a.contains("1001")) && a.contains("snn::snn_net! {"));
        assert_ne!(empty(1), empty(2));
    }

    #[test]
    fn a_row_has_the_middle_and_both_ends() {
        assert_eq!(shown(&[1.0, 3.0, 1.25]), "1.25 (1.00 .. 3.00)");
    }
}
