//! Neurons that are no pointwise loops: parallel, gated, normalised, rate-coded, bipolar ones. In: random sequences; out: what their
//! definitions in torch's own operations give, gradients included, and how they say no.

mod support;

use proptest::prelude::*;
use snn_runtime::nn::OptimizerConfig;
use snn_runtime::surrogate::{self, ATan, Sigmoid};
use snn_runtime::{
    DSRIFNode, DSRIFNodeConfig, DSRLIFNode, DSRLIFNodeConfig, Decode, Device, GatedLIFNode, GatedLIFNodeConfig, Kind, Layer, MPBNLIFNode,
    MPBNLIFNodeConfig, MaskedPSN, MaskedPSNConfig, NonSpikingIFNode, NonSpikingIFNodeConfig, NonSpikingLIFNode, NonSpikingLIFNodeConfig,
    PSN, PSNConfig, STBIFNode, STBIFNodeConfig, SlidingPSN, SlidingPSNConfig, State, Tensor, manual_seed, named_tensors, nn, snn_net,
};
use support::cut::{is_the_same_however_it_is_cut, sliced, stepped};
use support::{EVAL, TRAIN, assert_near, assert_same, assert_says, build, grads, lone, randn};

/// h of all steps to spikes, with gradients by the surrogate's derivative.
fn fire(h: &Tensor) -> Tensor {
    surrogate::apply(ATan::default(), h).unwrap()
}

fn same_gradients(got: &Tensor, want: &Tensor, wrt: &[&Tensor]) {
    let weight = randn(&got.size(), got.kind());
    for (i, (got, want)) in grads(got, &weight, wrt).iter().zip(&grads(want, &weight, wrt)).enumerate() {
        assert_near(got, want, 1e-5, &format!("gradient {i}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_psn_is_a_product(steps in 1..6i64, n in 1..4i64, double: bool) {
        let kind = if double { Kind::Double } else { Kind::Float };
        let layer: PSN = lone(PSNConfig::new(steps as usize));
        let x = (randn(&[steps, n, 3, 2], kind) * 2.0).set_requires_grad(true);
        let y = layer.sequence(&x, &mut (), &TRAIN).unwrap();
        let h = layer.weight.to_kind(kind).matmul(&x.flatten(1, -1)) + layer.bias.to_kind(kind);
        let want = fire(&h.reshape(x.size()));
        assert_same(&y, &want, "spikes");
        same_gradients(&y, &want, &[&x, &layer.weight, &layer.bias]);
    }

    #[test]
    fn a_masked_psn_forgets_the_future(steps in 1..6i64, k in 1..7usize, lambda in 0.0..1.0) {
        let config = MaskedPSNConfig { lambda_init: lambda, ..MaskedPSNConfig::new(k, steps as usize) };
        let layer: MaskedPSN = lone(config);
        let x = (randn(&[steps, 2, 5], Kind::Float) * 2.0).set_requires_grad(true);
        let wrt = [&x, &layer.weight, &layer.bias];
        let y = layer.sequence(&x, &mut layer.state(), &TRAIN).unwrap();
        let fading = &layer.mask0 * lambda + &layer.mask1 * (1.0 - lambda);
        let h = (&layer.weight * fading).matmul(&x.flatten(1, -1)) + &layer.bias;
        let want = fire(&h.reshape(x.size()));
        assert_same(&y, &want, "fading");
        same_gradients(&y, &want, &wrt);

        layer.set_lambda(1.0).unwrap();
        let whole = layer.sequence(&x, &mut layer.state(), &TRAIN).unwrap();
        let (single, s) = stepped(&layer, &x);
        assert_same(&single, &whole, "step by step");
        same_gradients(&single, &whole, &wrt);
        assert_eq!((s.time_step, s.inputs.queue.len()), (steps as usize, k.min(steps as usize)));
        // What comes late changes nothing before it.
        if steps > 1 {
            let late = Tensor::cat(&[x.narrow(0, 0, steps - 1), x.narrow(0, steps - 1, 1) + 9.0], 0);
            let y = layer.sequence(&late, &mut layer.state(), &TRAIN).unwrap();
            assert_same(&y.narrow(0, 0, steps - 1), &whole.narrow(0, 0, steps - 1), "the past");
        }
    }

    #[test]
    fn a_sliding_psn_may_be_cut_anywhere(steps in 2..8i64, k in 1..5usize, exp_init: bool, cut in 1..7i64) {
        let layer: SlidingPSN = lone(SlidingPSNConfig { exp_init, ..SlidingPSNConfig::new(k) });
        let x = (randn(&[steps, 2, 5], Kind::Double) * 2.0).set_requires_grad(true);
        let (y, _) = sliced(&layer, &x, &[steps]);
        let zeros = Tensor::zeros([k as i64 - 1, 2, 5], (Kind::Double, Device::Cpu));
        let padded = Tensor::cat(&[zeros, x.shallow_clone()], 0);
        let weight = layer.weight.to_kind(Kind::Double);
        let h = (0..k as i64).map(|j| padded.narrow(0, j, steps) * weight.get(j)).reduce(|a, b| a + b).unwrap() + &layer.bias;
        assert_same(&y, &fire(&h), "spikes");
        same_gradients(&y, &fire(&h), &[&x, &layer.weight, &layer.bias]);
        is_the_same_however_it_is_cut(&layer, &[&layer.weight, &layer.bias], &x, cut.min(steps - 1));
    }

    #[test]
    fn a_gated_lif_is_its_equation(steps in 1..5i64, per_channel: bool) {
        let surrogate_function = Sigmoid { alpha: 2.0, spiking: false }.into();
        let config = GatedLIFNodeConfig { inplane: per_channel.then_some(3), surrogate_function, ..GatedLIFNodeConfig::new(steps as usize) };
        let layer: GatedLIFNode = lone(config);
        let weights = [
            &layer.alpha, &layer.beta, &layer.gamma, &layer.tau, &layer.v_threshold, &layer.linear_decay, &layer.v_subreset, &layer.conduct,
        ];
        let x = randn(&[2 * steps, 2, 3, 4, 2], Kind::Double).set_requires_grad(true);
        // Two sequences on one state: the potential goes on, the last spike does not.
        let (y, s) = sliced(&layer, &x, &[steps, steps]);
        let [al, be, ga, ta, th, lin, sub] = weights[..7].iter().map(|w| w.sigmoid().view([1, -1, 1, 1])).collect::<Vec<_>>().try_into().unwrap();
        let (mut v, mut want) = (x.get(0).zeros_like(), Vec::new());
        let mut spike = v.shallow_clone();
        for t in 0..2 * steps {
            if t == steps {
                spike = v.zeros_like();
            }
            let conduct = layer.conduct.get(t % steps).sigmoid().view([1, -1, 1, 1]);
            let keep = 1.0 - &al * (1.0 - &ta);
            let charged = &keep * &v - (1.0 - &al) * &lin + x.get(t) * (1.0 - &be * (1.0 - conduct));
            v = charged - &keep * &v * &ga * &spike - (1.0 - &ga) * &sub * &spike;
            spike = ((&v - &th) * 2.0).sigmoid();
            want.push(spike.shallow_clone());
        }
        let want = Tensor::stack(&want, 0);
        assert_near(&y, &want, 1e-6, "outputs");
        assert_near(s.v.as_ref().unwrap(), &v, 1e-6, "potential");
        same_gradients(&y, &want, &[&[&x], &weights[..]].concat());
    }

    #[test]
    fn a_normalised_lif_may_be_cut_anywhere(steps in 2..6i64, soft: bool, learnable_vth: bool, decay_input: bool, cut in 1..5i64) {
        let config = MPBNLIFNodeConfig {
            v_reset: if soft { None } else { Some(0.0) },
            decay_input,
            learnable_vth,
            out_channels: Some(3),
            ..Default::default()
        };
        let layer: MPBNLIFNode = lone(config);
        let x = randn(&[steps, 4, 3, 2, 2], Kind::Double);
        let vbn = layer.vbn.as_ref().unwrap();
        let weights: Vec<&Tensor> = [&vbn.weight, &vbn.bias].into_iter().chain(&layer.a).collect();
        is_the_same_however_it_is_cut(&layer, &weights, &x, cut.min(steps - 1));
        // Five runs, and each of them one batch per step.
        assert_eq!(vbn.running.num_batches_tracked.int64_value(&[]), 5 * steps);
    }

    #[test]
    fn bipolar_spikes_may_be_cut_anywhere(steps in 2..8i64, cut in 1..7i64, sym: bool) {
        let layer: STBIFNode = lone(STBIFNodeConfig { sym, ..STBIFNodeConfig::new(0.25, 8) });
        let x = randn(&[steps, 2, 5], Kind::Float);
        let (whole, s) = sliced(&layer, &x, &[steps]);
        let cut = cut.min(steps - 1);
        for (y, other) in [sliced(&layer, &x, &[cut, steps - cut]), stepped(&layer, &x)] {
            assert_same(&y, &whole, "spikes");
            for ((name, a), (_, b)) in named_tensors(&s).iter().zip(named_tensors(&other)) {
                assert_same(a, &b, name);
            }
        }
        let acc = s.acc_q.as_ref().unwrap();
        assert_near(&(acc * 0.25), &whole.sum_dim_intlist(0, false, Kind::Float), 1e-6, "what was sent");
    }

    #[test]
    fn potentials_are_decoded(steps in 1..7i64, leaks: bool) {
        let x = randn(&[steps, 2, 3], Kind::Double).set_requires_grad(true);
        let (mut v, mut series) = (x.get(0).zeros_like(), Vec::new());
        for t in 0..steps {
            v = if leaks { &v + (x.get(t) - &v) / 3.0 } else { &v + x.get(t) };
            series.push(v.shallow_clone());
        }
        let series = Tensor::stack(&series, 0);
        let (max, _) = series.max_dim(0, false);
        let (min, _) = series.min_dim(0, false);
        let far = max.where_self(&max.abs().gt_tensor(&min.abs()), &min);
        let mean = series.mean_dim(0, false, Kind::Double);
        for (decode, want) in [(Decode::Sequence, &series), (Decode::Last, &v), (Decode::Mean, &mean), (Decode::Max, &max), (Decode::MaxAbs, &far)] {
            let y = match leaks {
                false => lone::<NonSpikingIFNode>(NonSpikingIFNodeConfig { decode }).sequence(&x, &mut (), &EVAL),
                true => lone::<NonSpikingLIFNode>(NonSpikingLIFNodeConfig { tau: 3.0, decode }).sequence(&x, &mut (), &EVAL),
            };
            let y = y.unwrap();
            assert_near(&y, want, 1e-12, &format!("{decode:?}"));
            let weight = randn(&y.size(), Kind::Double);
            let want = Tensor::run_backward(&[(want * &weight).sum(Kind::Double)], &[&x], true, false);
            assert_near(&grads(&y, &weight, &[&x])[0], &want[0], 1e-12, &format!("gradient of {decode:?}"));
        }
    }
}

/// One step of normalisation is torch's own, and moves the running statistics as torch's does.
#[test]
fn the_potential_goes_through_torchs_batch_norm() {
    let layer: MPBNLIFNode = lone(MPBNLIFNodeConfig { out_features: Some(3), ..Default::default() });
    let vbn = layer.vbn.as_ref().unwrap();
    let (mean, var) = (vbn.running.mean.copy(), vbn.running.var.copy());
    let x = randn(&[6, 3], Kind::Float);
    for train in [true, false] {
        let mut s = layer.state();
        let (want_mean, want_var) = (mean.copy(), var.copy());
        let h = x.batch_norm(Some(&vbn.weight), Some(&vbn.bias), Some(&want_mean), Some(&want_var), train, 0.1, 1e-5, false);
        let spikes = layer.step(&x, &mut s, if train { &TRAIN } else { &EVAL }).unwrap();
        assert_same(&spikes, &h.ge(1.0).to_kind(Kind::Float), "spikes");
        assert_near(s.v.as_ref().unwrap(), &(&h * (1.0 - &spikes)), 1e-6, "potential");
        let now = &vbn.running;
        assert_near(&now.mean, &want_mean, 1e-6, "running mean");
        assert_near(&now.var, &want_var, 1e-6, "running variance");
        mean.shallow_clone().copy_(&now.mean);
        var.shallow_clone().copy_(&now.var);
    }
}

/// A learned threshold starts where a fixed one stays.
#[test]
fn a_learned_threshold_starts_at_the_one_given() {
    let x = randn(&[5, 6, 3], Kind::Float) * 2.0;
    let run = |v_threshold, learnable_vth| {
        let config = MPBNLIFNodeConfig { v_threshold, learnable_vth, out_features: Some(3), ..Default::default() };
        let layer: MPBNLIFNode = lone(config);
        (layer.sequence(&x, &mut layer.state(), &TRAIN).unwrap(), layer.a)
    };
    for v_threshold in [0.25, 1.0, 1.5] {
        let (spikes, a) = run(v_threshold, true);
        let a = a.unwrap();
        assert_same(&a.detach(), &Tensor::full([3], v_threshold.ln(), (Kind::Float, Device::Cpu)), "logarithm");
        assert_same(&spikes, &run(v_threshold, false).0, "spikes");
        assert!(grads(&spikes, &randn(&[5, 6, 3], Kind::Float), &[&a])[0].count_nonzero(None::<i64>).int64_value(&[]) == 3);
    }
    assert!(run(0.25, true).0.sum(Kind::Float).double_value(&[]) > run(1.5, true).0.sum(Kind::Float).double_value(&[]));
}

/// Where the rate of the input is between 0 and the threshold the layer is the identity backward, above it the threshold learns.
#[test]
fn rates_have_gradients_by_their_regime() {
    let vs = nn::VarStore::new(Device::Cpu);
    let layer: DSRIFNode =
        build(&vs, "sn", DSRIFNodeConfig { T: 2, v_threshold: 1.0, v_threshold_grad_scaling: 0.5, ..Default::default() }).unwrap();
    let x = Tensor::from_slice(&[-1.0f32, 0.5, 3.0, -1.0, 0.25, 3.0]).reshape([2, 3]).set_requires_grad(true);
    let y = layer.sequence(&x, &mut (), &TRAIN).unwrap();
    assert_eq!(Vec::<f32>::try_from(y.reshape([-1])).unwrap(), [0.0, 1.0, 1.0, 0.0, 0.0, 1.0]);
    let threshold = layer.v_threshold.as_ref().unwrap();
    let weight = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 5.0, 7.0, 11.0]).reshape([2, 3]);
    let got = grads(&y, &weight, &[&x, threshold]);
    assert_eq!(Vec::<f32>::try_from(got[0].reshape([-1])).unwrap(), [0.0, 4.5, 0.0, 0.0, 4.5, 0.0]);
    assert_eq!(got[1].double_value(&[]), (3.0 + 11.0) * 0.5);

    let fixed: DSRLIFNode = build(&vs, "fixed", DSRLIFNodeConfig { v_threshold_training: false, ..Default::default() }).unwrap();
    assert!(fixed.v_threshold.is_none() && vs.variables().len() == 1);
}

/// Training pushes a threshold far below its bound: the next sequence sets it to the bound, with its gradient as anywhere. One step
/// of SGD brings it back over the bound.
#[test]
fn a_threshold_below_its_bound_recovers() {
    let vs = nn::VarStore::new(Device::Cpu);
    let dsr_if: DSRIFNode = build(&vs, "if", DSRIFNodeConfig { T: 2, v_threshold: 1.0, ..Default::default() }).unwrap();
    let dsr_lif: DSRLIFNode = build(&vs, "lif", DSRLIFNodeConfig { T: 2, delta_t: 1.0, ..Default::default() }).unwrap();
    let x = Tensor::from_slice(&[3.0f32, 3.0]).reshape([2, 1]);
    let run = |leaks: bool, x: &Tensor| match leaks {
        false => dsr_if.sequence(x, &mut (), &TRAIN).unwrap(),
        true => dsr_lif.sequence(x, &mut (), &TRAIN).unwrap(),
    };
    for (leaks, threshold, bound) in [(false, &dsr_if.v_threshold, 0.01f32), (true, &dsr_lif.v_threshold, 0.1)] {
        let threshold = threshold.as_ref().unwrap();
        let _ = tch::no_grad(|| threshold.shallow_clone().fill_(-1.0));
        let y = run(leaks, &x);
        assert_near(&y.max(), &Tensor::from(bound), 1e-6, "height of a spike");
        assert_same(&threshold.detach(), &Tensor::from(bound), "the parameter itself");
        // Higher spikes are wanted: the gradient lifts it. Lower ones would push it down, and its gradient says so.
        for toward in [-1.0, 1.0] {
            let g = grads(&run(leaks, &x), &Tensor::full_like(&y, toward), &[threshold]).remove(0);
            assert!(g.double_value(&[]) * toward > 0.0, "{leaks}: {g}");
        }
    }
    let mut sgd = nn::Sgd::default().build(&vs, 0.1).unwrap();
    sgd.backward_step(&-(run(false, &x).sum(Kind::Float) + run(true, &x).sum(Kind::Float)));
    assert!(dsr_if.v_threshold.as_ref().unwrap().double_value(&[]) > 0.05);
    assert!(dsr_lif.v_threshold.as_ref().unwrap().double_value(&[]) > 0.15);
}

#[test]
fn gates_start_near_one_half_and_by_the_seed() {
    let gates = |seed| {
        manual_seed(seed);
        let layer: GatedLIFNode = lone(GatedLIFNodeConfig { inplane: Some(500), ..GatedLIFNodeConfig::new(4) });
        Vec::<f64>::try_from(Tensor::cat(&[layer.alpha, layer.beta, layer.gamma], 0)).unwrap()
    };
    let first = gates(1);
    assert!(first.iter().all(|g| g.abs() <= 0.1) && first.iter().any(|g| *g > 0.095) && first.iter().any(|g| *g < -0.095));
    assert_ne!(first[..500], first[500..1000]);
    assert_eq!(first, gates(1));
    assert_ne!(first, gates(2));
}

#[test]
fn what_works_on_whole_sequences_has_no_step() {
    let x = randn(&[2, 3], Kind::Float);
    let says = &["Net.layer", "works on whole sequences", "step_mode = 'm'"];
    assert_says(lone::<PSN>(PSNConfig::new(4)).step(&x, &mut (), &EVAL), &["layer", says[1], says[2]]);
    assert_says(lone::<DSRIFNode>(DSRIFNodeConfig::default()).step(&x, &mut (), &EVAL), says);
    assert_says(lone::<NonSpikingIFNode>(NonSpikingIFNodeConfig::default()).step(&x, &mut (), &EVAL), says);
    let gated: GatedLIFNode = lone(GatedLIFNodeConfig::new(4));
    assert_says(gated.step(&x, &mut gated.state(), &EVAL), says);
}

#[test]
fn another_number_of_steps_is_refused() {
    let x = randn(&[5, 2, 3, 2, 2], Kind::Float);
    let says = &["Net.layer: wants [4, N, ..], but gets [5, 2, 3, 2, 2]", "T = 4"];
    assert_says(lone::<PSN>(PSNConfig::new(4)).sequence(&x, &mut (), &EVAL), says);
    assert_says(lone::<DSRLIFNode>(DSRLIFNodeConfig { T: 4, ..Default::default() }).sequence(&x, &mut (), &EVAL), says);
    let gated: GatedLIFNode = lone(GatedLIFNodeConfig::new(4));
    assert_says(gated.sequence(&x, &mut gated.state(), &EVAL), says);
    assert_says(gated.sequence(&randn(&[4, 2, 3], Kind::Float), &mut gated.state(), &EVAL), &["wants [4, N, C, H, W]"]);
    let masked: MaskedPSN = lone(MaskedPSNConfig::new(2, 4));
    assert_says(masked.sequence(&x, &mut masked.state(), &EVAL), says);
}

#[test]
fn a_masked_psn_says_what_it_cannot_do_step_by_step() {
    let layer: MaskedPSN = lone(MaskedPSNConfig::new(2, 2));
    let (x, mut s) = (randn(&[2, 3], Kind::Float), layer.state());
    assert_says(layer.step(&x, &mut s, &EVAL), &["`lambda` is 0.0", "still to come", "`set_lambda(1.0)`"]);
    assert_says(layer.set_lambda(-0.5), &["`lambda` must be 0 or more, but is -0.5"]);
    layer.set_lambda(1.0).unwrap();
    let _ = layer.step(&x, &mut s, &EVAL).unwrap();
    assert_says(layer.sequence(&randn(&[2, 2, 3], Kind::Float), &mut s, &EVAL), &["after 1 single steps", "`reset()`"]);
    assert_says(layer.step(&randn(&[4, 3], Kind::Float), &mut s, &EVAL), &["batch of 2, but gets 4"]);
    let _ = layer.step(&x, &mut s, &EVAL).unwrap();
    assert_says(layer.step(&x, &mut s, &EVAL), &["`T` is 2, but this is step 3", "`reset()`"]);
    s.time_step = 0;
    assert_says(layer.step(&x, &mut s, &EVAL), &["Net.layer", "`time_step` 0", "inputs of 1 steps", "`reset()`"]);
    s.reset();
    let _ = layer.step(&x, &mut s, &EVAL).unwrap();
}

#[test]
fn arguments_that_do_not_work_are_refused() {
    let vs = nn::VarStore::new(Device::Cpu);
    assert_says(build::<PSN>(&vs, "a", PSNConfig::new(0)), &["`T` must be at least 1"]);
    assert_says(build::<MaskedPSN>(&vs, "b", MaskedPSNConfig { lambda_init: -1.0, ..MaskedPSNConfig::new(1, 2) }), &["`lambda_init`"]);
    assert_says(build::<SlidingPSN>(&vs, "c", SlidingPSNConfig::new(0)), &["`k` must be at least 1"]);
    assert_says(
        build::<GatedLIFNode>(&vs, "d", GatedLIFNodeConfig { init_tau: 1.0, ..GatedLIFNodeConfig::new(4) }),
        &["`init_tau`", "between 0 and 1"],
    );
    assert_says(build::<MPBNLIFNode>(&vs, "e", MPBNLIFNodeConfig::default()), &["`out_channels` is missing"]);
    let both = MPBNLIFNodeConfig { out_features: Some(3), out_channels: Some(3), ..Default::default() };
    assert_says(build::<MPBNLIFNode>(&vs, "f", both), &["`out_channels` is given beside `out_features`"]);
    assert_says(build::<MPBNLIFNode>(&vs, "g", MPBNLIFNodeConfig { tau: 1.0, out_features: Some(3), ..Default::default() }), &["`tau`"]);
    for v_threshold in [0.0, -1.0, f64::INFINITY] {
        let config = MPBNLIFNodeConfig { v_threshold, learnable_vth: true, out_features: Some(3), ..Default::default() };
        assert_says(build::<MPBNLIFNode>(&vs, "n", config), &["Net.n", "`v_threshold` must be greater than 0", "exp(a)"]);
    }
    assert_says(build::<NonSpikingLIFNode>(&vs, "h", NonSpikingLIFNodeConfig { tau: 0.5, decode: Decode::Last }), &["`tau`"]);
    assert_says(build::<DSRIFNode>(&vs, "i", DSRIFNodeConfig { alpha: 0.0, ..Default::default() }), &["`alpha` must be above 0"]);
    assert_says(
        build::<DSRIFNode>(&vs, "j", DSRIFNodeConfig { v_threshold: 0.001, ..Default::default() }),
        &["`v_threshold` must be at least 0.01"],
    );
    assert_says(
        build::<DSRLIFNode>(&vs, "k", DSRLIFNodeConfig { delta_t: 0.0, ..Default::default() }),
        &["`delta_t` must be greater than 0"],
    );
    assert_says(build::<STBIFNode>(&vs, "l", STBIFNodeConfig::new(0.25, 1)), &["`level` must be at least 2"]);
    assert_says(build::<STBIFNode>(&vs, "m", STBIFNodeConfig::new(0.0, 8)), &["`q_threshold` must be greater than 0"]);
    let layer: MPBNLIFNode = lone(MPBNLIFNodeConfig { out_features: Some(3), ..Default::default() });
    assert_says(layer.step(&randn(&[1, 3], Kind::Float), &mut layer.state(), &TRAIN), &["more than one value per channel"]);
    assert_says(layer.step(&randn(&[4, 5], Kind::Float), &mut layer.state(), &TRAIN), &["wants [N, 3], but gets [4, 5]"]);
}

#[test]
fn a_bipolar_neuron_refuses_a_gradient_and_not_before() {
    let layer: STBIFNode = lone(STBIFNodeConfig::new(0.25, 8));
    let x = randn(&[3, 2, 5], Kind::Float).set_requires_grad(true);
    let y = layer.sequence(&x, &mut layer.state(), &EVAL).unwrap();
    let refused = y.sum(Kind::Float).f_backward().unwrap_err().to_string();
    assert!(refused.contains("Net.layer: `STBIFNode` has no gradient"), "{refused}");
}

snn_net! {
    net Readout(x: [T, 6]) -> [4] {
        T = 5;
        step_mode = 'm';
        fc1: Linear(_, 8),
        sn1: PSN(_),
        fc2: Linear(_, 8),
        sn2: SlidingPSN(2),
        fc3: Linear(_, 4),
        out: NonSpikingLIFNode(decode = "max-mem"),
    }
}

/// Neurons of whole sequences in a net, and a readout behind which time is gone: every weight learns.
#[test]
fn a_net_of_them_is_trained() {
    manual_seed(3);
    let vs = nn::VarStore::new(Device::Cpu);
    let net = Readout::new(&vs.root()).unwrap();
    assert_eq!(net.sn1.config().T, 5);
    let x = Readout::input(randn(&[5, 7, 6], Kind::Float) * 3.0).unwrap();
    let y = net.forward_t(&x, true).unwrap();
    assert_eq!(y.size(), [7, 4]);
    y.square().sum(Kind::Float).backward();
    for (name, variable) in vs.variables() {
        assert!(variable.grad().count_nonzero(None::<i64>).int64_value(&[]) > 0, "{name}");
    }
}
