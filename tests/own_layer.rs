//! A layer of the user's own with a frozen form. In: a net that trains with it; out: the same numbers frozen, and the file that
//! `examples/infer/tests/own_layer_alone.rs` reads in a build without libtorch.

#[path = "support/own_layer.rs"]
mod net;
mod support;

use net::{Cut, CutFrozen, RectifiedConfig, written_down};
use snn::infer::{Builder, Value};
use snn::{Cx, Linear, LinearConfig, Result, Scope, Stateless, Tensor, infer};
use support::frozen::frozen;
use support::{distance, for_infer, input, names, shake, store};

/// A linear layer, and zero where it would be less.
#[derive(Debug)]
pub struct Rectified(Linear);

impl Stateless for Rectified {
    type Config = RectifiedConfig;

    fn build(scope: &Scope<'_>, c: RectifiedConfig) -> Result<Self> {
        Ok(Rectified(Stateless::build(scope, LinearConfig::new(scope.input().iter().product(), c.out_features))?))
    }

    fn forward(&self, x: &Tensor, cx: &Cx) -> Result<Tensor> {
        Ok(self.0.forward(x, cx)?.f_relu()?)
    }

    fn freeze(b: &mut Builder, label: &str, c: RectifiedConfig, args: &[Value]) -> infer::Result<Value> {
        written_down(b, label, &c, args)
    }
}

#[test]
fn frozen_models_are_their_nets() -> Result<()> {
    frozen!(Cut, CutFrozen, x: seq [5, 7, 6]);
    Ok(())
}

/// `SNN_UPDATE=1 cargo test --workspace --test own_layer` writes the files anew.
#[test]
fn the_file_for_builds_without_libtorch_is_what_this_build_gives() -> Result<()> {
    let (model, stored) = for_infer("own_layer.frozen.safetensors", "own_layer.numbers.safetensors", |model| {
        let vs = store();
        let net = Cut::new(&vs.root())?;
        shake(&vs);
        assert_eq!(names(&vs), ["fc.bias", "fc.weight", "list.0.bias", "list.0.weight", "rect.bias", "rect.weight"]);
        let x = (input(&[5, 4, 6]) - 0.5) * 2.0;
        let y = net.forward(&Cut::input(x.shallow_clone())?)?.into_tensor();
        net.freeze()?.save(model)?;
        Ok(vec![("x", x), ("y", y)])
    })?;
    let flat = |x: &Tensor| Vec::<f32>::try_from(x.contiguous().view([-1])).expect("floats");
    let mut y = vec![0.0; 4 * 3];
    CutFrozen::load(&model)?.infer(&flat(&stored["x"]), &mut y)?;
    assert!(distance(&Tensor::from_slice(&y).view([4, 3]), &stored["y"]) < 1e-4);
    assert!(distance(&stored["y"].get(0), &stored["y"].get(1)) > 1e-3, "samples differ");
    Ok(())
}
