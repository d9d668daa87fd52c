//! THE shape formulas, as `const fn`s of sizes. In: sizes and hyper-parameters; out: the size after a layer, or `None` where
//! the layer does not fit.
//!
//! The macro calls them while it compiles a net, generated code calls them where a size is a Rust const that the macro
//! cannot see (then [`check`] turns a misfit into a compile error), and the runtime calls them for the rest. All follow
//! PyTorch's formulas, which SpikingJelly wraps.

#![no_std]

pub mod check;
mod message;

/// Length after a convolution: `floor((len + pad - dilation * (kernel - 1) - 1) / stride) + 1`.
///
/// `pad` is the padding of both sides together. `None`: the kernel does not fit the padded input, `kernel`, `stride` or
/// `dilation` is 0, or a length is beyond `isize::MAX`. PyTorch: `torch.nn.Conv2d`, "Shape".
pub const fn conv(len: usize, kernel: usize, stride: usize, pad: usize, dilation: usize) -> Option<usize> {
    if kernel == 0 || stride == 0 || dilation == 0 {
        return None;
    }
    let (Some(reach), Some(padded)) = (reach(kernel, dilation), length(len, pad)) else { return None };
    if padded < reach { None } else { Some((padded - reach) / stride + 1) }
}

/// Cells from the first to the last that a kernel sees, if an `isize` can count them.
const fn reach(kernel: usize, dilation: usize) -> Option<usize> {
    match dilation.checked_mul(kernel - 1) {
        Some(n) => length(n, 1),
        None => None,
    }
}

/// The sum, if an `isize` holds it.
const fn length(a: usize, b: usize) -> Option<usize> {
    match a.checked_add(b) {
        Some(n) if n <= isize::MAX as usize => Some(n),
        _ => None,
    }
}

/// Length after a transposed convolution: `(len - 1) * stride - pad + dilation * (kernel - 1) + output_padding + 1`.
///
/// `pad` is the padding of both sides together. `None`: nothing is left (PyTorch gives an empty tensor or refuses, by the kernel
/// it happens to take), `output_padding` is neither smaller than `stride` nor than `dilation`, or a length is beyond `isize::MAX`. PyTorch:
/// `torch.nn.ConvTranspose2d`, "Shape".
pub const fn conv_transpose(len: usize, kernel: usize, stride: usize, pad: usize, dilation: usize, output_padding: usize) -> Option<usize> {
    if len == 0 || kernel == 0 || stride == 0 || dilation == 0 || (output_padding >= stride && output_padding >= dilation) {
        return None;
    }
    let (Some(strides), Some(reach)) = ((len - 1).checked_mul(stride), reach(kernel, dilation)) else { return None };
    let Some(full) = length(strides, reach) else { return None };
    let Some(full) = length(full, output_padding) else { return None };
    if full <= pad { None } else { Some(full - pad) }
}

/// Length after a max or average pool with `pad` zeros (or `-inf`) on each side.
///
/// With `ceil_mode` the last window may hang over the end, but is dropped if it would start beyond `len + pad`.
/// `None`: the window does not fit, `pad > kernel / 2`, or a length is beyond `isize::MAX`. PyTorch: `torch.nn.MaxPool2d`, "Shape".
pub const fn pool(len: usize, kernel: usize, stride: usize, pad: usize, dilation: usize, ceil_mode: bool) -> Option<usize> {
    if kernel == 0 || stride == 0 || dilation == 0 || pad > kernel / 2 {
        return None;
    }
    let (Some(reach), Some(padded)) = (reach(kernel, dilation), length(len, pad.saturating_mul(2))) else { return None };
    if padded < reach {
        // One overhanging window is all that could be left; PyTorch refuses it as well.
        return if ceil_mode && reach - padded < stride && len > 0 { Some(1) } else { None };
    }
    let span = padded - reach;
    if !ceil_mode {
        return Some(span / stride + 1);
    }
    let out = span.div_ceil(stride) + 1;
    Some(if (out - 1).saturating_mul(stride) >= len + pad { out - 1 } else { out })
}

/// Does each of the `out` windows of a pool see a cell of the input? A dilated one may step over all of it, from padding to padding.
pub const fn windows_see(len: usize, kernel: usize, stride: usize, pad: usize, dilation: usize, out: usize) -> bool {
    if out == 0 {
        return true;
    }
    // The last window begins furthest behind; the first has the most padding to step over.
    if (out - 1).saturating_mul(stride) >= pad + len || pad.div_ceil(dilation) >= kernel {
        return false;
    }
    // A step no longer than the input lands in it.
    if dilation <= len {
        return true;
    }
    // Windows that begin in the padding may step over it: few, since so wide a kernel hardly fits.
    let mut i = 0;
    while i < out && i * stride < pad {
        let before = (pad - i * stride).div_ceil(dilation);
        if i * stride + before * dilation >= pad + len {
            return false;
        }
        i += 1;
    }
    true
}

/// Length after an average pool over three axes: as [`pool`], but the window must fit the input without its padding.
///
/// PyTorch: `torch.nn.AvgPool3d`, whose kernel alone asks for this.
pub const fn avg_pool3d(len: usize, kernel: usize, stride: usize, pad: usize, ceil_mode: bool) -> Option<usize> {
    if len < kernel { None } else { pool(len, kernel, stride, pad, 1, ceil_mode) }
}

/// Length after an adaptive pool that gives `out` cells.
///
/// `None`: there is no cell to average, or none is asked for. PyTorch: `torch.nn.AdaptiveAvgPool2d`, "Shape".
pub const fn adaptive_pool(len: usize, out: usize) -> Option<usize> {
    if len == 0 || out == 0 { None } else { Some(out) }
}

/// Length after `Upsample` by `factor`: `floor(len * factor)`.
///
/// `None`: no cell is left, or `factor` is no positive number. PyTorch: `torch.nn.Upsample`, "Shape".
pub const fn upsample(len: usize, factor: f64) -> Option<usize> {
    if !(factor > 0.0 && factor < f64::INFINITY) {
        return None;
    }
    match (len as f64 * factor) as usize {
        0 => None,
        n => Some(n),
    }
}

/// A size that rustc evaluates where the net does not fit: its twin in [`check`] has the error, any number serves the rest.
pub const fn settled(size: Option<usize>) -> usize {
    match size {
        Some(n) => n,
        None => 1,
    }
}

/// The (left, right) zeros of `padding = "same"`: `dilation * (kernel - 1)` in all, the odd one on the right.
pub const fn same_padding(kernel: usize, dilation: usize) -> (usize, usize) {
    let total = dilation.saturating_mul(kernel.saturating_sub(1));
    (total / 2, total - total / 2)
}

/// The size of `dims[start..=end]` flattened into one axis; the largest `usize` where it is larger.
pub const fn product(dims: &[usize]) -> usize {
    let (mut i, mut p) = (0, 1);
    while i < dims.len() {
        p = dims[i].saturating_mul(p);
        i += 1;
    }
    p
}

/// Groups of `by` in `len`: `None` when `by` is 0 or features would be left over.
///
/// Serves `VotingLayer` (which in SpikingJelly drops the remainder silently) and grouped convolutions.
pub const fn divide(len: usize, by: usize) -> Option<usize> {
    if by == 0 || !len.is_multiple_of(by) { None } else { Some(len / by) }
}

/// The width of a hidden layer that is `by` times narrower than `size`, rounded down; `None` if nothing is left of it.
pub const fn reduced(size: usize, by: usize) -> Option<usize> {
    if by == 0 || size < by { None } else { Some(size / by) }
}

/// Inputs that one output of a convolution or linear layer sees: `in_features / groups * kernel`; its square root bounds
/// the initial weights.
pub const fn fan_in(in_features: usize, groups: usize, kernel: &[usize]) -> usize {
    match in_features.checked_div(groups) {
        Some(n) => n.saturating_mul(product(kernel)),
        None => in_features.saturating_mul(product(kernel)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn convolution() {
        assert_eq!(conv(28, 3, 1, 2, 1), Some(28));
        assert_eq!(conv(28, 3, 2, 2, 1), Some(14));
        assert_eq!(conv(7, 3, 1, 0, 3), Some(1));
        assert_eq!(conv(5, 7, 1, 0, 1), None);
        assert_eq!(conv(5, 3, 0, 0, 1), None);
        assert_eq!(conv(5, 0, 1, 0, 1), None);
    }

    #[test]
    fn what_no_number_holds_does_not_fit() {
        const MOST: usize = usize::MAX;
        assert_eq!((conv(5, 3, 1, MOST, 1), conv(5, MOST, 1, 0, 2), conv(5, 3, 1, 0, MOST)), (None, None, None));
        assert_eq!(conv(5, 3, MOST, 0, 1), Some(1));
        assert_eq!(conv_transpose(5, 3, MOST, 0, 1, 0), None);
        assert_eq!((conv_transpose(5, MOST, 1, 0, 2, 0), conv_transpose(MOST, 3, 1, MOST, 1, 0)), (None, None));
        assert_eq!((pool(5, MOST, 1, MOST / 2, 1, true), pool(5, 2, 1, 0, MOST, true)), (None, None));
        assert_eq!((pool(5, 2, MOST, 0, 1, false), pool(5, 2, MOST, 0, 1, true)), (Some(1), Some(1)));
        assert_eq!((product(&[MOST, 2]), product(&[MOST, 2, 0]), fan_in(MOST, 1, &[3])), (MOST, 0, MOST));
        assert_eq!(same_padding(MOST, MOST), (MOST / 2, MOST - MOST / 2));
    }

    #[test]
    fn transposed_convolution_inverts_the_convolution() {
        for len in 3..20 {
            for stride in 1..4 {
                let out = conv(len, 3, stride, 2, 1).unwrap();
                let lost = (len + 2 - 3) % stride;
                assert_eq!(conv_transpose(out, 3, stride, 2, 1, lost), Some(len), "len {len} stride {stride}");
            }
        }
        assert_eq!(conv_transpose(4, 3, 2, 0, 1, 2), None, "output_padding must stay below the stride");
        assert_eq!(conv_transpose(4, 3, 2, 0, 3, 2), Some(15), "or below the dilation");
        assert_eq!(conv_transpose(1, 1, 1, 2, 1, 0), None, "two cells cannot be cut off one");
        assert_eq!(conv_transpose(1, 2, 1, 2, 1, 0), None, "nothing is left");
    }

    #[test]
    fn pools() {
        assert_eq!(pool(6, 3, 2, 1, 1, false), Some(3));
        assert_eq!(pool(6, 3, 2, 1, 1, true), Some(4));
        assert_eq!(pool(5, 2, 2, 0, 1, true), Some(3));
        assert_eq!(pool(5, 1, 3, 0, 1, true), Some(2), "the window at 6 would start beyond the end");
        assert_eq!(pool(4, 2, 2, 2, 1, false), None, "padding is at most half the kernel");
    }

    #[test]
    fn windows_may_see_padding_alone() {
        assert!(windows_see(7, 3, 2, 1, 1, 4));
        assert!(windows_see(2, 2, 1, 1, 2, 2), "either window sees one of the two cells");
        assert!(!windows_see(1, 2, 1, 1, 2, 1), "cells -1 and 1 of one cell");
        assert!(!windows_see(4, 2, 4, 0, 1, 2), "the second starts behind the end");
        assert!(windows_see(1 << 40, 2, 1, 1, 1, 1 << 40), "in no time");
        // Window by window, element by element.
        let sees =
            |len, kernel, stride, pad, dilation, i: usize| (0..kernel).any(|k| (pad..pad + len).contains(&(i * stride + k * dilation)));
        for case in 0..5 * 5 * 4 * 4 * 4 * 6 {
            let of = |below: usize, n: usize| case / below % n;
            let (len, kernel, stride) = (of(1, 5) + 1, of(5, 5) + 1, of(25, 4) + 1);
            let (pad, dilation, out) = (of(100, 4), of(400, 4) + 1, of(1600, 6));
            let want = (0..out).all(|i| sees(len, kernel, stride, pad, dilation, i));
            assert_eq!(windows_see(len, kernel, stride, pad, dilation, out), want, "{len} {kernel} {stride} {pad} {dilation} {out}");
        }
    }

    #[test]
    fn average_pools_over_three_axes_do_not_count_their_padding() {
        assert_eq!(avg_pool3d(4, 3, 1, 1, false), Some(4));
        assert_eq!((pool(2, 3, 1, 1, 1, false), avg_pool3d(2, 3, 1, 1, false)), (Some(2), None));
    }

    #[test]
    fn adaptive_pools() {
        assert_eq!(adaptive_pool(7, 3), Some(3));
        assert_eq!(adaptive_pool(2, 5), Some(5), "more cells than there are");
        assert_eq!((adaptive_pool(0, 1), adaptive_pool(7, 0)), (None, None));
    }

    #[test]
    fn upsampling_rounds_down() {
        assert_eq!(upsample(5, 2.0), Some(10));
        assert_eq!(upsample(5, 1.5), Some(7));
        assert_eq!((upsample(5, 0.1), upsample(5, -1.0), upsample(5, f64::NAN), upsample(5, f64::INFINITY)), (None, None, None, None));
    }

    #[test]
    fn same_padding_puts_the_odd_one_right() {
        assert_eq!(same_padding(3, 1), (1, 1));
        assert_eq!(same_padding(4, 1), (1, 2));
        assert_eq!(same_padding(2, 3), (1, 2));
        for k in 1..6 {
            let (l, r) = same_padding(k, 2);
            assert_eq!(conv(9, k, 1, l + r, 2), Some(9));
        }
    }

    #[test]
    fn groups() {
        assert_eq!(divide(100, 10), Some(10));
        assert_eq!(divide(105, 10), None);
        assert_eq!(divide(105, 0), None);
        assert_eq!((settled(divide(100, 10)), settled(divide(105, 10))), (10, 1));
        assert_eq!((reduced(7, 4), reduced(4, 4), reduced(3, 4), reduced(3, 0)), (Some(1), Some(1), None, None));
        assert_eq!(fan_in(6, 2, &[3, 3]), 27);
        assert_eq!(product(&[]), 1);
    }
}
