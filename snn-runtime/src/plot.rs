//! Pictures of recordings. In: tensors, as `forward_recorded` gives them; out: arrays for the plots of `snn-plot`, which this module re-exports, and
//! surrogate functions beside their gradients.
//!
//! ```
//! use snn_runtime::plot::{RasterConfig, raster, sample};
//! use snn_runtime::{Device, Kind, Tensor};
//!
//! let spikes = Tensor::ones([4, 2, 8, 5, 5], (Kind::Float, Device::Cpu)); // [T, N, C, H, W], as `rec.sn1.spikes`
//! let picture = raster(&[("sn1", &sample(&spikes, 0)?)], &RasterConfig::default())?;
//! assert!(picture.svg().contains("100 %"));
//! # Ok::<(), snn_runtime::Error>(())
//! ```

use tch::Tensor;

use crate::error::{Error, Result};
use crate::frozen::numbers;
use crate::surrogate::Surrogate;

pub use snn_plot::{
    Array, Curve, Error as PlotError, EventFramesConfig, FeatureMapConfig, HeatmapConfig, MembraneConfig, Panel, Picture, RasterConfig,
    SurrogateCurve, Time, curves, event_frames, feature_map, heatmap, liveliest, membrane, raster, surrogate as surrogate_curve,
};

/// A tensor of any device and kind, to look at.
///
/// # Errors
///
/// It has no elements, one is infinite or not a number, or libtorch does not give them.
pub fn array(x: &Tensor) -> Result<Array> {
    let (shape, values) = numbers(x)?;
    Ok(Array::new(shape, values)?)
}

/// One sample of a recording, `[T, N, ..]` to `[T, ..]`.
///
/// # Errors
///
/// There is no such sample, or as [`array`].
pub fn sample(x: &Tensor, n: usize) -> Result<Array> {
    let sizes = x.size();
    // The rest need not come from the device.
    let there = sizes.get(1).is_some_and(|&size| i64::try_from(n).is_ok_and(|n| n < size));
    Ok(if there { array(&x.f_narrow(1, n as i64, 1)?)?.sample(0)? } else { array(x)?.sample(n)? })
}

/// Points of a curve.
const POINTS: i32 = 401;

/// A surrogate function beside its gradient, for potentials from `-range` to `range` around the threshold.
///
/// ```
/// use snn_runtime::plot::surrogate;
/// use snn_runtime::surrogate::ATan;
///
/// assert!(surrogate(ATan::default(), 2.0)?.svg().contains("ATan(alpha = 2.0, spiking = true)"));
/// # Ok::<(), snn_runtime::Error>(())
/// ```
///
/// # Errors
///
/// The function's own arguments do not work, or `range` is not above 0 and finite.
pub fn surrogate(function: impl Into<Surrogate>, range: f64) -> Result<Picture> {
    const NAME: &str = "plot::surrogate";
    let function = function.into();
    crate::surrogate::check(&function, NAME, "function")?;
    if !range.is_finite() || range <= 0.0 {
        return Err(Error::argument(NAME, "range", format!("must be greater than 0 and finite, but is {range}"), ""));
    }
    let half = f64::from(POINTS / 2);
    let x: Vec<f64> = (0..POINTS).map(|i| (f64::from(i) - half) / half * range).collect();
    let at_each = |f: &dyn Fn(&mut [f64])| {
        let mut values = x.clone();
        f(&mut values);
        values
    };
    // One that draws spikes at random is shown by how likely they are.
    let smooth = function.with_spiking(false);
    let has_primitive = smooth.check().is_ok();
    let spike = at_each(&|x| if function.draws() { function.primitive(x) } else { function.spike(x, snn_kernels::Draw::default()) });
    let primitive = (has_primitive && function.spiking() && !function.draws()).then(|| at_each(&|x| function.primitive(x)));
    let gradient = at_each(&|x| function.derivative(x));
    let curve = SurrogateCurve { name: &name(&function), x: &x, spike: &spike, primitive: primitive.as_deref(), gradient: &gradient };
    Ok(surrogate_curve(&curve)?)
}

/// `ATan(alpha = 2.0, spiking = true)`
fn name(function: &Surrogate) -> String {
    let debug = format!("{function:?}"); // ATan(ATan { alpha: 2.0, spiking: true })
    let inner = debug.split_once('(').map_or(debug.as_str(), |(_, inner)| inner.strip_suffix(')').unwrap_or(inner));
    inner.replace(" { ", "(").replace(" }", ")").replace(": ", " = ")
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::surrogate as all;

    #[test]
    fn a_sample_of_a_recording() -> Result<()> {
        let x = Tensor::arange(12, (Kind::Int64, Device::Cpu)).view([2, 3, 2]);
        let picked = sample(&x, 1)?;
        assert_eq!((picked.shape(), picked.values()), (&[2, 2][..], &[2.0, 3.0, 8.0, 9.0][..]));
        assert!(sample(&x, 3).unwrap_err().to_string().contains("`sample` 3 is not there: an array of shape [2, 3, 2] has 3"));
        let nan = Tensor::from_slice(&[1.0, f64::NAN]);
        assert!(array(&nan).unwrap_err().to_string().contains("number 1 is NaN"));
        Ok(())
    }

    #[test]
    fn every_surrogate_can_be_shown() -> Result<()> {
        let functions: [Surrogate; 20] = [
            all::ATan::default().into(),
            all::DeterministicPass::default().into(),
            all::Erf::default().into(),
            all::FakeNumericalGradient::default().into(),
            all::LeakyKReLU::default().into(),
            all::LogTailedReLU::default().into(),
            all::MultiLevelSpikeCount::default().into(),
            all::NonzeroSignLogAbs::default().into(),
            all::PiecewiseExp::default().into(),
            all::PiecewiseLeakyReLU::default().into(),
            all::PiecewiseQuadratic::default().into(),
            all::PoissonPass::default().into(),
            all::QPseudoSpike::default().into(),
            all::Rect::default().into(),
            all::S2NN::default().into(),
            all::Sigmoid::default().into(),
            all::SoftSign::default().into(),
            all::SquarewaveFourierSeries::default().into(),
            all::SuperSpike::default().into(),
            Surrogate::from(all::Sigmoid::default()).with_spiking(false),
        ];
        for function in functions {
            let svg = surrogate(function, 2.0)?.svg();
            assert!(svg.contains(&name(&function)), "{function:?}");
        }
        assert!(surrogate(all::ATan { alpha: -1.0, ..Default::default() }, 2.0).unwrap_err().to_string().contains("alpha"));
        assert!(surrogate(all::ATan::default(), f64::NAN).unwrap_err().to_string().contains("`range` must be greater than 0"));
        Ok(())
    }
}
