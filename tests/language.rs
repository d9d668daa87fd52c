//! The models of docs/language.md, as they stand there. In: their text; out: that they compile, run, learn,
//! stream, and that their sizes are the published ones.

#![allow(missing_docs, reason = "the text of the description, as it stands there")]

mod support;

use snn::{Kind, Result, snn_net};
use support::frozen::{frozen, unfrozen};
use support::{assert_near, input, names, store};

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

#[test]
fn sew_resnet18_has_the_published_size() {
    // torchvision's resnet18, of which it is the spiking form.
    assert_eq!(SewResNet18::SUMMARY.params(), 11_689_512);
    let rows = SewResNet18::SUMMARY.rows;
    let out = |name: &str| rows.iter().find(|r| r.name == name).map(|r| r.out);
    assert_eq!(out("layer4.1.conv2.2"), Some(&[512, 7, 7][..]));
    assert_eq!(out("head.0"), Some(&[512, 1, 1][..]));
}

#[test]
fn frozen_models_are_their_nets() -> Result<()> {
    frozen!(Csnn, CsnnFrozen, x: still [1, 1, 28, 28]);
    unfrozen!(ShdNet, "ShdNet.time_shift", "a function of your own");
    Ok(())
}
