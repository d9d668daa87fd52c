//! The convolutional net of the tutorial, small. In: its graph, weights made up; out: what plain layers give, at once, step by step, and from a
//! file.

mod support;

use snn_infer::{BatchNormConfig, Builder, Conv2dConfig, FlattenConfig, Frozen, Graph, LinearConfig, MaxPoolConfig, Model, Result, frozen};
use snn_kernels::IFNodeConfig;
use support::{Numbers, Weights, assert_near, batch_norm, conv, integrate_and_fire, linear, max_pool};

const STEPS: usize = 4;
const CHANNELS: usize = 70; // more than a word

/// conv, norm, spikes, pool, flatten, linear, spikes, mean over time; and the spikes of each step.
fn graph(spikes: bool) -> Result<Graph> {
    let mut b = Builder::new("Small", STEPS);
    let x = b.input("x", &[2, 6, 6], false);
    b.enter("features");
    let config = Conv2dConfig { padding: [[1, 1]; 2], bias: false, ..Conv2dConfig::new(2, CHANNELS, [3, 3]) };
    let y = frozen::Conv2d::freeze(&mut b, "conv", config, &[x])?;
    let y = frozen::BatchNorm2d::freeze(&mut b, "bn", BatchNormConfig::new(CHANNELS), &[y])?;
    let y = frozen::IFNode::freeze(&mut b, "sn", IFNodeConfig::default(), &[y])?;
    b.leave();
    let y = frozen::MaxPool2d::freeze(&mut b, "pool", MaxPoolConfig::new([2, 2]), &[y])?;
    let y = frozen::Flatten::freeze(&mut b, "flatten", FlattenConfig { start_dim: 1, end_dim: 3 }, &[y])?;
    let y = frozen::Linear::freeze(&mut b, "fc", LinearConfig::new(CHANNELS * 9, 10), &[y])?;
    let y = frozen::IFNode::freeze(&mut b, "out", IFNodeConfig::default(), &[y])?;
    if spikes {
        b.output("y", y);
    } else {
        let mean = b.function("mean_over_time", &[y])?;
        b.output("y", mean);
    }
    Ok(b.finish())
}

fn weights() -> Weights {
    let c = [CHANNELS];
    let mut weights = Weights::new(&[
        ("features.conv.weight", &[CHANNELS, 2, 3, 3]),
        ("features.bn.weight", &c),
        ("features.bn.bias", &c),
        ("features.bn.running_mean", &c),
        ("features.bn.running_var", &c),
        ("fc.weight", &[10, CHANNELS * 9]),
        ("fc.bias", &[10]),
    ]);
    // So that some neurons of the last layer fire, and some do not.
    weights.0.get_mut("fc.weight").unwrap().1.iter_mut().for_each(|w| *w *= 0.1);
    weights
}

/// The spikes of the last layer, `[T, 10]`, of one sample.
fn plain(x: &[f32], weights: &Weights) -> Vec<f32> {
    let mut currents = conv(x, [2, 6, 6], weights.get("features.conv.weight"), CHANNELS, 3, 1, 1);
    batch_norm(&mut currents, "features.bn", weights);
    let (mut v, mut u) = (Vec::new(), Vec::new());
    let step = |_| {
        let spikes = integrate_and_fire(&mut v, &currents);
        let pooled = max_pool(&spikes, [CHANNELS, 6, 6], 2);
        integrate_and_fire(&mut u, &linear(&pooled, weights.get("fc.weight"), weights.get("fc.bias")))
    };
    (0..STEPS).flat_map(step).collect()
}

const SAMPLES: usize = 5;

fn images() -> Vec<f32> {
    Numbers::new(3).take(SAMPLES * 72)
}

/// `[T, N, 10]`
fn wanted() -> Vec<f32> {
    let samples: Vec<Vec<f32>> = images().chunks_exact(72).map(|x| plain(x, &weights())).collect();
    (0..STEPS).flat_map(|t| samples.iter().flat_map(move |y| y[t * 10..][..10].to_vec())).collect()
}

#[test]
fn gives_what_plain_layers_give() -> Result<()> {
    let mut model = Model::new(graph(true)?, weights().source())?;
    let (want, mut y) = (wanted(), vec![9.0; STEPS * SAMPLES * 10]);
    model.infer(&[&images()], &mut [&mut y])?;
    assert_near(&y, &want, 0.0);

    let mut model = Model::new(graph(false)?, weights().source())?;
    let mut mean = vec![9.0; SAMPLES * 10];
    model.infer(&[&images()], &mut [&mut mean])?;
    let want: Vec<f32> = (0..SAMPLES * 10).map(|i| (0..STEPS).map(|t| want[t * SAMPLES * 10 + i]).sum::<f32>() / STEPS as f32).collect();
    assert_near(&mean, &want, 0.0);
    Ok(())
}

#[test]
fn steps_are_the_sequence() -> Result<()> {
    let mut model = Model::new(graph(true)?, weights().source())?;
    let mut state = model.state(SAMPLES);
    for round in 0..2 {
        let mut y = Vec::new();
        for _ in 0..STEPS {
            let mut step = vec![9.0; SAMPLES * 10];
            model.step(&[&images()], &mut [&mut step], &mut state)?;
            y.extend(step);
        }
        assert_eq!(y == wanted(), round == 0, "a state goes on, and is fresh again after a reset");
    }
    state.reset();
    let mut step = vec![9.0; SAMPLES * 10];
    model.step(&[&images()], &mut [&mut step], &mut state)?;
    assert_eq!(step, wanted()[..SAMPLES * 10]);
    Ok(())
}

#[test]
fn kernels_are_told_and_spikes_are_counted() -> Result<()> {
    let mut model = Model::new(graph(false)?, weights().source())?;
    let kernels: Vec<_> = model.kernels().map(|(layers, kernel)| format!("{layers}: {kernel}")).collect();
    assert_eq!(
        kernels,
        [
            "features.conv + features.bn + features.sn: Conv2d + IFNode on numbers",
            "pool: OR of bits",
            "fc + out: Linear + IFNode on bits",
            "unpack: bits to numbers",
            "mean_over_time: mean over time",
        ]
    );
    let mut y = vec![0.0; SAMPLES * 10];
    model.infer(&[&images()], &mut [&mut y])?;
    let rates: Vec<_> = model.firing_rates().collect();
    assert_eq!(rates.iter().map(|r| r.0).collect::<Vec<_>>(), ["features.conv + features.bn + features.sn", "fc + out"]);
    let spikes = y.iter().sum::<f32>() / (SAMPLES * 10) as f32;
    assert!((rates[1].1 - f64::from(spikes)).abs() < 1e-6 && rates[0].1 > 0.0 && rates[0].1 < 1.0, "{rates:?}");
    Ok(())
}

#[test]
fn inputs_and_outputs_of_the_wrong_length_are_named() -> Result<()> {
    let mut model = Model::new(graph(false)?, weights().source())?;
    model.infer(&[&[]], &mut [&mut []])?; // no sample is no work
    let mut say = |x: &[f32], y: &mut [f32]| model.infer(&[x], &mut [y]).unwrap_err().to_string();
    let e = say(&[0.0; 73], &mut [0.0; 10]);
    assert_eq!(e, "Small input `x`: wants a multiple of 72 numbers, [N, 2, 6, 6], but gets 73 numbers");
    let e = say(&[0.0; 144], &mut [0.0; 10]);
    assert_eq!(
        e,
        "Small output `y`: wants 20 numbers, [2, 10], but gets 10 numbers\n  help: the first input says how many samples there are"
    );
    let e = model.infer(&[], &mut []).unwrap_err().to_string();
    assert_eq!(e, "Small: wants 1 inputs, but gets 0");
    Ok(())
}
