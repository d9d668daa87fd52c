//! A neuron of one's own where there is no libtorch. In: its definition, a net that names it, a file; out: what its step says.

mod support;

use snn_infer::{Builder, Frozen, LinearConfig, Model, Result, frozen, snn_net, snn_neuron};
use support::{Numbers, Weights};

snn_neuron! {
    /// Its threshold rises by a learned amount with each spike, and its input has a learned gain.
    pub neuron TiringNode {
        /// Membrane time constant in steps.
        tau: f64 = 2.0 where tau > 1.0;
        base;
        learn fatigue = 0.25;
        learn per channel gain = 1.0;
        state rise = 0.0;

        step(x) {
            let h = v + (gain * x - (v - rest)) / tau;
            let s = spike(h - v_threshold - rise);
            rise = 0.75 * rise + fatigue * s;
            v = reset(h, s);
            s
        }
    }
}

snn_net! {
    use crate::TiringNode;

    /// One layer of them.
    pub net Tired(x: [T, 3]) -> [T, 4] {
        T = 6;
        step_mode = 'm';
        fc: Linear(_, 4),
        sn: TiringNode(tau = 1.5, v_threshold = 0.125),
    }
}

#[test]
fn it_does_what_its_step_says_all_at_once_and_one_by_one() -> Result<()> {
    let config = TiringNodeConfig { tau: 1.5, v_threshold: 0.125, ..Default::default() };
    let weights = Weights::new(&[("fc.weight", &[4, 3]), ("fc.bias", &[4]), ("sn.fatigue", &[]), ("sn.gain", &[4])]);
    // What the training library freezes: the layers one by one.
    let mut b = Builder::new("Tired", 6);
    let x = b.input("x", &[3], true);
    let currents = frozen::Linear::freeze(&mut b, "fc", LinearConfig::new(3, 4), &[x])?;
    let spikes = TiringNode::freeze(&mut b, "sn", config, &[currents])?;
    b.output("y", spikes);
    let file = std::env::temp_dir().join(format!("snn-infer-own-neuron-{}.safetensors", std::process::id()));
    Model::new(b.finish(), weights.source())?.save(&file)?;
    let net = TiredFrozen::load(&file);
    std::fs::remove_file(&file).expect("the file was written");
    let mut net = net?;

    let (x, mut y) = (Numbers::new(3).take(6 * 3), vec![9.0; 6 * 4]);
    net.infer(&x, &mut y)?;
    let (gain, fatigue) = (weights.get("sn.gain"), weights.get("sn.fatigue")[0]);
    let (mut v, mut rise) = ([0.0f32; 4], [0.0f32; 4]);
    for (t, x) in x.chunks_exact(3).enumerate() {
        let currents = support::linear(x, weights.get("fc.weight"), weights.get("fc.bias"));
        for i in 0..4 {
            let h = v[i] + (gain[i] * currents[i] - v[i]) / 1.5;
            let s = if h - 0.125 - rise[i] >= 0.0 { 1.0 } else { 0.0 };
            rise[i] = 0.75 * rise[i] + fatigue * s;
            v[i] = (1.0 - s) * h;
            assert_eq!(y[t * 4 + i], s, "neuron {i}, step {t}");
        }
    }
    assert!(y.contains(&1.0) && y.contains(&0.0));
    let (mut s, mut one) = (net.state(1), [9.0; 4]);
    for (x, y) in x.chunks_exact(3).zip(y.chunks_exact(4)) {
        net.step(x, &mut one, &mut s)?;
        assert_eq!(one, y);
    }
    Ok(())
}
