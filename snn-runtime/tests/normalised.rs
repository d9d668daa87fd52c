//! A batch normalisation with the neurons behind it, as one kernel. In: both layers; out: what the one after the other gives.

mod support;

use snn_runtime::__private::{Normalise, normalised};
use snn_runtime::surrogate::ATan;
use snn_runtime::{
    BatchNorm1d, BatchNorm2d, BatchNormConfig, Cx, Device, Kind, Layer, ParametricLIFNode, ParametricLIFNodeConfig, Tensor,
    ThresholdDependentBatchNorm2d, ThresholdDependentBatchNormConfig, nn,
};
use support::build;

/// Outputs, last potential, gradients and buffers, by name.
type Results = Vec<(String, Tensor)>;

/// Two calls (the second goes on from the state) of a normalisation over `[T, N, C, ..]`, fused or not.
fn run<B: Normalise>(config: B::Config, sizes: &[i64], cx: Cx, fused: bool) -> Results {
    let vs = nn::VarStore::new(Device::Cpu);
    let bn = build::<B>(&vs, "bn", config).unwrap();
    let atan = ATan::default().into();
    let neuron = ParametricLIFNodeConfig { v_threshold: 0.4, surrogate_function: atan, ..ParametricLIFNodeConfig::default() };
    let neuron = build::<ParametricLIFNode>(&vs, "sn", neuron).unwrap();
    for (i, (name, mut variable)) in sorted(&vs).into_iter().enumerate().filter(|(_, (_, v))| v.kind() == Kind::Float) {
        let bump = wave(&variable.size(), i as f64 + 2.0) * if name.contains("running") { 0.1 } else { 0.4 };
        variable.set_data(&(variable.detach().to_kind(Kind::Double) + bump));
    }
    let x = (wave(sizes, 0.37) * 3.0 + 0.7).set_requires_grad(true);
    let mut s = neuron.state();
    let mut once = |x: &Tensor| match fused {
        true => normalised(&bn, &neuron, x, &mut s, &cx).unwrap(),
        false => neuron.sequence(&bn.sequence(x, &mut (), &cx).unwrap(), &mut s, &cx).unwrap(),
    };
    let y = [once(&x), once(&(&x * 0.8))];
    let v = s.get("v").unwrap().shallow_clone();
    let loss = (&y[0] * wave(sizes, 1.1)).sum(Kind::Double)
        + (&y[1] * wave(sizes, 1.3)).sum(Kind::Double)
        + (&v * wave(&v.size(), 1.7)).sum(Kind::Double);
    loss.backward();
    let mut results: Results =
        vec![("y0".into(), y[0].detach()), ("y1".into(), y[1].detach()), ("v".into(), v.detach()), ("grad x".into(), x.grad())];
    for (name, variable) in sorted(&vs) {
        match variable.requires_grad() {
            true => results.push((format!("grad {name}"), variable.grad())),
            false => results.push((name, variable)),
        }
    }
    results
}

fn sorted(vs: &nn::VarStore) -> Vec<(String, Tensor)> {
    let mut variables: Vec<_> = vs.variables().into_iter().collect();
    variables.sort_by(|a, b| a.0.cmp(&b.0));
    variables
}

/// Numbers between -1 and 1 that repeat nowhere.
fn wave(sizes: &[i64], step: f64) -> Tensor {
    (Tensor::arange(sizes.iter().product::<i64>(), (Kind::Double, Device::Cpu)) * step + 0.3).sin().reshape(sizes)
}

fn assert_equal<B: Normalise>(config: impl Fn() -> B::Config, sizes: &[i64]) {
    for cx in [Cx::TRAIN, Cx::EVAL] {
        let (want, got) = (run::<B>(config(), sizes, cx, false), run::<B>(config(), sizes, cx, true));
        assert_eq!(want.len(), got.len());
        let spikes = want[0].1.mean(Kind::Double).double_value(&[]);
        assert!((0.05..0.95).contains(&spikes), "{spikes}");
        for ((name, want), (_, got)) in want.iter().zip(&got) {
            let difference = (want - got).abs().max().double_value(&[]);
            let scale = want.abs().max().double_value(&[]).max(1.0);
            assert!(difference <= 1e-10 * scale, "{name} of {sizes:?}, {cx:?}: {difference} of {scale}");
        }
    }
}

#[test]
fn images_series_and_features() {
    let config = || BatchNormConfig::new(5);
    assert_equal::<BatchNorm2d>(config, &[4, 3, 5, 6, 7]);
    assert_equal::<BatchNorm2d>(config, &[2, 2, 5, 9, 11]);
    assert_equal::<BatchNorm1d>(config, &[4, 3, 5, 6]);
    assert_equal::<BatchNorm1d>(config, &[6, 7, 5]);
}

#[test]
fn without_a_weight_without_running_statistics_and_with_their_average() {
    assert_equal::<BatchNorm2d>(|| BatchNormConfig { affine: false, ..BatchNormConfig::new(3) }, &[3, 2, 3, 4, 4]);
    assert_equal::<BatchNorm2d>(|| BatchNormConfig { track_running_stats: false, ..BatchNormConfig::new(3) }, &[3, 2, 3, 4, 4]);
    assert_equal::<BatchNorm2d>(|| BatchNormConfig { momentum: None, ..BatchNormConfig::new(3) }, &[3, 2, 3, 4, 4]);
}

#[test]
fn a_threshold_dependent_one() {
    let config = || ThresholdDependentBatchNormConfig { alpha: 1.0, v_th: 1.0, bn: BatchNormConfig::new(4) };
    assert_equal::<ThresholdDependentBatchNorm2d>(config, &[3, 2, 4, 5, 5]);
}

#[test]
fn a_batch_of_one_value_is_refused_before_it_is_counted() {
    let vs = nn::VarStore::new(Device::Cpu);
    let bn = build::<BatchNorm1d>(&vs, "bn", BatchNormConfig::new(4)).unwrap();
    let neuron = build::<ParametricLIFNode>(&vs, "sn", ParametricLIFNodeConfig::default()).unwrap();
    let one = Tensor::ones([1, 1, 4], (Kind::Float, Device::Cpu));
    let e = normalised(&bn, &neuron, &one, &mut neuron.state(), &Cx::TRAIN).unwrap_err().to_string();
    assert!(e.contains("bn") && e.contains("[1, 1, 4]"), "{e}");
    // Nor are there statistics of nothing, whichever way it goes.
    for sizes in [[3, 0, 4], [0, 3, 4]] {
        let none = Tensor::ones(sizes, (Kind::Float, Device::Cpu));
        assert!(normalised(&bn, &neuron, &none, &mut neuron.state(), &Cx::TRAIN).is_err());
        assert!(bn.sequence(&none, &mut (), &Cx::TRAIN).is_err());
    }
    let running = bn.running.as_ref().unwrap();
    assert_eq!(running.num_batches_tracked.int64_value(&[]), 0);
    assert_eq!((running.mean.abs().max().double_value(&[]), running.var.min().double_value(&[])), (0.0, 1.0));
    let other = Tensor::ones([2, 3, 5], (Kind::Float, Device::Cpu));
    assert!(normalised(&bn, &neuron, &other, &mut neuron.state(), &Cx::EVAL).is_err());
}
