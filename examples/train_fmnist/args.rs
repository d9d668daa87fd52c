//! The command line. In: options; out: which data, and the recipe to train with.

use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use crate::training::Recipe;

/// Train a convolutional spiking network on images, and plot what it does.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask demo")]
pub(crate) struct Args {
    /// What to learn: `small` is part of the repository, the others come by `cargo xtask data`
    #[arg(long, value_enum, default_value = "small")]
    pub(crate) data: Data,
    /// Passes over the training images [default: 30 for small, 2 for mnist, 5 for fashion]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: Option<u32>,
    /// Where the weights and the plots go
    #[arg(long, default_value = "out")]
    pub(crate) out: PathBuf,
    /// Decides weights, order of the images, and everything else random
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Go on with the run that was stopped or killed, from its last epoch
    #[arg(long)]
    pub(crate) resume: bool,
    /// Threads to compute with [default: as many as there are cores]
    #[arg(long)]
    threads: Option<std::num::NonZero<u16>>,
}

/// The data sets in `data/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Data {
    /// 1000 + 500 images of Fashion-MNIST
    Small,
    /// Fashion-MNIST, 60 000 + 10 000
    Fashion,
    /// MNIST, 60 000 + 10 000
    Mnist,
}

/// As it is written on the command line.
impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Data::Small => "small",
            Data::Fashion => "fashion",
            Data::Mnist => "mnist",
        })
    }
}

impl Data {
    /// In the repository, wherever the program is started.
    pub(crate) fn dir(self) -> PathBuf {
        let folder = if self == Data::Small { "fmnist-small".into() } else { self.to_string() };
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/data")).join(folder)
    }

    pub(crate) fn classes(self) -> [&'static str; 10] {
        match self {
            Data::Mnist => ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
            _ => ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"],
        }
    }
}

impl Args {
    pub(crate) fn recipe(&self) -> Recipe {
        let recipe = match self.data {
            Data::Small => Recipe { epochs: 30, batch: 25, learning_rate: 2e-3, shift: 2, mirror: true },
            Data::Fashion => Recipe { epochs: 5, batch: 64, learning_rate: 2e-3, shift: 1, mirror: true },
            Data::Mnist => Recipe { epochs: 2, batch: 64, learning_rate: 2e-3, shift: 1, mirror: false },
        };
        Recipe { epochs: self.epochs.unwrap_or(recipe.epochs), ..recipe }
    }

    /// libtorch and the kernels of snn each have their threads; they never compute at the same time.
    pub(crate) fn set_threads(&self) -> Result<()> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = self.threads.map_or(cores, |n| usize::from(n.get()));
        tch::set_num_threads(i32::try_from(threads)?);
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
        Ok(())
    }
}
