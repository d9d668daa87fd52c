//! Neurons on the device. In: the same weights and inputs on both; out: the same bits of spikes, potentials and gradients.

use snn_runtime::__private::{SpikesAndVoltage, finish, normalised};
use snn_runtime::surrogate::{ATan, PoissonPass};
use snn_runtime::{
    BatchNorm1d, BatchNormConfig, Device, IzhikevichNode, IzhikevichNodeConfig, Kind, LIFNode, LIFNodeConfig, Layer, NeuronState,
    ParametricLIFNode, ParametricLIFNodeConfig, Record, Result, Tap, Tensor, nn,
};
use snn_stand_in::{Parts, count};

use crate::process::{alone, on_a_gpu};
use crate::support::{TRAIN, assert_near, assert_same, build, rand};

pub(crate) const GPU: Device = Device::Cuda(0);

type Call<L> = fn(&L, &Tensor, &mut NeuronState, &mut Tap) -> Result<Tensor>;

/// x of random numbers on a device, with a gradient to come.
pub(crate) fn input(of: &Tensor, device: Device) -> Tensor {
    of.to_device(device).detach().set_requires_grad(true)
}

/// The sum of all elements, each with another weight.
pub(crate) fn weighed(t: &Tensor) -> Tensor {
    let weights = (Tensor::arange(t.numel() as i64, (Kind::Float, Device::Cpu)) * 0.37).sin().reshape(t.size());
    (t.to_kind(Kind::Float) * weights.to_device(t.device())).sum(Kind::Float)
}

/// Two calls of a layer whose weights are on a device: outputs, what is recorded, the last states `names`, gradients of x and of the weights.
fn run<L>(config: &L::Config, x: &Tensor, device: Device, names: &[&str], call: Call<L>) -> Vec<Tensor>
where
    L: Record<State = NeuronState>,
    L::Config: Clone,
{
    snn_runtime::manual_seed(3);
    let vs = nn::VarStore::new(device);
    let layer: L = build(&vs, "sn", config.clone()).unwrap();
    let (x, mut s, mut tap) = (input(x, device), layer.state(), Tap::new(true, true));
    let y = [1.0, 0.75].map(|by| call(&layer, &(&x * by), &mut s, &mut tap).unwrap());
    assert!(y.iter().all(|y| y.device() == device));
    let states = names.iter().map(|name| s.get(name).unwrap());
    states.clone().chain(&y).map(weighed).reduce(|a, b| a + b).unwrap().backward();
    let SpikesAndVoltage { spikes, voltage } = finish(Some(tap)).unwrap();
    let mut all = vec![spikes, voltage, x.grad()];
    all.extend(states.map(Tensor::shallow_clone));
    all.extend(y);
    all.extend(vs.trainable_variables().iter().map(Tensor::grad));
    all.iter().map(|t| t.detach().to_device(Device::Cpu)).collect()
}

/// The same on both; gradients of weights are sums over neurons, in another order.
fn same_on_both<L>(config: &L::Config, x: &Tensor, names: &[&str], call: Call<L>)
where
    L: Record<State = NeuronState>,
    L::Config: Clone,
{
    let on = |device| run::<L>(config, x, device, names, call);
    let (want, got) = (on(Device::Cpu), on(GPU));
    assert_eq!(want.len(), got.len());
    for (i, (got, want)) in got.iter().zip(&want).enumerate() {
        match i < 5 + names.len() {
            true => assert_same(got, want, &format!("result {i}")),
            false => assert_near(got, want, 1e-6, &format!("result {i}")),
        }
    }
}

fn sequence<L: Record<State = NeuronState>>(layer: &L, x: &Tensor, s: &mut NeuronState, tap: &mut Tap) -> Result<Tensor> {
    layer.sequence_recorded(x, s, &TRAIN, tap)
}

fn step<L: Record<State = NeuronState>>(layer: &L, x: &Tensor, s: &mut NeuronState, tap: &mut Tap) -> Result<Tensor> {
    layer.step_recorded(x, s, &TRAIN, tap)
}

fn repeat<L: Record<State = NeuronState>>(layer: &L, x: &Tensor, s: &mut NeuronState, tap: &mut Tap) -> Result<Tensor> {
    layer.repeat_recorded(x, 5, s, &TRAIN, tap)
}

#[test]
fn a_neuron_has_the_bits_of_the_cpu() {
    alone("on_device::a_neuron_has_the_bits_of_the_cpu", Parts::All, "", || {
        let config = LIFNodeConfig { v_reset: Some(-0.25), surrogate_function: ATan::default().into(), ..LIFNodeConfig::default() };
        // 60 neurons in rows that are wide, and 33 that are not; more steps than a segment.
        for (sizes, kind) in [([4, 3, 20], Kind::Float), ([11, 3, 11], Kind::Float), ([4, 3, 5], Kind::Double)] {
            let x = rand(&sizes, kind) * 3.0;
            same_on_both::<LIFNode>(&config, &x, &["v"], sequence);
        }
        same_on_both::<LIFNode>(&config, &(rand(&[3, 20], Kind::Float) * 3.0), &["v"], step);
        same_on_both::<LIFNode>(&config, &(rand(&[3, 20], Kind::Float) * 3.0), &["v"], repeat);
        if !on_a_gpu() {
            assert_eq!(count("snn_stand_in_launches"), 5 * 4, "two forward and two backward each");
        }
    });
}

#[test]
fn an_input_that_lies_across_memory_is_read_in_order() {
    alone("on_device::an_input_that_lies_across_memory_is_read_in_order", Parts::All, "", || {
        let (config, x) = (LIFNodeConfig::default(), rand(&[3, 20, 4], Kind::Float) * 3.0);
        let across = |device| run::<LIFNode>(&config, &x, device, &["v"], |l, x, s, tap| sequence(l, &x.permute([2, 0, 1]), s, tap));
        // One element further than where a row of vectors may start.
        let moved = |device| run::<LIFNode>(&config, &x, device, &["v"], |l, x, s, tap| sequence(l, &x.narrow(0, 1, 2), s, tap));
        for (got, want) in across(GPU).iter().zip(&across(Device::Cpu)).chain(moved(GPU).iter().zip(&moved(Device::Cpu))) {
            assert_same(got, want, "across");
        }
    });
}

#[test]
fn learned_parameters_get_their_gradient() {
    alone("on_device::learned_parameters_get_their_gradient", Parts::All, "", || {
        let x = rand(&[4, 50, 300], Kind::Float) * 3.0;
        same_on_both::<ParametricLIFNode>(&ParametricLIFNodeConfig::default(), &x, &["v"], sequence);
    });
}

#[test]
fn two_states_and_random_spikes() {
    alone("on_device::two_states_and_random_spikes", Parts::All, "", || {
        let x = rand(&[3, 2, 20], Kind::Float);
        same_on_both::<IzhikevichNode>(&IzhikevichNodeConfig::default(), &x, &["v", "w"], sequence);
        let config = LIFNodeConfig { surrogate_function: PoissonPass::default().into(), v_threshold: 0.2, ..LIFNodeConfig::default() };
        same_on_both::<LIFNode>(&config, &x, &["v"], sequence);
    });
}

#[test]
fn halves_are_widened_and_narrowed() {
    alone("on_device::halves_are_widened_and_narrowed", Parts::All, "", || {
        for kind in [Kind::Half, Kind::BFloat16] {
            let x = (rand(&[4, 3, 20], Kind::Float) * 3.0).to_kind(kind);
            let got = run::<LIFNode>(&LIFNodeConfig::default(), &x, GPU, &["v"], sequence);
            let want = run::<LIFNode>(&LIFNodeConfig::default(), &x.to_kind(Kind::Float), Device::Cpu, &["v"], sequence);
            // x * 0.75 is rounded in the second call: what the first gave is the same.
            assert_eq!((got[4].kind(), got[2].kind(), got[3].kind()), (kind, kind, Kind::Float));
            assert_same(&got[4].to_kind(Kind::Float), &want[4], "spikes of the first call");
        }
    });
}

#[test]
fn a_normalisation_in_front_is_part_of_the_kernel() {
    alone("on_device::a_normalisation_in_front_is_part_of_the_kernel", Parts::All, "", || {
        let of = rand(&[4, 6, 5, 7], Kind::Float) * 3.0;
        let on = |device| {
            let vs = nn::VarStore::new(device);
            let bn: BatchNorm1d = build(&vs, "bn", BatchNormConfig::new(5)).unwrap();
            let sn: LIFNode = build(&vs, "sn", LIFNodeConfig { v_threshold: 0.4, ..LIFNodeConfig::default() }).unwrap();
            let (x, mut s) = (input(&of, device), sn.state());
            let y = normalised(&bn, &sn, &x, &mut s, &TRAIN).unwrap();
            weighed(&y).backward();
            let (weight, bias, running) = (bn.weight.as_ref().unwrap(), bn.bias.as_ref().unwrap(), bn.running.as_ref().unwrap());
            let results = [y, x.grad(), running.var.shallow_clone(), weight.grad(), bias.grad()];
            results.iter().map(|t| t.detach().to_device(Device::Cpu)).collect::<Vec<_>>()
        };
        // Mean and variance are libtorch's on the device.
        for (i, (got, want)) in on(GPU).iter().zip(&on(Device::Cpu)).enumerate() {
            assert_near(got, want, 2e-5, &format!("result {i}"));
        }
    });
}

#[test]
fn a_kernel_is_compiled_once() {
    alone("on_device::a_kernel_is_compiled_once", Parts::All, "", || {
        let folder = std::env::temp_dir().join(format!("snn-cuda-cache-{}", std::process::id()));
        // SAFETY: the only test of this process, and no other thread reads the environment now.
        unsafe { std::env::set_var("SNN_CUDA_CACHE", &folder) };
        let once = |tau: f64| {
            let config = LIFNodeConfig { tau, ..LIFNodeConfig::default() };
            run::<LIFNode>(&config, &rand(&[2, 3, 4], Kind::Float), GPU, &["v"], sequence);
        };
        once(2.0);
        once(3.0); // `tau` is a number that the kernel is given
        if !on_a_gpu() {
            assert_eq!((count("snn_stand_in_compiled"), count("snn_stand_in_loads")), (1, 1));
        }
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        std::fs::remove_dir_all(&folder).unwrap();
    });
}
