//! Attention made of spikes. In: sequences; out: spikes of the same shape (or the input and more), the same in pieces as at once, and
//! errors that name the layer.

mod support;

use proptest::prelude::*;
use snn_runtime::{
    ChannelQKAttention, Device, Kind, Layer, SpikeDrivenSelfAttention, SpikingAttentionConfig, SpikingSelfAttention, State, Tensor,
    TokenQKAttention, named_tensors, nn,
};
use support::{EVAL, TRAIN, assert_same, assert_says, build, lone, randn};

fn config(num_heads: usize) -> SpikingAttentionConfig {
    SpikingAttentionConfig { num_heads, v_threshold: Some(0.3), ..SpikingAttentionConfig::new(8) }
}

/// A state split anywhere equals the whole, a reset starts anew, and gradients reach the input.
fn behaves<L: Layer<Config = SpikingAttentionConfig>>(space: &[i64], cut: i64, names: &[&str]) {
    let layer: L = lone(config(2));
    let x = (randn(&[&[4, 2, 8], space].concat(), Kind::Float) * 2.0).set_requires_grad(true);
    let (mut whole, mut pieces) = (layer.state(), layer.state());
    // In evaluation: statistics are of one call.
    let want = layer.sequence(&x, &mut whole, &EVAL).unwrap();
    assert_eq!(want.size(), x.size());
    let parts = [
        layer.sequence(&x.narrow(0, 0, cut), &mut pieces, &EVAL).unwrap(),
        layer.sequence(&x.narrow(0, cut, 4 - cut), &mut pieces, &EVAL).unwrap(),
    ];
    assert_same(&Tensor::cat(&parts, 0), &want, "in two pieces");
    let (whole_named, pieces_named) = (named_tensors(&whole), named_tensors(&pieces));
    assert_eq!(whole_named.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), names);
    for ((_, a), (name, b)) in whole_named.iter().zip(&pieces_named) {
        assert_same(b, a, name);
    }
    whole.reset();
    whole.reset();
    assert_same(&layer.sequence(&x, &mut whole, &EVAL).unwrap(), &want, "after a reset");
    layer.sequence(&x, &mut layer.state(), &TRAIN).unwrap().sum(Kind::Float).backward();
    assert!(x.grad().defined() && x.grad().isfinite().all().int64_value(&[]) == 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn pieces_give_what_the_whole_gives(cut in 1i64..4) {
        behaves::<SpikingSelfAttention>(&[5], cut, &["qkv_lif.v", "attn_lif.v", "proj_lif.v"]);
        behaves::<TokenQKAttention>(&[5], cut, &["qk_lif.v", "attn_lif.v", "proj_lif.v"]);
        behaves::<ChannelQKAttention>(&[5], cut, &["qk_lif.v", "attn_lif.v", "proj_lif.v"]);
        behaves::<SpikeDrivenSelfAttention>(&[2, 3], cut, &["shortcut_lif.v", "q_lif.v", "k_lif.v", "v_lif.v", "attn_lif.v"]);
    }
}

#[test]
fn one_threshold_for_all_neurons_or_each_its_own() {
    let attention: SpikingSelfAttention = lone(SpikingAttentionConfig::new(8));
    let thresholds = |a: &SpikingSelfAttention| [&a.qkv_lif, &a.attn_lif, &a.proj_lif].map(|lif| lif.config().v_threshold);
    assert_eq!(thresholds(&attention), [1.0, 0.5, 1.0]);
    assert_eq!(thresholds(&lone(config(2))), [0.3; 3]);
}

#[test]
fn what_does_not_fit_is_told() {
    let vs = nn::VarStore::new(Device::Cpu);
    assert_says(build::<SpikingSelfAttention>(&vs, "a", config(3)), &["Net.a: `dim` must be a multiple of `num_heads = 3`, but is 8"]);
    assert_says(build::<TokenQKAttention>(&vs, "b", config(0)), &["`num_heads` must be at least 1"]);
    let layer: SpikingSelfAttention = lone(config(2));
    let x = randn(&[4, 2, 8, 5], Kind::Float);
    let sequence = |x: &Tensor| layer.sequence(x, &mut layer.state(), &EVAL);
    assert_says(sequence(&x.narrow(2, 0, 4)), &["Net.layer: wants [T, N, 8, L], but gets [4, 2, 4, 5]"]);
    assert_says(sequence(&x.get(0)), &["it works on whole sequences: time comes first"]);
    assert_says(layer.step(&x.get(0), &mut layer.state(), &EVAL), &["Net.layer: works on whole sequences, but gets one step"]);
    let mut s = layer.state();
    drop(layer.sequence(&x, &mut s, &EVAL).unwrap());
    assert_says(layer.sequence(&x.narrow(1, 0, 1), &mut s, &EVAL), &["Net.layer.qkv_lif: its state is for a batch of 2, but gets 1"]);
}
