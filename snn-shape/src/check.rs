//! Compile-time checks for sizes the macro cannot see (Rust consts from outside, const generics). In: the layer's name and
//! its sizes; out: the size after it, or a const panic that names the layer, what it wants, what it got and the fix.
//!
//! Generated code calls these inside `const { .. }`, so a misfit is error E0080 on the user's own expression.

use crate::message::Message;

/// `layer` takes `want` features and `got` arrive.
#[track_caller]
pub const fn features(layer: &str, want: usize, got: usize) {
    equal(layer, want, "input features", got);
}

/// `layer` takes `want` channels and `got` arrive.
#[track_caller]
pub const fn channels(layer: &str, want: usize, got: usize) {
    equal(layer, want, "input channels", got);
}

/// `layer` takes `want` rows and `got` arrive.
#[track_caller]
pub const fn rows(layer: &str, want: usize, got: usize) {
    equal(layer, want, "rows", got);
}

/// `layer` takes `want` columns and `got` arrive.
#[track_caller]
pub const fn columns(layer: &str, want: usize, got: usize) {
    equal(layer, want, "columns", got);
}

/// `layer` is made for `want` time steps and the net runs `got`.
#[track_caller]
pub const fn steps(layer: &str, want: usize, got: usize) {
    equal(layer, want, "time steps", got);
}

/// Axis `axis` of what `what` (a net's output, a function's second argument) needs and what arrives.
#[track_caller]
pub const fn axis(what: &str, axis: usize, want: usize, got: usize) {
    if want != got {
        let m = Message::new().text("`").text(what).text("` expects size ").number(want).text(" on axis ").number(axis);
        panic!("{}", m.text(", but gets ").number(got).as_str());
    }
}

#[track_caller]
const fn equal(layer: &str, want: usize, what: &str, got: usize) {
    if want != got {
        let m = Message::new().text("`").text(layer).text("` expects ").number(want).text(" ").text(what).text(", but gets ");
        panic!("{}", m.number(got).as_str());
    }
}

/// The length after the convolution `layer`, see [`crate::conv`].
#[track_caller]
pub const fn conv(layer: &str, len: usize, kernel: usize, stride: usize, pad: usize, dilation: usize) -> usize {
    match crate::conv(len, kernel, stride, pad, dilation) {
        Some(n) => n,
        None => {
            let m = Message::new().text("`").text(layer).text("`: a kernel of ").number(kernel);
            let m = m.text(" does not fit an input of ").number(len).text(" with ").number(pad).text(" of padding");
            panic!("{}", m.as_str())
        }
    }
}

/// The length after the transposed convolution `layer`, see [`crate::conv_transpose`].
#[track_caller]
pub const fn conv_transpose(
    layer: &str,
    len: usize,
    kernel: usize,
    stride: usize,
    pad: usize,
    dilation: usize,
    output_padding: usize,
) -> usize {
    match crate::conv_transpose(len, kernel, stride, pad, dilation, output_padding) {
        Some(n) => n,
        None if output_padding >= stride && output_padding >= dilation => {
            let m = Message::new().text("`").text(layer).text("`: `output_padding` must be smaller than `stride`, ").number(stride);
            let m = m.text(", or `dilation`, ").number(dilation).text(", but is ").number(output_padding);
            panic!("{}", m.as_str())
        }
        None => {
            let m = Message::new().text("`").text(layer).text("`: a kernel of ").number(kernel).text(" on an input of ").number(len);
            panic!("{}", m.text(" leaves nothing once ").number(pad).text(" cells of padding are cut off").as_str())
        }
    }
}

/// The length after the pool `layer`, see [`crate::pool`].
#[track_caller]
pub const fn pool(layer: &str, len: usize, kernel: usize, stride: usize, pad: usize, dilation: usize, ceil_mode: bool) -> usize {
    match crate::pool(len, kernel, stride, pad, dilation, ceil_mode) {
        Some(n) => n,
        None => {
            let m = window(layer, len, kernel);
            panic!("{}", m.text(" with ").number(pad).text(" of padding on each side").as_str())
        }
    }
}

/// The length after the average pool `layer` over three axes, see [`crate::avg_pool3d`].
#[track_caller]
pub const fn avg_pool3d(layer: &str, len: usize, kernel: usize, stride: usize, pad: usize, ceil_mode: bool) -> usize {
    match crate::avg_pool3d(len, kernel, stride, pad, ceil_mode) {
        Some(n) => n,
        None => panic!("{}", window(layer, len, kernel).text(", whose padding does not count").as_str()),
    }
}

const fn window(layer: &str, len: usize, kernel: usize) -> Message {
    let m = Message::new().text("`").text(layer).text("`: a window of ").number(kernel);
    m.text(" does not fit an input of ").number(len)
}

/// The length after the adaptive pool `layer` that gives `out` cells, see [`crate::adaptive_pool`].
#[track_caller]
pub const fn adaptive_pool(layer: &str, len: usize, out: usize) -> usize {
    match crate::adaptive_pool(len, out) {
        Some(n) => n,
        None => {
            let m = Message::new().text("`").text(layer).text("` makes ").number(len).text(" cells into ").number(out);
            panic!("{}", m.text(": both must be at least 1").as_str())
        }
    }
}

/// The length after `Upsample` by `factor`, see [`crate::upsample`].
#[track_caller]
pub const fn upsample(layer: &str, len: usize, factor: f64) -> usize {
    match crate::upsample(len, factor) {
        Some(n) => n,
        None => {
            let m = Message::new().text("`").text(layer).text("`: `scale_factor` leaves nothing of ").number(len).text(" cells");
            panic!("{}", m.as_str())
        }
    }
}

/// `len` in groups of `by`, see [`crate::divide`].
#[track_caller]
pub const fn divide(layer: &str, len: usize, by: usize) -> usize {
    match crate::divide(len, by) {
        Some(n) => n,
        None => {
            let m = Message::new().text("`").text(layer).text("` needs a multiple of ").number(by);
            panic!("{}", m.text(", but gets ").number(len).as_str())
        }
    }
}

/// `size` made `by` times narrower, see [`crate::reduced`].
#[track_caller]
pub const fn reduced(layer: &str, size: usize, by: usize) -> usize {
    match crate::reduced(size, by) {
        Some(n) => n,
        None => {
            let m = Message::new().text("`").text(layer).text("`: a reduction of ").number(by);
            panic!("{}", m.text(" is more than its size of ").number(size).as_str())
        }
    }
}

/// A number of steps or copies that must not be 0.
#[track_caller]
pub const fn positive(what: &str, n: usize) -> usize {
    if n == 0 {
        panic!("{}", Message::new().text("`").text(what).text("` must be at least 1, but is 0").as_str());
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fitting_sizes_pass() {
        const { features("fc1", 128, 128) };
        const { channels("conv1", 3, 3) };
        assert_eq!(const { conv("conv1", 28, 3, 1, 2, 1) }, 28);
        assert_eq!(const { pool("pool", 28, 2, 2, 0, 1, false) }, 14);
        assert_eq!(const { conv_transpose("up", 14, 2, 2, 0, 1, 0) }, 28);
        assert_eq!(const { avg_pool3d("pool", 28, 2, 2, 0, false) }, 14);
        assert_eq!(const { upsample("up", 7, 1.5) }, 10);
        assert_eq!(const { adaptive_pool("pool", 7, 3) }, 3);
        assert_eq!(const { divide("vote", 100, 10) }, 10);
    }

    #[test]
    #[should_panic(expected = "`up`: `output_padding` must be smaller than `stride`, 2, or `dilation`, 1, but is 2")]
    fn conv_transpose_names_the_output_padding() {
        conv_transpose("up", 4, 3, 2, 0, 1, 2);
    }

    #[test]
    #[should_panic(expected = "`up`: a kernel of 1 on an input of 1 leaves nothing once 2 cells of padding are cut off")]
    fn conv_transpose_names_the_padding() {
        conv_transpose("up", 1, 1, 1, 2, 1, 0);
    }

    #[test]
    #[should_panic(expected = "`fc1` expects 6272 input features, but gets 4608")]
    fn features_name_layer_want_and_got() {
        features("fc1", 6272, 4608);
    }

    #[test]
    #[should_panic(expected = "`conv1`: a kernel of 7 does not fit an input of 5 with 0 of padding")]
    fn conv_names_the_kernel() {
        conv("conv1", 5, 7, 1, 0, 1);
    }

    #[test]
    #[should_panic(expected = "`pool`: a window of 3 does not fit an input of 2, whose padding does not count")]
    fn avg_pool3d_names_the_window() {
        avg_pool3d("pool", 2, 3, 1, 1, false);
    }

    #[test]
    #[should_panic(expected = "`vote` needs a multiple of 10, but gets 105")]
    fn divide_names_the_remainder() {
        divide("vote", 105, 10);
    }
}
