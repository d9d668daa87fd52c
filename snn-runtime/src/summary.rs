//! The model as a table, known at compile time. In: rows written by `snn_net!`; out: text with totals.

use std::fmt;

use crate::table::{bytes, number, table};

/// A model layer by layer: `println!("{}", Csnn::SUMMARY)`.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// The net's name.
    pub net: &'static str,
    /// Time steps of a forward pass, `T`.
    pub steps: usize,
    /// One per layer, in the order of the net.
    pub rows: &'static [SummaryRow],
}

/// One layer.
#[derive(Clone, Copy, Debug)]
pub struct SummaryRow {
    /// Dotted name: `layer1.0.conv1`.
    pub name: &'static str,
    /// Its type: `Conv2d`.
    pub layer: &'static str,
    /// Sizes of one sample that comes out.
    pub out: &'static [usize],
    /// Does it come out at every step? Else it is computed once.
    pub sequence: bool,
    /// Learnable numbers.
    pub params: usize,
    /// Stored numbers per sample.
    pub state: usize,
    /// Multiply-accumulates per sample and step.
    pub macs: usize,
    /// Numbers that training keeps per sample until the backward pass, over all steps, of what no row above keeps already.
    pub saved: usize,
}

impl Summary {
    /// Learnable numbers.
    pub fn params(&self) -> usize {
        self.rows.iter().map(|r| r.params).sum()
    }

    /// Bytes of state per sample, in `f32`.
    pub fn state_bytes(&self) -> usize {
        self.rows.iter().map(|r| r.state * size_of::<f32>()).sum()
    }

    /// Multiply-accumulates of a forward pass per sample: all `T` steps, and once what is the same at every step.
    pub fn macs(&self) -> usize {
        self.rows.iter().map(|r| r.macs * if r.sequence { self.steps } else { 1 }).sum()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows.iter().map(|r| {
            let sizes: String = r.out.iter().map(|d| format!(", {d}")).collect();
            let lead = if r.sequence { "T, N" } else { "N" };
            let state = r.state * size_of::<f32>();
            [r.name.into(), r.layer.into(), format!("[{lead}{sizes}]"), number(r.params), number(state), number(r.macs)]
        });
        let total = [self.params(), self.state_bytes(), self.rows.iter().map(|r| r.macs).sum()].map(number);
        let [params, state, macs] = total;
        let total = ["total".into(), String::new(), String::new(), params, state, macs];
        writeln!(f, "{}, T = {}", self.net, self.steps)?;
        f.write_str(&table(3, ["name", "layer", "output", "params", "state bytes", "MACs/step"], rows.chain([total])))?;
        let (params, state, macs) = (bytes(self.params() * size_of::<f32>()), bytes(self.state_bytes()), number(self.macs()));
        write!(f, "in f32: {params} of weights, {state} of state per sample; {macs} MACs per sample over all steps")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_with_totals() {
        const ROWS: &[SummaryRow] = &[
            SummaryRow { name: "conv1", layer: "Conv2d", out: &[8, 26, 26], sequence: false, params: 72, state: 0, macs: 48672, saved: 0 },
            SummaryRow { name: "sn1", layer: "IFNode", out: &[8, 26, 26], sequence: true, params: 0, state: 5408, macs: 0, saved: 0 },
            SummaryRow { name: "fc", layer: "Linear", out: &[10], sequence: true, params: 54090, state: 0, macs: 54080, saved: 0 },
        ];
        let s = Summary { net: "Net", steps: 4, rows: ROWS };
        let text = "Net, T = 4
name   layer   output             params  state bytes  MACs/step
conv1  Conv2d  [N, 8, 26, 26]         72            0     48 672
sn1    IFNode  [T, N, 8, 26, 26]       0       21 632          0
fc     Linear  [T, N, 10]         54 090            0     54 080
total                             54 162       21 632    102 752
in f32: 217 kB of weights, 21.6 kB of state per sample; 264 992 MACs per sample over all steps";
        assert_eq!(s.to_string(), text);
        assert_eq!(s.macs(), 48672 + 4 * 54080);
    }
}
