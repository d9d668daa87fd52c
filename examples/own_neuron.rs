//! A neuron that no library has, defined once, trained and frozen. In: two rhythms under noise; out: a net that tells them apart, with libtorch
//! and without, and the neuron's gradient beside finite differences.
//!
//! `cargo run --release --example own_neuron`

use snn::Scope;
use snn::prelude::*;
use snn::surrogate::Sigmoid;

snn_neuron! {
    /// A neuron that tires: each spike raises its threshold by a learned amount, and the threshold recovers with a time constant of its own.
    /// Its dendrite saturates: an input current x arrives as reach * tanh(x / reach).
    pub neuron TiringNode {
        /// Membrane time constant in steps, greater than 1.
        tau: f64 = 3.0 where tau > 1.0, "it counts steps";
        /// Time constant in steps with which the threshold recovers, greater than 1.
        tau_threshold: f64 = 6.0 where tau_threshold > 1.0, "it counts steps";
        /// The largest current that the dendrite lets through.
        reach: f64 = 4.0 where reach > 0.0;
        base;
        learn fatigue = 0.4;
        state rise = 0.0;

        step(x) {
            let current = reach * tanh(x / reach);
            let h = v + (current - (v - rest)) / tau;
            let s = spike(h - v_threshold - rise);
            rise = rise - rise / tau_threshold + fatigue * s;
            v = reset(h, s);
            s
        }
    }
}

snn_net! {
    use crate::TiringNode;

    /// Tells a slow rhythm from a fast one.
    net Rhythm(x: [T, 12]) -> [2] {
        T = 24;
        step_mode = 'm';
        surrogate = ATan;

        fc1: Linear(_, 32),
        #[record(spikes)]
        hidden: TiringNode(tau = 2.0),
        fc2: Linear(_, 2),
        MeanOverTime(),
    }
}

/// Rhythms of period 3 and 6, each input at its own phase, half buried in noise: `[24, n, 12]`, and which of the two they are.
fn rhythms(n: i64) -> anyhow::Result<(Tensor, Tensor)> {
    let float = (Kind::Float, Device::Cpu);
    let class = Tensor::randint(2, [n], (Kind::Int64, Device::Cpu));
    let period: Tensor = (&class + 1) * 3;
    let time = Tensor::arange(24, (Kind::Int64, Device::Cpu)).view([24, 1, 1]);
    let phase = Tensor::randint(6, [1, n, 12], (Kind::Int64, Device::Cpu));
    let beat = (time + phase).f_remainder_tensor(&period.view([1, n, 1]))?.eq(0).to_kind(Kind::Float);
    Ok((beat * 2.0 + Tensor::randn([24, n, 12], float) * 0.7, class))
}

fn train() -> anyhow::Result<f64> {
    let vs = nn::VarStore::new(Device::Cpu);
    let net = Rhythm::new(&vs.root())?;
    let mut optimizer = nn::Adam::default().build(&vs, 1e-2)?;
    for step in 0..150 {
        let (x, class) = rhythms(128)?;
        let loss = net.forward_t(&Rhythm::input(x)?, true)?.cross_entropy_for_logits(&class);
        optimizer.backward_step(&loss);
        if step % 50 == 0 {
            println!("step {step:3}  loss {:.3}", loss.double_value(&[]));
        }
    }
    let (x, class) = rhythms(1000)?;
    let (logits, recorded) = net.forward_recorded(&Rhythm::input(x.shallow_clone())?, false)?;
    let right = logits.argmax(-1, false).eq_tensor(&class).to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
    let rate = recorded.hidden.spikes.mean(Kind::Float).double_value(&[]);
    let fatigue = net.hidden.parameter("fatigue").map_or(f64::NAN, |f| f.double_value(&[]));
    println!("right {:.1} %, firing rate {rate:.3}, learned fatigue {fatigue:.3}", right * 100.0);
    compare_frozen(&net, &x, &logits)?;
    Ok(right)
}

/// The frozen net, saved and loaded, gives what the net gives: it has the neuron's formulas, its arguments and what it has learned.
fn compare_frozen(net: &Rhythm, x: &Tensor, logits: &Tensor) -> anyhow::Result<()> {
    let file = std::env::temp_dir().join(format!("rhythm-{}.frozen.safetensors", std::process::id()));
    net.freeze()?.save(&file)?;
    let loaded = RhythmFrozen::load(&file);
    std::fs::remove_file(&file)?;
    let (x, mut y): (Vec<f32>, _) = (Vec::try_from(x.contiguous().view([-1]))?, vec![0.0; logits.numel()]);
    loaded?.infer(&x, &mut y)?;
    let same = Tensor::from_slice(&y).view_as(logits).argmax(-1, false).eq_tensor(&logits.argmax(-1, false));
    let same = same.to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
    println!("frozen, saved and loaded: {:.1} % are told apart as before", same * 100.0);
    anyhow::ensure!(same > 0.99, "a frozen net is its net");
    Ok(())
}

/// The gradient that the macro derived, against finite differences of the forward pass: with `spiking: false` the output is smooth.
fn compare_gradients() -> anyhow::Result<f64> {
    let vs = nn::VarStore::new(Device::Cpu);
    let config = TiringNodeConfig { surrogate_function: Sigmoid { alpha: 2.0, spiking: false }.into(), ..Default::default() };
    let neuron = TiringNode::build(&Scope::root("neuron", &vs.root()), config)?;
    let x = (Tensor::randn([5, 4], (Kind::Double, Device::Cpu)) * 2.0).set_requires_grad(true);
    let run = |x: &Tensor| -> anyhow::Result<Tensor> {
        let (y, weights) = (neuron.sequence(x, &mut neuron.state(), &Cx::TRAIN)?, Tensor::arange(20, (Kind::Double, Device::Cpu)));
        Ok((y * weights.view([5, 4])).sum(Kind::Double))
    };
    run(&x)?.backward();
    let mut worst: f64 = 0.0;
    for (step, sample) in (0..5).flat_map(|t| (0..4).map(move |n| (t, n))) {
        let at = |by: f64| -> anyhow::Result<f64> {
            let moved = tch::no_grad(|| x.detach().copy());
            let _ = moved.get(step).get(sample).f_add_scalar_(by)?;
            Ok(run(&moved)?.double_value(&[]))
        };
        let (got, want) = (x.grad().double_value(&[step, sample]), (at(1e-6)? - at(-1e-6)?) / 2e-6);
        worst = worst.max((got - want).abs() / (1.0 + want.abs()));
    }
    println!("gradient against finite differences: at most {worst:.1e} off");
    Ok(worst)
}

fn main() -> anyhow::Result<()> {
    manual_seed(1);
    anyhow::ensure!(compare_gradients()? < 1e-6, "the gradient is not that of the forward pass");
    anyhow::ensure!(train()? > 0.9, "the rhythms are not told apart");
    Ok(())
}
