//! The axes of space behind batch and channels: one, two or three of them. In: a tensor `[N, C, ..]`; out: its sizes in space,
//! or an error that says what a layer of that many axes wants.

pub(crate) use snn_infer::__private::{axes, by};
use tch::{TchError, Tensor};

use crate::error::{Error, Result};

/// `[N, 3, H, W]`, or `[N, C, H, W]` where any number of channels will do.
pub(crate) fn shape<const D: usize>(channels: Option<usize>) -> String {
    let channels = channels.map_or("C".to_string(), |c| c.to_string());
    format!("[N, {channels}, {}]", axes::<D>().join(", "))
}

/// `x` is `[N, channels, ..]` with `D` axes of space; their sizes.
pub(crate) fn sizes<const D: usize>(layer: &str, x: &Tensor, channels: Option<usize>) -> Result<[usize; D]> {
    let size = x.size();
    if let [_, c, space @ ..] = size.as_slice()
        && channels.is_none_or(|want| *c == want as i64)
        && let Ok(space) = <[i64; D]>::try_from(space)
    {
        return Ok(space.map(|n| n as usize));
    }
    let help = match size.len() {
        n if n == D + 3 => "a sequence goes through `sequence`",
        n if n == D + 1 => "the batch is missing: `x.unsqueeze(0)`",
        _ => "",
    };
    Err(Error::shape(layer, shape::<D>(channels), &size, help))
}

/// libtorch pools over two or three axes: one axis becomes a plane of height 1.
pub(crate) fn raised<const D: usize>(x: &Tensor) -> Result<Tensor, TchError> {
    if D == 1 { x.f_unsqueeze(2) } else { Ok(x.shallow_clone()) }
}

/// Takes the height of [`raised`] away.
pub(crate) fn lowered<const D: usize>(y: &Tensor) -> Result<Tensor, TchError> {
    if D == 1 { y.f_squeeze_dim(2) } else { Ok(y.shallow_clone()) }
}

/// An argument for [`raised`]: `neutral` stands for the height.
pub(crate) fn raised_dims<const D: usize>(sizes: &[usize; D], neutral: i64) -> Vec<i64> {
    let height = (D == 1).then_some(neutral);
    height.into_iter().chain(sizes.iter().map(|&n| n as i64)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_told_with_the_fix() {
        let x = |size: &[i64]| Tensor::zeros(size, (tch::Kind::Float, tch::Device::Cpu));
        assert_eq!(sizes::<2>("Net.conv", &x(&[4, 3, 5, 6]), Some(3)).unwrap(), [5, 6]);
        assert_eq!(sizes::<1>("Net.conv", &x(&[4, 3, 5]), None).unwrap(), [5]);
        let say = |size: &[i64]| sizes::<2>("Net.conv", &x(size), Some(3)).unwrap_err().to_string();
        assert_eq!(say(&[4, 1, 5, 6]), "Net.conv: wants [N, 3, H, W], but gets [4, 1, 5, 6]");
        assert!(say(&[2, 4, 3, 5, 6]).ends_with("help: a sequence goes through `sequence`"));
        assert!(say(&[3, 5, 6]).ends_with("help: the batch is missing: `x.unsqueeze(0)`"));
        assert_eq!((shape::<3>(None), by(&[7, 3])), ("[N, C, D, H, W]".to_string(), "7x3".to_string()));
    }

    #[test]
    fn one_axis_is_a_plane_of_height_one() {
        let x = Tensor::from_slice(&[1.0, 2.0, 3.0]).reshape([1, 1, 3]);
        assert_eq!(raised::<1>(&x).unwrap().size(), [1, 1, 1, 3]);
        assert!(lowered::<1>(&raised::<1>(&x).unwrap()).unwrap().equal(&x));
        assert_eq!((raised_dims(&[5], 1), raised_dims(&[5, 6], 1)), (vec![1, 5], vec![5, 6]));
    }
}
