//! Layers beside neurons on the device. In: the same weights and inputs on both; out: the same bits of outputs and gradients.

use snn_runtime::{
    Cx, Delay, DelayConfig, Device, DropConnectLinear, DropConnectLinearConfig, Dropout, Dropout2d, Dropout2dConfig, DropoutConfig, Kind,
    Layer, Linear, LinearConfig, MaxPool2d, MaxPool2dConfig, NeuNorm, NeuNormConfig, SynapseFilter, SynapseFilterConfig, Tensor,
    VotingLayer, VotingLayerConfig, nn,
};
use snn_stand_in::{Parts, count};

use crate::on_device::{GPU, input, weighed};
use crate::process::{alone, on_a_gpu};
use crate::support::{EVAL, TRAIN, assert_near, assert_same, build, rand};

/// Two sequences and a step through a layer whose weights are on a device: outputs, the gradient of x, those of the weights.
fn run<L: Layer>(config: L::Config, x: &Tensor, device: Device, cx: &Cx) -> Vec<Tensor> {
    snn_runtime::manual_seed(3);
    let vs = nn::VarStore::new(device);
    let layer: L = build(&vs, "layer", config).unwrap();
    let (x, mut s) = (input(x, device), layer.state());
    let mut y: Vec<Tensor> = (0..2).map(|_| layer.sequence(&x, &mut s, cx).unwrap()).collect();
    y.push(layer.step(&x.get(0), &mut s, cx).unwrap());
    assert!(y.iter().all(|y| y.device() == device && y.kind() == x.kind()));
    let loss = y.iter().map(weighed).reduce(|a, b| a + b).unwrap();
    if loss.requires_grad() {
        loss.backward();
        y.push(x.grad());
        y.extend(vs.trainable_variables().iter().map(Tensor::grad));
    }
    y.iter().map(|t| t.detach().to_device(Device::Cpu)).collect()
}

/// The first `exact` results have the same bits on both, the others are near.
fn same_on_both<L: Layer>(config: L::Config, x: &Tensor, cx: &Cx, exact: usize)
where
    L::Config: Clone,
{
    let on = |device| run::<L>(config.clone(), x, device, cx);
    let (want, got) = (on(Device::Cpu), on(GPU));
    assert_eq!(want.len(), got.len());
    for (i, (got, want)) in got.iter().zip(&want).enumerate() {
        match i < exact {
            true => assert_same(got, want, &format!("result {i}")),
            false => assert_near(got, want, 1e-6, &format!("result {i}")),
        }
    }
}

/// Zeros, and ones in that share.
fn spikes(sizes: &[i64], share: f64) -> Tensor {
    rand(sizes, Kind::Float).lt(share).to_kind(Kind::Float)
}

/// With 16-bit elements: of what is near that of `f32`.
fn near_in_half<L: Layer>(config: L::Config, x: &Tensor, cx: &Cx)
where
    L::Config: Clone,
{
    let want = run::<L>(config.clone(), x, Device::Cpu, cx);
    let got = run::<L>(config, &x.to_kind(Kind::Half), GPU, cx);
    for (i, (got, want)) in got.iter().zip(&want).enumerate() {
        assert_near(&got.to_kind(Kind::Float), want, 2e-2, &format!("result {i} in half precision"));
    }
}

#[test]
fn layers_with_a_memory() {
    alone("layers::layers_with_a_memory", Parts::All, "", || {
        for (shared, sizes) in [(false, [3, 9, 4, 4, 5]), (true, [2, 2, 3, 3, 3])] {
            let config = NeuNormConfig { shared_across_channels: shared, ..NeuNormConfig::new(sizes[2], sizes[3], sizes[4]) };
            let x = spikes(&sizes.map(|n| n as i64), 0.3);
            same_on_both::<NeuNorm>(config.clone(), &x, &TRAIN, 9);
            if shared {
                near_in_half::<NeuNorm>(config, &x, &TRAIN);
            }
        }
        let x = spikes(&[7, 3, 20], 0.3);
        same_on_both::<SynapseFilter>(SynapseFilterConfig { tau: 3.0, learnable: false }, &x, &TRAIN, 9);
        same_on_both::<SynapseFilter>(SynapseFilterConfig { tau: 3.0, learnable: true }, &x, &TRAIN, 4);
        for delay_steps in [0, 3, 9] {
            same_on_both::<Delay>(DelayConfig { delay_steps }, &x, &TRAIN, 9);
        }
        same_on_both::<VotingLayer>(VotingLayerConfig { voting_size: 5 }, &x, &TRAIN, 9);
        if !on_a_gpu() {
            // NeuNorm three times forward and nine times backward, twice and in half precision; filters three and three, twice; three sums.
            assert_eq!(count("snn_stand_in_launches"), 3 * (3 + 9) + 2 * 6 + 3);
        }
    });
}

#[test]
fn layers_that_draw() {
    alone("layers::layers_that_draw", Parts::All, "", || {
        let x = rand(&[4, 3, 5, 7], Kind::Float);
        same_on_both::<Dropout>(DropoutConfig { p: 0.4 }, &x, &TRAIN, 9);
        same_on_both::<Dropout>(DropoutConfig { p: 0.4 }, &x, &EVAL, 9);
        same_on_both::<Dropout2d>(Dropout2dConfig { p: 0.4 }, &x.to_kind(Kind::Double), &TRAIN, 9);
        near_in_half::<Dropout>(DropoutConfig { p: 0.5 }, &x, &TRAIN);

        let x = spikes(&[3, 4, 70], 0.3);
        let config = DropConnectLinearConfig { p: 0.3, samples_num: 70, ..DropConnectLinearConfig::new(70, 6) };
        for config in [config.clone(), DropConnectLinearConfig { invariant: true, bias: false, ..config.clone() }] {
            same_on_both::<DropConnectLinear>(config.clone(), &x, &TRAIN, 9);
            same_on_both::<DropConnectLinear>(config, &x, &EVAL, 9);
        }
        // More steps than a launch has draws.
        same_on_both::<DropConnectLinear>(config, &spikes(&[130, 1, 70], 0.3), &TRAIN, 9);
    });
}

#[test]
fn masks_can_be_looked_at_and_put_in() {
    alone("layers::masks_can_be_looked_at_and_put_in", Parts::All, "", || {
        let (x, mask_w, mask_b) = (rand(&[2, 3, 8], Kind::Float), spikes(&[2, 3, 4, 8], 0.5), spikes(&[2, 3, 4], 0.5));
        let on = |device: Device| {
            let vs = nn::VarStore::new(device);
            let layer: DropConnectLinear = build(&vs, "layer", DropConnectLinearConfig::new(8, 4)).unwrap();
            let mut s = layer.state();
            (s.mask_w, s.mask_b) = (Some(mask_w.to_device(device)), Some(mask_b.to_device(device)));
            let y = layer.sequence(&x.to_device(device), &mut s, &TRAIN).unwrap();
            let mut all = vec![y];
            all.extend(snn_runtime::named_tensors(&s).into_iter().map(|(_, t)| t));
            all.iter().map(|t| t.detach().to_device(Device::Cpu)).collect::<Vec<_>>()
        };
        snn_runtime::manual_seed(3);
        let want = on(Device::Cpu);
        snn_runtime::manual_seed(3);
        for (i, (got, want)) in on(GPU).iter().zip(&want).enumerate() {
            assert_same(got, want, &format!("result {i}"));
        }
    });
}

#[test]
fn pools_and_products_of_spikes() {
    alone("layers::pools_and_products_of_spikes", Parts::All, "", || {
        let x = spikes(&[2, 2, 3, 6, 8], 0.3) + rand(&[2, 2, 3, 6, 8], Kind::Float).round();
        let overlapping = MaxPool2dConfig { stride: [2, 1], padding: [1, 1], ..MaxPool2dConfig::new([3, 3]) };
        same_on_both::<MaxPool2d>(MaxPool2dConfig::new([2, 2]), &x, &TRAIN, 9);
        same_on_both::<MaxPool2d>(overlapping, &x, &TRAIN, 9);
        near_in_half::<MaxPool2d>(MaxPool2dConfig::new([2, 2]), &x, &TRAIN);

        let (config, x) = (LinearConfig::new(130, 130), spikes(&[5, 16, 130], 0.05));
        same_on_both::<Linear>(config.clone(), &x, &TRAIN, 9);
        let before = if on_a_gpu() { 0 } else { count("snn_stand_in_launches") };
        // Few enough at first; what comes then may be anything.
        let other = &x * 0.5 + rand(&[5, 16, 130], Kind::Float);
        let on = |device: Device| {
            snn_runtime::manual_seed(3);
            let vs = nn::VarStore::new(device);
            let layer: Linear = build(&vs, "layer", config.clone()).unwrap();
            let x = [&x, &other].map(|x| input(x, device));
            let y = x.each_ref().map(|x| layer.sequence(x, &mut (), &TRAIN).unwrap());
            y.iter().map(weighed).reduce(|a, b| a + b).unwrap().backward();
            let [x0, x1] = x.map(|x| x.grad());
            let mut all = vec![x0, x1];
            all.extend(y);
            all.extend(vs.trainable_variables().iter().map(Tensor::grad));
            all.iter().map(|t| t.detach().to_device(Device::Cpu)).collect::<Vec<_>>()
        };
        for (i, (got, want)) in on(GPU).iter().zip(&on(Device::Cpu)).enumerate() {
            assert_near(got, want, 1e-3, &format!("result {i}"));
        }
        if !on_a_gpu() {
            // Each call packs and multiplies, forward; two transpositions and a product backward; the first reads two sums.
            assert_eq!(count("snn_stand_in_launches") - before, 2 * (2 + 3) + 1);
        }
    });
}
