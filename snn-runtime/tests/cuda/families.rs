//! Layers with kernels of their own on the device. In: the same weights and inputs on both; out: the same bits of outputs, states and gradients
//! of inputs; gradients of weights are sums in another order.

use snn_runtime::rnn::{SpikingGRU, SpikingGRUConfig, SpikingLSTM, SpikingLSTMConfig, SpikingVanillaRNN, SpikingVanillaRNNConfig};
use snn_runtime::train::{Adam, AdamConfig};
use snn_runtime::{
    DSRIFNode, DSRIFNodeConfig, DSRLIFNode, DSRLIFNodeConfig, Decode, Device, DropConnectLinear, DropConnectLinearConfig, GatedLIFNode,
    GatedLIFNodeConfig, Kind, Layer, MPBNLIFNode, MPBNLIFNodeConfig, MaskedPSN, MaskedPSNConfig, NeuNorm, NeuNormConfig, NonSpikingIFNode,
    NonSpikingIFNodeConfig, NonSpikingLIFNode, NonSpikingLIFNodeConfig, PSN, PSNConfig, STBIFNode, STBIFNodeConfig, SlidingPSN,
    SlidingPSNConfig, State, Tensor, nn,
};
use snn_stand_in::Parts;

use crate::process::alone;
use crate::support::{TRAIN, assert_near, assert_same, assert_says, build, rand};

const GPU: Device = Device::Cuda(0);

/// How a layer is run.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Sequence,
    /// One step after the other.
    Step,
    /// A sequence without gradients.
    Inference,
}

/// Outputs of two calls and states of a layer whose weights are on a device, then gradients of x and of the weights.
fn run<L: Layer>(config: L::Config, x: &Tensor, device: Device, by: By) -> Vec<Tensor> {
    snn_runtime::manual_seed(3);
    let mut vs = nn::VarStore::new(device);
    let layer: L = build(&vs, "layer", config).unwrap();
    if x.kind() == Kind::Double {
        vs.double();
    }
    let (x, mut s) = (x.to_device(device).detach().set_requires_grad(by != By::Inference), layer.state());
    let mut results: Vec<Tensor> = Vec::new();
    let mut loss = Tensor::zeros([0; 0], (Kind::Double, device));
    for scale in [1.0, 0.75] {
        let x = &x * scale;
        let y = match by {
            By::Step => {
                let steps: Vec<Tensor> = (0..x.size()[0]).map(|t| layer.step(&x.get(t), &mut s, &TRAIN).unwrap()).collect();
                s.reset();
                Tensor::stack(&steps, 0)
            }
            _ => layer.sequence(&x, &mut s, &TRAIN).unwrap(),
        };
        assert_eq!((y.device(), y.kind()), (device, x.kind()));
        let weights = (Tensor::arange(y.numel() as i64, (Kind::Double, Device::Cpu)) * 0.37).sin().reshape(y.size());
        loss += (y.to_kind(Kind::Double) * weights.to_device(device)).sum(Kind::Double);
        results.push(y);
    }
    s.visit(&mut |_, t| results.push(t.shallow_clone()));
    if by != By::Inference {
        loss.backward();
        results.push(x.grad());
        results.extend(vs.trainable_variables().iter().map(Tensor::grad).filter(Tensor::defined));
    }
    results.iter().map(|t| t.detach().to_device(Device::Cpu)).collect()
}

/// The same on both, up to `tolerance`; 0: the same bits but for weights.
fn same_on_both<L: Layer>(what: &str, config: L::Config, x: &Tensor, by: By, tolerance: f64)
where
    L::Config: Clone,
{
    let (want, got) = (run::<L>(config.clone(), x, Device::Cpu, by), run::<L>(config, x, GPU, by));
    assert_eq!(want.len(), got.len(), "{what}");
    let of_x = want.iter().position(|t| t.size() == x.size() && !t.equal(&want[0]) && !t.equal(&want[1]));
    for (i, (got, want)) in got.iter().zip(&want).enumerate() {
        match tolerance == 0.0 && (i < 2 || of_x == Some(i)) {
            true => assert_same(got, want, &format!("{what}, result {i}")),
            false => assert_near(got, want, tolerance.max(2e-5), &format!("{what}, result {i}")),
        }
    }
}

/// 16-bit elements: outputs as of the same numbers in `f32` on the CPU.
fn halves<L: Layer>(what: &str, config: L::Config, x: &Tensor)
where
    L::Config: Clone,
{
    for kind in [Kind::Half, Kind::BFloat16] {
        let x = x.to_kind(kind);
        let got = run::<L>(config.clone(), &x, GPU, By::Sequence);
        let want = run::<L>(config.clone(), &x.to_kind(Kind::Float), Device::Cpu, By::Sequence);
        assert_near(&got[0].to_kind(Kind::Float), &want[0], 1e-2, &format!("{what}, {kind:?}"));
        assert!(got.iter().any(|t| t.kind() == kind && t.size() == x.size()));
    }
}

#[test]
fn parallel_neurons() {
    alone("families::parallel_neurons", Parts::All, "", || {
        let x = rand(&[5, 3, 20], Kind::Float) * 3.0;
        same_on_both::<PSN>("PSN", PSNConfig::new(5), &x, By::Sequence, 0.0);
        same_on_both::<PSN>("PSN", PSNConfig::new(5), &(rand(&[5, 3, 11], Kind::Double) * 3.0), By::Sequence, 0.0);
        same_on_both::<MaskedPSN>("MaskedPSN", MaskedPSNConfig { lambda_init: 1.0, ..MaskedPSNConfig::new(2, 5) }, &x, By::Sequence, 0.0);
        same_on_both::<MaskedPSN>("MaskedPSN", MaskedPSNConfig { lambda_init: 1.0, ..MaskedPSNConfig::new(2, 5) }, &x, By::Step, 2e-5);
        same_on_both::<SlidingPSN>("SlidingPSN", SlidingPSNConfig::new(3), &x, By::Sequence, 2e-5);
        halves::<PSN>("PSN", PSNConfig::new(5), &x);
    });
}

#[test]
fn gated_neurons() {
    alone("families::gated_neurons", Parts::All, "", || {
        let config = GatedLIFNodeConfig { inplane: Some(3), ..GatedLIFNodeConfig::new(4) };
        let x = rand(&[4, 2, 3, 5, 4], Kind::Float) * 3.0;
        same_on_both::<GatedLIFNode>("GatedLIFNode", config.clone(), &x, By::Sequence, 2e-5);
        let longer = rand(&[9, 2, 3, 5, 3], Kind::Float) * 3.0;
        same_on_both::<GatedLIFNode>("GatedLIFNode", GatedLIFNodeConfig::new(9), &longer, By::Sequence, 2e-5);
        halves::<GatedLIFNode>("GatedLIFNode", config, &x);
    });
}

#[test]
fn normalised_potentials() {
    alone("families::normalised_potentials", Parts::All, "", || {
        let config = MPBNLIFNodeConfig { out_channels: Some(3), learnable_vth: true, ..MPBNLIFNodeConfig::default() };
        let x = rand(&[3, 4, 3, 5, 8], Kind::Float) * 3.0;
        same_on_both::<MPBNLIFNode>("MPBNLIFNode", config.clone(), &x, By::Sequence, 2e-5);
        let flat = MPBNLIFNodeConfig { out_features: Some(10), v_reset: None, ..MPBNLIFNodeConfig::default() };
        same_on_both::<MPBNLIFNode>("MPBNLIFNode", flat, &(rand(&[3, 7, 10], Kind::Float) * 3.0), By::Step, 2e-5);
        halves::<MPBNLIFNode>("MPBNLIFNode", config, &x);
    });
}

#[test]
fn neurons_without_a_surrogate_function() {
    alone("families::neurons_without_a_surrogate_function", Parts::All, "", || {
        let x = rand(&[4, 3, 20], Kind::Float) * 3.0;
        same_on_both::<STBIFNode>("STBIFNode", STBIFNodeConfig::new(0.5, 8), &x, By::Inference, 0.0);
        let dsr = DSRIFNodeConfig { T: 4, v_threshold: 1.0, ..DSRIFNodeConfig::default() };
        same_on_both::<DSRIFNode>("DSRIFNode", dsr, &x, By::Sequence, 0.0);
        let dsr = DSRLIFNodeConfig { T: 4, ..DSRLIFNodeConfig::default() };
        same_on_both::<DSRLIFNode>("DSRLIFNode", dsr.clone(), &x, By::Sequence, 0.0);
        halves::<DSRLIFNode>("DSRLIFNode", dsr, &x);
        same_on_both::<NonSpikingIFNode>("NonSpikingIFNode", NonSpikingIFNodeConfig::default(), &x, By::Sequence, 0.0);
        let config = |decode| NonSpikingLIFNodeConfig { decode, ..NonSpikingLIFNodeConfig::default() };
        for decode in [Decode::Last, Decode::Mean, Decode::Max, Decode::MaxAbs] {
            same_on_both::<NonSpikingLIFNode>("NonSpikingLIFNode", config(decode), &x, By::Sequence, 0.0);
        }
        halves::<NonSpikingLIFNode>("NonSpikingLIFNode", config(Decode::Sequence), &x);
    });
}

#[test]
fn recurrent_networks() {
    alone("families::recurrent_networks", Parts::All, "", || {
        let x = rand(&[3, 2, 5], Kind::Float) * 3.0;
        let lstm = SpikingLSTMConfig { bidirectional: true, ..SpikingLSTMConfig::new(5, 8, 2) };
        same_on_both::<SpikingLSTM>("SpikingLSTM", lstm, &x, By::Sequence, 2e-5);
        same_on_both::<SpikingGRU>("SpikingGRU", SpikingGRUConfig::new(5, 6, 1), &x, By::Sequence, 2e-5);
        same_on_both::<SpikingVanillaRNN>("SpikingVanillaRNN", SpikingVanillaRNNConfig::new(5, 6, 1), &x, By::Sequence, 2e-5);
    });
}

#[test]
fn adam_moves_weights_on_a_device() {
    alone("families::adam_moves_weights_on_a_device", Parts::All, "", || {
        let moved = |device: Device, decoupled_weight_decay: bool| {
            snn_runtime::manual_seed(3);
            let vs = nn::VarStore::new(device);
            let layer: SlidingPSN = build(&vs, "sn", SlidingPSNConfig::new(3)).unwrap();
            let config = AdamConfig { lr: 0.1, weight_decay: 0.01, decoupled_weight_decay, ..AdamConfig::default() };
            let mut optimizer = Adam::new(&vs, config).unwrap();
            for _ in 0..3 {
                optimizer.zero_grad();
                let weights = vs.trainable_variables();
                weights.iter().map(|w| (w * w).sum(Kind::Float)).reduce(|a, b| a + b).unwrap().backward();
                optimizer.step().unwrap();
            }
            assert_eq!(layer.weight.device(), device);
            vs.trainable_variables().iter().map(|w| w.detach().to_device(Device::Cpu)).collect::<Vec<_>>()
        };
        for decoupled in [false, true] {
            for (got, want) in moved(GPU, decoupled).iter().zip(&moved(Device::Cpu, decoupled)) {
                assert_same(got, want, "a weight");
            }
        }
    });
}

/// The store moves a variable between two steps, and its moments go along.
#[test]
fn adam_follows_weights_to_a_device() {
    alone("families::adam_follows_weights_to_a_device", Parts::All, "", || {
        let moved = |there: Device| {
            let mut vs = nn::VarStore::new(Device::Cpu);
            let start = (Tensor::arange(15, (Kind::Float, Device::Cpu)) * 0.37).sin();
            let w = vs.root().var_copy("w", &start);
            let mut optimizer = Adam::new(&vs, AdamConfig { lr: 0.1, ..AdamConfig::default() }).unwrap();
            for device in [Device::Cpu, there, Device::Cpu] {
                vs.set_device(device);
                optimizer.zero_grad();
                (&w * &w).sum(Kind::Float).backward();
                optimizer.step().unwrap();
                assert_eq!(w.device(), device);
            }
            w.detach()
        };
        assert_same(&moved(GPU), &moved(Device::Cpu), "a weight");

        // Another kind is followed, other sizes are not.
        let mut vs = nn::VarStore::new(GPU);
        let mut w = vs.root().ones("w", &[3]);
        let mut optimizer = Adam::new(&vs, AdamConfig::default()).unwrap();
        let mut step = |w: &Tensor| {
            optimizer.zero_grad();
            (w * w).sum(Kind::Double).backward();
            optimizer.step()
        };
        step(&w).unwrap();
        vs.double();
        step(&w).unwrap();
        assert!((w.double_value(&[0]) - 0.998).abs() < 1e-5);
        tch::no_grad(|| w.set_data(&Tensor::ones([2], (Kind::Double, GPU))));
        assert_says(step(&w), &["Adam: wants `w` with sizes [3], as its moments have, but gets [2]"]);
    });
}

#[test]
fn weights_of_other_lengths_are_errors() {
    alone("families::weights_of_other_lengths_are_errors", Parts::All, "", || {
        let vs = nn::VarStore::new(GPU);
        let wrong = || Tensor::zeros([7], (Kind::Float, GPU));
        let x = |sizes: &[i64]| rand(sizes, Kind::Float).to_device(GPU);

        let mut psn: PSN = build(&vs, "psn", PSNConfig::new(5)).unwrap();
        psn.bias = wrong();
        assert_says(psn.sequence(&x(&[5, 3, 4]), &mut (), &TRAIN), &["Net.psn: wants a tensor of sizes [5], but gets [7]"]);
        psn.weight = wrong();
        assert_says(psn.sequence(&x(&[5, 3, 4]), &mut (), &TRAIN), &["Net.psn: wants a tensor of sizes [5, 5], but gets [7]"]);

        let config = MPBNLIFNodeConfig { out_features: Some(4), learnable_vth: true, ..MPBNLIFNodeConfig::default() };
        let mut mpbn: MPBNLIFNode = build(&vs, "mpbn", config).unwrap();
        mpbn.a = Some(wrong());
        let said = mpbn.sequence(&x(&[2, 3, 4]), &mut mpbn.state(), &TRAIN);
        assert_says(said, &["Net.mpbn: wants a tensor of sizes [4], but gets [7]"]);

        let mut norm: NeuNorm = build(&vs, "norm", NeuNormConfig::new(2, 3, 3)).unwrap();
        norm.w = wrong();
        let said = norm.sequence(&x(&[2, 1, 2, 3, 3]), &mut norm.state(), &TRAIN);
        assert_says(said, &["Net.norm: wants a tensor of sizes [2, 3, 3], but gets [7]"]);

        let mut linear: DropConnectLinear = build(&vs, "linear", DropConnectLinearConfig::new(8, 4)).unwrap();
        linear.bias = Some(wrong());
        let said = linear.sequence(&x(&[2, 3, 8]), &mut linear.state(), &TRAIN);
        assert_says(said, &["Net.linear: wants a tensor of sizes [4], but gets [7]"]);
    });
}
