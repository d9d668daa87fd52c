//! `snn_neuron!` against the same neuron written by hand, step by step.

use super::by_hand::ByHand;
use crate::Surrogate;
use crate::neuron::{MAX_CONSTANTS, MAX_FIRES, MAX_KEPT, MAX_LEARNED, MAX_STATES, Neuron};

snn_macros::snn_neuron! {
    (crate)
    /// LIF with a learned time constant.
    neuron ByMacro {
        /// Its first time constant.
        tau: f64 = 2.0 where tau > 1.0, "it counts steps";
        base;
        learn w = -ln(tau - 1.0);

        step(x) {
            let h = v + (x - (v - rest)) * sigmoid(w);
            let s = spike(h - v_threshold);
            v = reset(h, s);
            s
        }
    }
}

/// All that a step gives, in `f64`.
fn step(neuron: &impl Neuron, v: f64, x: f64, grad_y: f64, grad_v: f64) -> [f64; 6] {
    let (mut learned, mut c) = ([0.0; MAX_LEARNED], [0.0; MAX_CONSTANTS]);
    neuron.learned_start(&mut learned);
    neuron.constants(&learned, &mut c);
    let state = |v: f64| -> [f64; MAX_STATES] { [v, 0.0, 0.0, 0.0] };
    let charged = neuron.charge(&c, &state(v), x);
    let spikes: [f64; MAX_FIRES] = charged.over.map(|x| f64::from(u8::from(x >= 0.0)));
    let kept: [f64; MAX_KEPT] = charged.kept;
    let finished = neuron.finish(&c, &state(v), x, &kept, &spikes);
    let adjoint = neuron.adjoint(&c, &state(v), x, &kept, &spikes, &[0.8, 0.0], grad_y, &state(grad_v));
    let mut grad_w = [0.0; MAX_LEARNED];
    neuron.constants_gradient(&learned, &adjoint.constants, &mut grad_w);
    [charged.over[0], finished.states[0], finished.y, adjoint.x, adjoint.states[0], grad_w[0]]
}

#[test]
fn the_macro_writes_what_is_written_by_hand() {
    let surrogate_function = Surrogate::default();
    let mut fired = 0;
    for k in 0..400u32 {
        let value = |n: u32| f64::from(k.wrapping_mul(2_654_435_761).rotate_left(n) % 1000) / 250.0 - 2.0;
        let (tau, v_threshold) = (1.5 + f64::from(k % 5), 0.3 + value(3).abs());
        let (v_reset, detach_reset) = ((k % 3 > 0).then_some(-0.2), k % 2 == 0);
        let by_hand = ByHand::<true> { tau, v_threshold, v_reset, surrogate_function, detach_reset };
        let by_macro = ByMacroConfig { tau, v_threshold, v_reset, surrogate_function, detach_reset };
        let (want, got) =
            (step(&by_hand, value(5), value(9), value(13), value(17)), step(&by_macro, value(5), value(9), value(13), value(17)));
        for (want, got) in want.iter().zip(got) {
            assert!((want - got).abs() < 1e-12, "{by_macro:?}: {want} by hand, {got} by macro");
        }
        fired += u32::from(want[2] == 1.0);
    }
    assert!((50..350).contains(&fired), "{fired} of 400 fire");
}

#[test]
fn arguments_are_checked() {
    let config = ByMacroConfig::default();
    assert_eq!(config.check(), Ok(()));
    let text = |config: ByMacroConfig| config.check().map_err(|r| format!("{} {} ({})", r.argument, r.problem, r.help)).unwrap_err();
    assert_eq!(text(ByMacroConfig { tau: 1.0, ..config }), "tau must be greater than 1, but is 1.0 (it counts steps)");
    assert_eq!(text(ByMacroConfig { tau: f64::NAN, ..config }), "tau must be a finite number, but is NaN ()");
    assert_eq!(
        text(ByMacroConfig { v_threshold: f64::NAN, ..config }),
        "v_threshold must be a number, but is NaN (`f64::INFINITY` never fires)"
    );
}
