//! What was measured. In: everybody's rounds at a workload; out: a table for people, and JSON for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::compare::Difference;
use super::statistics::{Ratio, median};

/// One side at one workload.
#[derive(Debug)]
pub(crate) struct Row {
    /// `spikingjelly 2.0.0, torch.compile`
    pub(crate) who: String,
    /// Or why there is nothing.
    pub(crate) outcome: Result<Measured, String>,
}

/// What a side came to.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// The median of each round, in seconds.
    pub(crate) rounds: Vec<f64>,
    /// Iterations per round.
    pub(crate) iterations: usize,
    /// Resident bytes: the most at once, and before there were weights and inputs.
    pub(crate) peak: u64,
    pub(crate) base: u64,
    /// From ours, by kind of result.
    pub(crate) differences: BTreeMap<String, Difference>,
}

/// All rows of a workload; the first is ours.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) threads: usize,
    /// How often the layers fire.
    pub(crate) firing: Vec<(String, f64)>,
    pub(crate) rows: Vec<Row>,
}

impl Table {
    /// Rows without an outcome, or that differ from ours by more than spikes at the threshold can.
    pub(crate) fn failures(&self) -> usize {
        let failed = |row: &&Row| match &row.outcome {
            Ok(measured) => measured.differences.iter().any(|(kind, difference)| !difference.agrees(kind)),
            Err(_) => true,
        };
        self.rows.iter().filter(failed).count()
    }

    fn ours(&self) -> &[f64] {
        self.rows.first().and_then(|row| row.outcome.as_ref().ok()).map_or(&[], |measured| &measured.rounds)
    }

    /// For a terminal.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}, {}: {}\n", self.name, threads(self.threads), self.about);
        if !self.firing.is_empty() {
            let rates: Vec<String> = self.firing.iter().map(|(layer, rate)| format!("{layer} {:.1} %", 100.0 * rate)).collect();
            let _ = writeln!(text, "  fires: {}", rates.join(", "));
        }
        let _ = writeln!(text, "  {:<36} {:>10}  {:<22} {:>8} {:>8}  largest difference", "", "time", "ratio", "peak MB", "work MB");
        for row in &self.rows {
            let line = match &row.outcome {
                Ok(measured) => {
                    let ratio = Ratio::of(&measured.rounds, self.ours()).map_or_else(String::new, ratio);
                    let (time, peak) = (duration(median(&measured.rounds)), megabytes(measured.peak));
                    let work = megabytes(measured.peak.saturating_sub(measured.base));
                    format!("{:<36} {time:>10}  {ratio:<22} {peak:>8} {work:>8}  {}", row.who, differences(&measured.differences))
                }
                Err(error) => format!("{:<36} {}", row.who, error.lines().next().unwrap_or_default()),
            };
            let _ = writeln!(text, "  {}", line.trim_end());
        }
        text
    }

    /// Every number.
    pub(crate) fn json(&self) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(|row| self.row(row)).collect();
        let firing: serde_json::Map<String, Value> = self.firing.iter().map(|(layer, rate)| (layer.clone(), json!(rate))).collect();
        json!({ "name": self.name, "about": self.about, "threads": self.threads, "firing": firing, "rows": rows })
    }

    fn row(&self, row: &Row) -> Value {
        let measured = match &row.outcome {
            Ok(measured) => measured,
            Err(error) => return json!({ "who": row.who, "error": error }),
        };
        let differences: serde_json::Map<String, Value> = measured
            .differences
            .iter()
            .map(|(kind, d)| (kind.clone(), json!({ "largest": d.largest, "relative": d.relative, "agrees": d.agrees(kind) })))
            .collect();
        json!({
            "who": row.who,
            "seconds": median(&measured.rounds),
            "rounds": measured.rounds,
            "iterations": measured.iterations,
            "ratio": Ratio::of(&measured.rounds, self.ours()).map(|r| json!({ "middle": r.middle, "least": r.least, "most": r.most })),
            "peak_bytes": measured.peak,
            "base_bytes": measured.base,
            "differences": differences,
        })
    }
}

fn threads(n: usize) -> String {
    format!("{n} thread{}", if n == 1 { "" } else { "s" })
}

/// `2.9 x (2.8 .. 3.1)`
fn ratio(Ratio { middle, least, most }: Ratio) -> String {
    format!("{} x ({} .. {})", digits(middle), digits(least), digits(most))
}

/// Three of them.
fn digits(number: f64) -> String {
    let places = if number < 9.995 {
        2
    } else if number < 99.95 {
        1
    } else {
        0
    };
    format!("{number:.places$}")
}

fn duration(seconds: f64) -> String {
    if seconds < 1.0 { format!("{} ms", digits(1e3 * seconds)) } else { format!("{} s", digits(seconds)) }
}

fn megabytes(bytes: u64) -> String {
    (bytes / 1_000_000).to_string()
}

fn differences(all: &BTreeMap<String, Difference>) -> String {
    let one = |(kind, d): (&String, &Difference)| {
        let verdict = if d.agrees(kind) { "" } else { " (OTHER WORK)" };
        if d.largest == 0.0 { format!("{kind} 0") } else { format!("{kind} {:.1e}{verdict}", d.largest) }
    };
    all.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let ours = Measured {
            rounds: vec![0.125, 0.125, 0.25],
            iterations: 5,
            peak: 250_000_000,
            base: 100_000_000,
            differences: BTreeMap::new(),
        };
        let y = Difference { largest: 2e-7, relative: 1e-8 };
        let theirs = Measured {
            rounds: vec![0.3125, 0.375, 0.75],
            iterations: 2,
            peak: 900_000_000,
            base: 300_000_000,
            differences: BTreeMap::from([("y".to_string(), y), ("loss".to_string(), Difference::default())]),
        };
        Table {
            name: "w2-train".into(),
            about: "CSNN".into(),
            threads: 1,
            firing: vec![("sn1".into(), 0.162)],
            rows: vec![
                Row { who: "snn 0.1.0".into(), outcome: Ok(ours) },
                Row { who: "spikingjelly 2.0.0".into(), outcome: Ok(theirs) },
                Row { who: "norse".into(), outcome: Err("no answer within 600 s\nsecond line".into()) },
            ],
        }
    }

    #[test]
    fn a_table_reads_well() {
        let expected = "\
w2-train, 1 thread: CSNN
  fires: sn1 16.2 %
                                             time  ratio                   peak MB  work MB  largest difference
  snn 0.1.0                                125 ms  1.00 x (1.00 .. 1.00)       250      150
  spikingjelly 2.0.0                       375 ms  3.00 x (2.50 .. 3.00)       900      600  loss 0, y 2.0e-7
  norse                                no answer within 600 s
";
        assert_eq!(table().text(), expected);
    }

    #[test]
    fn what_failed_and_what_differs_is_counted() {
        let mut table = table();
        assert_eq!(table.failures(), 1);
        if let Ok(measured) = &mut table.rows[1].outcome {
            measured.differences.insert("gradient".into(), Difference { largest: 1.0, relative: 0.9 });
        }
        assert_eq!(table.failures(), 2);
        assert!(table.text().contains("gradient 1.0e0 (OTHER WORK), loss 0"), "{}", table.text());
    }

    #[test]
    fn json_has_every_number() {
        let json = table().json();
        assert_eq!(json["rows"][1]["ratio"]["middle"], 3.0);
        assert_eq!(json["rows"][1]["rounds"][2], 0.75);
        assert_eq!(json["rows"][2]["error"], "no answer within 600 s\nsecond line");
        assert_eq!(json["firing"]["sn1"], 0.162);
    }

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!([0.0123, 1.5, 15.04, 153.2].map(duration), ["12.3 ms", "1.50 s", "15.0 s", "153 s"]);
        assert_eq!([9.994, 9.996, 99.96].map(digits), ["9.99", "10.0", "100"]);
    }
}
