//! Composition: blocks, lists, repeats and conditions. In: nets made of them; out: fields, names of weights, shapes and values
//! as the same net written out would have.

mod support;

use snn::{Kind, Result, Tensor, snn_net};
use support::frozen::frozen;
use support::{assert_near, input, names, shake, store};

snn_net! {
    const HALF: usize = 4;

    /// Spike-element-wise residual block (Fang et al., NeurIPS 2021).
    block SewBasic(c, stride = 1) {
        conv1: [Conv2d(_, c, 3, stride = stride, padding = 1, bias = false), BatchNorm2d(_), IFNode()],
        conv2: [Conv2d(_, c, 3, padding = 1, bias = false), BatchNorm2d(_), IFNode()],
        shortcut: if stride != 1 {
            [Conv2d(_, c, 1, stride = stride, bias = false), BatchNorm2d(_), IFNode()]
        } else {
            Identity()
        },

        forward(x) {
            let y = conv2(conv1(x));
            sew_add(y, shortcut(x))
        }
    }

    /// A block of blocks.
    block Stage(c, n) {
        first: SewBasic(c, stride = 2),
        rest: [SewBasic(c); n - 1],
    }

    /// A residual net, in miniature.
    pub net SewResNet(x: [2, 8, 8]) -> [5] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        detach_reset = true;

        stem: [Conv2d(_, HALF, 3, padding = 1, bias = false), BatchNorm2d(_), #[record(spikes)] IFNode()],
        layer1: [SewBasic(HALF); 2],
        layer2: [SewBasic(HALF * 2, stride = 2), SewBasic(HALF * 2)],
        layer3: Stage(HALF * 2, 3),
        head: [AvgPool2d(2), Flatten(), MeanOverTime(), Linear(_, 5)],
    }

    /// Another net of the same items, step by step.
    pub net Small(x: [2, 8, 8]) -> [4, 4, 4] {
        T = 2;
        step_mode = 's';
        surrogate = ATan;

        first: SewBasic(HALF, stride = 2),
        MeanOverTime(),
    }
}

#[test]
fn names_follow_the_structure() -> Result<()> {
    let vs = store();
    let net = SewResNet::new(&vs.root())?;
    let names = names(&vs);
    let weights: Vec<&str> = names.iter().map(String::as_str).filter(|n| n.ends_with("weight")).collect();
    let mut want = vec!["head.3.weight", "stem.0.weight", "stem.1.weight"];
    let block = |at: &str, shortcut: bool| {
        let mut parts = vec!["conv1.0", "conv1.1", "conv2.0", "conv2.1"];
        if shortcut {
            parts.extend(["shortcut.0", "shortcut.1"]);
        }
        parts.iter().map(|p| format!("{at}.{p}.weight")).collect::<Vec<_>>()
    };
    let blocks = [
        block("layer1.0", false),
        block("layer1.1", false),
        block("layer2.0", true),
        block("layer2.1", false),
        block("layer3.first", true),
        block("layer3.rest.0", false),
        block("layer3.rest.1", false),
    ]
    .concat();
    want.extend(blocks.iter().map(String::as_str));
    want.sort_unstable();
    assert_eq!(weights, want);
    // And the fields are the same path in Rust.
    let all = vs.variables();
    assert!(net.layer1[1].conv1.0.weight.equal(&all["layer1.1.conv1.0.weight"]));
    assert!(net.layer2.0.shortcut.0.weight.equal(&all["layer2.0.shortcut.0.weight"]));
    assert!(net.layer3.rest[1].conv2.0.weight.equal(&all["layer3.rest.1.conv2.0.weight"]));
    assert!(net.head.3.weight.equal(&all["head.3.weight"]));
    assert_eq!(SewResNet::SUMMARY.params(), vs.trainable_variables().iter().map(Tensor::numel).sum::<usize>());
    Ok(())
}

#[test]
fn copies_have_weights_of_their_own() -> Result<()> {
    let vs = store();
    let net = SewResNet::new(&vs.root())?;
    assert!(!net.layer1[0].conv1.0.weight.equal(&net.layer1[1].conv1.0.weight));
    Ok(())
}

#[test]
fn a_deep_net_runs_learns_and_streams() -> Result<()> {
    let vs = store();
    let net = SewResNet::new(&vs.root())?;
    shake(&vs);
    let x = SewResNet::input(input(&[3, 2, 8, 8]))?;
    assert!(net.forward(&x)?.std(false).double_value(&[]) > 0.0);
    net.forward_t(&x, true)?.square().sum(Kind::Float).backward();
    for (name, t) in vs.variables() {
        assert!(!t.requires_grad() || t.grad().defined(), "{name} is reached");
    }
    let mut s = net.state(3);
    let y: Vec<Tensor> = (0..SewResNet::T).map(|_| net.step(&x, &mut s).unwrap().into_tensor()).collect();
    assert_near(&Tensor::stack(&y, 0).mean_dim(0, false, None), &*net.forward(&x)?, 1e-5);
    let names: Vec<String> = s.named_tensors().into_iter().map(|(name, _)| name).collect();
    assert!(names.contains(&"layer1.1.conv2.2.v".to_string()), "{names:?}");
    assert!(names.contains(&"layer3.first.shortcut.2.v".to_string()), "{names:?}");
    assert_eq!(names.len(), 1 + 2 * 7 + 2);
    let (_, rec) = net.forward_recorded(&x, false)?;
    assert_eq!(rec.stem.2.spikes.size(), [4, 3, 4, 8, 8]);
    Ok(())
}

/// What the block says, by hand.
#[test]
fn a_block_is_its_layers() -> Result<()> {
    let vs = store();
    let net = Small::new(&vs.root())?;
    shake(&vs);
    let x = input(&[3, 2, 8, 8]);
    use snn::Layer;
    let (b, cx) = (&net.first, snn::Cx { train: false });
    let branch = |conv: &snn::Conv2d, bn: &snn::BatchNorm2d, sn: &snn::IFNode, x: &Tensor| -> Result<Tensor> {
        sn.sequence(&bn.sequence(&conv.sequence(x, &mut (), &cx)?, &mut (), &cx)?, &mut sn.state(), &cx)
    };
    let sequence = x.expand([2, 3, 2, 8, 8], false);
    let y = branch(&b.conv1.0, &b.conv1.1, &b.conv1.2, &sequence)?;
    let y = branch(&b.conv2.0, &b.conv2.1, &b.conv2.2, &y)?;
    let by_hand = (y + branch(&b.shortcut.0, &b.shortcut.1, &b.shortcut.2, &sequence)?).mean_dim(0, false, None);
    assert!(by_hand.std(false).double_value(&[]) > 0.0);
    assert_near(&*net.forward(&Small::input(x)?)?, &by_hand, 1e-6);
    Ok(())
}

snn_net! {
    const DEEP: bool = false;

    /// A condition on a const decides while it compiles.
    net Choice(x: [T, 6]) -> [T, 4] {
        T = 3;
        step_mode = 'm';
        surrogate = ATan;
        const WIDTH: usize = 2 * 4 + 1;

        body: if DEEP {
            [Linear(_, 100), IFNode(), Linear(_, WIDTH), IFNode()]
        } else if WIDTH % 2 == 1 {
            [Linear(_, WIDTH), IFNode()]
        } else {
            Identity()
        },
        towers: [[Linear(_, WIDTH), act: LIFNode(tau = 2.0)]; 3],
        nested: [[Linear(_, 5), IFNode()], [inner: [Linear(_, 4)], IFNode()]],
    }
}

#[test]
fn conditions_lists_and_repeats_nest() -> Result<()> {
    let vs = store();
    let net = Choice::new(&vs.root())?;
    shake(&vs);
    let weights: Vec<String> = names(&vs).into_iter().filter(|n| n.ends_with("weight")).collect();
    let want = [
        "body.0.weight",
        "nested.0.0.weight",
        "nested.1.inner.0.weight",
        "towers.0.linear1.weight",
        "towers.1.linear1.weight",
        "towers.2.linear1.weight",
    ];
    // Entries of a list are numbered; where one has a name, the others are named after their layer, as in a net.
    assert_eq!(weights, want);
    let x = Choice::input(input(&[3, 2, 6]))?;
    let mut s = net.state(2);
    let y = net.forward_from(&x, &mut s, false)?;
    assert_eq!(y.size(), [3, 2, 4]);
    let state: Vec<String> = s.named_tensors().into_iter().map(|(name, _)| name).collect();
    assert_eq!(state, ["body.1.v", "towers.0.act.v", "towers.1.act.v", "towers.2.act.v", "nested.0.1.v", "nested.1.ifnode1.v"]);
    Ok(())
}

snn_net! {
    /// Taps deep inside.
    net Tapped(x: [T, 6]) -> [4] {
        T = 3;
        step_mode = 's';
        surrogate = ATan;
        towers: [[Linear(_, 7), #[record(voltage)] act: LIFNode(tau = 2.0)]; 2],
        tail: [Linear(_, 4), #[record(spikes)] IFNode(), MeanOverTime()],
    }
}

#[test]
fn recordings_follow_the_structure() -> Result<()> {
    let vs = store();
    let net = Tapped::new(&vs.root())?;
    shake(&vs);
    let x = Tapped::input(input(&[3, 2, 6]))?;
    let (y, rec) = net.forward_recorded(&x, false)?;
    assert_eq!(rec.towers[1].act.voltage.size(), [3, 2, 7]);
    assert!(support::distance(&rec.towers[0].act.voltage, &rec.towers[1].act.voltage) > 0.0);
    assert_near(&rec.tail.1.spikes.mean_dim(0, false, None), &y, 1e-6);
    Ok(())
}

#[test]
fn frozen_models_are_their_nets() -> Result<()> {
    frozen!(SewResNet, SewResNetFrozen, x: still [3, 2, 8, 8]);
    frozen!(Small, SmallFrozen, x: still [3, 2, 8, 8]);
    frozen!(Choice, ChoiceFrozen, x: seq [3, 4, 6]);
    frozen!(Tapped, TappedFrozen, x: seq [3, 4, 6]);
    Ok(())
}
