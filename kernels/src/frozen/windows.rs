//! Which cells of its input a cell sees, tap by tap: convolutions, pools, linear layers over all cells. In: the sizes of each axis; out: a
//! table, made once.

use snn_shape as shape;

/// What lies behind the border of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// Nothing: zeros of a convolution, no cell of a pool.
    Zeros,
    /// The cells mirrored at the outermost one, which is not repeated.
    Reflect,
    /// The outermost cell again and again.
    Replicate,
    /// The cells from the other end.
    Circular,
}

/// The windows along one axis: for each tap and each output the input it sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    inputs: usize,
    outputs: usize,
    taps: usize,
    /// `[tap][output]`
    cells: Vec<Option<usize>>,
}

impl Axis {
    /// `cell(tap, output)` is the input that an output sees at a tap.
    pub fn new(inputs: usize, outputs: usize, taps: usize, cell: impl Fn(usize, usize) -> Option<usize>) -> Axis {
        let cells = (0..taps).flat_map(|tap| (0..outputs).map(move |output| (tap, output)));
        let cells = cells.map(|(tap, output)| cell(tap, output).filter(|cell| *cell < inputs)).collect();
        Axis { inputs, outputs, taps, cells }
    }

    /// A convolution, `pad.0` cells before and `pad.1` behind the input. `None` as [`snn_shape::conv`].
    pub fn conv(len: usize, kernel: usize, stride: usize, pad: (usize, usize), dilation: usize, border: Border) -> Option<Axis> {
        let outputs = shape::conv(len, kernel, stride, pad.0 + pad.1, dilation)?;
        Some(Axis::new(len, outputs, kernel, |tap, output| {
            let at = (output * stride + tap * dilation) as isize - pad.0 as isize;
            let len = len as isize;
            let cell = match border {
                Border::Zeros => at,
                Border::Reflect if at < 0 => -at,
                Border::Reflect if at >= len => 2 * (len - 1) - at,
                Border::Reflect => at,
                Border::Replicate => at.clamp(0, len - 1),
                Border::Circular => at.rem_euclid(len),
            };
            usize::try_from(cell).ok()
        }))
    }

    /// A transposed convolution, `pad` cells cut off on each side. `None` as [`snn_shape::conv_transpose`].
    pub fn conv_transpose(len: usize, kernel: usize, stride: usize, pad: usize, dilation: usize, output_padding: usize) -> Option<Axis> {
        let outputs = shape::conv_transpose(len, kernel, stride, 2 * pad, dilation, output_padding)?;
        Some(Axis::new(len, outputs, kernel, |tap, output| {
            let at = (output + pad).checked_sub(tap * dilation)?;
            at.is_multiple_of(stride).then(|| at / stride)
        }))
    }

    /// A pool. `None` as [`snn_shape::pool`].
    pub fn pool(len: usize, kernel: usize, stride: usize, pad: usize, dilation: usize, ceil_mode: bool) -> Option<Axis> {
        let outputs = shape::pool(len, kernel, stride, pad, dilation, ceil_mode)?;
        Some(Axis::new(len, outputs, kernel, |tap, output| (output * stride + tap * dilation).checked_sub(pad)))
    }

    /// A pool with `outputs` cells, each over the inputs from floor(i len / outputs) to ceil((i + 1) len / outputs). `None` as
    /// [`snn_shape::adaptive_pool`].
    pub fn adaptive_pool(len: usize, outputs: usize) -> Option<Axis> {
        shape::adaptive_pool(len, outputs)?;
        let (start, end) = (|i: usize| i * len / outputs, |i: usize| ((i + 1) * len).div_ceil(outputs));
        let taps = (0..outputs).map(|i| end(i) - start(i)).max()?;
        Some(Axis::new(len, outputs, taps, |tap, output| Some(start(output) + tap).filter(|cell| *cell < end(output))))
    }
}

/// The input cell of each tap and output cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    inputs: usize,
    outputs: usize,
    taps: usize,
    /// `[tap][output]`
    cells: Vec<u32>,
    /// The taps at which any output sees a cell: at a border those of a small image are few.
    live: Vec<u32>,
}

/// No cell: the window hangs over the border.
pub(super) const NONE: u32 = u32::MAX;

impl Windows {
    /// The windows of all axes together, the last axis fastest in cells and taps.
    pub fn new(axes: &[Axis]) -> Windows {
        let one = Windows { inputs: 1, outputs: 1, taps: 1, cells: vec![0], live: Vec::new() };
        let mut all = axes.iter().fold(one, |outer, axis| {
            let taps = outer.taps * axis.taps;
            let outputs = outer.outputs * axis.outputs;
            let mut cells = Vec::with_capacity(taps * outputs);
            for tap in 0..taps {
                for output in 0..outputs {
                    let far = outer.cells[tap / axis.taps * outer.outputs + output / axis.outputs];
                    let near = axis.cells[tap % axis.taps * axis.outputs + output % axis.outputs];
                    cells.push(near.filter(|_| far != NONE).map_or(NONE, |near| far * axis.inputs as u32 + near as u32));
                }
            }
            Windows { inputs: outer.inputs * axis.inputs, outputs, taps, cells, live: Vec::new() }
        });
        all.live = (0..all.taps).filter(|tap| all.tap(*tap).iter().any(|cell| *cell != NONE)).map(|tap| tap as u32).collect();
        all
    }

    /// Every cell sees itself: a linear layer on each of `cells`.
    pub fn each(cells: usize) -> Windows {
        Windows::new(&[Axis::new(cells, cells, 1, |_, cell| Some(cell))])
    }

    /// One cell sees all `cells`: a linear layer behind a flattened value.
    pub fn all(cells: usize) -> Windows {
        Windows::new(&[Axis::new(cells, 1, cells, |tap, _| Some(tap))])
    }

    /// Cells of the input.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Cells of the output.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Inputs that a window has room for.
    pub fn taps(&self) -> usize {
        self.taps
    }

    /// What the outputs see at a tap; [`NONE`] for nothing.
    #[inline(always)]
    pub(super) fn tap(&self, tap: usize) -> &[u32] {
        &self.cells[tap * self.outputs..][..self.outputs]
    }

    /// The taps at which any output sees a cell.
    #[inline(always)]
    pub(super) fn live(&self) -> &[u32] {
        &self.live
    }

    /// What the outputs see at a tap and those behind it.
    #[inline(always)]
    pub(super) fn taps_from(&self, tap: usize) -> &[u32] {
        &self.cells[tap * self.outputs..]
    }

    /// What an output sees at a tap.
    pub fn cell(&self, tap: usize, output: usize) -> Option<usize> {
        Some(self.tap(tap)[output]).filter(|cell| *cell != NONE).map(|cell| cell as usize)
    }
}
