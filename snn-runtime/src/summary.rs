//! The model as a table, known at compile time. In: rows written by `snn_net!`; out: text.

use std::fmt;

/// `Csnn::SUMMARY`. Print it with `{}`.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// The net's name.
    pub net: &'static str,
    /// Steps of a forward pass.
    pub steps: usize,
    /// One row per layer, in the order of the net.
    pub rows: &'static [SummaryRow],
}

/// One layer.
#[derive(Clone, Copy, Debug)]
pub struct SummaryRow {
    /// Its dotted name, as in the `VarStore`.
    pub name: &'static str,
    /// Its type.
    pub layer: &'static str,
    /// The shape of one sample that leaves it.
    pub out: &'static [usize],
    /// It gives a value per step; otherwise one for all.
    pub sequence: bool,
    /// Learnable numbers.
    pub params: usize,
    /// Numbers it remembers per sample.
    pub state: usize,
    /// Multiply-accumulates per sample and step, as if every input were dense.
    pub macs: usize,
}

impl Summary {
    /// Learnable numbers of the whole net.
    pub const fn params(&self) -> usize {
        let (mut i, mut sum) = (0, 0);
        while i < self.rows.len() {
            sum += self.rows[i].params;
            i += 1;
        }
        sum
    }

    /// Bytes of state per sample, in `f32`.
    pub const fn state_bytes(&self) -> usize {
        let (mut i, mut sum) = (0, 0);
        while i < self.rows.len() {
            sum += 4 * self.rows[i].state;
            i += 1;
        }
        sum
    }

    /// Multiply-accumulates of a whole forward pass per sample: layers that do not change with time count once.
    pub const fn macs(&self) -> usize {
        let (mut i, mut sum) = (0, 0);
        while i < self.rows.len() {
            let row = &self.rows[i];
            sum += row.macs * if row.sequence { self.steps } else { 1 };
            i += 1;
        }
        sum
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["name", "layer", "out", "params", "state bytes", "MACs/step"].map(String::from);
        let body = self.rows.iter().map(|r| {
            let sizes: Vec<String> = r.sequence.then(|| "T".to_string()).into_iter().chain(r.out.iter().map(ToString::to_string)).collect();
            let out = format!("[{}]", sizes.join(", "));
            [r.name.into(), r.layer.into(), out, grouped(r.params), grouped(4 * r.state), grouped(r.macs)]
        });
        let table: Vec<[String; 6]> = std::iter::once(head).chain(body).collect();
        let width: Vec<usize> = (0..6).map(|c| table.iter().map(|r| r[c].chars().count()).max().unwrap_or(0)).collect();
        writeln!(f, "{}, T = {}", self.net, self.steps)?;
        for row in &table {
            let [name, layer, out, numbers @ ..] = row;
            write!(f, "  {name:<0$}  {layer:<1$}  {out:<2$}", width[0], width[1], width[2])?;
            for (n, w) in numbers.iter().zip(&width[3..]) {
                write!(f, "  {n:>w$}")?;
            }
            writeln!(f)?;
        }
        let (params, state, macs) = (grouped(self.params()), grouped(self.state_bytes()), grouped(self.macs()));
        write!(f, "  {params} parameters, {state} bytes of state per sample, {macs} MACs per sample and forward pass")
    }
}

/// `1234567` as `1,234,567`.
fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Summary = Summary {
        net: "Tiny",
        steps: 4,
        rows: &[
            SummaryRow { name: "fc", layer: "Linear", out: &[10], sequence: false, params: 1010, state: 0, macs: 1000 },
            SummaryRow { name: "sn", layer: "IFNode", out: &[10], sequence: true, params: 0, state: 10, macs: 0 },
        ],
    };

    #[test]
    fn totals_are_consts() {
        const PARAMS: usize = S.params();
        assert_eq!((PARAMS, S.state_bytes(), S.macs()), (1010, 40, 1000));
    }

    #[test]
    fn the_table_is_aligned() {
        let text = S.to_string();
        assert_eq!(
            text,
            "Tiny, T = 4\n  name  layer   out      params  state bytes  MACs/step\n  fc    Linear  [10]      1,010            0      1,000\n  \
             sn    IFNode  [T, 10]       0           40          0\n  1,010 parameters, 40 bytes of state per sample, 1,000 MACs per sample and forward pass"
        );
    }
}
