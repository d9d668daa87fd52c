//! Attention gates on the device. In: the element type; out: the source of their kernels, and a launch's struct and grids.

use super::{Address, Arguments, Element, MEMORY, REAL, SUM_SOURCE, Source, THREADS, kernel};
use crate::AttentionSizes;

const ATTENTION_SOURCE: &str = include_str!("../../cuda/attention.cuh");
const ATTENTION_BACKWARD: &str = include_str!("../../cuda/attention_backward.cuh");

/// Sum and maximum of each row of pixels: a grid of [`AttentionKernels::rows`].
pub const ATTENTION_ROWS: &str = "snn_attention_rows";
/// Mean and maximum of each step, of the rows': a grid of [`AttentionKernels::steps`].
pub const ATTENTION_STEPS: &str = "snn_attention_steps";
/// Mean and maximum of each channel, of the rows' and the temporal gates: a grid of [`AttentionKernels::channels`].
pub const ATTENTION_CHANNELS: &str = "snn_attention_channels";
/// Mean and maximum of each pixel, of x and those gates: a grid of [`AttentionKernels::pixels`].
pub const ATTENTION_PLANES: &str = "snn_attention_planes";
/// y: a grid of [`AttentionKernels::rows`].
pub const ATTENTION_GATE: &str = "snn_attention_gate";
/// Gradients of the spatial gates: a grid of [`AttentionKernels::pixels`].
pub const ATTENTION_PIXELS: &str = "snn_attention_pixels";
/// Sums of each row, of which the next two kernels make theirs: a grid of [`AttentionKernels::rows`].
pub const ATTENTION_ALONG: &str = "snn_attention_along";
/// Gradients of the channels' gates: a grid of [`AttentionKernels::channels`].
pub const ATTENTION_CHANNEL_GATES: &str = "snn_attention_channel_gates";
/// Gradients of the temporal gates: a grid of [`AttentionKernels::steps`].
pub const ATTENTION_STEP_GATES: &str = "snn_attention_step_gates";
/// The gradient of x: a grid of [`AttentionKernels::rows`].
pub const ATTENTION_INPUTS: &str = "snn_attention_inputs";

pub(crate) const HEADERS: &[&str] = &[REAL, MEMORY, SUM_SOURCE, ATTENTION_SOURCE, ATTENTION_BACKWARD];

/// Elements of a row that its threads have at once.
const ROW: usize = 64;
/// Threads of a step, and of neighbouring pixels of a block.
const WARP: usize = 32;

/// The passes of [`attention`](crate::attention) and its way back over a sequence, for one element type. All kernels take an
/// [`AttentionArguments`].
#[derive(Clone, Copy, Debug)]
pub struct AttentionKernels {
    /// Of x, y and their gradients.
    pub element: Element,
}

impl AttentionKernels {
    /// Their text.
    pub fn source(self) -> Source {
        Source::plain(HEADERS, self.instances(""))
    }

    /// The kernels, their names with a suffix.
    pub(crate) fn instances(self, suffix: &str) -> String {
        let (f, e, lanes) = (self.element.compute(), self.element.memory(), self.element.lanes());
        let (rows, small) = (format!("<{f}, {e}, {lanes}>"), format!("<{f}, {e}>"));
        let names = [
            (ATTENTION_ROWS, &rows),
            (ATTENTION_STEPS, &small),
            (ATTENTION_CHANNELS, &small),
            (ATTENTION_PLANES, &rows),
            (ATTENTION_GATE, &rows),
            (ATTENTION_PIXELS, &rows),
            (ATTENTION_ALONG, &rows),
            (ATTENTION_CHANNEL_GATES, &small),
            (ATTENTION_STEP_GATES, &small),
            (ATTENTION_INPUTS, &rows),
        ];
        let instance = |(name, types): (&str, &String)| {
            let function = name.trim_start_matches("snn_");
            kernel(&format!("{name}{suffix}"), &format!("snn::Attention<{f}, {e}> call"), &format!("{function}{types}"), "call")
        };
        names.into_iter().map(instance).collect()
    }

    fn grid(threads: usize) -> [usize; 3] {
        [threads.div_ceil(THREADS as usize), 1, 1]
    }

    /// The grid of kernels whose threads have rows of pixels.
    pub fn rows(self, sizes: AttentionSizes) -> [usize; 3] {
        AttentionKernels::grid(sizes.rows() * (ROW / self.element.lanes()))
    }

    /// The grid of kernels with a warp for each step of a sample.
    pub fn steps(self, sizes: AttentionSizes) -> [usize; 3] {
        AttentionKernels::grid(sizes.samples * sizes.steps * WARP)
    }

    /// The grid of kernels with a thread for each channel of a sample.
    pub fn channels(self, sizes: AttentionSizes) -> [usize; 3] {
        AttentionKernels::grid(sizes.samples * sizes.channels)
    }

    /// The grid of kernels with a block for some pixels of a sample.
    pub fn pixels(self, sizes: AttentionSizes) -> [usize; 3] {
        [sizes.samples * sizes.pixels().div_ceil(WARP * self.element.lanes()), 1, 1]
    }
}

/// `snn::Attention`. Addresses are 0 where there is nothing: all of a stage where it is missing. All but x, y and their gradients is of the
/// arithmetic's type; what is called `first` are places in `u32`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct AttentionArguments {
    /// `[steps, samples, channels, pixels]`
    pub x: Address,
    /// As x.
    pub y: Address,
    /// As x: dL/dy.
    pub grad_y: Address,
    /// As x: dL/dx.
    pub grad_x: Address,
    /// `[steps, samples, channels]`: sums over pixels of x.
    pub row_sum: Address,
    /// As `row_sum`: maxima.
    pub row_max: Address,
    /// As `row_sum`: the pixels of these.
    pub row_first: Address,
    /// As `row_sum`: sums over pixels of x times the gradient of what the spatial stage gets.
    pub row_along: Address,
    /// Of each step.
    pub step: AttentionStage,
    /// Of each channel.
    pub channel: AttentionStage,
    /// Of each pixel; its means and maxima are `[samples, 2, pixels]`.
    pub pixel: AttentionStage,
    /// What no kernel can do without.
    pub numbers: AttentionNumbers,
    /// 1 if what is negative is set to 0 at the end.
    pub relu: u32,
    /// 1 if all rows of pixels can be read [`lanes`](Element::lanes) at once.
    pub wide: u32,
}

/// A stage of [`AttentionArguments`], with gates for `size` steps, channels or pixels.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct AttentionStage {
    /// `[2, samples, size]`: means, then maxima.
    pub stats: Address,
    /// `[samples, size]`: where the maxima are.
    pub first: Address,
    /// `[samples, size]`: the gates.
    pub gates: Address,
    /// `[samples, size]`: their gradients.
    pub grad: Address,
    /// As `stats`: the gradients of these.
    pub back: Address,
}

/// Sizes of [`AttentionArguments`], and what sums are multiplied by to be means.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct AttentionNumbers {
    shares: [f64; 3],
    sizes: [u32; 4],
}

impl AttentionArguments {
    /// Without addresses.
    pub fn new(sizes: AttentionSizes, relu: bool) -> AttentionArguments {
        let AttentionSizes { steps, samples, channels, .. } = sizes;
        let pixels = sizes.pixels();
        let numbers = AttentionNumbers {
            shares: [channels * pixels, steps * pixels, steps * channels].map(|count| 1.0 / count as f64),
            sizes: [steps, samples, channels, pixels].map(|n| n as u32),
        };
        let [x, y, grad_y, grad_x, row_sum, row_max, row_first, row_along] = [0; 8];
        let [step, channel, pixel] = [AttentionStage::default(); 3];
        let relu = u32::from(relu);
        AttentionArguments { x, y, grad_y, grad_x, row_sum, row_max, row_first, row_along, step, channel, pixel, numbers, relu, wide: 0 }
    }
}

// SAFETY: `repr(C)`, 23 addresses, three numbers of 8 bytes and six of 4: no padding.
unsafe impl Arguments for AttentionArguments {}
