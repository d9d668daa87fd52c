//! Reports on nets. In: nets with blocks, containers, residuals and several inputs; out: operations that are those counted by hand, firing rates,
//! and an estimate of memory that grows as training does.

mod support;

use snn::monitor::Health;
use snn::report::{self, Energy, Input, Optimizer, Work};
use snn::{Kind, Recording, Result, Steps, Tensor, snn_net};
use support::{assert_near, assert_says, input, rand, shake, store};

snn_net! {
    block Residual(c) {
        conv: [Conv2d(_, c, 3, padding = 1, bias = false), BatchNorm2d(_), #[record(spikes)] IFNode()],
        forward(x) { sew_add(conv(x), x) }
    }

    /// What does not change with time, a block twice, pools, containers, two inputs.
    net Whole(x: [2, 8, 8], gate: [T, 4, 8, 8]) -> [3] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        stem: Conv2d(_, 4, 3, padding = 1), #[record(spikes, voltage)] sn: LIFNode(v_threshold = 0.5),
        layer: [Residual(4); 2],
        pool: MaxPool2d(2), down: AvgPool2d(2),
        head: SeqToANNContainer([Flatten(), fc: Linear(_, 6)]),
        #[record(voltage)]
        quiet: IFNode(v_threshold = 1e9),
        rec: LinearRecurrentContainer([inner: Linear(_, 5), IFNode(v_threshold = 0.3)], 6, 5),
        last: Linear(_, 3),
        forward(x, gate) {
            mean_over_time(last(rec(quiet(head(down(pool(layer(mul(sn(stem(x)), gate)))))))))
        }
    }

    /// The tutorial's shape, small, at once and step by step.
    net AtOnce(x: [1, 8, 8]) -> [5] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        conv1: Conv2d(_, 3, 3, padding = 1, bias = false), BatchNorm2d(_), #[record(spikes)] sn1: IFNode(), MaxPool2d(2),
        conv2: Conv2d(_, 3, 3, padding = 1, stride = 2), BatchNorm2d(_), #[record(spikes)] sn2: IFNode(),
        Flatten(), fc: Linear(_, 5, bias = false), #[record(spikes)] sn3: IFNode(v_threshold = 0.2),
        MeanOverTime(),
    }
    net InSteps(x: [1, 8, 8]) -> [5] {
        T = 4;
        step_mode = 's';
        surrogate = ATan;
        conv1: Conv2d(_, 3, 3, padding = 1, bias = false), BatchNorm2d(_), #[record(spikes)] sn1: IFNode(), MaxPool2d(2),
        conv2: Conv2d(_, 3, 3, padding = 1, stride = 2), BatchNorm2d(_), #[record(spikes)] sn2: IFNode(),
        Flatten(), fc: Linear(_, 5, bias = false), #[record(spikes)] sn3: IFNode(v_threshold = 0.2),
        MeanOverTime(),
    }
}

/// Zeros and ones.
fn spikes(sizes: &[i64]) -> Tensor {
    rand(sizes).gt(0.5).to_kind(Kind::Float)
}

/// Additions that spikes cause in a convolution: each output that sees a spike adds a weight.
fn uses(x: &Tensor, outputs: i64, stride: i64) -> f64 {
    let ones = Tensor::ones([outputs, x.size()[1], 3, 3], support::F32);
    x.conv2d(&ones, None::<Tensor>, [stride], [1], [1], 1).sum(Kind::Double).double_value(&[])
}

#[test]
fn operations_are_those_of_the_spikes_that_arrive() -> Result<()> {
    let (va, mut vb) = (store(), store());
    let (m, s) = (AtOnce::new(&va.root())?, InSteps::new(&vb.root())?);
    shake(&va);
    vb.copy(&va)?;
    let image = input(&[6, 1, 8, 8]);
    let x = AtOnce::input(image.shallow_clone())?;
    let activity = m.measure(&x)?;
    let report = m.ops_report(&activity);
    let (_, rec) = m.forward_recorded(&x, false)?;

    // The first layer is given an image, once.
    let row = |name: &str| report.rows().iter().find(|row| row.name == name).expect("a row");
    let conv1 = row("conv1");
    assert_eq!((conv1.work, conv1.dense, conv1.macs, conv1.acs), (Work::Synapses(Input::Numbers), 1728.0, 1728.0, 0.0));
    // The others are given spikes, of which those at the border are seen by fewer windows.
    let pooled = rec.sn1.spikes.flatten(0, 1).max_pool2d([2], [2], [0], [1], false);
    assert!(pooled.sum(Kind::Float).double_value(&[]) > 0.0);
    let conv2 = row("conv2");
    assert_eq!((conv2.macs, conv2.dense, conv2.acs), (0.0, 4.0 * 81.0 * 4.0, uses(&pooled, 3, 2) / 6.0));
    let Work::Synapses(Input::Spikes(rate)) = conv2.work else { panic!("{conv2:?}") };
    assert!((rate - pooled.mean(Kind::Double).double_value(&[])).abs() < 1e-9);
    let sent = rec.sn2.spikes.sum(Kind::Double).double_value(&[]);
    assert_eq!(row("fc").acs, 5.0 * sent / 6.0);
    assert_eq!((row("batchnorm2d1").work, row("batchnorm2d1").macs), (Work::Folded, 0.0));
    assert_eq!((report.macs(), report.synops(), report.acs()), (1728.0, conv2.acs + row("fc").acs, report.synops()));
    assert_eq!(report.energy_pj(), report.macs() * 4.6 + report.acs() * 0.9);
    let dear = report.clone().with_energy(Energy { mac_pj: 1.0, ac_pj: 2.0, source: "a test" });
    assert_eq!(dear.energy_pj(), report.macs() + 2.0 * report.acs());
    for (part, text) in [
        ("conv2", report.to_string()),
        ("4.6 pJ a MAC, 0.9 pJ an AC (32-bit floats, 45 nm: Horowitz", report.to_string()),
        ("(a test)", dear.to_string()),
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }

    // Step by step the same is found.
    let stepped = s.ops_report(&s.measure(&InSteps::input(image)?)?);
    assert_eq!(stepped.rows(), report.rows());
    // Rates of all neurons, recorded or not.
    let (measured, recorded) = (activity.firing_rates()?, rec.firing_rates()?);
    assert_eq!(measured.layers.len(), 3);
    for (a, b) in measured.layers.iter().zip(&recorded.layers) {
        assert!(a.layer == b.layer && (a.rate - b.rate).abs() < 1e-9 && (a.silent - b.silent).abs() < 1e-6, "{a:?} {b:?}");
    }
    Ok(())
}

#[test]
fn batches_and_chunks_add_up() -> Result<()> {
    let vs = store();
    let net = AtOnce::new(&vs.root())?;
    shake(&vs);
    let image = input(&[6, 1, 8, 8]);
    let whole = net.measure(&AtOnce::input(image.shallow_clone())?)?;
    let mut sum = net.measure(&AtOnce::input(image.narrow(0, 0, 2))?)?;
    sum.add(net.measure(&AtOnce::input(image.narrow(0, 2, 4))?)?)?;
    assert_eq!((sum.samples(), net.ops_report(&sum)), (6, net.ops_report(&whole)));
    let mut state = net.state(6);
    let x = AtOnce::input(image)?;
    let (_, chunk) = report::measure(6, || net.forward_chunk(&x, 4, &mut state, false))?;
    assert_eq!(net.ops_report(&chunk), net.ops_report(&whole));
    // Nothing was measured: told, and counted as numbers.
    let none = net.ops_report(&report::Activity::default());
    assert_eq!((none.rows()[0].work, none.macs()), (Work::NotMeasured, 1728.0 + 1296.0 + 240.0));
    assert!(none.to_string().contains("warning: nothing was measured at conv1, conv2, fc"), "{none}");
    let other = Whole::new(&store().root())?;
    let (x, gate) = Whole::input(input(&[2, 2, 8, 8]), spikes(&[4, 2, 4, 8, 8]))?;
    assert_says(sum.add(other.measure(&x, &gate)?), &["AtOnce.conv1", "one net"]);
    Ok(())
}

#[test]
fn all_kinds_of_wiring_are_counted() -> Result<()> {
    let vs = store();
    let net = Whole::new(&vs.root())?;
    shake(&vs);
    let (x, gate) = Whole::input(input(&[3, 2, 8, 8]), spikes(&[4, 3, 4, 8, 8]))?;
    let activity = net.measure(&x, &gate)?;
    let report = net.ops_report(&activity);
    let row = |name: &str| report.rows().iter().find(|row| row.name == name).unwrap_or_else(|| panic!("{name} in\n{report}"));
    // Every layer that computes has been measured, under its name; together they do what the table says.
    let odd: Vec<&str> =
        report.rows().iter().filter(|row| row.work == Work::NotMeasured || row.layer.is_empty()).map(|row| row.name.as_str()).collect();
    assert!(odd.is_empty(), "{odd:?} in\n{report}");
    let dense: f64 = report.rows().iter().map(|row| row.dense).sum();
    assert_eq!(dense, Whole::SUMMARY.macs() as f64);
    // Behind a residual whole numbers arrive: a 2 is two spikes.
    let (_, rec) = net.forward_recorded(&x, &gate, false)?;
    let first = &rec.sn.spikes * &*gate;
    let second = &first + &rec.layer[0].conv.2.spikes;
    assert!(second.max().double_value(&[]) > 1.0);
    assert!((row("layer.0.conv.0").acs - uses(&first.flatten(0, 1), 4, 1) / 3.0).abs() < 1e-6);
    assert!((row("layer.1.conv.0").acs - uses(&second.flatten(0, 1), 4, 1) / 3.0).abs() < 1e-6);
    // A mean of spikes is a number.
    assert_eq!((row("down").work, row("head.fc").work), (Work::Sums, Work::Synapses(Input::Numbers)));
    assert_eq!((activity.input("stem"), activity.input("quiet")), (Some(Input::Numbers), None));

    let rates = rec.firing_rates()?;
    let names: Vec<&str> = rates.layers.iter().map(|rate| rate.layer.as_str()).collect();
    assert_eq!(names, ["sn", "layer.0.conv.2", "layer.1.conv.2"]);
    assert!(rates.to_string().ends_with("no spikes were recorded of quiet: `#[record(spikes)]`"), "{rates}");
    let all = activity.firing_rates()?;
    let unwell: Vec<(&str, Health)> = all.unwell().map(|(rate, health)| (rate.layer.as_str(), health)).collect();
    assert!(unwell.contains(&("quiet", Health::Dead)), "{all}");
    assert!(all.clone().with_limits(1.5, 2.0).unwell().count() == all.layers.len());
    assert_near(&*net.forward(&x, &gate)?, &*net.forward(&x, &gate)?, 0.0);

    let mut state = net.state(3);
    let gate = Steps::from(gate);
    let (_, rec) = net.forward_chunk_recorded(&x, &gate, &mut state, false)?;
    assert_eq!(rec.firing_rates()?.layers.len(), 3);
    Ok(())
}

#[test]
fn memory_grows_with_batch_optimizer_and_kind() {
    let memory = |batch, optimizer, kind| AtOnce::SUMMARY.training_memory(batch, optimizer, kind);
    let one = memory(1, Optimizer::Sgd, Kind::Float);
    assert_eq!((one.weights, one.gradients, one.optimizer), (4 * AtOnce::SUMMARY.params(), one.weights, 0));
    let (many, adam) = (memory(10, Optimizer::Sgd, Kind::Float), memory(10, Optimizer::Adam, Kind::Double));
    assert_eq!((many.weights, many.activations), (one.weights, 10 * one.activations));
    assert_eq!((adam.weights, adam.optimizer, adam.activations), (2 * one.weights, 4 * one.weights, 20 * one.activations));
    // By hand: the image; what conv1 makes, for its normalisation, and the normalised for sn1, once: the input is static. A byte for each window;
    // what goes into conv2, and what comes out, for the neuron that normalises it; the spikes for fc, and what sn3 is given: at each of 4 steps.
    let numbers = 64 + 192 + 192 + 4 * (48 / 4 + 48 + 12 + 12 + 5);
    assert_eq!(one.activations, 4 * numbers);
    // Step by step the normalised input is written, and each step keeps the potential before it.
    let stepped = InSteps::SUMMARY.training_memory(1, Optimizer::Sgd, Kind::Float);
    assert_eq!(stepped.activations, 4 * (numbers + 4 * (12 + 192 + 12 + 5)));
    assert!(one.to_string().contains("activations for backward"), "{one}");
}
