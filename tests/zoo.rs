//! The model zoo of `examples/zoo`. In: its nets; out: that their sizes are the published ones, that each is short, and that each runs
//! forward and backward.

mod support;

#[allow(missing_docs, reason = "fields and methods of generated nets")]
#[path = "../examples/zoo/nets/mod.rs"]
mod nets;

use std::fs;
use std::path::Path;

use snn::{Kind, Result, Tensor, no_grad};
use support::frozen::{frozen, unfrozen};
use support::{assert_near, input, names, shake, store};

use nets::{Csnn, FeedBackNet, PlifNet, SewResNet18, SewResNet34, Spikformer, SpikingVgg11Bn};
use nets::{CsnnFrozen, FeedBackNetFrozen, PlifNetFrozen, SewResNet18Frozen, SewResNet34Frozen, SpikingVgg11BnFrozen};

/// Those of SpikingJelly 2.0.0's models, counted in their source; of the nets that torchvision has, those of its documentation.
#[test]
fn sizes_are_the_published_ones() {
    assert_eq!(Csnn::<4>::SUMMARY.params(), 13_014_656);
    assert_eq!(PlifNet::<128, 20>::SUMMARY.params(), 1_698_933);
    assert_eq!(SpikingVgg11Bn::<64, 224, 1000>::SUMMARY.params(), 132_868_840);
    assert_eq!(SewResNet18::<64, 224, 1000>::SUMMARY.params(), 11_689_512);
    assert_eq!(SewResNet34::<64, 224, 1000>::SUMMARY.params(), 21_797_672);
    assert_eq!(FeedBackNet::<28, 32, 10, 28>::SUMMARY.params(), 3338);
    assert_eq!(FeedBackNet::<700, 128, 20, 100>::SUMMARY.params(), 125_204);
    assert_eq!(Spikformer::<384>::SUMMARY.params(), 9_310_906);
}

/// A net runs, gives numbers of its shape, and every weight gets a gradient.
macro_rules! learns {
    ($net:ty, [$($size:expr),+], $classes:expr) => {{
        let vs = store();
        let net = <$net>::new(&vs.root())?;
        shake(&vs);
        let x = <$net>::input(input(&[$($size),+]))?;
        let y = net.forward_t(&x, true)?;
        assert_eq!(y.size(), [2, $classes]);
        let trained = vs.trainable_variables().iter().map(Tensor::numel).sum::<usize>();
        assert_eq!(<$net>::SUMMARY.params(), trained, "what the table says and what is there");
        // Not the same weight for all: its gradient would vanish behind a last normalisation.
        (&*y * Tensor::arange($classes, (Kind::Float, y.device()))).square().sum(Kind::Float).backward();
        for (name, weight) in vs.variables() {
            let grad = weight.grad();
            assert!(!weight.requires_grad() || grad.defined() && bool::try_from(grad.isfinite().all())?, "{name}");
        }
        let first = &vs.variables()[<$net>::SUMMARY.rows.iter().find(|row| row.params > 0).map(|row| format!("{}.weight", row.name)).unwrap().as_str()];
        assert!(first.grad().abs().max().double_value(&[]) > 0.0, "the first layer learns");
        vs
    }};
}

#[test]
fn each_runs_forward_and_backward() -> Result<()> {
    learns!(Csnn<4>, [2, 1, 28, 28], 10);
    learns!(PlifNet<32, 4>, [4, 2, 2, 32, 32], 11);
    learns!(SpikingVgg11Bn<4, 32, 10>, [2, 3, 32, 32], 10);
    learns!(SewResNet18<8, 32, 10>, [2, 3, 32, 32], 10);
    learns!(SewResNet34<8, 32, 10>, [2, 3, 32, 32], 10);
    learns!(FeedBackNet<70, 32, 20, 10>, [10, 2, 70], 20);
    learns!(Spikformer<48>, [2, 3, 32, 32], 10);
    Ok(())
}

/// Weights have SpikingJelly's names: its checkpoints load as they are.
#[test]
fn weights_have_the_names_of_spikingjelly() -> Result<()> {
    macro_rules! has {
        ($net:ty, $($name:literal),+) => {{
            let vs = store();
            let _net = <$net>::new(&vs.root())?;
            let names = names(&vs);
            $(assert!(names.iter().any(|n| n == $name), "{} in {names:?}", $name);)+
        }};
    }
    has!(Csnn<4>, "conv_fc.0.weight", "conv_fc.1.running_mean", "conv_fc.9.weight", "conv_fc.11.weight");
    has!(PlifNet<32, 4>, "conv_fc.0.weight", "conv_fc.2.w", "conv_fc.22.bias", "conv_fc.23.w", "conv_fc.25.weight");
    has!(SpikingVgg11Bn<4, 32, 10>, "features.0.bias", "features.26.running_var", "classifier.0.weight", "classifier.6.bias");
    has!(SewResNet18<8, 32, 10>, "conv1.weight", "bn1.weight", "layer1.1.conv2.weight", "layer2.0.downsample.1.bias", "fc.bias");
    has!(SewResNet34<8, 32, 10>, "layer3.5.bn2.running_mean", "layer4.0.downsample.0.weight");
    has!(FeedBackNet<28, 32, 10, 28>, "fc.0.weight", "fc.1.rc.weight", "fc.2.bias");
    has!(
        Spikformer<48>,
        "patch_embed.stages.3.conv_bn.block.0.weight",
        "patch_embed.positional_encoding.conv_bn.block.1.running_var",
        "blocks.3.attn.qkv_conv_bn.0.weight",
        "blocks.0.mlp.fc2.1.bias",
        "head.weight"
    );
    Ok(())
}

#[test]
fn steps_are_the_whole() -> Result<()> {
    let vs = store();
    let net = SpikingVgg11Bn::<4, 32, 10>::new(&vs.root())?;
    shake(&vs);
    let x = SpikingVgg11Bn::<4, 32, 10>::input(input(&[3, 3, 32, 32]))?;
    let whole = no_grad(|| net.forward(&x))?;
    let mut s = net.state(3);
    let steps = (0..4).map(|_| Ok(net.step(&x, &mut s)?.into_tensor())).collect::<Result<Vec<_>>>()?;
    assert_near(&Tensor::stack(&steps, 0).mean_dim(&[0i64][..], false, None), &whole, 1e-5);
    Ok(())
}

#[test]
fn frozen_models_are_their_nets() -> Result<()> {
    frozen!(Csnn<4>, CsnnFrozen<4>, x: still [2, 1, 28, 28]);
    frozen!(PlifNet<32, 4>, PlifNetFrozen<32, 4>, x: seq [4, 2, 2, 32, 32]);
    frozen!(SpikingVgg11Bn<4, 32, 10>, SpikingVgg11BnFrozen<4, 32, 10>, x: still [2, 3, 32, 32]);
    frozen!(SewResNet18<8, 32, 10>, SewResNet18Frozen<8, 32, 10>, x: still [2, 3, 32, 32]);
    frozen!(SewResNet34<8, 32, 10>, SewResNet34Frozen<8, 32, 10>, x: still [2, 3, 32, 32]);
    frozen!(FeedBackNet<70, 32, 20, 10>, FeedBackNetFrozen<70, 32, 20, 10>, x: seq [10, 2, 70]);
    unfrozen!(Spikformer<48>, "Spikformer.blocks.0.attn");
    Ok(())
}

/// A net of the zoo is one that can be read.
#[test]
fn each_is_under_sixty_lines() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/zoo/nets");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines < 60, "{}: {lines} lines", path.display());
    }
}
