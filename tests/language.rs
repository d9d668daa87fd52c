//! The models of docs/language.md, as they stand there, and a spiking VGG-11. In: their text; out: that they compile, run, learn,
//! stream, and that their sizes are the published ones.

#![allow(missing_docs, reason = "the text of the description, as it stands there")]

mod support;

use snn::{Kind, Result, Shape1, Static, Tensor, snn_net};
use support::frozen::{frozen, unfrozen};
use support::{assert_near, input, names, shake, store};

include!("../snn-macros/src/tests/models/csnn.rs");
include!("../snn-macros/src/tests/models/sew_resnet18.rs");
include!("../snn-macros/src/tests/models/shd_net.rs");

/// Layers of the user's own.
pub mod layers {
    use snn::{Cx, Error, Result, Scope, Stateless, Tensor};

    /// Arguments of [`SpikeAttention`].
    #[derive(Clone, Debug)]
    pub struct SpikeAttentionConfig {
        /// Groups of features, each weighed as a whole.
        pub heads: usize,
    }

    impl Default for SpikeAttentionConfig {
        fn default() -> Self {
            SpikeAttentionConfig { heads: 1 }
        }
    }

    /// Weighs each head by how active it is.
    #[derive(Debug)]
    pub struct SpikeAttention {
        /// `[heads]`
        pub gain: Tensor,
    }

    impl Stateless for SpikeAttention {
        type Config = SpikeAttentionConfig;

        fn build(scope: &Scope<'_>, c: SpikeAttentionConfig) -> Result<Self> {
            let &[features] = scope.input() else {
                return Err(Error::argument(scope.name(), "x", "must be flat", "put `Flatten()` before it"));
            };
            if c.heads == 0 || features % c.heads != 0 {
                return Err(Error::argument(scope.name(), "heads", format!("must divide {features}, but is {}", c.heads), ""));
            }
            Ok(SpikeAttention { gain: scope.path().var("gain", &[c.heads as i64], tch::nn::Init::Const(1.0)) })
        }

        fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
            let heads = x.f_unflatten(1, [self.gain.size()[0], -1])?;
            let score = heads.f_mean_dim(&[-1i64][..], false, None)?.f_mul(&self.gain)?.f_sigmoid()?;
            Ok(heads.f_mul(&score.f_unsqueeze(-1)?)?.f_flatten(1, 2)?)
        }
    }
}

/// Functions of the user's own.
pub mod ops {
    use snn::{Result, Tensor};

    /// Moves features by `by` places: each neuron hears its neighbour.
    pub fn time_shift(x: &Tensor, by: i64) -> Result<Tensor> {
        Ok(x.f_roll([by], [-1])?)
    }
}

#[test]
fn csnn_runs_and_its_sizes_are_those_of_the_paper() -> Result<()> {
    let vs = store();
    let net = Csnn::new(&vs.root())?;
    let (y, rec) = net.forward_recorded(&Csnn::input(input(&[1, 1, 28, 28]))?, false)?;
    assert_eq!((y.size(), rec.sn1.spikes.size()), (vec![1, 10], vec![4, 1, 128, 28, 28]));
    // conv 128*9, bn 2*128, conv 128*128*9, bn 2*128, fc 6272*2048, fc 2048*10
    assert_eq!(Csnn::SUMMARY.params(), 1152 + 256 + 147_456 + 256 + 6272 * 2048 + 20_480);
    Ok(())
}

#[test]
fn shd_net_has_two_inputs_two_outputs_and_streams() -> Result<()> {
    let vs = store();
    let net = ShdNet::new(&vs.root())?;
    // Fresh weights are too small for the second layer to fire.
    let _ = tch::no_grad(|| net.rec2.sub_module.0.bias.as_ref().map(|b| b.shallow_clone().fill_(1.5)));
    let (x, gate) = ShdNet::input(input(&[100, 2, 700]) * 10.0, input(&[2, 64]))?;
    let mut s = net.state(2);
    let out: ShdNetOutput = net.forward_from(&x, &gate, &mut s, true)?;
    assert_eq!((out.logits.size(), out.trace.size()), (vec![2, 20], vec![100, 2, 256]));
    assert!(out.trace.abs().max().double_value(&[]) > 0.0);
    out.trace.sum(Kind::Float).backward();
    for weight in ["rec1.rc.weight", "rec1.sub_module.0.weight", "rec2.sub_module.1.w", "syn.w"] {
        let grad = vs.variables()[weight].grad();
        assert!(grad.defined() && grad.abs().max().double_value(&[]) > 0.0, "{weight}");
    }
    assert!(names(&vs).contains(&"att.gain".to_string()));

    // The same, one step at a time.
    let mut t = net.state(2);
    for i in 0..5 {
        let step: ShdNetStep = net.step(&x.step(i).expect("a hundred steps"), &gate, &mut t)?;
        assert_near(&step.trace, &out.trace.get(i as i64), 1e-5);
    }
    Ok(())
}

snn_net! {
    /// The block of the description, for images of another size.
    block Basic(c, stride = 1) {
        conv1: [Conv2d(_, c, 3, stride = stride, padding = 1, bias = false), BatchNorm2d(_), IFNode()],
        conv2: [Conv2d(_, c, 3, padding = 1, bias = false), BatchNorm2d(_), IFNode()],
        shortcut: if stride != 1 {
            [Conv2d(_, c, 1, stride = stride, bias = false), BatchNorm2d(_), IFNode()]
        } else {
            Identity()
        },

        forward(x) { sew_add(conv2(conv1(x)), shortcut(x)) }
    }

    /// SEW-ResNet-18 for CIFAR-10, an eighth as wide.
    pub net SewResNet18Small(x: [3, 32, 32]) -> [10] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        detach_reset = true;
        const W: usize = 8;

        stem: [Conv2d(_, W, 7, stride = 2, padding = 3, bias = false), BatchNorm2d(_), IFNode(), MaxPool2d(3, stride = 2, padding = 1)],
        layer1: [Basic(W); 2],
        layer2: [Basic(2 * W, stride = 2), Basic(2 * W)],
        layer3: [Basic(4 * W, stride = 2), Basic(4 * W)],
        layer4: [Basic(8 * W, stride = 2), Basic(8 * W)],
        head: [AdaptiveAvgPool2d(1), Flatten(), MeanOverTime(), Linear(_, 10)],
    }
}

#[test]
fn sew_resnet18_has_the_published_size_and_learns() -> Result<()> {
    // torchvision's resnet18, of which it is the spiking form.
    assert_eq!(SewResNet18::SUMMARY.params(), 11_689_512);
    let rows = SewResNet18::SUMMARY.rows;
    let out = |name: &str| rows.iter().find(|r| r.name == name).map(|r| r.out);
    assert_eq!(out("layer4.1.conv2.2"), Some(&[512, 7, 7][..]));
    assert_eq!(out("head.0"), Some(&[512, 1, 1][..]));

    let vs = store();
    let net = SewResNet18Small::new(&vs.root())?;
    let y = net.forward_t(&SewResNet18Small::input(input(&[4, 3, 32, 32]))?, true)?;
    assert_eq!(y.size(), [4, 10]);
    y.square().sum(Kind::Float).backward();
    for weight in ["stem.0.weight", "layer1.1.conv1.0.weight", "layer4.0.shortcut.0.weight", "head.3.weight"] {
        assert!(vs.variables()[weight].grad().abs().max().double_value(&[]) > 0.0, "{weight}");
    }
    Ok(())
}

snn_net! {
    /// Conv, norm, spikes.
    block ConvBn(c) {
        conv: Conv2d(_, c, 3, padding = 1, bias = false), bn: BatchNorm2d(_), sn: LIFNode(tau = 2.0),
    }

    /// VGG-11 ("Very Deep Convolutional Networks", Simonyan and Zisserman, 2015) for CIFAR-10, of any width: 64 is the paper's.
    pub net SpikingVgg11<const W: usize>(x: [3, 32, 32]) -> [10] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        detach_reset = true;

        features: [
            ConvBn(W), MaxPool2d(2),
            ConvBn(2 * W), MaxPool2d(2),
            [ConvBn(4 * W); 1], [ConvBn(4 * W); 1], MaxPool2d(2),
            ConvBn(8 * W), ConvBn(8 * W), MaxPool2d(2),
            ConvBn(8 * W), ConvBn(8 * W), MaxPool2d(2),
        ],
        classifier: [Flatten(), Dropout(0.5), fc1: Linear(_, 8 * W), LIFNode(), Dropout(0.5), fc2: Linear(_, 100), LIFNode(), vote: VotingLayer(10)],
        MeanOverTime(),
    }
}

#[test]
fn spiking_vgg11_learns_and_streams() -> Result<()> {
    let vs = store();
    let net = SpikingVgg11::<4>::new(&vs.root())?;
    shake(&vs);
    assert_eq!(SpikingVgg11::<64>::SUMMARY.rows.iter().filter(|r| r.layer == "Conv2d").count(), 8);
    assert_eq!(SpikingVgg11::<64>::SUMMARY.rows.iter().filter(|r| r.layer == "Conv2d").map(|r| r.params).sum::<usize>(), 9_217_728);
    let x = SpikingVgg11::<4>::input(input(&[3, 3, 32, 32]))?;
    let y: Static<Shape1<10>> = net.forward_t(&x, true)?;
    y.square().sum(Kind::Float).backward();
    assert!(net.features.0.conv.weight.grad().abs().max().double_value(&[]) > 0.0);

    let whole = net.forward(&x)?;
    let mut s = net.state(3);
    let steps = (0..4).map(|_| Ok(net.step(&x, &mut s)?.into_tensor())).collect::<Result<Vec<_>>>()?;
    assert_near(&Tensor::stack(&steps, 0).mean_dim(&[0i64][..], false, None), &whole, 1e-5);
    Ok(())
}

#[test]
fn frozen_models_are_their_nets() -> Result<()> {
    frozen!(Csnn, CsnnFrozen, x: still [1, 1, 28, 28]);
    frozen!(SewResNet18Small, SewResNet18SmallFrozen, x: still [2, 3, 32, 32]);
    unfrozen!(ShdNet, "ShdNet.time_shift", "a function of your own");
    frozen!(SpikingVgg11<4>, SpikingVgg11Frozen<4>, x: still [3, 3, 32, 32]);
    Ok(())
}
