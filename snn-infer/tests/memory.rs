//! Nets with memory. In: every layer that remembers; out: one step at a time what a whole sequence gives, to the bit, and what plain code gives.

mod support;

use snn_infer::{Builder, DelayConfig, Frozen, LinearConfig, Model, Result, SlidingPSNConfig, SynapseFilterConfig, Value, frozen};
use snn_kernels::{IFNodeConfig, LIFNodeConfig, ParametricLIFNodeConfig};
use support::{Numbers, Weights, assert_near, linear};

const STEPS: usize = 7;
const FEATURES: usize = 3;
const SAMPLES: usize = 2;

fn net(layer: impl FnOnce(&mut Builder, Value) -> Result<Value>, weights: &Weights) -> Result<Model> {
    let mut b = Builder::new("Net", STEPS);
    let x = b.input("x", &[FEATURES], true);
    let y = layer(&mut b, x)?;
    b.output("y", y);
    Model::new(b.finish(), weights.source())
}

fn x() -> Vec<f32> {
    Numbers::new(5).take(STEPS * SAMPLES * FEATURES).iter().map(|x| 2.0 * x).collect()
}

/// The whole sequence; it is checked that steps give the same.
fn run(mut model: Model) -> Result<Vec<f32>> {
    let (x, len) = (x(), SAMPLES * FEATURES);
    let mut whole = vec![9.0; STEPS * len];
    model.infer(&[&x], &mut [&mut whole])?;
    let mut state = model.state(SAMPLES);
    for (t, x) in x.chunks_exact(len).enumerate() {
        let mut step = vec![9.0; len];
        model.step(&[x], &mut [&mut step], &mut state)?;
        assert_eq!(step, whole[t * len..][..len], "step {t}");
    }
    let mut again = vec![9.0; STEPS * len];
    model.infer(&[&x], &mut [&mut again])?;
    assert_eq!(again, whole, "a sequence starts fresh");
    Ok(whole)
}

/// `f` of each series of numbers: of one feature of one sample.
fn plain(f: impl Fn(&[f32]) -> Vec<f32>) -> Vec<f32> {
    let (x, len) = (x(), SAMPLES * FEATURES);
    let mut y = vec![0.0; x.len()];
    for i in 0..len {
        let series: Vec<f32> = (0..STEPS).map(|t| x[t * len + i]).collect();
        f(&series).iter().enumerate().for_each(|(t, v)| y[t * len + i] = *v);
    }
    y
}

#[test]
fn delay() -> Result<()> {
    for delay in [0, 1, 3, 9] {
        let y = run(net(|b, x| frozen::Delay::freeze(b, "d", DelayConfig { delay_steps: delay }, &[x]), &Weights::new(&[]))?)?;
        let want = plain(|x| (0..STEPS).map(|t| if t < delay { 0.0 } else { x[t - delay] }).collect());
        assert_eq!(y, want);
    }
    Ok(())
}

#[test]
fn synapse_filter() -> Result<()> {
    let filter = |q: f32| {
        plain(move |x| {
            let mut i = 0.0;
            let next = |x: &f32| {
                i = i - (1.0 - x) * i * q + x;
                i
            };
            x.iter().map(next).collect()
        })
    };
    let of = |learnable| {
        let config = SynapseFilterConfig { tau: 4.0, learnable };
        net(|b, x| frozen::SynapseFilter::freeze(b, "syn", config, &[x]), &Weights::new(&[("syn.w", &[])]))
    };
    assert_near(&run(of(false)?)?, &filter(0.25), 1e-6);
    let w = Weights::new(&[("syn.w", &[])]).get("syn.w")[0];
    assert_near(&run(of(true)?)?, &filter(1.0 / (1.0 + (-w).exp())), 1e-6);
    Ok(())
}

#[test]
fn sliding_psn() -> Result<()> {
    let weights = Weights::new(&[("sn.weight", &[3]), ("sn.bias", &[])]);
    let (w, bias) = (weights.get("sn.weight"), weights.get("sn.bias")[0]);
    let y = run(net(|b, x| frozen::SlidingPSN::freeze(b, "sn", SlidingPSNConfig::new(3), &[x]), &weights)?)?;
    let h = |x: &[f32], t: usize| (0..3).filter(|j| *j <= t).map(|j| w[2 - j] * x[t - j]).sum::<f32>() + bias;
    assert_near(&y, &plain(|x| (0..STEPS).map(|t| if h(x, t) >= 0.0 { 1.0 } else { 0.0 }).collect()), 0.0);
    Ok(())
}

#[test]
fn a_neuron_with_a_learned_time_constant() -> Result<()> {
    let weights = Weights::new(&[("sn.w", &[])]);
    let y = run(net(|b, x| frozen::ParametricLIFNode::freeze(b, "sn", ParametricLIFNodeConfig::default(), &[x]), &weights)?)?;
    let share = 1.0 / (1.0 + (-weights.get("sn.w")[0]).exp());
    let want = plain(|x| {
        let mut v = 0.0;
        let fire = |x: &f32| {
            let h = v + (x - v) * share;
            let s = if h >= 1.0 { 1.0 } else { 0.0 };
            v = (1.0 - s) * h;
            s
        };
        x.iter().map(fire).collect()
    });
    assert_near(&y, &want, 0.0);
    Ok(())
}

#[test]
fn a_recurrent_container_feeds_back_what_its_layers_gave() -> Result<()> {
    let weights = Weights::new(&[("rec.rc.weight", &[FEATURES, 2 * FEATURES]), ("rec.rc.bias", &[FEATURES])]);
    let layers = |b: &mut Builder, x: Value| {
        b.recurrent("rec", x, &[FEATURES], |b, y, x| {
            let both = b.function("cat_last", &[x, y])?;
            let current = frozen::Linear::freeze(b, "rc", LinearConfig::new(2 * FEATURES, FEATURES), &[both])?;
            frozen::LIFNode::freeze(b, "sn", LIFNodeConfig { v_threshold: 0.3, ..Default::default() }, &[current])
        })
    };
    let y = run(net(layers, &weights)?)?;

    let (x, len) = (x(), SAMPLES * FEATURES);
    let mut want = Vec::new();
    let (mut last, mut v) = (vec![0.0; len], vec![0.0f32; len]);
    for x in x.chunks_exact(len) {
        let mut next = Vec::new();
        for n in 0..SAMPLES {
            let of = n * FEATURES..(n + 1) * FEATURES;
            let both = [&x[of.clone()], &last[of.clone()]].concat();
            for (v, x) in v[of].iter_mut().zip(linear(&both, weights.get("rec.rc.weight"), weights.get("rec.rc.bias"))) {
                let h = *v + (x - *v) / 2.0;
                let s = if h >= 0.3 { 1.0 } else { 0.0 };
                *v = (1.0 - s) * h;
                next.push(s);
            }
        }
        last.clone_from(&next);
        want.extend(next);
    }
    assert_near(&y, &want, 0.0);
    Ok(())
}

#[test]
fn sums_and_products_of_spikes_are_numbers_again_outside() -> Result<()> {
    let spikes = |b: &mut Builder, x| -> Result<Value> {
        let low = frozen::IFNode::freeze(b, "a", IFNodeConfig { v_threshold: 0.5, ..Default::default() }, &[x])?;
        let high = frozen::IFNode::freeze(b, "b", IFNodeConfig { v_threshold: 0.9, ..Default::default() }, &[x])?;
        let (sum, both) = (b.function("sew_add", &[low, high])?, b.function("sew_and", &[low, high])?);
        let either = b.function("sew_iand", &[low, high])?; // (1 - low) high
        let all = b.function("add", &[sum, both])?;
        let all = b.function("add", &[all, either])?;
        b.function("max", &[all, low]) // at least 0
    };
    let y = run(net(spikes, &Weights::new(&[]))?)?;
    let fires = |threshold: f32| {
        plain(move |x| {
            let mut v = 0.0;
            let fire = |x: &f32| {
                let h = v + x;
                let s = if h >= threshold { 1.0 } else { 0.0 };
                v = (1.0 - s) * h;
                s
            };
            x.iter().map(fire).collect()
        })
    };
    let want: Vec<f32> = fires(0.5).iter().zip(fires(0.9)).map(|(a, b)| a + b + a * b + (1.0 - a) * b).collect();
    assert_near(&y, &want, 0.0);
    Ok(())
}

#[test]
fn a_state_belongs_to_its_net_and_batch() -> Result<()> {
    let lif = || net(|b, x| frozen::LIFNode::freeze(b, "sn", LIFNodeConfig::default(), &[x]), &Weights::new(&[]));
    let mut model = lif()?;
    let (x, mut y) = ([0.0; SAMPLES * FEATURES], [0.0; SAMPLES * FEATURES]);
    let say = |r: Result<()>| r.unwrap_err().to_string();
    let e = say(model.step(&[&x], &mut [&mut y], &mut lif()?.state(3)));
    assert_eq!(e, "Net: its state is for a batch of 3, but gets 2\n  help: make one with `state(2)`");
    let other = net(|b, x| frozen::Delay::freeze(b, "d", DelayConfig { delay_steps: 2 }, &[x]), &Weights::new(&[]))?;
    let e = say(model.step(&[&x], &mut [&mut y], &mut other.state(2)));
    assert_eq!(e, "Net: the state is not one of this net's\n  help: make one with `state(2)`");
    Ok(())
}

#[test]
fn an_input_of_spikes_gives_the_same_as_the_same_numbers() -> Result<()> {
    let weights = Weights::new(&[("fc.weight", &[4, FEATURES]), ("fc.bias", &[4])]);
    let mut model = net(|b, x| frozen::Linear::freeze(b, "fc", LinearConfig::new(FEATURES, 4), &[x]), &weights)?;
    assert_eq!(model.kernels().collect::<Vec<_>>(), [("fc", "Linear on bits where they are, else numbers")]);
    let spikes: Vec<f32> = x().iter().map(|x| if *x > 0.0 { 1.0 } else { 0.0 }).collect();
    let mut mixed = spikes.clone();
    mixed[0] = 0.5;
    // Bits, numbers, and bits again: nothing is left of a call before.
    for x in [&spikes, &mixed, &spikes] {
        let mut y = vec![9.0; STEPS * SAMPLES * 4];
        model.infer(&[x], &mut [&mut y])?;
        let want: Vec<f32> = x.chunks_exact(FEATURES).flat_map(|x| linear(x, weights.get("fc.weight"), weights.get("fc.bias"))).collect();
        assert_near(&y, &want, 1e-6);
    }
    Ok(())
}
