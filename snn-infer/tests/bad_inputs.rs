//! What no frozen net can work with. In: graphs, weights, inputs and states that do not fit; out: an error that names the net or the layer and
//! what it wants, never a panic.

mod support;

use snn_infer::{
    AdaptiveAvgPoolConfig, AvgPoolConfig, Builder, Conv2dConfig, ConvTransposeConfig, DelayConfig, Error, Frozen, GroupNormConfig,
    LinearConfig, MaxPoolConfig, Model, Result, UpsampleConfig, Value, VotingLayerConfig, frozen,
};
use snn_kernels::{IFNodeConfig, LIFNodeConfig};
use support::{Numbers, Weights};

const MOST: usize = usize::MAX;

#[track_caller]
fn says<T: std::fmt::Debug>(result: Result<T>, start: &str, parts: &[&str]) {
    let error = result.unwrap_err().to_string();
    assert!(error.starts_with(start) && parts.iter().all(|part| error.contains(part)), "{error}");
}

/// What freezing a layer behind an input says.
fn on(shape: &[usize], layer: impl FnOnce(&mut Builder, &[Value]) -> Result<Value>) -> Result<Value> {
    let mut b = Builder::new("Net", 2);
    let x = b.input("x", shape, true);
    layer(&mut b, &[x])
}

#[test]
fn sizes_that_no_memory_has_are_named() {
    let conv = || Conv2dConfig::new(1, 1, [3, 3]);
    let image = [1, 8, 8];
    let too_many = "windows of at most 2^28 cells";
    let cases: Vec<(Result<Value>, &str)> = vec![
        (on(&image, |b, x| frozen::Conv2d::freeze(b, "it", Conv2dConfig { padding: [[MOST; 2]; 2], ..conv() }, x)), "3x3 kernel"),
        (on(&image, |b, x| frozen::Conv2d::freeze(b, "it", Conv2dConfig { padding: [[1 << 40; 2]; 2], ..conv() }, x)), too_many),
        (on(&image, |b, x| frozen::Conv2d::freeze(b, "it", Conv2dConfig { dilation: [MOST; 2], ..conv() }, x)), "3x3 kernel"),
        (on(&image, |b, x| frozen::Conv2d::freeze(b, "it", Conv2dConfig { kernel_size: [MOST; 2], ..conv() }, x)), "kernel"),
        (on(&[1 << 20, 8, 8], |b, x| frozen::Conv2d::freeze(b, "it", conv(), x)), "wants [1, H, W], but gets [1048576, 8, 8]"),
        (
            on(&image, |b, x| {
                frozen::ConvTranspose2d::freeze(
                    b,
                    "it",
                    ConvTransposeConfig { stride: [MOST; 2], ..ConvTransposeConfig::new(1, 1, [3, 3]) },
                    x,
                )
            }),
            "enough cells",
        ),
        (
            on(&image, |b, x| {
                frozen::ConvTranspose2d::freeze(
                    b,
                    "it",
                    ConvTransposeConfig { stride: [1 << 40; 2], ..ConvTransposeConfig::new(1, 1, [3, 3]) },
                    x,
                )
            }),
            too_many,
        ),
        (
            on(&image, |b, x| frozen::MaxPool2d::freeze(b, "it", MaxPoolConfig { dilation: [MOST; 2], ..MaxPoolConfig::new([2, 2]) }, x)),
            "2x2 window",
        ),
        (on(&image, |b, x| frozen::AvgPool2d::freeze(b, "it", AvgPoolConfig::new([MOST, MOST]), x)), "window"),
        (
            on(&image, |b, x| {
                frozen::AdaptiveAvgPool2d::freeze(b, "it", AdaptiveAvgPoolConfig { output_size: [Some(1 << 30), Some(1 << 30)] }, x)
            }),
            too_many,
        ),
        (
            on(&image, |b, x| frozen::Upsample::freeze(b, "it", UpsampleConfig { size: Some(vec![1 << 40]), ..Default::default() }, x)),
            "2^28",
        ),
        (
            on(&image, |b, x| {
                frozen::Upsample::freeze(b, "it", UpsampleConfig { scale_factor: Some(vec![1e30]), ..Default::default() }, x)
            }),
            "2^28",
        ),
        (on(&[8], |b, x| frozen::VotingLayer::freeze(b, "it", VotingLayerConfig { voting_size: MOST }, x)), "multiple"),
        (
            on(&[8, 2], |b, x| frozen::GroupNorm::freeze(b, "it", GroupNormConfig { num_groups: MOST, ..GroupNormConfig::new(1, 8) }, x)),
            "`num_channels`",
        ),
    ];
    for (result, part) in cases {
        says(result, "Net.it: ", &[part]);
    }
    // What goes out, or in, is too much: the next layer says so.
    let behind = |b: &mut Builder, y: Value| frozen::IFNode::freeze(b, "sn", IFNodeConfig::default(), &[y]);
    let much = "numbers a sample, but has";
    let linear = on(&[8], |b, x| {
        let y = frozen::Linear::freeze(b, "fc", LinearConfig::new(8, MOST), x)?;
        behind(b, y)
    });
    says(linear, "Net: `fc` must have from 1 to 2^40", &[much]);
    for shape in [&[MOST, 2][..], &[0], &[3, 0], &[1 << 40]] {
        says(on(shape, |b, x| behind(b, x[0])), "Net: `x` must have from 1 to 2^40", &[much]);
    }
    let mut b = Builder::new("Net", 0);
    let x = b.input("x", &[2], true);
    says(behind(&mut b, x), "Net: `x` must have", &["at each of 0 steps"]);
    // More steps back than there are: nothing ever arrives.
    assert!(on(&[2], |b, x| frozen::Delay::freeze(b, "it", DelayConfig { delay_steps: 1 << 20 }, x)).is_ok());
}

#[test]
fn values_of_another_builder_are_refused() {
    let mut other = Builder::new("Other", 2);
    let strange = other.input("x", &[4], true);
    let mut b = Builder::new("Net", 2);
    let x = b.input("x", &[4], true);
    let another = "is a value of another builder";
    says(frozen::IFNode::freeze(&mut b, "sn", IFNodeConfig::default(), &[strange]), "Net.sn: `args[0]`", &[another, "help"]);
    says(b.function("add", &[x, strange]), "Net.add: `args[1]`", &[another]);
    says(b.function("mean_over_time", &[strange]), "Net.mean_over_time: `args[0]`", &[another]);
    says(b.recurrent("rec", strange, &[4], |_, _, x| Ok(x)), "Net.rec: `args[0]`", &[another]);
    // A body that looks past what it is given.
    says(b.recurrent("rec", x, &[4], |_, _, _| Ok(x)), "Net.rec: `args[0]`", &[another, "the two that come in"]);
    says(b.recurrent("rec", x, &[4], |b, y, _| b.function("add", &[y, x])), "Net.add: `args[1]`", &[another]);
    says(b.shape(strange).map(<[usize]>::to_vec), "Net: `args[0]`", &[another]);
    assert_eq!(b.shape(x).unwrap(), [4]);
    b.output("y", strange);
    let graph = b.finish();
    says(Model::new(graph.clone(), |_| None), "Net: `y` is a value of another builder", &[]);
    says(Model::load(graph.clone(), "/there/is/no/such/file"), "Net: `y` is a value of another builder", &[]);
    says(graph.to_nir(|_| None, 1e-3), "Net: `y` is a value of another builder", &[]);
}

#[test]
fn the_number_of_values_is_checked() {
    let mut b = Builder::new("Net", 2);
    let x = b.input("x", &[4], true);
    for args in [&[][..], &[x, x]] {
        says(frozen::Linear::freeze(&mut b, "fc", LinearConfig::new(4, 2), args), "Net.fc: wants one value", &[]);
        says(frozen::LIFNode::freeze(&mut b, "sn", LIFNodeConfig::default(), args), "Net.sn: wants one value", &[]);
        says(
            frozen::Flatten::freeze(&mut b, "flat", snn_infer::FlattenConfig { start_dim: 1, end_dim: 1 }, args),
            "Net.flat: wants one value",
            &[],
        );
        says(b.function("last_step", args), "Net.last_step: wants one sequence", &[]);
    }
    says(b.function("add", &[]), "Net.add: wants at least one value", &[]);
    says(b.function("sew_iand", &[x]), "Net.sew_iand: wants two values", &[]);
    says(b.function("softmax", &[x]), "Net.softmax: ", &["no function of the language"]);
    // Leaving more lists than were entered is no matter.
    b.leave();
    b.leave();
    assert!(b.function("add", &[x, x]).is_ok());
}

fn model() -> Result<Model> {
    let mut b = Builder::new("Net", 3);
    let x = b.input("x", &[4], true);
    let y = frozen::Linear::freeze(&mut b, "fc", LinearConfig::new(4, 5), &[x])?;
    let y = frozen::LIFNode::freeze(&mut b, "sn", LIFNodeConfig { v_threshold: 0.25, ..Default::default() }, &[y])?;
    let y = b.recurrent("rec", y, &[5], |b, y, x| {
        let both = b.function("add", &[y, x])?;
        frozen::IFNode::freeze(b, "sn", IFNodeConfig::default(), &[both])
    })?;
    b.output("y", y);
    Model::new(b.finish(), Weights::new(&[("fc.weight", &[5, 4]), ("fc.bias", &[5])]).source())
}

#[test]
fn weights_that_do_not_fit_are_listed() -> Result<()> {
    let graph = || {
        let mut b = Builder::new("Net", 3);
        let x = b.input("x", &[4], true);
        let y = frozen::Linear::freeze(&mut b, "fc", LinearConfig::new(4, 5), &[x])?;
        b.output("y", y);
        Ok::<_, Error>(b.finish())
    };
    says(Model::new(graph()?, |_| None), "the weights do not fit `Net`", &["missing: fc: weight, bias"]);
    let short = |name: &str| Some(if name == "fc.weight" { (vec![5, 4], vec![0.0; 3]) } else { (vec![MOST, MOST], vec![]) });
    says(
        Model::new(graph()?, short),
        "the weights do not fit `Net`",
        &["fc: weight wants [5, 4], but gets [3]", "bias wants [5], but gets [0]"],
    );
    Ok(())
}

#[test]
fn states_of_any_batch_and_net_are_no_panic() -> Result<()> {
    let mut net = model()?;
    let (x, mut y) = (Numbers::new(3).take(2 * 4), [0.0; 2 * 5]);
    // No machine has the memory: nothing is taken before the inputs are seen.
    let mut huge = net.state(MOST);
    assert_eq!(huge.batch(), MOST);
    says(net.step(&[&x], &mut [&mut y], &mut huge), "Net: its state is for a batch of 18446744073709551615, but gets 2", &["state(2)"]);
    says(net.step(&[&x], &mut [&mut y], &mut net.state(0)), "Net: its state is for a batch of 0, but gets 2", &[]);
    // Of another net: before its first step and behind it.
    let mut b = Builder::new("Other", 3);
    let port = b.input("x", &[4], true);
    let sum = frozen::IFNode::freeze(&mut b, "sn", IFNodeConfig::default(), &[port])?;
    b.output("y", sum);
    let mut other = Model::new(b.finish(), |_| None)?;
    let mut s = other.state(2);
    says(net.step(&[&x], &mut [&mut y], &mut s), "Net: the state is not one of this net's", &["state(2)"]);
    other.step(&[&x], &mut [&mut y[..8]], &mut s)?;
    says(net.step(&[&x], &mut [&mut y], &mut s), "Net: the state is not one of this net's", &[]);
    // A state that was refused is as it was.
    let mut s = net.state(2);
    net.step(&[&x], &mut [&mut y], &mut s)?;
    let first = y;
    s.reset();
    net.step(&[&x], &mut [&mut y], &mut s)?;
    assert_eq!(y, first);
    Ok(())
}

#[test]
fn inputs_and_outputs_are_counted() -> Result<()> {
    let mut net = model()?;
    let (x, mut y) = ([0.0; 24], [0.0; 30]);
    says(net.infer(&[], &mut [&mut y]), "Net: wants 1 inputs, but gets 0", &[]);
    says(net.infer(&[&x, &x], &mut [&mut y]), "Net: wants 1 inputs, but gets 2", &[]);
    says(net.infer(&[&x], &mut []), "Net: wants 1 outputs, but gets 0", &[]);
    says(net.infer(&[&x[..23]], &mut [&mut y]), "Net input `x`: wants a multiple of 12 numbers, [3, N, 4], but gets 23", &[]);
    says(net.infer(&[&x], &mut [&mut y[..29]]), "Net output `y`: wants 30 numbers, [3, 2, 5], but gets 29", &["the first input says"]);
    // No samples are none, and a firing rate of nothing is 0.
    net.infer(&[&[]], &mut [&mut []])?;
    assert!(net.firing_rates().all(|(_, rate)| rate == 0.0));
    net.step(&[&[]], &mut [&mut []], &mut net.state(0))?;
    assert_eq!((net.output_len(0), net.output_len(1), net.output_len(MOST)), (15, 0, 0));
    // Not a number is a number to it, and no spike.
    net.infer(&[&[f32::NAN; 12]], &mut [&mut y[..15]])?;
    assert!(y[..15].iter().all(|y| *y == 0.0));
    Ok(())
}
