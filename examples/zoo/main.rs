//! The model zoo. In: the name of a net; out: its layers, its size, and how long it takes; the recurrent one learns from made-up recordings of an
//! event camera as well.
//!
//! ```text
//! cargo run --release --example zoo -- sew-resnet18
//! cargo run --release --example zoo -- recurrent
//! ```

#[allow(missing_docs, reason = "fields and methods of generated nets")]
mod nets;
mod recordings;
#[path = "../train_fmnist/speed.rs"]
mod speed;

use std::time::Instant;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use snn::prelude::*;

use nets::{Csnn, FeedBackNet, PlifNet, SewResNet18, SewResNet34, Spikformer, SpikingVgg11Bn};

/// Show a net of the zoo, and time it on random numbers.
#[derive(Debug, Parser)]
struct Args {
    /// Which net
    net: Name,
    /// Samples at once
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(i64).range(1..))]
    batch: i64,
    /// Passes, of which the median is told
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    passes: u32,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Name {
    /// The convolutional net of SpikingJelly's tutorial, for Fashion-MNIST
    Csnn,
    /// PLIF-Net, for DVS128 Gesture
    PlifNet,
    /// Spiking VGG-11 with batch normalisation, for ImageNet
    SpikingVgg11Bn,
    /// SEW-ResNet-18, for ImageNet
    #[value(name = "sew-resnet18")]
    SewResNet18,
    /// SEW-ResNet-34, for ImageNet
    #[value(name = "sew-resnet34")]
    SewResNet34,
    /// A recurrent net, for frames of an event camera; it also learns
    Recurrent,
    /// Spikformer-4-384, for CIFAR-10
    Spikformer,
}

/// Prints the layers of a net, and times it.
macro_rules! show {
    ($net:ty, $args:expr, [$($size:expr),+]) => {{
        println!("{}\n", <$net>::SUMMARY);
        let vs = nn::VarStore::new(Device::Cpu);
        let net = <$net>::new(&vs.root())?;
        let x = <$net>::input(Tensor::f_rand([$($size),+], (Kind::Float, Device::Cpu))?)?;
        let forward = median($args.passes, || {
            let _y = no_grad(|| net.forward(&x))?;
            Ok(())
        })?;
        let step = median($args.passes, || {
            net.forward_t(&x, true)?.f_square()?.f_sum(Kind::Float)?.f_backward()?;
            Ok(())
        })?;
        println!("{} samples at once: forward {forward:.1} ms, forward and backward {step:.1} ms", $args.batch);
    }};
}

fn main() -> Result<()> {
    let args = Args::parse();
    speed::ensure();
    snn::manual_seed(1);
    let n = args.batch;
    match args.net {
        Name::Csnn => show!(Csnn<4>, args, [n, 1, 28, 28]),
        Name::PlifNet => show!(PlifNet<128, 20>, args, [20, n, 2, 128, 128]),
        Name::SpikingVgg11Bn => show!(SpikingVgg11Bn<64, 224, 1000>, args, [n, 3, 224, 224]),
        Name::SewResNet18 => show!(SewResNet18<64, 224, 1000>, args, [n, 3, 224, 224]),
        Name::SewResNet34 => show!(SewResNet34<64, 224, 1000>, args, [n, 3, 224, 224]),
        Name::Recurrent => {
            show!(FeedBackNet<{ recordings::INPUTS }, 128, 10, { recordings::STEPS }>, args, [recordings::STEPS as i64, n, recordings::INPUTS as i64]);
            recordings::learn()?;
        }
        Name::Spikformer => show!(Spikformer<384>, args, [n, 3, 32, 32]),
    }
    Ok(())
}

/// Milliseconds of the median pass, after one that is not counted.
fn median(passes: u32, mut pass: impl FnMut() -> Result<()>) -> Result<f64> {
    pass()?;
    let mut times = Vec::new();
    for _ in 0..passes {
        let start = Instant::now();
        pass()?;
        times.push(1e3 * start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
