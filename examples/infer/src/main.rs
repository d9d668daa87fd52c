//! Classifies images with a net that the demo has trained, without libtorch. In: the file that `cargo xtask demo` writes, and the test images
//! of the repository; out: how many are right, how long it takes, and how large the program is.
//!
//! ```text
//! cargo xtask demo                                       # trains, and writes out/csnn.frozen.safetensors
//! cargo run --profile deploy -p snn-example-infer        # this program, for that file
//! ```

mod images;
/// The net of the demo: one definition for training and inference.
#[path = "../../train_fmnist/net.rs"]
mod net;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context as _, Result, ensure};

use images::Images;
use net::CsnnFrozen;

/// Where the demo puts it.
const FILE: &str = "out/csnn.frozen.safetensors";
/// Starts of the program, to see how soon it answers.
const STARTS: usize = 21;
const BATCH: usize = 50;
/// Asks for one answer and no more.
const ONE: &str = "--one";

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let one = args.iter().any(|arg| arg == ONE);
    let file = args.iter().find(|arg| *arg != ONE).map_or(PathBuf::from(FILE), PathBuf::from);
    let mut net = CsnnFrozen::load(&file).context("the net cannot be loaded: `cargo xtask demo` writes it")?;
    if one {
        let images = Images::read()?;
        println!("{}", answers(&mut net, &images.pixels[..images::SIZE], 1)?[0]);
        return Ok(());
    }
    let images = Images::read()?;
    let (classes, alone) = timed(&mut net, &images, 1)?;
    let (again, batched) = timed(&mut net, &images, BATCH)?;
    ensure!(classes == again, "the answers depend on the batch");
    let right = classes.iter().zip(&images.labels).filter(|(a, b)| a == b).count();
    println!("{} test images: {:.2} % right", classes.len(), 100.0 * right as f64 / classes.len() as f64);
    println!("one at a time: {:.3} ms an image; {BATCH} at a time: {:.3} ms an image", ms(alone), ms(batched));
    let lives = lives(&file)?;
    println!(
        "first answer: {:.1} ms from the start of the program to its end (median of {STARTS} starts, least {:.1})",
        ms(lives[STARTS / 2]),
        ms(lives[0])
    );
    let program = env::current_exe()?;
    println!("the program: {:.1} MB, without libtorch", fs::metadata(&program)?.len() as f64 / 1e6);
    for (layer, kernel) in net.model().kernels() {
        println!("  {layer:<12} {kernel}");
    }
    Ok(())
}

/// The class of each image, `batch` images a call.
fn answers(net: &mut CsnnFrozen, pixels: &[f32], batch: usize) -> Result<Vec<usize>> {
    let mut classes = Vec::new();
    let mut y = vec![0.0; batch * 10];
    for x in pixels.chunks(batch * images::SIZE) {
        let y = &mut y[..x.len() / images::SIZE * 10];
        net.infer(x, y)?;
        classes.extend(y.chunks(10).map(highest));
    }
    Ok(classes)
}

fn highest(logits: &[f32]) -> usize {
    (0..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best })
}

/// All answers, and the time for each after a first round that nobody times.
fn timed(net: &mut CsnnFrozen, images: &Images, batch: usize) -> Result<(Vec<usize>, Duration)> {
    answers(net, &images.pixels, batch)?;
    let start = Instant::now();
    let classes = answers(net, &images.pixels, batch)?;
    Ok((classes, start.elapsed() / images.labels.len() as u32))
}

/// Whole lives of this program, shortest first: it starts, loads the net, reads the images, classifies one, prints the answer and ends.
fn lives(file: &Path) -> Result<Vec<Duration>> {
    let mut lives = Vec::new();
    for _ in 0..STARTS {
        let start = Instant::now();
        let ended = Command::new(env::current_exe()?).arg(ONE).arg(file).stdout(Stdio::null()).status()?;
        lives.push(start.elapsed());
        ensure!(ended.success(), "the program alone fails: {ended}");
    }
    lives.sort();
    Ok(lives)
}

fn ms(time: Duration) -> f64 {
    1e3 * time.as_secs_f64()
}
