//! Nets of layers with a memory, and of attention. In: random sequences; out: the same in both step modes, in pieces, and what the summary
//! says of their state.

mod support;

use snn::{Kind, Result, State, Steps, Tensor, nn, snn_net};
use support::frozen::{frozen, unfrozen};
use support::{assert_near, assert_says, input, rand, store};

mod cfg {
    pub(crate) const ACTIVATION: snn::Activation = snn::Activation::Tanh;
    pub(crate) const STEPS: usize = 5;
    pub(crate) const CHANNELS: usize = 3;
}

snn_net! {
    net InSteps(x: [T, 3, 4, 5]) -> [T, 6] {
        T = 5;
        step_mode = 's';
        norm: NeuNorm(_, _, _), drop: Dropout2d(0.2), Flatten(), late: Delay(2),
        fc: DropConnectLinear(_, 6, p = 0.0, activation = sigmoid), syn: SynapseFilter(tau = 4.0, learnable = true),
    }

    net AtOnce(x: [T, 3, 4, 5]) -> [T, 6] {
        T = 5;
        step_mode = 'm';
        norm: NeuNorm(_, _, _), drop: Dropout2d(0.2), Flatten(), late: Delay(2),
        fc: DropConnectLinear(_, 6, p = 0.0, activation = sigmoid), syn: SynapseFilter(tau = 4.0, learnable = true),
    }
}

snn_net! {
    /// An activation handed to a block, one from outside, and none.
    block Dropped(n, act = relu) { fc: DropConnectLinear(_, n, p = 0.0, activation = act) }

    net Activations(x: [T, 7]) -> ([T, 4], [T, 4], [T, 4]) {
        T = 2;
        step_mode = 'm';
        a: Dropped(4, act = tanh), b: DropConnectLinear(_, 4, p = 0.0, activation = cfg::ACTIVATION),
        c: DropConnectLinear(_, 4, p = 0.0, activation = None),
        forward(x) { (a(x), b(x), c(x)) }
    }
}

snn_net! {
    /// Sizes that only rustc knows.
    net Attention(x: [T, cfg::CHANNELS, 4, 5]) -> [T, 60] {
        T = cfg::STEPS;
        step_mode = 'm';
        mda: MultiDimensionalAttention(_, _, 2, 2), NeuNorm(cfg::CHANNELS, 4, 5), Flatten(), late: Delay(delay_steps = cfg::CHANNELS),
        twa: TemporalWiseAttention(_, reduction = cfg::CHANNELS, dimension = 2),
    }
}

snn_net! {
    /// A static input becomes a sequence where something remembers.
    net Shown(x: [4]) -> [T, 4] {
        T = 3;
        step_mode = 'm';
        syn: SynapseFilter(tau = 2.0),
    }
}

fn build<N>(new: impl FnOnce(&nn::Path<'_>) -> Result<N>) -> Result<(nn::VarStore, N)> {
    let vs = store();
    let net = new(&vs.root())?;
    Ok((vs, net))
}

#[test]
fn both_step_modes_give_the_same() -> Result<()> {
    let ((mut to, steps), (from, whole)) = (build(InSteps::new)?, build(AtOnce::new)?);
    to.copy(&from)?;
    let x = rand(&[5, 2, 3, 4, 5]).ge(0.5).to_kind(Kind::Float);
    let (mut a, mut b) = (steps.state(2), whole.state(2));
    // One mask for both: what is drawn is another matter.
    let mask = rand(&[2, 3, 1, 1]).ge(0.2).to_kind(Kind::Float).expand([2, 3, 4, 5], false);
    (a.drop.mask, b.drop.mask) = (Some(mask.shallow_clone()), Some(mask));
    let y = whole.forward_chunk(&Steps::new(x.shallow_clone())?, &mut b, true)?;
    for t in 0..5 {
        let y_t = steps.step_t(&snn::Static::new(x.get(t))?, &mut a, true)?;
        assert_near(&y_t, &y.get(t), 1e-6);
    }
    let names = |s: Vec<(String, Tensor)>| s.into_iter().map(|(name, t)| (name, t.size())).collect::<Vec<_>>();
    let (a, b) = (names(a.named_tensors()), names(b.named_tensors()));
    assert_eq!(a, b);
    let want = ["norm.x", "drop.mask", "late.queue.0", "late.queue.1", "fc.dropped_w", "fc.dropped_b", "syn.out_i"];
    assert_eq!(a.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), want);
    Ok(())
}

#[test]
fn the_summary_counts_what_is_carried() {
    let state = |name: &str| AtOnce::SUMMARY.rows.iter().find(|row| row.name == name).map(|row| row.state);
    assert_eq!([state("norm"), state("late"), state("syn"), state("fc")], [Some(20), Some(120), Some(6), Some(0)]);
}

#[test]
fn activations_are_named_in_every_way() -> Result<()> {
    let (vs, net) = build(Activations::new)?;
    let variables = vs.variables();
    let x = input(&[2, 3, 7]);
    let (a, b, c) = net.forward_t(&Activations::input(x.shallow_clone())?, true)?;
    let linear = |name: &str| x.linear(&variables[&format!("{name}.weight")], Some(&variables[&format!("{name}.bias")]));
    assert_near(&a, &linear("a.fc").tanh(), 1e-6);
    assert_near(&b, &linear("b").tanh(), 1e-6);
    assert_near(&c, &linear("c"), 1e-6);
    Ok(())
}

#[test]
fn attention_in_a_net_with_outside_sizes() -> Result<()> {
    let (_vs, net) = build(Attention::new)?;
    let y = net.forward(&Attention::input(input(&[5, 2, 3, 4, 5]))?)?;
    assert_eq!(y.size(), [5, 2, 60]);
    // Three steps later, behind gates that are below 1.
    assert_eq!(y.narrow(0, 0, 3).abs().max().double_value(&[]), 0.0);
    let mut s = net.state(2);
    let three = Steps::new(input(&[3, 2, 3, 4, 5]))?;
    assert_says(net.forward_chunk(&three, &mut s, false), &["Attention.mda", "[5, N, 3, H, W]"]);
    Ok(())
}

#[test]
fn a_static_input_is_remembered_step_by_step() -> Result<()> {
    let (_vs, net) = build(Shown::new)?;
    let x = input(&[2, 4]);
    let y = net.forward(&Shown::input(x.shallow_clone())?)?;
    assert_eq!(y.size(), [3, 2, 4]);
    assert_near(&y.get(0), &x, 1e-6);
    assert_near(&y.get(1), &(&x - (1.0 - &x) * &x * 0.5 + &x), 1e-6);
    let mut s = net.state(2);
    let _ = net.forward_from(&Shown::input(x)?, &mut s, false)?;
    State::reset(&mut s);
    assert!(s.named_tensors().is_empty());
    Ok(())
}

#[test]
fn frozen_models_are_their_nets() -> Result<()> {
    unfrozen!(InSteps, "InSteps.norm", "`NeuNorm`");
    unfrozen!(AtOnce, "AtOnce.norm", "`NeuNorm`");
    unfrozen!(Activations, "Activations.a.fc", "`DropConnectLinear`");
    unfrozen!(Attention, "Attention.mda", "`MultiDimensionalAttention`");
    frozen!(Shown, ShownFrozen, x: still [2, 4]);
    Ok(())
}
