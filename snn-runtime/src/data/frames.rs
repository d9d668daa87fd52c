//! Frames as a tensor. In: the frames of some recordings; out: the input of a net.

use snn_data::Sensor;
use tch::{Kind, Tensor, kind::Element};

use crate::error::{Error, Result};

/// The frames of a batch of recordings as one tensor of floats.
///
/// # Shapes
///
/// Each of `samples` is `[T, channels, H, W]` of the sensor, last axis fastest, with the same T; the tensor is
/// `[T, N, channels, H, W]`.
///
/// # Errors
///
/// There is no sample, one is not a whole number of frames, or one has another number of them than the first.
pub fn stack_frames<C: Element>(samples: &[impl AsRef<[C]>], sensor: Sensor) -> Result<Tensor> {
    let [channels, height, width] = sensor.frame();
    let wrong = |problem: String| Error::argument("stack_frames", "samples", problem, "");
    let first = samples.first().ok_or_else(|| wrong("must not be empty".into()))?.as_ref().len();
    let frame_len = sensor.frame_len();
    if first == 0 || !first.is_multiple_of(frame_len) {
        return Err(wrong(format!("must be frames of [{channels}, {height}, {width}], but the first has {first} values")));
    }
    let mut tensors = Vec::with_capacity(samples.len());
    for (i, sample) in samples.iter().enumerate() {
        let sample = sample.as_ref();
        if sample.len() != first {
            return Err(wrong(format!("must be of one length, but the first has {first} values and number {i} has {}", sample.len())));
        }
        let sizes = [first / frame_len, channels, height, width].map(|n| n as i64);
        tensors.push(Tensor::f_from_slice(sample)?.f_view(sizes)?);
    }
    Ok(Tensor::f_stack(&tensors, 1)?.f_to_kind(Kind::Float)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_comes_first() {
        let sensor = Sensor::new(1, 2);
        let samples: [Vec<u8>; 2] = [(0..12).collect(), (20..32).collect()];
        let x = stack_frames(&samples, sensor).unwrap();
        assert_eq!((x.size(), x.kind()), (vec![3, 2, 2, 1, 2], Kind::Float));
        assert_eq!(Vec::<f32>::try_from(x.select(0, 1).view([-1])).unwrap(), [4.0, 5.0, 6.0, 7.0, 24.0, 25.0, 26.0, 27.0]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let error = |samples: &[Vec<f32>]| stack_frames(samples, Sensor::new(1, 2)).unwrap_err().to_string();
        assert_eq!(error(&[]), "stack_frames: `samples` must not be empty");
        assert_eq!(error(&[vec![0.0; 6]]), "stack_frames: `samples` must be frames of [2, 1, 2], but the first has 6 values");
        let lengths = error(&[vec![0.0; 8], vec![0.0; 4]]);
        assert_eq!(lengths, "stack_frames: `samples` must be of one length, but the first has 8 values and number 1 has 4");
    }
}
