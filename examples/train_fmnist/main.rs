//! Trains a convolutional spiking network on small images. In: a data set of `data/` and a few options; out: progress, the
//! accuracy, and in `out/` the weights, the frozen net for `examples/infer`, four plots, each as SVG and PNG, and a run for TensorBoard.
//!
//! ```text
//! cargo xtask demo                  # 1000 Fashion-MNIST images that are part of the repository, about a minute
//! cargo xtask demo --data mnist     # all of MNIST
//! cargo xtask demo --resume         # goes on with a run that was stopped or killed
//! ```

mod args;
mod net;
mod plots;
mod progress;
mod speed;
mod training;

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use snn::data::Dataset;
use snn::prelude::*;
use snn::tensorboard::SummaryWriter;
use snn::train::Checkpoint;

use args::Args;
use net::{Csnn, CsnnFrozen};

fn main() -> Result<()> {
    let args = Args::parse();
    speed::ensure();
    snn::train::keep_freed_memory();
    let start = Instant::now();
    let recipe = args.recipe();
    args.set_threads()?;
    snn::manual_seed(args.seed as i64);

    let dir = args.data.dir();
    ensure!(dir.is_dir(), "there is no {}\n  help: run `cargo xtask data {}`", dir.display(), args.data);
    let (train, test) = Dataset::mnist_like(&dir)?;
    fs::create_dir_all(&args.out).with_context(|| format!("cannot make the folder {}", args.out.display()))?;

    println!("{}\n", Csnn::SUMMARY);
    println!("{} images to learn from, {} to test, {}", train.len(), test.len(), recipe);

    let vs = nn::VarStore::new(Device::Cpu);
    let net = Csnn::new(&vs.root())?;
    let checkpoint = Checkpoint::new(args.out.join("run.checkpoint"));
    ensure!(!args.resume || checkpoint.exists(), "there is no {}\n  help: start without `--resume`", checkpoint.path().display());
    let runs = args.out.join("runs");
    let folder = (1..).map(|n| runs.join(format!("{}-{n}", args.data))).find(|folder| !folder.exists());
    let mut writer = SummaryWriter::new(folder.context("no name for a run")?)?;
    let run = training::train(&net, &vs, &train, &test, &recipe, &checkpoint, args.resume, &mut writer)?;
    let result = training::evaluate(&net, &test)?;
    println!("\n{}", progress::per_class(&test, &result, args.data.classes())?);

    let weights = args.out.join("model.safetensors");
    snn::save(&vs, &weights)?;
    let fresh = nn::VarStore::new(Device::Cpu);
    let reloaded = Csnn::new(&fresh.root())?;
    snn::load(&fresh, &weights)?;
    let again = training::evaluate(&reloaded, &test)?;
    ensure!(result == again, "the reloaded model gives {:.4}, the trained one gave {:.4}", again.accuracy(), result.accuracy());
    println!("reloaded: same accuracy, {:.2} %", 100.0 * again.accuracy());

    let frozen = args.out.join("csnn.frozen.safetensors");
    net.freeze()?.save(&frozen)?;
    let answers = training::evaluate_frozen(&mut CsnnFrozen::load(&frozen)?, &test)?;
    println!("frozen: {:.2} %, without libtorch", 100.0 * answers.accuracy());

    plots::progress(&run)?.save_both(args.out.join("curves"))?;
    let inside = plots::inside(&reloaded, &test, args.data.classes())?;
    inside.save(&args.out)?;
    let last = recipe.steps(&train) * recipe.epochs as usize;
    for (name, picture) in inside.pictures() {
        writer.add_figure(name, &picture.png()?, last as i64)?;
    }
    writer.flush()?;
    println!("wrote {}: model.safetensors; curves, membrane, raster and feature_map as .svg and .png", args.out.display());
    println!("wrote {}: a run for TensorBoard; to look: tensorboard --logdir {}", writer.path().display(), runs.display());
    println!("wrote {}: the same net without libtorch; next: cargo run --profile deploy -p snn-example-infer", frozen.display());
    println!("{:.0} s in all", start.elapsed().as_secs_f64());
    Ok(())
}
