//! Memory at run time. In: a net with bits, numbers, joins, memory and a recurrent container; out: that a second run of a batch size asks for
//! none, nor does a smaller one.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use snn_infer::{
    BatchNormConfig, Builder, Conv2dConfig, FlattenConfig, Frozen, LinearConfig, MaxPoolConfig, Model, Result, SynapseFilterConfig, frozen,
};
use snn_kernels::{IFNodeConfig, LIFNodeConfig};
use support::{Numbers, Weights};

/// The system's allocator, which counts.
struct Counting;

static ASKED: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn model() -> Result<Model> {
    let mut b = Builder::new("Net", 3);
    let x = b.input("x", &[2, 4, 4], false);
    let conv = Conv2dConfig { padding: [[1, 1]; 2], ..Conv2dConfig::new(2, 8, [3, 3]) };
    let y = frozen::Conv2d::freeze(&mut b, "conv", conv, &[x])?;
    let y = frozen::BatchNorm2d::freeze(&mut b, "bn", BatchNormConfig::new(8), &[y])?;
    let a = frozen::IFNode::freeze(&mut b, "a", IFNodeConfig::default(), &[y])?;
    let c = frozen::LIFNode::freeze(&mut b, "c", LIFNodeConfig::default(), &[a])?;
    let y = b.function("sew_add", &[a, c])?;
    let y = frozen::MaxPool2d::freeze(&mut b, "pool", MaxPoolConfig::new([2, 2]), &[y])?;
    let y = frozen::Flatten::freeze(&mut b, "flatten", FlattenConfig { start_dim: 1, end_dim: 3 }, &[y])?;
    let y = frozen::SynapseFilter::freeze(&mut b, "syn", SynapseFilterConfig::default(), &[y])?;
    let y = b.recurrent("rec", y, &[32], |b, y, x| {
        let both = b.function("add", &[y, x])?;
        frozen::IFNode::freeze(b, "sn", IFNodeConfig::default(), &[both])
    })?;
    let y = frozen::Linear::freeze(&mut b, "fc", LinearConfig::new(32, 5), &[y])?;
    let y = b.function("mean_over_time", &[y])?;
    b.output("y", y);
    let (c, shape) = ([8], [8, 2, 3, 3]);
    let weights = Weights::new(&[
        ("conv.weight", &shape),
        ("conv.bias", &c),
        ("bn.weight", &c),
        ("bn.bias", &c),
        ("bn.running_mean", &c),
        ("bn.running_var", &c),
        ("fc.weight", &[5, 32]),
        ("fc.bias", &[5]),
    ]);
    Model::new(b.finish(), weights.source())
}

#[test]
fn a_second_run_asks_for_no_memory() -> Result<()> {
    let mut model = model()?;
    let (x, mut y) = (Numbers::new(1).take(4 * 32), [0.0; 4 * 5]);
    model.infer(&[&x], &mut [&mut y])?;
    let first = y;
    assert!(first.iter().any(|y| *y != first[0]));
    let mut state = model.state(4);
    model.step(&[&x], &mut [&mut y], &mut state)?;

    let before = ASKED.load(Ordering::Relaxed);
    model.infer(&[&x], &mut [&mut y])?;
    model.infer(&[&x[..64]], &mut [&mut y[..10]])?;
    model.infer(&[&x], &mut [&mut y])?;
    state.reset();
    model.step(&[&x], &mut [&mut y], &mut state)?;
    model.infer(&[&x], &mut [&mut y])?;
    let asked = ASKED.load(Ordering::Relaxed) - before;
    assert_eq!(asked, 0);
    assert_eq!(y, first);

    let more = Numbers::new(1).take(8 * 32);
    let before = ASKED.load(Ordering::Relaxed);
    model.infer(&[&more], &mut [&mut [0.0; 8 * 5]])?;
    assert!(ASKED.load(Ordering::Relaxed) > before, "a larger batch needs more: the counter counts");
    Ok(())
}
