//! One step of a recurrent cell whose gates spike: `SpikingLSTM`, `SpikingGRU`, `SpikingVanillaRNN`. In: what the weights make of the input
//! and of the last output; out: the next output, and gradients the way back.
//!
//! The products with weights are matrix products of the caller's; here is all that happens element by element. A row holds one sample: the
//! gates one behind the other, `hidden` numbers each, in torch's order (i, f, g, o; r, z, n).

use pulp::Arch;

use crate::arch::vectorised;
use crate::error::{Error, check_len, sequence_len};
use crate::random::Draw;
use crate::real::Real;
use crate::surrogate::Surrogate;

/// What a cell computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// c = min(c f + i g, 1) and h = c o. The gradient passes the minimum as if it were not there, as in SpikingJelly.
    Lstm,
    /// h = (1 - z) n + z h, where n sees r times what the weights make of h.
    Gru,
    /// h = the only gate.
    Vanilla,
}

impl Cell {
    /// How many gates it has.
    pub const fn gates(self) -> usize {
        match self {
            Cell::Lstm => 4,
            Cell::Gru => 3,
            Cell::Vanilla => 1,
        }
    }

    /// The gate that the second surrogate function makes, if there are two.
    const fn content(self) -> usize {
        match self {
            Cell::Lstm | Cell::Gru => 2,
            Cell::Vanilla => 0,
        }
    }
}

/// A step of a cell.
#[derive(Clone, Copy, Debug)]
pub struct Gates {
    /// Which cell.
    pub cell: Cell,
    /// Numbers of an output, per sample.
    pub hidden: usize,
    /// Makes a gate of what arrives at it.
    pub surrogate: Surrogate,
    /// Makes the content, g or n; `None`: the same as the gates.
    pub content: Option<Surrogate>,
}

/// What a step reads. `[samples, gates * hidden]`, or `[samples, hidden]`.
#[derive(Clone, Copy, Debug)]
pub struct GatesIn<'a, F> {
    /// W x + b, all gates.
    pub ih: &'a [F],
    /// W h + b, all gates.
    pub hh: &'a [F],
    /// The last output.
    pub h: &'a [F],
    /// The last content of an LSTM's memory; empty for other cells.
    pub c: &'a [F],
    /// For surrogate functions that draw at random: of the gates, and of the content.
    pub draws: [Draw; 2],
}

/// Where a step writes.
#[derive(Debug)]
pub struct GatesOut<'a, F> {
    /// `[samples, hidden]`: the output.
    pub h: &'a mut [F],
    /// `[samples, hidden]`: the memory of an LSTM; empty for other cells.
    pub c: &'a mut [F],
}

/// Where the backward pass of a step reads what is behind it, and writes what is before it.
#[derive(Debug)]
pub struct GatesGrads<'a, F> {
    /// `[samples, hidden]`. In: dL/dh of the step's output. Out: dL/dh of the last output, without what flows through `hh`.
    pub h: &'a mut [F],
    /// The same of an LSTM's memory; empty for other cells.
    pub c: &'a mut [F],
    /// `[samples, gates * hidden]`: dL/d`ih`.
    pub ih: &'a mut [F],
    /// `[samples, gates * hidden]`: dL/d`hh`.
    pub hh: &'a mut [F],
}

impl Gates {
    fn check<F>(&self, x: &GatesIn<'_, F>) -> Result<usize, Error> {
        let samples = x.h.len() / self.hidden.max(1);
        check_len("h", sequence_len(samples, self.hidden)?, x.h.len())?;
        let all = sequence_len(samples, self.hidden * self.cell.gates())?;
        check_len("ih", all, x.ih.len())?;
        check_len("hh", all, x.hh.len())?;
        check_len("c", if self.cell == Cell::Lstm { x.h.len() } else { 0 }, x.c.len())?;
        Ok(samples)
    }

    /// Runs the step.
    ///
    /// # Errors
    /// [`Error::Length`] if a buffer does not fit.
    pub fn forward<F: Real>(&self, x: GatesIn<'_, F>, out: GatesOut<'_, F>) -> Result<(), Error> {
        self.check(&x)?;
        let GatesOut { h: out_h, c: out_c } = out;
        check_len("out.h", x.h.len(), out_h.len())?;
        check_len("out.c", x.c.len(), out_c.len())?;
        let gates = self.values(&x).values;
        let row = self.cell.gates() * self.hidden;
        vectorised(
            Arch::new(),
            #[inline(always)]
            || {
                for (k, gates) in gates.chunks_exact(row.max(1)).enumerate() {
                    let of = k * self.hidden..(k + 1) * self.hidden;
                    let gate = |n: usize| &gates[n * self.hidden..(n + 1) * self.hidden];
                    match self.cell {
                        Cell::Vanilla => out_h[of].copy_from_slice(gates),
                        Cell::Gru => {
                            let (z, n, h) = (gate(1), gate(2), &x.h[of.clone()]);
                            let next = &mut out_h[of];
                            (0..self.hidden).for_each(|j| next[j] = (F::ONE - z[j]) * n[j] + z[j] * h[j]);
                        }
                        Cell::Lstm => {
                            let (i, f, g, o, c) = (gate(0), gate(1), gate(2), gate(3), &x.c[of.clone()]);
                            let (next_c, next_h) = (&mut out_c[of.clone()], &mut out_h[of]);
                            for j in 0..self.hidden {
                                let full = c[j] * f[j] + i[j] * g[j];
                                // NaN stays NaN.
                                next_c[j] = if full > F::ONE { F::ONE } else { full };
                                next_h[j] = next_c[j] * o[j];
                            }
                        }
                    }
                }
            },
        );
        Ok(())
    }

    /// The gradients of a [`Gates::forward`] with the same `x`; `c` is the memory that came out of it, empty for other cells than an LSTM.
    ///
    /// # Errors
    /// [`Error::Length`] if a buffer does not fit.
    pub fn backward<F: Real>(&self, x: GatesIn<'_, F>, c: &[F], grads: GatesGrads<'_, F>) -> Result<(), Error> {
        self.check(&x)?;
        let GatesGrads { h: grad_h, c: grad_c, ih: grad_ih, hh: grad_hh } = grads;
        check_len("c", x.c.len(), c.len())?;
        check_len("grads.h", x.h.len(), grad_h.len())?;
        check_len("grads.c", x.c.len(), grad_c.len())?;
        check_len("grads.ih", x.ih.len(), grad_ih.len())?;
        check_len("grads.hh", x.hh.len(), grad_hh.len())?;
        let Values { values, slopes } = self.values_and_slopes(&x);
        let (hidden, row) = (self.hidden, self.cell.gates() * self.hidden);
        vectorised(
            Arch::new(),
            #[inline(always)]
            || {
                for k in 0..x.h.len() / hidden.max(1) {
                    let (of, all) = (k * hidden..(k + 1) * hidden, k * row..(k + 1) * row);
                    let (value, slope) = (&values[all.clone()], &slopes[all.clone()]);
                    let (ih, hh, h) = (&mut grad_ih[all.clone()], &mut grad_hh[all.clone()], &mut grad_h[of.clone()]);
                    for j in 0..hidden {
                        let at = |gate: usize| gate * hidden + j;
                        match self.cell {
                            Cell::Vanilla => {
                                (ih[j], hh[j]) = (h[j] * slope[j], h[j] * slope[j]);
                                h[j] = F::ZERO;
                            }
                            Cell::Gru => {
                                let (r, z, n) = (value[at(0)], value[at(1)], value[at(2)]);
                                let dn = h[j] * (F::ONE - z) * slope[at(2)];
                                let dz = h[j] * (x.h[of.start + j] - n) * slope[at(1)];
                                let dr = dn * x.hh[all.start + at(2)] * slope[at(0)];
                                (ih[at(0)], ih[at(1)], ih[at(2)]) = (dr, dz, dn);
                                (hh[at(0)], hh[at(1)], hh[at(2)]) = (dr, dz, dn * r);
                                h[j] = h[j] * z;
                            }
                            Cell::Lstm => {
                                let (i, f, g, o) = (value[at(0)], value[at(1)], value[at(2)], value[at(3)]);
                                let dc = grad_c[of.start + j] + h[j] * o;
                                let d = [dc * g, dc * x.c[of.start + j], dc * i, h[j] * c[of.start + j]];
                                for (gate, d) in d.into_iter().enumerate() {
                                    ih[at(gate)] = d * slope[at(gate)];
                                    hh[at(gate)] = ih[at(gate)];
                                }
                                grad_c[of.start + j] = dc * f;
                                h[j] = F::ZERO;
                            }
                        }
                    }
                }
            },
        );
        Ok(())
    }

    /// Does the content go through a function of its own, or see another gate first?
    pub(crate) fn content_is_apart(&self) -> bool {
        self.cell == Cell::Gru || (self.cell == Cell::Lstm && self.content.is_some())
    }

    fn values<F: Real>(&self, x: &GatesIn<'_, F>) -> Values<F> {
        self.through(x, false)
    }

    fn values_and_slopes<F: Real>(&self, x: &GatesIn<'_, F>) -> Values<F> {
        self.through(x, true)
    }

    /// All gates as they are after their surrogate functions, `[samples, gates * hidden]`, and the derivatives there.
    fn through<F: Real>(&self, x: &GatesIn<'_, F>, with_slopes: bool) -> Values<F> {
        let (hidden, row) = (self.hidden, self.cell.gates() * self.hidden);
        let slopes_of = |surrogate: &Surrogate, arrives: &[F]| {
            let mut slopes = if with_slopes { arrives.to_vec() } else { Vec::new() };
            surrogate.derivative(&mut slopes);
            slopes
        };
        let mut values: Vec<F> = x.ih.iter().zip(x.hh).map(|(ih, hh)| *ih + *hh).collect();
        let mut slopes = slopes_of(&self.surrogate, &values);
        self.surrogate.spike(&mut values, x.draws[0]);
        // The content goes through a function of its own, or sees the gate r first: it is made again, apart.
        if self.content_is_apart() {
            let surrogate = self.content.unwrap_or(self.surrogate);
            let at = self.cell.content() * hidden;
            let gated = |k: usize, j: usize| {
                let (content, r) = (k * row + at + j, values[k * row + j]);
                x.ih[content] + if self.cell == Cell::Gru { r * x.hh[content] } else { x.hh[content] }
            };
            let mut content: Vec<F> = (0..x.h.len()).map(|i| gated(i / hidden, i % hidden)).collect();
            let content_slopes = slopes_of(&surrogate, &content);
            surrogate.spike(&mut content, x.draws[1]);
            for (k, content) in content.chunks_exact(hidden).enumerate() {
                values[k * row + at..][..hidden].copy_from_slice(content);
            }
            for (k, content) in content_slopes.chunks_exact(hidden).enumerate() {
                slopes[k * row + at..][..hidden].copy_from_slice(content);
            }
        }
        Values { values, slopes }
    }
}

/// Of all gates.
struct Values<F> {
    values: Vec<F>,
    /// Empty unless asked for.
    slopes: Vec<F>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ATan, Sigmoid};
    use proptest::prelude::*;

    const CELLS: [Cell; 3] = [Cell::Lstm, Cell::Gru, Cell::Vanilla];

    /// The cell for one hidden number, as it is written in a paper.
    fn by_hand(gates: &Gates, ih: &[f64], hh: &[f64], h: f64, c: f64) -> (f64, f64) {
        let through = |surrogate: Surrogate, x: f64| {
            let mut x = [x];
            surrogate.spike(&mut x, Draw::default());
            x[0]
        };
        let gate = |n: usize| through(gates.surrogate, ih[n] + hh[n]);
        let content = gates.content.unwrap_or(gates.surrogate);
        match gates.cell {
            Cell::Vanilla => (gate(0), 0.0),
            Cell::Gru => {
                let n = through(content, ih[2] + gate(0) * hh[2]);
                ((1.0 - gate(1)) * n + gate(1) * h, 0.0)
            }
            Cell::Lstm => {
                let c = (c * gate(1) + gate(0) * through(content, ih[2] + hh[2])).min(1.0);
                (c * gate(3), c)
            }
        }
    }

    fn surrogates(spiking: bool, two: bool) -> (Surrogate, Option<Surrogate>) {
        let second = Surrogate::from(Sigmoid { alpha: 1.5, spiking });
        (ATan { alpha: 2.0, spiking }.into(), two.then_some(second))
    }

    proptest! {
        #[test]
        fn every_number_as_by_hand(
            cell in prop::sample::select(&CELLS[..]), hidden in 1usize..5, samples in 0usize..4, spiking: bool, two: bool,
            numbers in prop::collection::vec(-1.5..1.5f64, 64..65),
        ) {
            let (surrogate, content) = surrogates(spiking, two && cell != Cell::Vanilla);
            let gates = Gates { cell, hidden, surrogate, content };
            let number = |i: usize| numbers[i * 7 % 64];
            let (all, one) = (samples * hidden * cell.gates(), samples * hidden);
            let ih: Vec<f64> = (0..all).map(number).collect();
            let hh: Vec<f64> = (0..all).map(|i| number(i + 3)).collect();
            let h: Vec<f64> = (0..one).map(|i| number(i + 5)).collect();
            let c: Vec<f64> = if cell == Cell::Lstm { (0..one).map(|i| number(i + 11)).collect() } else { Vec::new() };
            let (mut next_h, mut next_c) = (vec![f64::NAN; one], vec![f64::NAN; c.len()]);
            let x = GatesIn { ih: &ih, hh: &hh, h: &h, c: &c, draws: [Draw::default(); 2] };
            gates.forward(x, GatesOut { h: &mut next_h, c: &mut next_c }).unwrap();
            for i in 0..one {
                let (k, j) = (i / hidden, i % hidden);
                let of = |all: &[f64]| (0..cell.gates()).map(|n| all[(k * cell.gates() + n) * hidden + j]).collect::<Vec<_>>();
                let want = by_hand(&gates, &of(&ih), &of(&hh), h[i], c.get(i).copied().unwrap_or(0.0));
                prop_assert_eq!(next_h[i], want.0);
                prop_assert!(c.is_empty() || next_c[i] == want.1);
            }
        }

        /// Against finite differences, where gates are smooth and the memory is not full.
        #[test]
        fn gradients_are_slopes(
            cell in prop::sample::select(&CELLS[..]), two: bool, numbers in prop::collection::vec(-0.4..0.4f64, 10..11), up in -1.0..1.0f64,
        ) {
            let (surrogate, content) = surrogates(false, two && cell != Cell::Vanilla);
            let gates = Gates { cell, hidden: 1, surrogate, content };
            let (n, lstm) = (cell.gates(), cell == Cell::Lstm);
            // ih, hh, h and c in one row.
            let loss = |v: &[f64]| {
                let (h, c) = by_hand(&gates, &v[..n], &v[n..2 * n], v[2 * n], v[2 * n + 1]);
                h * 0.7 + c * up
            };
            let v = &numbers[..2 * n + 2];
            let (mut dh, mut dc) = ([0.7], if lstm { vec![up] } else { Vec::new() });
            let (mut dih, mut dhh) = (vec![f64::NAN; n], vec![f64::NAN; n]);
            let c_before = if lstm { &v[2 * n + 1..] } else { &[][..] };
            let (_, c_after) = by_hand(&gates, &v[..n], &v[n..2 * n], v[2 * n], v[2 * n + 1]);
            let c_after = if lstm { vec![c_after] } else { Vec::new() };
            let x = GatesIn { ih: &v[..n], hh: &v[n..2 * n], h: &v[2 * n..=2 * n], c: c_before, draws: [Draw::default(); 2] };
            gates.backward(x, &c_after, GatesGrads { h: &mut dh, c: &mut dc, ih: &mut dih, hh: &mut dhh }).unwrap();
            let got: Vec<f64> = dih.into_iter().chain(dhh).chain(dh).chain(dc).collect();
            for (i, got) in got.into_iter().enumerate() {
                let moved = |by: f64| loss(&v.iter().enumerate().map(|(k, x)| if k == i { x + by } else { *x }).collect::<Vec<_>>());
                let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                prop_assert!((got - slope).abs() < 1e-6, "{:?} number {}: {} by hand, got {}", cell, i, slope, got);
            }
        }
    }

    #[test]
    fn a_full_memory_is_full() {
        let (surrogate, content) = surrogates(true, false);
        let gates = Gates { cell: Cell::Lstm, hidden: 1, surrogate, content };
        let (mut h, mut c) = ([f32::NAN], [f32::NAN]);
        let x = GatesIn { ih: &[1.0f32; 4], hh: &[0.0; 4], h: &[0.0], c: &[0.75], draws: [Draw::default(); 2] };
        gates.forward(x, GatesOut { h: &mut h, c: &mut c }).unwrap();
        assert_eq!((h, c), ([1.0], [1.0]));
        // The gradient passes as if it were not.
        let (mut dh, mut dc, mut dih, mut dhh) = ([0.0f32], [1.0f32], [0.0; 4], [0.0; 4]);
        gates.backward(x, &[1.0], GatesGrads { h: &mut dh, c: &mut dc, ih: &mut dih, hh: &mut dhh }).unwrap();
        assert_eq!(dc, [1.0]);
        assert!(dih[0] > 0.0 && dih == dhh);
        assert!(gates.forward(GatesIn { c: &[], ..x }, GatesOut { h: &mut h, c: &mut c }).is_err());
    }
}
