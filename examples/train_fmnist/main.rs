//! Trains a convolutional spiking network on small images. In: a data set of `data/` and a few options; out: progress, the
//! accuracy, and in `out/` the weights and three plots, each as SVG and PNG.
//!
//! ```text
//! cargo xtask demo                  # 1000 Fashion-MNIST images that are part of the repository, about a minute
//! cargo xtask demo --data mnist     # all of MNIST
//! ```

mod args;
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

use args::Args;

snn_net! {
    /// Convolutional spiking network for images of 28 x 28, shown for four steps.
    pub net Csnn(x: [1, 28, 28]) -> [10] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        detach_reset = true;
        const CH: usize = 16;

        conv1: Conv2d(_, CH, kernel_size = 3, padding = 1, bias = false),
        bn1: BatchNorm2d(_),
        #[record(spikes)]
        sn1: IFNode(),
        MaxPool2d(2),

        conv2: Conv2d(_, 2 * CH, 3, padding = 1, bias = false),
        bn2: BatchNorm2d(_),
        #[record(spikes)]
        sn2: IFNode(),
        MaxPool2d(2),

        Flatten(),
        Dropout(0.25),
        fc1: Linear(_, 128, bias = false),
        #[record(spikes, voltage)]
        sn3: LIFNode(tau = 2.0),
        fc2: Linear(_, 10),
        MeanOverTime(),
    }
}

fn main() -> Result<()> {
    let args = Args::parse();
    speed::ensure();
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
    let history = training::train(&net, &vs, &train, &test, &recipe, args.seed)?;
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

    plots::curves(&args.out, &history)?;
    plots::spikes(&args.out, &reloaded, &test, args.data.classes())?;
    println!("wrote {}: model.safetensors; curves, membrane and raster as .svg and .png", args.out.display());
    println!("{:.0} images/s in training, {:.0} s in all", history.images_per_second(), start.elapsed().as_secs_f64());
    Ok(())
}
