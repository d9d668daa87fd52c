//! What a user does with a generated model: build it, check its input, run it whole, step by step and in pieces, record it.

mod support;

use snn::{Result, Static, Tensor, nn, snn_net};
use support::frozen::frozen;
use support::{assert_near, distance, input, names, shake, store};

snn_net! {
    /// Convolutional SNN, in miniature.
    pub net Csnn(x: [1, 12, 12]) -> [10] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        const CH: usize = 4;

        conv1: Conv2d(_, CH, kernel_size = 3, padding = 1, bias = false),
        bn1: BatchNorm2d(_),
        #[record(spikes)]
        sn1: IFNode(),
        MaxPool2d(2),

        conv2: Conv2d(_, CH, 3, padding = 1, bias = false),
        BatchNorm2d(_), #[record(spikes, voltage)] lif: LIFNode(tau = 2.0), MaxPool2d(2),

        Flatten(),
        fc1: Linear(_, CH * 4, bias = false), IFNode(),
        fc2: Linear(_, 10, bias = false), sn4: IFNode(),
        MeanOverTime(),
    }
}

snn_net! {
    /// A net on a sequence, with an output at every step.
    pub net Stream(x: [T, 6]) -> [T, 3] {
        T = 5;
        step_mode = 'm';
        surrogate = Sigmoid;

        fc1: Linear(_, 16), #[record(voltage)] sn1: LIFNode(tau = 2.0),
        fc2: Linear(_, 3), sn2: IFNode(v_reset = None),
    }
}

fn csnn() -> Result<(nn::VarStore, Csnn)> {
    let vs = store();
    let net = Csnn::new(&vs.root())?;
    shake(&vs);
    Ok((vs, net))
}

fn stream() -> Result<(nn::VarStore, Stream)> {
    let vs = store();
    let net = Stream::new(&vs.root())?;
    shake(&vs);
    Ok((vs, net))
}

fn image(batch: i64) -> Result<Static<snn::Shape3<1, 12, 12>>> {
    Csnn::input(input(&[batch, 1, 12, 12]))
}

#[test]
fn forward_gives_the_declared_shape() -> Result<()> {
    let (_vs, net) = csnn()?;
    let y: Static<snn::Shape1<10>> = net.forward(&image(3)?)?;
    assert_eq!((y.size(), y.batch()), (vec![3, 10], 3));
    assert!(y.tensor().min().double_value(&[]) >= 0.0 && y.tensor().max().double_value(&[]) <= 1.0, "firing rates");
    assert!(y.std(false).double_value(&[]) > 0.0, "not all the same: {}", y.tensor());
    assert_eq!(net.forward(&image(0)?)?.size(), [0, 10], "an empty batch");
    Ok(())
}

#[test]
fn layers_are_fields_and_weights_have_their_names() -> Result<()> {
    let (vs, net) = csnn()?;
    let want = [
        "batchnorm2d1.bias",
        "batchnorm2d1.num_batches_tracked",
        "batchnorm2d1.running_mean",
        "batchnorm2d1.running_var",
        "batchnorm2d1.weight",
        "bn1.bias",
        "bn1.num_batches_tracked",
        "bn1.running_mean",
        "bn1.running_var",
        "bn1.weight",
        "conv1.weight",
        "conv2.weight",
        "fc1.weight",
        "fc2.weight",
    ];
    assert_eq!(names(&vs), want);
    assert_eq!(net.conv1.weight.size(), [4, 1, 3, 3]);
    assert!(net.conv1.weight.equal(&vs.variables()["conv1.weight"]));
    assert!(net.batchnorm2d1.weight.is_some() && net.fc1.bias.is_none());
    Ok(())
}

#[test]
fn two_models_live_under_paths_of_their_own() -> Result<()> {
    let vs = store();
    let (_a, b) = (Stream::new(&(vs.root() / "a"))?, Stream::new(&(vs.root() / "b"))?);
    assert_eq!(vs.variables().len(), 8);
    assert!(b.fc1.weight.equal(&vs.variables()["b.fc1.weight"]));
    assert!(Stream::new(&(vs.root() / "a")).is_err(), "a name is taken once");
    Ok(())
}

#[test]
fn evaluation_is_forward_and_training_uses_the_batch() -> Result<()> {
    let (_vs, net) = csnn()?;
    let x = image(3)?;
    let y = net.forward(&x)?;
    assert_near(&y, &*net.forward_t(&x, false)?, 0.0);
    let batches = || net.bn1.running.as_ref().unwrap().num_batches_tracked.int64_value(&[]);
    assert_eq!(batches(), 0);
    let z = net.forward_t(&x, true)?;
    assert_eq!(batches(), 1, "one update for all steps");
    let ((_, evaluated), (_, trained)) = (net.forward_recorded(&x, false)?, net.forward_recorded(&x, true)?);
    assert!(distance(&evaluated.lif.voltage, &trained.lif.voltage) > 0.0);
    assert!(y.requires_grad() && z.requires_grad(), "differentiable either way");
    Ok(())
}

#[test]
fn every_forward_starts_afresh() -> Result<()> {
    let (_vs, net) = csnn()?;
    let x = image(3)?;
    assert_near(&*net.forward(&x)?, &*net.forward(&x)?, 0.0);
    Ok(())
}

#[test]
fn steps_are_the_forward_pass_taken_apart() -> Result<()> {
    let (_vs, net) = csnn()?;
    let x = image(3)?;
    let mut s = net.state(3);
    let steps = (0..Csnn::T).map(|_| Ok(net.step(&x, &mut s)?.into_tensor())).collect::<Result<Vec<Tensor>>>()?;
    let mean = Tensor::stack(&steps, 0).mean_dim(0, false, None);
    assert_near(&mean, &*net.forward(&x)?, 1e-6);

    let (_vs, net) = stream()?;
    let x = Stream::input(input(&[5, 3, 6]))?;
    let y = net.forward(&x)?;
    let mut s = net.state(3);
    for t in 0..5 {
        let step = net.step(&x.step(t).expect("five steps"), &mut s)?;
        assert_near(&step, &y.get(t as i64), 0.0);
    }
    assert!(x.step(5).is_none());
    Ok(())
}

#[test]
fn a_long_sequence_may_run_in_pieces() -> Result<()> {
    let (_vs, net) = stream()?;
    let long = input(&[10, 2, 6]);
    let whole = net.forward_chunk(&snn::Steps::new(long.shallow_clone())?, &mut net.state(2), false)?;
    assert_eq!((whole.steps(), whole.batch(), whole.size()), (10, 2, vec![10, 2, 3]));

    let mut s = net.state(2);
    let halves = [0, 5].map(|t| net.forward_from(&Stream::input(long.narrow(0, t, 5)).unwrap(), &mut s, false).unwrap().into_tensor());
    assert_near(&Tensor::cat(&halves, 0), &whole, 0.0);

    let mut s = net.state(2);
    let mut pieces = Vec::new();
    for (from, len) in [(0, 1), (1, 6), (7, 3)] {
        pieces.push(net.forward_chunk(&snn::Steps::new(long.narrow(0, from, len))?, &mut s, false)?.into_tensor());
    }
    assert_near(&Tensor::cat(&pieces, 0), &whole, 0.0);
    Ok(())
}

#[test]
fn a_static_input_may_be_shown_any_number_of_times() -> Result<()> {
    let (_vs, net) = csnn()?;
    let x = image(2)?;
    assert_near(&*net.forward_chunk(&x, 4, &mut net.state(2), false)?, &*net.forward(&x)?, 0.0);
    // The mean of 2 + 6 steps, by hand and as one.
    let mut s = net.state(2);
    let (a, b) = (net.forward_chunk(&x, 2, &mut s, false)?, net.forward_chunk(&x, 6, &mut s, false)?);
    let whole = net.forward_chunk(&x, 8, &mut net.state(2), false)?;
    assert_near(&((a.tensor() * 2.0 + b.tensor() * 6.0) / 8.0), &whole, 1e-6);
    support::assert_says(net.forward_chunk(&x, 0, &mut s, false), &["Csnn", "step"]);
    support::assert_says(net.forward_chunk(&x, -3, &mut s, false), &["Csnn", "-3"]);
    Ok(())
}

#[test]
fn recordings_are_typed_and_change_nothing() -> Result<()> {
    let (_vs, net) = csnn()?;
    let x = image(3)?;
    let (y, rec) = net.forward_recorded(&x, false)?;
    assert_near(&y, &*net.forward(&x)?, 0.0);
    assert_eq!(rec.sn1.spikes.size(), [4, 3, 4, 12, 12]);
    assert_eq!(rec.lif.spikes.size(), [4, 3, 4, 6, 6]);
    assert_eq!(rec.lif.voltage.size(), [4, 3, 4, 6, 6]);
    assert!(!rec.sn1.spikes.requires_grad());
    let zeros_and_ones = |t: &Tensor| (t * (t - 1.0)).abs().max().double_value(&[]) == 0.0;
    assert!(zeros_and_ones(&rec.sn1.spikes) && !zeros_and_ones(&rec.lif.voltage));
    let rate = snn::monitor::FiringRate::of("sn1", &rec.sn1.spikes)?.rate;
    assert_eq!(rate, rec.sn1.spikes.mean(snn::Kind::Double).double_value(&[]));
    Ok(())
}

#[test]
fn the_recorded_potential_is_the_states() -> Result<()> {
    let (_vs, net) = stream()?;
    let x = Stream::input(input(&[5, 3, 6]))?;
    let (_, rec) = net.forward_recorded(&x, false)?;
    let mut s = net.state(3);
    for t in 0..5 {
        let _ = net.step(&x.step(t).expect("five steps"), &mut s)?;
        assert_near(&rec.sn1.voltage.get(t as i64), s.sn1.v.as_ref().expect("a potential"), 1e-5);
    }
    let (_, rec) = net.forward_chunk_recorded(&snn::Steps::from(x), &mut s, false)?;
    assert_near(&rec.sn1.voltage.get(4), s.sn1.v.as_ref().expect("a potential"), 0.0);
    Ok(())
}

#[test]
fn the_summary_counts_what_the_model_has() -> Result<()> {
    let (vs, net) = csnn()?;
    let learnable: i64 = vs.trainable_variables().iter().map(|t| t.numel() as i64).sum();
    assert_eq!(Csnn::SUMMARY.params() as i64, learnable);
    let mut s = net.state(2);
    let _ = net.step(&image(2)?, &mut s)?;
    let stored: usize = s.named_tensors().iter().map(|(_, t)| t.numel()).sum();
    assert_eq!(Csnn::SUMMARY.state_bytes(), stored / 2 * 4);
    // conv1 and bn1 run once, for the input is static; the others at every step. A norm is one MAC per element.
    let (once, each) = (4 * 9 * 144 + 4 * 144, 4 * 4 * 9 * 36 + 4 * 36 + 36 * 16 + 16 * 10);
    assert_eq!(Csnn::SUMMARY.macs(), once + 4 * each);
    assert_eq!((Csnn::SUMMARY.net, Csnn::SUMMARY.steps, Csnn::T), ("Csnn", 4, 4));
    let text = Csnn::SUMMARY.to_string();
    for part in ["conv1", "batchnorm2d1", "sn4", "Conv2d", "[N, 4, 12, 12]", "[T, N, 10]"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    Ok(())
}

#[test]
fn weights_survive_a_file() -> Result<()> {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("csnn-{}.safetensors", std::process::id()));
    let (vs, net) = csnn()?;
    let x = image(3)?;
    let _ = net.forward_t(&x, true)?;
    snn::save(&vs, &path)?;
    let (other_vs, other) = csnn()?;
    assert!(distance(&*net.forward(&x)?, &*other.forward(&x)?) > 0.0);
    snn::load(&other_vs, &path)?;
    assert_near(&*net.forward(&x)?, &*other.forward(&x)?, 0.0);
    Ok(())
}

#[test]
fn frozen_models_are_their_nets() -> Result<()> {
    frozen!(Csnn, CsnnFrozen, x: still [3, 1, 12, 12]);
    frozen!(Stream, StreamFrozen, x: seq [5, 2, 6]);
    Ok(())
}
