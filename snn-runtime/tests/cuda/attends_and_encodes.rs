//! Attention, encoders, slots and surrogate functions on the device. In: the same weights and inputs on both; out: the same numbers, gradients too.

use snn_runtime::encoding::{
    Latency, LatencyEncoder, LatencyEncoderConfig, PoissonEncoder, WeightedPhaseEncoder, WeightedPhaseEncoderConfig,
};
use snn_runtime::surrogate::{ATan, PoissonPass, Surrogate, apply};
use snn_runtime::{
    Device, GatedLIFNode, GatedLIFNodeConfig, Kind, Layer, MultiDimensionalAttention, MultiDimensionalAttentionConfig, SpikeCountToBinary,
    SpikeCountToBinaryConfig, TemporalBinSum, TemporalBinSumConfig, TemporalWiseAttention, TemporalWiseAttentionConfig, Tensor, nn,
};
use snn_stand_in::{Parts, count};

use crate::on_device::{GPU, input, weighed};
use crate::process::{alone, on_a_gpu};
use crate::support::{EVAL, TRAIN, assert_near, assert_same, assert_says, build, rand};

/// A sequence through a layer whose weights are on a device: y, the gradient of x, those of the weights.
fn run<L: Layer>(config: L::Config, x: &Tensor, device: Device) -> Vec<Tensor> {
    snn_runtime::manual_seed(3);
    let vs = nn::VarStore::new(device);
    let layer: L = build(&vs, "layer", config).unwrap();
    let x = input(x, device);
    let y = layer.sequence(&x, &mut layer.state(), &TRAIN).unwrap();
    assert_eq!((y.device(), y.kind()), (device, x.kind()));
    let mut all = vec![y];
    if all[0].requires_grad() {
        weighed(&all[0]).backward();
        all.push(x.grad());
        all.extend(vs.trainable_variables().iter().map(Tensor::grad));
    }
    all.iter().map(|t| t.detach().to_device(Device::Cpu)).collect()
}

/// Near each other on both; the device's in another kind, if one is given.
fn near_on_both<L: Layer>(what: &str, config: L::Config, x: &Tensor, kind: Kind, tolerance: f64)
where
    L::Config: Clone,
{
    let (want, got) = (run::<L>(config.clone(), x, Device::Cpu), run::<L>(config, &x.to_kind(kind), GPU));
    assert_eq!(want.len(), got.len(), "{what}");
    for (i, (got, want)) in got.iter().zip(&want).enumerate() {
        assert_near(&got.to_kind(want.kind()), want, tolerance, &format!("{what}, {kind:?}, result {i}"));
    }
}

#[test]
fn attention() {
    alone("attends_and_encodes::attention", Parts::All, "", || {
        let spikes = |sizes: &[i64], kind| rand(sizes, Kind::Float).lt(0.3).to_kind(kind);
        let twa = |dimension| TemporalWiseAttentionConfig { T: 6, reduction: 2, dimension };
        // Spikes: many values are the largest, and the first of them gets the gradient.
        for x in [rand(&[6, 3, 5, 4, 7], Kind::Float), spikes(&[6, 3, 5, 4, 7], Kind::Float)] {
            near_on_both::<TemporalWiseAttention>("TemporalWiseAttention", twa(4), &x, Kind::Float, 1e-5);
        }
        near_on_both::<TemporalWiseAttention>("TemporalWiseAttention", twa(2), &rand(&[6, 3, 40], Kind::Double), Kind::Double, 1e-11);
        let config = MultiDimensionalAttentionConfig { reduction_t: 2, reduction_c: 3, ..MultiDimensionalAttentionConfig::new(4, 6) };
        let signed = |kind| rand(&[4, 3, 6, 5, 8], kind) - 0.4;
        near_on_both::<MultiDimensionalAttention>("all stages", config.clone(), &signed(Kind::Float), Kind::Float, 1e-5);
        near_on_both::<MultiDimensionalAttention>(
            "all stages",
            config.clone(),
            &spikes(&[4, 2, 6, 3, 3], Kind::Double),
            Kind::Double,
            1e-11,
        );
        let x = signed(Kind::Float).to_kind(Kind::BFloat16).to_kind(Kind::Float);
        near_on_both::<MultiDimensionalAttention>("all stages", config.clone(), &x, Kind::BFloat16, 4e-2);
        near_on_both::<MultiDimensionalAttention>("all stages", config.clone(), &x, Kind::Half, 1e-2);
        for stages in [[true, false, false], [false, true, false], [false, false, true], [true, false, true], [false, true, true]] {
            let [use_temporal, use_channel, use_spatial] = stages;
            let some = MultiDimensionalAttentionConfig { use_temporal, use_channel, use_spatial, kernel_size: 7, ..config.clone() };
            near_on_both::<MultiDimensionalAttention>(&format!("{stages:?}"), some, &signed(Kind::Float), Kind::Float, 1e-5);
        }
        for device in [Device::Cpu, GPU] {
            let vs = nn::VarStore::new(device);
            let (twa, mda): (TemporalWiseAttention, MultiDimensionalAttention) =
                (build(&vs, "twa", twa(4)).unwrap(), build(&vs, "mda", config.clone()).unwrap());
            // Nobody, whose weights have gradients all the same; and samples without pixels.
            let of = |sizes: [i64; 5]| Tensor::zeros(sizes, (Kind::Float, device)).set_requires_grad(true);
            let x = [of([6, 0, 5, 4, 7]), of([4, 0, 6, 5, 8])];
            let y = [twa.sequence(&x[0], &mut (), &TRAIN).unwrap(), mda.sequence(&x[1], &mut (), &TRAIN).unwrap()];
            (y[0].sum(Kind::Float) + y[1].sum(Kind::Float)).backward();
            for (x, y) in x.iter().zip(&y) {
                assert_eq!((x.grad().size(), y.size()), (x.size(), x.size()));
            }
            for w in vs.trainable_variables() {
                assert_same(&w.grad().to_device(Device::Cpu), &w.detach().zeros_like().to_device(Device::Cpu), "the gradient of a weight");
            }
            assert_says(twa.sequence(&of([6, 2, 5, 0, 7]), &mut (), &TRAIN), &["Net.twa", "wants an element or more in each channel"]);
            assert_says(mda.sequence(&of([4, 2, 6, 0, 7]), &mut (), &TRAIN), &["Net.mda", "wants an element or more in each channel"]);
        }

        if !on_a_gpu() {
            let before = count("snn_stand_in_launches");
            run::<MultiDimensionalAttention>(config, &signed(Kind::Float), GPU);
            // Rows, steps, channels, planes, y; pixels, along, channels, steps, x.
            assert_eq!(count("snn_stand_in_launches") - before, 5 + 5);
        }
    });
}

#[test]
fn encoders() {
    alone("attends_and_encodes::encoders", Parts::All, "", || {
        let x = rand(&[3, 4, 37], Kind::Float);
        for kind in [Kind::Float, Kind::Double] {
            let x = x.to_kind(kind);
            near_on_both::<PoissonEncoder>("PoissonEncoder", (), &x, kind, 0.0);
            for enc_function in [Latency::Linear, Latency::Log] {
                near_on_both::<LatencyEncoder>("LatencyEncoder", LatencyEncoderConfig { T: 5, enc_function }, &x, kind, 0.0);
            }
            near_on_both::<WeightedPhaseEncoder>("WeightedPhaseEncoder", WeightedPhaseEncoderConfig { K: 8 }, &(&x * 0.99), kind, 0.0);
        }
        let short = x.to_kind(Kind::Half).to_kind(Kind::Float);
        near_on_both::<PoissonEncoder>("PoissonEncoder", (), &short, Kind::Half, 0.0);
        near_on_both::<LatencyEncoder>(
            "LatencyEncoder",
            LatencyEncoderConfig { T: 5, enc_function: Latency::Linear },
            &short,
            Kind::Half,
            0.0,
        );
        near_on_both::<WeightedPhaseEncoder>(
            "WeightedPhaseEncoder",
            WeightedPhaseEncoderConfig { K: 12 },
            &(&short * 0.5),
            Kind::Half,
            0.0,
        );
        let vs = nn::VarStore::new(GPU);
        let coder: WeightedPhaseEncoder = build(&vs, "code", WeightedPhaseEncoderConfig { K: 2 }).unwrap();
        let said = coder.step(&Tensor::ones([2, 3], (Kind::Float, GPU)), &mut coder.state(), &EVAL);
        assert_says(said, &["Net.code", "has values from 1 to 1, but the code has spikes for values from 0 to 0.75 only"]);
        for device in [Device::Cpu, GPU] {
            let (vs, x) = (nn::VarStore::new(device), Tensor::zeros([2, 3], (Kind::Float, device)));
            let coder: WeightedPhaseEncoder = build(&vs, "code", WeightedPhaseEncoderConfig { K: usize::MAX }).unwrap();
            assert_says(coder.step(&x, &mut coder.state(), &EVAL), &["Net.code"]);
            for (steps, kind, fits) in
                [(89, Kind::Float, true), (90, Kind::Float, false), (710, Kind::Double, true), (711, Kind::Double, false)]
            {
                let config = LatencyEncoderConfig { T: steps, enc_function: Latency::Log };
                let coder: LatencyEncoder = build(&vs, &format!("late{steps}"), config).unwrap();
                let said = coder.step(&x.to_kind(kind), &mut coder.state(), &EVAL);
                match fits {
                    true => assert_eq!(said.unwrap().size(), x.size()),
                    false => drop(assert_says(said, &["Net.late", "`T` is", "but `Latency::Log` takes at most"])),
                }
            }
        }
    });
}

#[test]
fn slots() {
    alone("attends_and_encodes::slots", Parts::All, "", || {
        for kind in [Kind::Float, Kind::Half] {
            let counts = (rand(&[4, 3, 5], Kind::Float) * 3.99).floor();
            let config = SpikeCountToBinaryConfig { num_slots: 3, always_convert: true };
            near_on_both::<SpikeCountToBinary>("SpikeCountToBinary", config, &counts, kind, 2e-3);
            let config = TemporalBinSumConfig { num_slots: 3, always_convert: true };
            near_on_both::<TemporalBinSum>("TemporalBinSum", config, &counts, kind, 2e-3);
        }
        let vs = nn::VarStore::new(GPU);
        let layer: SpikeCountToBinary = build(&vs, "slots", SpikeCountToBinaryConfig { num_slots: 2, always_convert: true }).unwrap();
        for (count, says) in [(3.0, "holds a count of 3, but there are 2 slots"), (0.5, "holds 0.5, which is no number of spikes")] {
            let x = Tensor::from_slice(&[0.0f32, count]).reshape([1, 2]).to_device(GPU);
            assert_says(layer.sequence(&x, &mut (), &TRAIN), &["Net.slots", says]);
        }
        let sums: TemporalBinSum = build(&vs, "sums", TemporalBinSumConfig { num_slots: usize::MAX, always_convert: true }).unwrap();
        for x in [Kind::ComplexFloat, Kind::Int64, Kind::Bool].map(|kind| Tensor::ones([3, 2], (kind, Device::Cpu)).to_device(GPU)) {
            let wants = "kind `Float`, `Double`, `Half` or `BFloat16`";
            assert_says(layer.sequence(&x, &mut (), &TRAIN), &["Net.slots", wants]);
            assert_says(sums.sequence(&x, &mut (), &TRAIN), &["Net.sums", wants]);
        }
        // More of a 16-bit type than it counts in ones.
        let many: SpikeCountToBinary = build(&vs, "many", SpikeCountToBinaryConfig { num_slots: 300, always_convert: true }).unwrap();
        let counts = Tensor::from_slice(&[0.0f32, 7.0, 258.0, 300.0]).reshape([1, 4]);
        let spikes = many.sequence(&counts.to_kind(Kind::BFloat16).to_device(GPU), &mut (), &TRAIN).unwrap();
        let back = spikes.to_device(Device::Cpu).to_kind(Kind::Float).sum_dim_intlist(0, true, Kind::Float);
        assert_same(&back, &counts, "300 slots");
        // All steps in one bin, and slots for which there is no memory.
        for device in [Device::Cpu, GPU] {
            let (vs, x) = (nn::VarStore::new(device), Tensor::ones([3, 2], (Kind::Float, device)));
            let one = sums.sequence(&x, &mut (), &TRAIN).unwrap().to_device(Device::Cpu);
            assert_same(&one, &Tensor::full([1, 2], 3.0, (Kind::Float, Device::Cpu)), "one bin");
            for num_slots in [usize::MAX, usize::MAX / 8] {
                let config = SpikeCountToBinaryConfig { num_slots, always_convert: true };
                let none: SpikeCountToBinary = build(&vs, &format!("none{num_slots}"), config).unwrap();
                assert_says(none.sequence(&x, &mut (), &TRAIN), &["Net.none"]);
            }
        }
    });
}

#[test]
fn surrogates_alone() {
    alone("attends_and_encodes::surrogates_alone", Parts::All, "", || {
        let surrogates: [Surrogate; 3] =
            [ATan::default().into(), ATan { spiking: false, ..ATan::default() }.into(), PoissonPass::default().into()];
        for (surrogate, kind) in surrogates.into_iter().flat_map(|s| [(s, Kind::Float), (s, Kind::Double)]) {
            let x = rand(&[3, 35], kind) - 0.3;
            let on = |device| {
                snn_runtime::manual_seed(3);
                let x = input(&x, device);
                let y = apply(surrogate, &x).unwrap();
                weighed(&y).backward();
                [y, x.grad()].map(|t| t.detach().to_device(Device::Cpu))
            };
            for (got, want) in on(GPU).iter().zip(&on(Device::Cpu)) {
                assert_same(got, want, &format!("{surrogate:?} {kind:?}"));
            }
        }
        let x = Tensor::from_slice(&[-0.5f32, 0.0, 0.25]).to_kind(Kind::BFloat16).to_device(GPU);
        let y = apply(ATan::default(), &x).unwrap();
        assert_same(&y.to_device(Device::Cpu).to_kind(Kind::Float), &Tensor::from_slice(&[0.0f32, 1.0, 1.0]), "spikes");
    });
}

/// On the CPU, too.
#[test]
fn parameters_of_another_number_of_channels() {
    alone("attends_and_encodes::parameters_of_another_number_of_channels", Parts::All, "", || {
        for device in [Device::Cpu, GPU] {
            let vs = nn::VarStore::new(device);
            let mut layer: GatedLIFNode =
                build(&vs, "glif", GatedLIFNodeConfig { inplane: Some(3), ..GatedLIFNodeConfig::new(2) }).unwrap();
            let other = || Tensor::zeros([6], (Kind::Float, device));
            layer.conduct = Tensor::zeros([2, 6], (Kind::Float, device));
            for weight in [
                &mut layer.alpha,
                &mut layer.beta,
                &mut layer.gamma,
                &mut layer.tau,
                &mut layer.v_threshold,
                &mut layer.linear_decay,
                &mut layer.v_subreset,
            ] {
                *weight = other();
            }
            let x = Tensor::zeros([2, 1, 3, 2, 2], (Kind::Float, device));
            let said = layer.sequence(&x, &mut layer.state(), &TRAIN);
            assert_says(said, &["Net.glif: wants parameters of 3 channels, [7, 3] together, but gets [7, 6]"]);
        }
    });
}
