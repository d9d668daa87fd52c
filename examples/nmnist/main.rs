//! Trains a convolutional spiking network on recordings of an event camera. In: 1000 real recordings of N-MNIST in an archive, or all of
//! N-MNIST in a folder; out: progress, the accuracy on recordings it has not seen, and how often its neurons fire.
//!
//! ```text
//! cargo run --release --example nmnist                            # ../shared/data/nmnist-1100-bs2.tar.xz
//! cargo run --release --example nmnist -- ~/N-MNIST --epochs 2    # a folder with Train/0 .. Test/9
//! ```

mod recordings;
#[path = "../train_fmnist/speed.rs"]
mod speed;

use std::f64::consts::PI;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use snn::data::{Loader, LoaderConfig, Samples, Sensor, stack_frames};
use snn::prelude::*;

use recordings::Recordings;

snn_net! {
    /// Ten frames of ON and OFF events in, a digit out.
    net NMnist(x: [T, 2, 34, 34]) -> [10] {
        T = 10;
        step_mode = 'm';
        surrogate = ATan;
        detach_reset = true;

        conv1: Conv2d(_, 16, kernel_size = 3, padding = 1, bias = false),
        bn1: BatchNorm2d(_),
        #[record(spikes)]
        sn1: LIFNode(tau = 2.0),
        MaxPool2d(2),

        conv2: Conv2d(_, 32, 3, padding = 1, bias = false),
        bn2: BatchNorm2d(_),
        #[record(spikes)]
        sn2: LIFNode(tau = 2.0),
        MaxPool2d(2),

        Flatten(),
        Dropout(0.25),
        fc1: Linear(_, 128, bias = false),
        #[record(spikes)]
        sn3: LIFNode(tau = 2.0),
        fc2: Linear(_, 10),
        MeanOverTime(),
    }
}

/// Train a spiking network on N-MNIST.
#[derive(Debug, Parser)]
struct Args {
    /// An archive of recordings, or a folder as N-MNIST unpacks
    #[arg(default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/nmnist-1100-bs2.tar.xz"))]
    data: PathBuf,
    #[arg(long, default_value_t = 12)]
    epochs: u32,
    #[arg(long, default_value_t = 20)]
    batch: usize,
    /// The highest one: it falls as half a cosine
    #[arg(long, default_value_t = 2e-3)]
    learning_rate: f64,
    /// Decides weights, order and shifts of the recordings
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> Result<()> {
    let args = Args::parse();
    speed::ensure();
    snn::manual_seed(args.seed as i64);
    let start = Instant::now();
    let (train, test) = recordings::open(&args.data)?;
    println!("{}\n\n{} recordings to learn from, {} to test", NMnist::SUMMARY, train.len(), test.len());

    let vs = nn::VarStore::new(Device::Cpu);
    let net = NMnist::new(&vs.root())?;
    let mut optimizer = nn::AdamW::default().build(&vs, args.learning_rate)?;
    for epoch in 0..args.epochs {
        let samples = Arc::new(train.shifted(args.seed, epoch));
        let config = LoaderConfig { batch_size: args.batch, shuffle: Some((args.seed, epoch)), ..LoaderConfig::default() };
        let loader = Loader::new(&samples, config)?;
        let (batches, mut loss_sum, mut right) = (loader.len(), 0.0, 0.0);
        for (i, batch) in loader.enumerate() {
            let (x, labels) = tensors(batch?)?;
            let y = net.forward_t(&NMnist::input(x)?, true)?;
            let loss = y.f_cross_entropy_loss::<&Tensor>(&labels, None, tch::Reduction::Mean, -100, 0.1)?;
            let done = (f64::from(epoch) + i as f64 / batches as f64) / f64::from(args.epochs);
            optimizer.set_lr(args.learning_rate * (0.5 + 0.5 * (PI * done).cos()));
            optimizer.backward_step(&loss);
            loss_sum += loss.f_double_value(&[])?;
            right += snn::train::accuracy(&y, &labels)? * labels.numel() as f64;
        }
        let (loss, percent) = (loss_sum / batches as f64, 100.0 * right / train.len() as f64);
        println!("epoch {:2}: loss {loss:.3}, training {percent:.1} %, {:.0} s", epoch + 1, start.elapsed().as_secs_f64());
    }
    evaluate(&net, test)
}

/// Frames `[T, N, 2, 34, 34]` and classes `[N]` of a batch.
fn tensors(batch: Vec<(Vec<f32>, i64)>) -> Result<(Tensor, Tensor)> {
    let (frames, labels): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    Ok((stack_frames(&frames, Sensor::N_MNIST)?, Tensor::f_from_slice(&labels)?))
}

/// Shows the accuracy, and how often neurons fire in the first batch.
fn evaluate(net: &NMnist, test: Recordings) -> Result<()> {
    let (samples, mut right, mut rates) = (Arc::new(test), 0.0, None);
    no_grad(|| {
        for batch in Loader::new(&samples, LoaderConfig { batch_size: 50, ..LoaderConfig::default() })? {
            let (x, labels) = tensors(batch?)?;
            let (y, rec) = net.forward_recorded(&NMnist::input(x)?, false)?;
            right += snn::train::accuracy(&y, &labels)? * labels.numel() as f64;
            if rates.is_none() {
                rates = Some(rec.firing_rates()?);
            }
        }
        anyhow::Ok(())
    })?;
    println!("\naccuracy on {} recordings: {:.1} %", samples.len(), 100.0 * right / samples.len() as f64);
    if let Some(rates) = rates {
        println!("{rates}");
    }
    Ok(())
}
