//! `MaxUnpool1d`, `MaxUnpool2d`, `MaxUnpool3d`. In: maxima and indices of a `MaxPool`; out: each maximum back in its place.

use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless, split};
use crate::scope::Scope;
use crate::space::{self, by, lowered, raised, raised_dims};
use crate::weights::{dims, positive};

/// Arguments of [`MaxUnpool`], in torch's words. One value per axis of space: two are height and width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaxUnpoolConfig<const D: usize> {
    /// The window of the pool that is undone.
    pub kernel_size: [usize; D],
    /// Cells from one window to the next.
    pub stride: [usize; D],
    /// Cells that the pool added on each side.
    pub padding: [usize; D],
    /// Cells that go out; `None`: as few as the windows need. A pool cuts off less than a stride, which nothing but this brings back.
    pub output_size: Option<[usize; D]>,
}

impl<const D: usize> MaxUnpoolConfig<D> {
    /// torch's defaults for the rest: windows side by side.
    pub fn new(kernel_size: [usize; D]) -> Self {
        MaxUnpoolConfig { kernel_size, stride: kernel_size, padding: [0; D], output_size: None }
    }
}

/// Arguments of [`MaxUnpool1d`].
pub type MaxUnpool1dConfig = MaxUnpoolConfig<1>;
/// Arguments of [`MaxUnpool2d`].
pub type MaxUnpool2dConfig = MaxUnpoolConfig<2>;
/// Arguments of [`MaxUnpool3d`].
pub type MaxUnpool3dConfig = MaxUnpoolConfig<3>;

/// Undoes a [`MaxPoolWithIndices`](crate::MaxPoolWithIndices): each maximum goes back where it came from, all other cells are 0.
///
/// PyTorch equivalent: `torch.nn.MaxUnpool2d(..)`; SpikingJelly: `layer.MaxUnpool2d(..)`, where `output_size` is an argument of the
/// call. In a net it takes two values: `unpool(y, indices)`.
///
/// # Shapes
///
/// Twice `[N, C, H, W]` to `[N, C, H', W']`, see [`snn_shape::conv_transpose`].
#[derive(Debug)]
pub struct MaxUnpool<const D: usize> {
    config: MaxUnpoolConfig<D>,
    name: String,
}

/// [`MaxUnpool`] of series: `[N, C, L]` to `[N, C, L']`. SpikingJelly: `layer.MaxUnpool1d(..)`.
pub type MaxUnpool1d = MaxUnpool<1>;
/// [`MaxUnpool`] of images: `[N, C, H, W]` to `[N, C, H', W']`. SpikingJelly: `layer.MaxUnpool2d(..)`.
pub type MaxUnpool2d = MaxUnpool<2>;
/// [`MaxUnpool`] of volumes: `[N, C, D, H, W]` to `[N, C, D', H', W']`. SpikingJelly: `layer.MaxUnpool3d(..)`.
pub type MaxUnpool3d = MaxUnpool<3>;

impl<const D: usize> MaxUnpool<D> {
    /// One step: values and their indices, `[N, C, H, W]` each, to `[N, C, H', W']`.
    ///
    /// # Errors
    ///
    /// Shapes that do not fit, or an index beyond the output.
    pub fn step(&self, x: &Tensor, indices: &Tensor, _: &Cx) -> Result<Tensor> {
        let out = self.check(x, indices)?;
        let (x, indices) = (raised::<D>(x)?, raised::<D>(indices)?);
        let y = match D {
            3 => x.f_max_unpool3d(&indices, dims(&out), dims(&self.config.stride), dims(&self.config.padding)),
            _ => x.f_max_unpool2d(&indices, raised_dims(&out, 1)).and_then(|y| lowered::<D>(&y)),
        };
        y.map_err(Error::in_layer(&self.name))
    }

    /// A sequence: values and their indices, `[T, N, C, H, W]` each, to `[T, N, C, H', W']`.
    ///
    /// # Errors
    ///
    /// As [`step`](Self::step).
    pub fn sequence(&self, x: &Tensor, indices: &Tensor, cx: &Cx) -> Result<Tensor> {
        let sizes = x.size();
        let ([steps, batch, ..], true) = (&sizes[..], sizes == indices.size()) else {
            let wants = space::shape::<D>(None).replace("[N", "[T, N");
            return Err(Error::shape(&self.name, format!("values and indices of one shape {wants}"), &sizes, ""));
        };
        let (steps, batch) = (*steps, *batch);
        let y = self.step(&x.f_flatten(0, 1)?, &indices.f_flatten(0, 1)?, cx).map_err(|e| e.of_sequence(sizes))?;
        split(&self.name, &y, steps, batch)
    }

    /// The sizes of the output, if all fits.
    fn check(&self, x: &Tensor, indices: &Tensor) -> Result<[usize; D]> {
        let (c, size) = (&self.config, space::sizes::<D>(&self.name, x, None)?);
        if indices.kind() != Kind::Int64 {
            return Err(Error::Kind { layer: self.name.clone(), wants: "indices, `Int64`", got: indices.kind() });
        }
        if x.size() != indices.size() {
            return Err(Error::shape(&self.name, format!("indices of the values' shape {:?}", x.size()), &indices.size(), ""));
        }
        let mut out = [0; D];
        for axis in 0..D {
            let (kernel, stride, pad) = (c.kernel_size[axis], c.stride[axis], 2 * c.padding[axis]);
            let plain = snn_shape::conv_transpose(size[axis], kernel, stride, pad, 1, 0);
            let wanted = c.output_size.map_or(plain, |o| plain.filter(|n| n.abs_diff(o[axis]) < stride).map(|_| o[axis]));
            let Some(n) = wanted else {
                let asked = c.output_size.map_or(String::new(), |o| format!(" that become {}", by(&o)));
                let wants = format!("cells in {} under {} windows{asked}", space::axes::<D>().join(", "), by(&c.kernel_size));
                return Err(Error::shape(&self.name, wants, &x.size(), "use the arguments of the `MaxPool` that is undone"));
            };
            out[axis] = n;
        }
        Ok(out)
    }
}

impl<const D: usize> Stateless for MaxUnpool<D> {
    type Config = MaxUnpoolConfig<D>;

    fn build(scope: &Scope<'_>, c: MaxUnpoolConfig<D>) -> Result<Self> {
        for (argument, sizes) in [("kernel_size", c.kernel_size), ("stride", c.stride), ("output_size", c.output_size.unwrap_or([1; D]))] {
            positive(scope, &sizes.map(|n| (argument, n)))?;
        }
        Ok(MaxUnpool { config: c, name: scope.name().to_string() })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        Err(Error::shape(&self.name, "values and their indices", &x.size(), "call `MaxUnpool::step(x, indices, cx)`"))
    }
}
