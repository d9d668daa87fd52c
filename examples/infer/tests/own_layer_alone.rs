//! A layer of one's own without libtorch: `impl snn::Frozen`. In: a frozen file, inputs and outputs that `tests/own_layer.rs` wrote; out: the same
//! numbers, and errors that name the layer.

#[path = "../../../tests/support/own_layer.rs"]
mod net;
mod support;

use std::fs;

use net::{CutFrozen, RectifiedConfig, written_down};
use safetensors::SafeTensors;
use snn::Frozen;
use snn::infer::{Builder, Result, Value};
use support::{assert_near, file, numbers};

/// The layer's name: all that is left of it here.
#[derive(Debug)]
pub struct Rectified;

impl Frozen for Rectified {
    type Config = RectifiedConfig;

    fn freeze(b: &mut Builder, label: &str, c: RectifiedConfig, args: &[Value]) -> Result<Value> {
        written_down(b, label, &c, args)
    }
}

#[test]
fn the_numbers_are_those_of_libtorch() -> Result<()> {
    let bytes = fs::read(file("own_layer.numbers.safetensors")).expect("it is in the repository");
    let stored = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let (x, want) = (numbers(&stored, "x"), numbers(&stored, "y"));
    let mut net = CutFrozen::load(file("own_layer.frozen.safetensors"))?;
    let mut y = vec![0.0; want.len()];
    net.infer(&x, &mut y)?;
    assert_near(&y, &want);
    assert!(net.model().kernels().any(|(layers, _)| layers.contains("list.0")), "by the names of the net");
    Ok(())
}

/// The file says what the layers were: a net whose own layer became another one does not load it.
#[test]
fn a_layer_that_became_another_one_is_noticed() {
    snn::snn_net! {
        use crate::Rectified;

        net Cut(x: [T, 6]) -> [3] {
            T = 5;
            step_mode = 'm';
            rect: Rectified(out_features = 3) -> [3],
            MeanOverTime(),
        }
    }
    let error = CutFrozen::load(file("own_layer.frozen.safetensors")).unwrap_err().to_string();
    assert!(error.contains("own_layer.frozen.safetensors: was saved by another net than `Cut`: the net has `rect Linear"), "{error}");
}

#[test]
fn what_the_net_says_of_it_and_what_it_gives_have_to_agree() {
    snn::snn_net! {
        use crate::Rectified;

        net Wrong(x: [T, 6]) -> [T, 9] {
            T = 2;
            step_mode = 'm';
            rect: Rectified(out_features = 8) -> [9],
        }
    }
    let error = WrongFrozen::load(file("own_layer.frozen.safetensors")).unwrap_err().to_string();
    assert_eq!(error, "Wrong.rect: wants [9] to come out, but gets [8]\n  help: write `-> [8]` behind the layer");
}
