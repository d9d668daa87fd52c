//! The memory of training: as `SUMMARY.training_memory(..)` estimates it, and as it is. In: nets of the zoo, numbers of steps, batch sizes; out: that
//! the estimate is near the most that a training step holds.
//!
//! `SNN_MEMORY=all cargo test --release --test training_memory -- --nocapture` prints the table of docs/performance.md.

#[path = "support/memory.rs"]
mod memory;
mod support;

#[allow(missing_docs, dead_code, unused_imports, reason = "fields and methods of generated nets")]
#[path = "../examples/zoo/nets/mod.rs"]
mod nets;

use snn::report::Optimizer;
use snn::train::{Adam, AdamConfig};
use snn::{Kind, Result, Tensor};
use support::{F32, store};

use nets::{Csnn, FeedBackNet, PlifNet, SewResNet18, Spikformer};

/// The estimate is at most so many times the measured peak, and the other way round.
const FACTOR: f64 = 1.2;

/// What small nets take beside: libtorch's kernels, which oneDNN writes for each shape.
const BESIDE: f64 = 8e6;

/// Large blocks are mapped when they are asked for and given back when they are freed: what is resident is what is held.
fn exact_memory() {
    for (parameter, value) in [(libc::M_MMAP_THRESHOLD, 1 << 16), (libc::M_TRIM_THRESHOLD, 1 << 16), (libc::M_MMAP_MAX, 1 << 20)] {
        // SAFETY: glibc's own parameters, before any tensor of the test is there.
        assert_eq!(unsafe { libc::mallopt(parameter, value) }, 1);
    }
}

/// The most that is resident at once during `run`, beside what was before.
fn peak(run: impl FnOnce() -> Result<()>) -> Result<f64> {
    let before = memory::now().unwrap();
    memory::reset_peak().unwrap();
    run()?;
    Ok(memory::peak().unwrap() as f64 - before as f64)
}

/// Two training steps with Adam: the first has no moments yet.
macro_rules! train {
    ($net:ty, $($size:expr),+) => {{
        let run = || {
            let vs = store();
            let net = <$net>::new(&vs.root())?;
            let mut optimizer = Adam::new(&vs, AdamConfig::default())?;
            let x = <$net>::input(Tensor::rand([$($size),+], F32))?;
            for _ in 0..2 {
                let loss = net.forward_t(&x, true)?.square().mean(Kind::Float);
                optimizer.zero_grad();
                loss.backward();
                optimizer.step()?;
            }
            Ok(())
        };
        peak(run)
    }};
}

#[test]
fn the_estimate_is_near_what_is_held() -> Result<()> {
    if memory::reset_peak().is_err() {
        eprintln!("skipped: this system does not reset the peak of a process's memory");
        return Ok(());
    }
    exact_memory();
    let all = std::env::var_os("SNN_MEMORY").is_some();
    // Threads, and what they keep.
    let _ = train!(Csnn<2>, 2, 1, 28, 28)?;
    let mut wrong = Vec::new();
    println!("| net | T | batch | estimate, MB | peak, MB | estimate / peak |\n|---|---|---|---|---|---|");
    macro_rules! compare {
        ($name:expr, $net:ty, $steps:expr, $n:expr, $($size:expr),+) => {{
            let n: i64 = $n;
            let measured = train!($net, $($size),+)?;
            let estimate = <$net>::SUMMARY.training_memory(n as usize, Optimizer::Adam, Kind::Float);
            let total = estimate.total() as f64;
            let ratio = total / measured;
            let line = format!("| {} | {} | {n} | {:.0} | {:.0} | {ratio:.2} |", $name, $steps, total / 1e6, measured / 1e6);
            println!("{line}");
            if total > FACTOR * measured || measured > FACTOR * total + BESIDE {
                wrong.push(format!("{line}\n{estimate}"));
            }
        }};
    }
    macro_rules! csnn {
        ($steps:literal, $n:expr) => {
            compare!("tutorial CSNN", Csnn<$steps>, $steps, $n, $n, 1, 28, 28)
        };
    }
    macro_rules! plif {
        ($steps:literal, $n:expr) => {
            compare!("PLIF-Net, 64 x 64", PlifNet<64, $steps>, $steps, $n, $steps, $n, 2, 64, 64)
        };
    }
    macro_rules! recurrent {
        ($steps:literal, $n:expr) => {
            compare!("recurrent net, 700 inputs", FeedBackNet<700, 128, 20, $steps>, $steps, $n, $steps, $n, 700)
        };
    }
    macro_rules! sew {
        ($n:expr) => {
            compare!("SEW-ResNet-18, 32 x 32", SewResNet18<64, 32, 10>, 4, $n, $n, 3, 32, 32)
        };
    }
    csnn!(4, 4);
    plif!(2, 16);
    recurrent!(100, 32);
    sew!(2);
    if all {
        csnn!(4, 16);
        csnn!(4, 64);
        csnn!(16, 16);
        csnn!(16, 64);
        plif!(10, 2);
        plif!(10, 16);
        recurrent!(100, 256);
        recurrent!(400, 32);
        sew!(16);
        sew!(64);
        compare!("Spikformer-4-384", Spikformer<384>, 4, 4, 4, 3, 32, 32);
        compare!("Spikformer-4-384", Spikformer<384>, 4, 16, 16, 3, 32, 32);
    }
    assert!(wrong.is_empty(), "off by more than a factor of {FACTOR}:\n{}", wrong.join("\n"));
    Ok(())
}
