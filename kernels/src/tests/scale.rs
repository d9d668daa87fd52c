//! A scale in the pass is a scale before it: the same bits forward, and the chain rule backward.

use crate::{
    ATan, BackwardOut, Channels, Constants, Draw, ForwardOut, Input, ParametricLIFNodeConfig, Pass, Scale, Upstream, backward, forward,
};

const STEPS: usize = 5;
/// Three samples of four channels; 37 pixels, so that blocks hold parts of three channels.
const CHANNELS: Channels = Channels { count: 4, inner: 37 };
const NEURONS: usize = 3 * 4 * 37;

/// Numbers between -1 and 1.
fn numbers(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

#[test]
fn a_scale_in_the_pass_is_one_before_it() {
    let neuron = ParametricLIFNodeConfig { surrogate_function: ATan::default().into(), ..ParametricLIFNodeConfig::default() };
    let constants: Constants<f64> = Constants::new(&neuron, &[&[0.3]], Channels::ONE).unwrap();
    let (x, grad_y) = (numbers(STEPS * NEURONS, 1), numbers(STEPS * NEURONS, 2));
    let (scale, shift) = ([2.0, 3.0, -1.5, 4.0], [0.2, 0.5, 0.9, -0.3]);
    let channel = |i: usize| i / CHANNELS.inner % CHANNELS.count;
    let scaled: Vec<f64> = x.iter().enumerate().map(|(i, x)| x * scale[channel(i)] + shift[channel(i)]).collect();
    let by = Scale { channels: CHANNELS, scale: &scale, shift: &shift };

    let run = |x: &[f64], by| {
        let pass = Pass {
            steps: STEPS,
            neurons: NEURONS,
            x: Input::Sequence(x),
            scale: by,
            start: &[],
            constants: &constants,
            draw: Draw::default(),
        };
        let (mut y, mut v) = (vec![0.0; STEPS * NEURONS], vec![0.0; NEURONS]);
        forward(&neuron, pass, ForwardOut { y: &mut y, states: vec![&mut v], sequences: vec![] }).unwrap();
        let (mut grad_x, mut grad_scale) = (vec![0.0; STEPS * NEURONS], vec![[0.0; 2]; by.map_or(0, |by| by.channels.count)]);
        let out = BackwardOut { x: Some(&mut grad_x), start: vec![], scale: by.is_some().then_some(&mut grad_scale[..]) };
        let sums = backward(&neuron, pass, Upstream { y: Some(&grad_y), states: &[] }, out).unwrap();
        (y, v, grad_x, grad_scale, sums)
    };
    let (y, v, grad, _, sums) = run(&scaled, None);
    let (y_in, v_in, grad_in, grad_scale, sums_in) = run(&x, Some(by));
    assert!(y.iter().sum::<f64>() > 100.0, "it fires");
    assert_eq!((&y, &v, &sums), (&y_in, &v_in, &sums_in));
    let mut want = [[0.0; 2]; 4];
    for (i, g) in grad.iter().enumerate() {
        assert_eq!(grad_in[i], g * scale[channel(i)]);
        want[channel(i)][0] += g * x[i];
        want[channel(i)][1] += g;
    }
    for (got, want) in grad_scale.iter().flatten().zip(want.iter().flatten()) {
        assert!((got - want).abs() < 1e-10, "{got} {want}");
    }
}
