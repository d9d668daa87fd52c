//! A sequence without its time axis. In: `[step][element]`; out: one number per element.

use crate::layers::Reduce;

/// Mean, sum, largest or last of the steps, which are added in their order.
pub(crate) fn reduce(how: Reduce, x: &[f32], out: &mut [f32]) {
    let len = out.len();
    let steps = x.len() / len.max(1);
    let first = if how == Reduce::Last { steps.saturating_sub(1) } else { 0 };
    out.copy_from_slice(&x[first * len..][..len]);
    for x in x.chunks_exact(len.max(1)).skip(first + 1) {
        match how {
            Reduce::Mean | Reduce::Sum => out.iter_mut().zip(x).for_each(|(out, x)| *out += x),
            // NaN is greater than any number, as in torch.
            Reduce::Max => out.iter_mut().zip(x).for_each(|(out, x)| *out = if *x > *out || x.is_nan() { *x } else { *out }),
            Reduce::Last => {}
        }
    }
    if how == Reduce::Mean {
        out.iter_mut().for_each(|out| *out /= steps as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_four() {
        let x = [1.0, 4.0, 5.0, 2.0, 0.0, 0.0];
        let of = |how| {
            let mut out = [9.0; 2];
            reduce(how, &x, &mut out);
            out
        };
        assert_eq!((of(Reduce::Mean), of(Reduce::Sum)), ([2.0, 2.0], [6.0, 6.0]));
        assert_eq!((of(Reduce::Max), of(Reduce::Last)), ([5.0, 4.0], [0.0, 0.0]));
    }
}
