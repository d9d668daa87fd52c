//! Code of the user's own in a net: layers and functions named by `use`, consts from outside, const generics. In: all of them in
//! small nets; out: that they are built with their arguments, see what the docs promise, and stream like built-in ones.

mod support;

use snn::{Cx, Error, IFNode, Kind, Layer, NeuronState, Result, Scope, Stateless, Static, Tensor, snn_net};
use support::frozen::{frozen, unfrozen};
use support::{assert_near, assert_says, input, names, shake, store};

/// A scale per feature, learned. No memory.
#[derive(Debug)]
pub struct Scale {
    /// `[features]`
    pub weight: Tensor,
    offset: f64,
}

/// Arguments of [`Scale`].
#[derive(Clone, Debug)]
pub struct ScaleConfig {
    /// Where the weights start.
    pub start: f64,
    /// Added afterwards.
    pub offset: f64,
}

impl Default for ScaleConfig {
    fn default() -> Self {
        ScaleConfig { start: 1.0, offset: 0.0 }
    }
}

impl Stateless for Scale {
    type Config = ScaleConfig;

    fn build(scope: &Scope<'_>, c: ScaleConfig) -> Result<Self> {
        let &[features] = scope.input() else {
            return Err(Error::argument(scope.name(), "x", "must be flat", "put `Flatten()` before it"));
        };
        if c.start == 0.0 {
            return Err(Error::argument(scope.name(), "start", "must not be 0", ""));
        }
        Ok(Scale { weight: scope.path().var("weight", &[features as i64], tch::nn::Init::Const(c.start)), offset: c.offset })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        Ok(x.f_mul(&self.weight)?.f_add_scalar(self.offset)?)
    }
}

/// Adds up what arrives, over time.
#[derive(Debug)]
pub struct Accumulate;

impl Layer for Accumulate {
    type Config = ();
    type State = NeuronState;

    fn build(_: &Scope<'_>, (): ()) -> Result<Self> {
        Ok(Accumulate)
    }

    fn state(&self) -> NeuronState {
        NeuronState::default()
    }

    fn step(&self, x: &Tensor, s: &mut NeuronState, _: &Cx) -> Result<Tensor> {
        let sum = match &s.v {
            Some(v) => v.f_add(x)?,
            None => x.shallow_clone(),
        };
        s.v = Some(sum.shallow_clone());
        Ok(sum)
    }
}

/// Pairs of features, by their difference: another shape comes out.
#[derive(Debug)]
pub struct Differences;

impl Stateless for Differences {
    type Config = ();

    fn build(_: &Scope<'_>, (): ()) -> Result<Self> {
        Ok(Differences)
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        let n = x.size()[1] / 2;
        Ok(x.f_narrow(1, 0, n)?.f_sub(&x.f_narrow(1, n, n)?)?)
    }
}

/// A function of the user's own may simply give a tensor, ..
pub fn twice(x: &Tensor) -> Tensor {
    x * 2.0
}

/// .. or a result with an error of its own, and take numbers beside tensors.
pub fn blend(a: &Tensor, b: &Tensor, share: f64) -> std::result::Result<Tensor, std::fmt::Error> {
    if share < 0.0 { Err(std::fmt::Error) } else { Ok(a * share + b * (1.0 - share)) }
}

/// Sizes from outside.
pub mod cfg {
    /// Hidden features.
    pub const HIDDEN: usize = 7;
    /// Time steps.
    pub const STEPS: usize = 3;
    /// How sharp.
    pub const ALPHA: f64 = 3.0;
}

snn_net! {
    use crate::{Accumulate, Differences, Scale, blend, twice};

    /// Own layers and functions, layer by layer.
    net Own(x: [T, 6]) -> (out: [T, 3], sum: [T, 3]) {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        scale: Scale(start = 0.5, offset = 0.25),
        fc: [Linear(_, 6), IFNode(), Differences() -> [3]],
        acc: Accumulate(),
        forward(x) {
            let h = fc(twice(scale(x)));
            let sum = acc(h);
            (blend(h, sum, 0.25), sum)
        }
    }

    /// The same, step by step.
    net OwnS(x: [T, 6]) -> (out: [T, 3], sum: [T, 3]) {
        T = 4;
        step_mode = 's';
        surrogate = ATan;
        scale: Scale(start = 0.5, offset = 0.25),
        fc: [Linear(_, 6), IFNode(), Differences() -> [3]],
        acc: Accumulate(),
        forward(x) {
            let h = fc(twice(scale(x)));
            let sum = acc(h);
            (blend(h, sum, 0.25), sum)
        }
    }

    /// A function that fails.
    net Fails(x: [6]) -> [6] {
        T = 2;
        step_mode = 'm';
        forward(x) {
            blend(x, x, -1.0)
        }
    }

    /// An argument that the layer refuses.
    net Refuses(x: [T, 6]) -> [T, 6] {
        T = 2;
        step_mode = 'm';
        scale: Scale(start = 0.0),
    }
}

#[test]
fn own_layers_are_built_with_their_arguments_and_input() -> Result<()> {
    let vs = store();
    let net = Own::new(&vs.root())?;
    assert_eq!(names(&vs), ["fc.0.bias", "fc.0.weight", "scale.weight"]);
    assert_eq!((net.scale.weight.size(), net.scale.weight.double_value(&[5])), (vec![6], 0.5));
    assert_says(Refuses::new(&store().root()), &["Refuses.scale", "`start`"]);
    Ok(())
}

#[test]
fn own_layers_and_functions_compute_what_they_say() -> Result<()> {
    let (va, mut vb) = (store(), store());
    let (m, s) = (Own::new(&va.root())?, OwnS::new(&vb.root())?);
    shake(&va);
    vb.copy(&va)?;
    let x = input(&[4, 2, 6]);
    let y = m.forward(&Own::input(x.shallow_clone())?)?;
    let cx = Cx::EVAL;
    let scaled = (&x * &m.scale.weight + 0.25) * 2.0;
    let neuron: &IFNode = &m.fc.1;
    let spikes = neuron.sequence(&m.fc.0.sequence(&scaled, &mut (), &cx)?, &mut neuron.state(), &cx)?;
    let h = spikes.narrow(2, 0, 3) - spikes.narrow(2, 3, 3);
    let sum = h.cumsum(0, Kind::Float);
    assert!(sum.abs().max().double_value(&[]) > 0.0);
    assert_near(&y.sum, &sum, 1e-6);
    assert_near(&y.out, &(h * 0.25 + sum * 0.75), 1e-6);
    let z = s.forward(&OwnS::input(x.shallow_clone())?)?;
    assert_near(&y.sum, &z.sum, 1e-6);
    assert_near(&y.out, &z.out, 1e-6);
    Ok(())
}

#[test]
fn own_state_streams_and_is_named() -> Result<()> {
    let vs = store();
    let net = Own::new(&vs.root())?;
    shake(&vs);
    let x = Own::input(input(&[4, 2, 6]))?;
    let whole = net.forward(&x)?;
    let mut s = net.state(2);
    for t in 0..4 {
        let y = net.step(&x.step(t).expect("four steps"), &mut s)?;
        assert_near(&y.out, &whole.out.get(t as i64), 1e-6);
    }
    let state: Vec<String> = s.named_tensors().into_iter().map(|(name, _)| name).collect();
    assert_eq!(state, ["fc.1.v", "acc.v"]);
    assert_near(s.acc.v.as_ref().expect("a sum"), &whole.sum.get(3), 1e-6);
    Ok(())
}

#[test]
fn the_gradient_reaches_own_weights() -> Result<()> {
    let vs = store();
    let net = Own::new(&vs.root())?;
    shake(&vs);
    net.forward_t(&Own::input(input(&[4, 2, 6]))?, true)?.out.square().sum(Kind::Float).backward();
    assert!(net.scale.weight.grad().abs().max().double_value(&[]) > 0.0);
    Ok(())
}

#[test]
fn an_error_of_an_own_function_comes_through() -> Result<()> {
    let vs = store();
    let net = Fails::new(&vs.root())?;
    let e = net.forward(&Fails::input(input(&[2, 6]))?).unwrap_err();
    assert!(matches!(&e, Error::Own(source) if source.is::<std::fmt::Error>()), "{e:?}");
    Ok(())
}

snn_net! {
    /// Sizes, steps and values from Rust.
    net Outside(x: [T, 6]) -> [T, cfg::HIDDEN] {
        T = cfg::STEPS;
        step_mode = 'm';
        fc1: Linear(_, cfg::HIDDEN * 2), sn1: IFNode(surrogate_function = ATan(alpha = cfg::ALPHA)),
        fc2: Linear(cfg::HIDDEN * 2, cfg::HIDDEN), sn2: LIFNode(tau = 1.5 + cfg::ALPHA, surrogate_function = Sigmoid()),
    }

    /// The same, step by step: the number of steps is not known to the macro.
    net OutsideS(x: [T, 6]) -> [T, cfg::HIDDEN] {
        T = cfg::STEPS;
        step_mode = 's';
        fc1: Linear(_, cfg::HIDDEN * 2), sn1: IFNode(surrogate_function = ATan(alpha = cfg::ALPHA)),
        fc2: Linear(cfg::HIDDEN * 2, cfg::HIDDEN), sn2: LIFNode(tau = 1.5 + cfg::ALPHA, surrogate_function = Sigmoid()),
    }
}

#[test]
fn consts_from_outside_are_sizes_and_values() -> Result<()> {
    let (va, mut vb) = (store(), store());
    let (m, s) = (Outside::new(&va.root())?, OutsideS::new(&vb.root())?);
    shake(&va);
    vb.copy(&va)?;
    assert_eq!((Outside::T, m.fc1.weight.size(), m.fc2.weight.size()), (3, vec![14, 6], vec![7, 14]));
    let x = input(&[3, 2, 6]);
    let y: snn::Seq<snn::Shape1<7>, 3> = m.forward(&Outside::input(x.shallow_clone())?)?;
    assert_near(&y, &*s.forward(&OutsideS::input(x)?)?, 0.0);
    assert_eq!(Outside::SUMMARY.params(), 6 * 14 + 14 + 14 * 7 + 7);
    Ok(())
}

#[test]
fn a_value_known_at_run_time_is_checked_there() {
    snn_net! {
        /// tau from a function.
        net Odd(x: [T, 6]) -> [T, 6] {
            T = 2;
            step_mode = 'm';
            sn: LIFNode(tau = f64::from(1u8)),
        }
    }
    assert_says(Odd::new(&store().root()), &["Odd.sn", "`tau`", "greater than 1"]);
}

snn_net! {
    /// A net for any number of hidden features.
    net Wide<const H: usize>(x: [T, 6]) -> [2] {
        T = 3;
        step_mode = 'm';
        surrogate = ATan;
        fc1: Linear(_, H), sn1: IFNode(),
        fc2: Linear(_, 2), sn2: IFNode(),
        MeanOverTime(),
    }
}

#[test]
fn a_net_may_be_generic() -> Result<()> {
    let vs = store();
    let (narrow, wide) = (Wide::<3>::new(&(vs.root() / "narrow"))?, Wide::<30>::new(&(vs.root() / "wide"))?);
    assert_eq!((narrow.fc1.weight.size(), wide.fc2.weight.size()), (vec![3, 6], vec![2, 30]));
    let x = Wide::<3>::input(input(&[3, 2, 6]))?;
    let y: Static<snn::Shape1<2>> = narrow.forward(&x)?;
    assert_eq!((y.size(), wide.forward(&x)?.size()), (vec![2, 2], vec![2, 2]));
    assert_eq!(Wide::<30>::SUMMARY.params(), 6 * 30 + 30 + 60 + 2);
    let mut s = wide.state(2);
    let _ = wide.step(&x.step(0).expect("a step"), &mut s)?;
    Ok(())
}

#[test]
fn frozen_models_are_their_nets() -> Result<()> {
    frozen!(Outside, OutsideFrozen, x: seq [cfg::STEPS as i64, 5, 6]);
    frozen!(OutsideS, OutsideSFrozen, x: seq [cfg::STEPS as i64, 5, 6]);
    frozen!(Wide<7>, WideFrozen<7>, x: seq [3, 5, 6]);
    unfrozen!(Own, "Own.twice", "a function of your own");
    unfrozen!(OwnS, "OwnS.twice", "a function of your own");
    unfrozen!(Fails, "Fails.blend", "a function of your own");
    Ok(())
}
