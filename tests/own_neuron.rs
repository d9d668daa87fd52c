//! A neuron of the user's own, defined by `snn_neuron!`, as a layer of a net. In: a threshold that rises with each spike and falls
//! again, a learned strength, and one learned number per channel; out: what one neuron at a time computes, gradients that finite
//! differences confirm, recorded spikes and potentials, state that streams.

mod support;

use snn::surrogate::{ATan, Sigmoid};
use snn::{Kind, Layer, Result, Scope, Tensor, named_tensors, nn, snn_net, snn_neuron};
use support::frozen::frozen;
use support::{assert_near, assert_says, input, names, store};

snn_neuron! {
    /// Leaky integrate and fire with a threshold that rises by `beta` with each spike and falls back.
    pub neuron Adaptive {
        /// Membrane time constant in steps.
        tau: f64 = 2.0 where tau > 1.0, "it counts steps";
        /// What is left of the rise after a step.
        rho: f64 = 0.75 where rho > 0.0 && rho < 1.0;
        base;
        learn beta = 0.5;
        learn per channel gain = 1.0;
        state v = rest;
        state a = 0.0;

        step(x) {
            let h = v + (gain * x - (v - rest)) / tau;
            let s = spike(h - (v_threshold + beta * a));
            a = rho * a + s;
            v = reset(h, s);
            s
        }
    }
}

snn_net! {
    use crate::Adaptive;

    /// Two of them in a row.
    pub net Rising(x: [T, 6]) -> [T, 3] {
        T = 5;
        step_mode = 'm';

        fc: Linear(_, 4),
        #[record(spikes, voltage)]
        sn1: Adaptive(rho = 0.5, v_reset = None, surrogate_function = ATan::default().into()),
        fc2: Linear(_, 3),
        sn2: Adaptive(),
    }
}

snn_net! {
    use crate::Adaptive;

    block Pair(n) { fc: Linear(_, n), Adaptive(tau = 3.0) }

    /// In blocks, copies and containers, behind an input that does not change.
    pub net Flat<const STEPS: usize>(x: [6]) -> [3] {
        T = STEPS;
        step_mode = 's';

        stem: [Pair(6); 2],
        rec: ElementWiseRecurrentContainer([Adaptive(v_threshold = 0.5)], add),
        fc: Linear(_, 3),
        MeanOverTime(),
    }
}

fn lone(config: AdaptiveConfig, channels: usize) -> (nn::VarStore, Adaptive) {
    let vs = nn::VarStore::new(snn::Device::Cpu);
    let scope = Scope::root("Net", &vs.root()).child("sn").with_input(&[channels]);
    let neuron = Adaptive::build(&scope, config).unwrap();
    (vs, neuron)
}

fn numbers(t: &Tensor) -> Vec<f64> {
    Vec::try_from(t.reshape([-1]).to_kind(Kind::Double)).unwrap()
}

#[test]
fn it_computes_what_its_step_says() {
    let (_vs, neuron) = lone(AdaptiveConfig { v_reset: Some(-0.25), ..Default::default() }, 3);
    tch::no_grad(|| neuron.parameter("gain").unwrap().shallow_clone().copy_(&Tensor::from_slice(&[0.5f32, 1.0, 2.0])));
    let x = input(&[7, 2, 3]) * 3.0;
    let mut state = neuron.state();
    let y = numbers(&neuron.sequence(&x, &mut state, &snn::Cx::EVAL).unwrap());
    let x = numbers(&x);
    for n in 0..6 {
        let (mut v, mut a) = (-0.25f32, 0.0f32);
        for t in 0..7 {
            let h = v + ([0.5, 1.0, 2.0][n % 3] * x[t * 6 + n] as f32 - (v + 0.25)) / 2.0;
            let s = if h - (1.0 + 0.5 * a) >= 0.0 { 1.0 } else { 0.0 };
            assert_eq!(y[t * 6 + n] as f32, s, "neuron {n}, step {t}");
            a = 0.75 * a + s;
            v = s * -0.25 + (1.0 - s) * h;
        }
        assert_eq!(numbers(state.get("v").unwrap())[n] as f32, v);
        assert_eq!(numbers(state.get("a").unwrap())[n] as f32, a);
    }
}

#[test]
fn without_spikes_its_gradients_are_the_true_ones() {
    let surrogate_function = Sigmoid { spiking: false, ..Default::default() }.into();
    for v_reset in [None, Some(0.125)] {
        let (vs, neuron) = lone(AdaptiveConfig { surrogate_function, v_reset, ..Default::default() }, 2);
        let x = (input(&[4, 3, 2]) * 2.0).to_kind(Kind::Double).set_requires_grad(true);
        let weight = input(&[4, 3, 2]).to_kind(Kind::Double);
        let loss = |x: &Tensor| {
            let mut state = neuron.state();
            let y = neuron.sequence(x, &mut state, &snn::Cx::TRAIN).unwrap();
            (y * &weight).sum(Kind::Double) + state.get("a").unwrap().sum(Kind::Double) + state.v.unwrap().sum(Kind::Double)
        };
        loss(&x).backward();
        let near = |got: f64, want: f64, what: &str| assert!((got - want).abs() < 2e-3 * (1.0 + want.abs()), "{what}: {got}, not {want}");
        for i in 0..24 {
            let at = |by: f64| {
                let moved = x.detach().copy();
                let _ = moved.view(-1).get(i).fill_(x.detach().view(-1).double_value(&[i]) + by);
                loss(&moved).double_value(&[])
            };
            near(x.grad().view(-1).double_value(&[i]), (at(1e-5) - at(-1e-5)) / 2e-5, "x");
        }
        // The parameters are of `f32`: a larger step.
        for (name, i) in [("beta", 0), ("gain", 0), ("gain", 1)] {
            let parameter = neuron.parameter(name).unwrap();
            let at = |by: f64| {
                tch::no_grad(|| {
                    let mut place = parameter.view(-1).get(i);
                    let _ = place.g_add_scalar_(by);
                    let value = loss(&x).double_value(&[]);
                    let _ = place.g_add_scalar_(-by);
                    value
                })
            };
            near(parameter.grad().view(-1).double_value(&[i]), (at(1e-3) - at(-1e-3)) / 2e-3, name);
        }
        assert_eq!(vs.variables().len(), 2);
    }
}

#[test]
fn in_a_net_it_takes_arguments_is_recorded_and_streams() -> Result<()> {
    let vs = store();
    let net = Rising::new(&vs.root())?;
    assert_eq!((net.sn1.config().rho, net.sn1.config().v_reset, net.sn2.config().rho), (0.5, None, 0.75));
    assert_eq!(net.sn1.parameter("gain").unwrap().size(), [4]);
    assert_eq!(names(&vs), ["fc.bias", "fc.weight", "fc2.bias", "fc2.weight", "sn1.beta", "sn1.gain", "sn2.beta", "sn2.gain"]);

    let x = Rising::input(input(&[5, 2, 6]) * 8.0)?;
    let (y, recorded) = net.forward_recorded(&x, false)?;
    assert_eq!(recorded.sn1.spikes.size(), [5, 2, 4]);
    assert!(recorded.sn1.spikes.sum(Kind::Float).double_value(&[]) > 0.0, "it fires");
    let mut state = net.state(2);
    assert!(y.tensor().equal(net.forward_from(&x, &mut state, false)?.tensor()));
    let stored: Vec<String> = named_tensors(&state).into_iter().map(|(name, _)| name).collect();
    assert_eq!(stored, ["sn1.v", "sn1.a", "sn2.v", "sn2.a"]);
    assert_near(&recorded.sn1.voltage.get(4), state.sn1.v.as_ref().unwrap(), 0.0);
    Ok(())
}

#[test]
fn its_arguments_are_checked_and_channels_are_counted() {
    let vs = nn::VarStore::new(snn::Device::Cpu);
    let build =
        |config: AdaptiveConfig, input: &[usize]| Adaptive::build(&Scope::root("Net", &vs.root()).child("sn").with_input(input), config);
    assert_says(build(AdaptiveConfig { rho: 1.0, ..Default::default() }, &[3]), &["Net.sn", "`rho`"]);
    assert_says(build(AdaptiveConfig { tau: 0.5, ..Default::default() }, &[3]), &["Net.sn", "`tau`", "it counts steps"]);
    assert_says(build(AdaptiveConfig::default(), &[]), &["Net.sn", "`gain`", "channels"]);
    let (_vs, neuron) = lone(AdaptiveConfig::default(), 3);
    assert_says(neuron.step(&input(&[2, 4]), &mut neuron.state(), &snn::Cx::EVAL), &["Net.sn", "[N, 3, ..]", "[2, 4]"]);
}

#[test]
fn frozen_models_are_their_nets() -> Result<()> {
    frozen!(Rising, RisingFrozen, x: seq [5, 3, 6]);
    frozen!(Flat<7>, FlatFrozen<7>, x: still [2, 6]);
    Ok(())
}

/// Learned parameters are those of the moment, arguments those of the net.
#[test]
fn a_frozen_net_has_what_its_neurons_have_learned() -> Result<()> {
    let vs = store();
    let net = Rising::new(&vs.root())?;
    let x = input(&[5, 2, 6]) * 8.0;
    let run = |net: &Rising| -> Result<(Vec<f32>, Vec<f64>)> {
        let mut y = vec![0.0; 5 * 2 * 3];
        let x: Vec<f32> = Vec::try_from(x.reshape([-1])).expect("floats");
        net.freeze()?.infer(&x, &mut y)?;
        Ok((y, numbers(net.forward(&Rising::input(self::x(&x))?)?.tensor())))
    };
    // Weights that give sums without rounding, and spikes.
    tch::no_grad(|| {
        let _ = net.fc2.weight.shallow_clone().fill_(2.0);
        let _ = net.fc2.bias.as_ref().unwrap().shallow_clone().fill_(0.5);
    });
    let (before, want) = run(&net)?;
    assert!(before.iter().any(|y| *y > 0.0), "it fires");
    assert_eq!(before.iter().map(|y| f64::from(*y)).collect::<Vec<_>>(), want);
    tch::no_grad(|| {
        net.sn1.parameter("gain").unwrap().shallow_clone().copy_(&Tensor::from_slice(&[0.0f32, 0.0, 1.0, 0.0]));
        let _ = net.sn2.parameter("beta").unwrap().shallow_clone().fill_(-0.25);
    });
    let (after, want) = run(&net)?;
    assert_ne!(before, after);
    assert_eq!(after.iter().map(|y| f64::from(*y)).collect::<Vec<_>>(), want);
    Ok(())
}

fn x(numbers: &[f32]) -> Tensor {
    Tensor::from_slice(numbers).view([5, 2, 6])
}

/// The same names, arguments and parameters, another step.
macro_rules! net_of {
    ($module:ident, $($charge:tt)+) => {
        #[allow(dead_code)] // of two of them only the frozen model is made
        mod $module {
            snn::snn_neuron! {
                pub(crate) neuron Same {
                    tau: f64 = 2.0;
                    base;
                    step(x) {
                        let h = $($charge)+;
                        let s = spike(h - v_threshold);
                        v = reset(h, s);
                        s
                    }
                }
            }

            snn::snn_net! {
                use super::$module::Same;
                pub(crate) net Net(x: [T, 3]) -> [T, 3] {
                    T = 2;
                    step_mode = 'm';
                    fc: Linear(_, 3), sn: Same(),
                }
            }
        }
    };
}

net_of!(first, v + x / tau);
net_of!(again, v + x / tau);
net_of!(second, v - x / tau);

#[test]
fn a_file_of_other_formulas_is_refused() -> Result<()> {
    let file = std::env::temp_dir().join(format!("snn-own-neuron-{}.safetensors", std::process::id()));
    first::Net::new(&store().root())?.freeze()?.save(&file)?;
    let (same, other) = (again::NetFrozen::load(&file), second::NetFrozen::load(&file));
    std::fs::remove_file(&file).expect("the file was written");
    assert!(same.is_ok(), "{same:?}");
    assert_says(other.map_err(snn::Error::from), &["another net than `Net`", "sn Same", "formulas"]);
    Ok(())
}
