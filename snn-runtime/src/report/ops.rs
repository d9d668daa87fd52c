//! Operations and energy. In: the table of a net, known at compile time, and what arrived at its layers; out: multiply-accumulates and additions
//! per layer and sample, and the energy of the arithmetic.

use std::fmt;

use super::activity::{self, Activity, Input, Product};
use crate::summary::{Summary, SummaryRow};
use crate::table::{mean, number, scaled, table};

/// What an operation costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Energy {
    /// Picojoules of a multiplication and an addition (MAC).
    pub mac_pj: f64,
    /// Picojoules of an addition (AC).
    pub ac_pj: f64,
    /// Where the numbers are from; the report prints it.
    pub source: &'static str,
}

impl Energy {
    /// 4.6 and 0.9 pJ: 32-bit floats in 45 nm, from "Computing's energy problem (and what we can do about it)" (Horowitz, ISSCC 2014): 3.7 pJ
    /// for the multiplication, 0.9 pJ for the addition.
    pub const F32_45NM: Energy = Energy { mac_pj: 4.6, ac_pj: 0.9, source: "32-bit floats, 45 nm: Horowitz, ISSCC 2014" };

    /// 1.5 and 0.4 pJ: 16-bit floats, from the same table.
    pub const F16_45NM: Energy = Energy { mac_pj: 1.5, ac_pj: 0.4, source: "16-bit floats, 45 nm: Horowitz, ISSCC 2014" };

    /// 0.23 and 0.03 pJ: 8-bit integers, from the same table.
    pub const INT8_45NM: Energy = Energy { mac_pj: 0.23, ac_pj: 0.03, source: "8-bit integers, 45 nm: Horowitz, ISSCC 2014" };
}

impl Default for Energy {
    fn default() -> Energy {
        Energy::F32_45NM
    }
}

/// How a layer's work is counted.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Work {
    /// Each element is multiplied by weights, or each spike adds weights: by what arrives.
    Synapses(Input),
    /// Sums without weights: pools, votes. As many additions as elements.
    Sums,
    /// A batch normalisation: folded into the weights before it, as `freeze` does.
    Folded,
    /// Products of numbers, whatever arrives: other normalisations, gates, neurons that see all steps at once.
    Products,
    /// A layer with weights at which nothing was measured: it did not run. It is counted as if numbers arrived.
    NotMeasured,
}

/// One layer of an [`OpsReport`]: per sample, over all its steps.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OpsRow {
    /// Dotted name: `layer1.0.conv1`. Layers inside of a layer of the user's own stand here, too.
    pub name: String,
    /// Its type: `Conv2d`; empty inside of a layer of the user's own.
    pub layer: &'static str,
    /// How its work is counted.
    pub work: Work,
    /// Multiply-accumulates if every element is multiplied: known at compile time.
    pub dense: f64,
    /// Multiply-accumulates.
    pub macs: f64,
    /// Additions.
    pub acs: f64,
}

impl OpsRow {
    /// Picojoules of its arithmetic.
    pub fn energy_pj(&self, energy: &Energy) -> f64 {
        self.macs * energy.mac_pj + self.acs * energy.ac_pj
    }
}

/// Operations of a net per sample, by layer: `net.ops_report(&activity)`.
///
/// Where spikes arrive, each adds the weights of the outputs that see it: a spike at the border of an image with padding is in fewer windows.
/// Where numbers arrive, such as at a first layer that is given an image, each is multiplied. SpikingJelly equivalent:
/// `op_counter.SynOpCounter` and `MACCounter`, with the same counts for spikes of 0 and 1; whole numbers beyond that, as behind a `sew_add`,
/// are several spikes here and numbers there.
#[derive(Clone, Debug, PartialEq)]
pub struct OpsReport {
    net: &'static str,
    steps: usize,
    samples: i64,
    energy: Energy,
    rows: Vec<OpsRow>,
}

impl OpsReport {
    /// What the layers of `summary` did in `activity`.
    pub fn new(summary: &Summary, activity: &Activity) -> OpsReport {
        let own = |p: &&Product| {
            let name = activity::inside(&p.layer);
            !summary.rows.iter().any(|row| belongs(name, row))
        };
        let rows = summary.rows.iter().filter(|row| row.macs > 0).map(|row| of_row(summary, row, activity));
        let rows = rows.chain(activity.products().iter().filter(own).map(|p| {
            let (macs, acs) = counted(p, activity.samples());
            let dense = p.macs / activity.samples().max(1) as f64;
            OpsRow { name: activity::inside(&p.layer).to_string(), layer: "", work: Work::Synapses(p.input()), dense, macs, acs }
        }));
        let (net, steps, samples) = (summary.net, summary.steps, activity.samples());
        OpsReport { net, steps, samples, energy: Energy::default(), rows: rows.collect() }
    }

    /// The same report with other costs; it starts with [`Energy::F32_45NM`].
    pub fn with_energy(mut self, energy: Energy) -> OpsReport {
        self.energy = energy;
        self
    }

    /// Layers that compute something, in the order of the net.
    pub fn rows(&self) -> &[OpsRow] {
        &self.rows
    }

    /// Multiply-accumulates per sample.
    pub fn macs(&self) -> f64 {
        self.rows.iter().map(|row| row.macs).sum()
    }

    /// Additions per sample: synaptic operations, and sums of pools.
    pub fn acs(&self) -> f64 {
        self.rows.iter().map(|row| row.acs).sum()
    }

    /// Synaptic operations per sample: additions of a weight because of a spike.
    pub fn synops(&self) -> f64 {
        self.rows.iter().filter(|row| matches!(row.work, Work::Synapses(Input::Spikes(_)))).map(|row| row.acs).sum()
    }

    /// Picojoules per sample.
    pub fn energy_pj(&self) -> f64 {
        self.rows.iter().map(|row| row.energy_pj(&self.energy)).sum()
    }
}

/// Is the layer of that name this row, or inside of it?
fn belongs(name: &str, row: &SummaryRow) -> bool {
    name.strip_prefix(row.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Multiply-accumulates and additions per sample.
fn counted(p: &Product, samples: i64) -> (f64, f64) {
    let samples = samples.max(1) as f64;
    match p.input() {
        Input::Numbers => (p.macs / samples, 0.0),
        Input::Spikes(_) => (0.0, p.uses / samples),
    }
}

fn of_row(summary: &Summary, row: &SummaryRow, activity: &Activity) -> OpsRow {
    let dense = (row.macs * if row.sequence { summary.steps } else { 1 }) as f64;
    let products: Vec<&Product> = activity.products().iter().filter(|p| belongs(activity::inside(&p.layer), row)).collect();
    let (work, macs, acs) = match (&products[..], unweighted(row.layer)) {
        ([], Some(work)) => match work {
            Work::Sums => (work, 0.0, dense),
            Work::Folded => (work, 0.0, 0.0),
            _ => (work, dense, 0.0),
        },
        ([], None) => (Work::NotMeasured, dense, 0.0),
        (products, _) => {
            let samples = activity.samples().max(1) as f64;
            let counts = products.iter().map(|p| counted(p, activity.samples()));
            let (macs, acs) = counts.fold((0.0, 0.0), |(macs, acs), (m, a)| (macs + m, acs + a));
            // Layers of several products: what they do beside those with weights is counted as numbers.
            let beside = (dense - products.iter().map(|p| p.macs).sum::<f64>() / samples).max(0.0);
            let (elements, sum) = products.iter().fold((0.0, 0.0), |(n, s), p| (n + p.elements, s + p.spikes));
            let spikes = products.iter().all(|p| matches!(p.input(), Input::Spikes(_)));
            let rate = if elements > 0.0 { sum / elements } else { 0.0 };
            let input = if spikes { Input::Spikes(rate) } else { Input::Numbers };
            (Work::Synapses(input), macs + beside, acs)
        }
    };
    OpsRow { name: row.name.to_string(), layer: row.layer, work, dense, macs, acs }
}

/// The work of layers without synapses; nothing for those with synapses.
fn unweighted(layer: &str) -> Option<Work> {
    const SUMS: [&str; 3] = ["AvgPool", "AdaptiveAvgPool", "VotingLayer"];
    const FOLDED: [&str; 3] = ["BatchNorm", "ThresholdDependentBatchNorm", "TemporalEffectiveBatchNorm"];
    const SYNAPSES: [&str; 8] =
        ["Conv", "Linear", "DropConnectLinear", "WS", "Spiking", "SpikeDriven", "TokenQKAttention", "ChannelQKAttention"];
    let starts = |names: &[&str]| names.iter().any(|name| layer.starts_with(name));
    match () {
        () if starts(&SUMS) => Some(Work::Sums),
        () if starts(&FOLDED) => Some(Work::Folded),
        () if starts(&SYNAPSES) => None,
        () => Some(Work::Products),
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Work::Synapses(input) => input.fmt(f),
            Work::Sums => f.write_str("sums"),
            Work::Folded => f.write_str("folded"),
            Work::Products => f.write_str("products"),
            Work::NotMeasured => f.write_str("not measured"),
        }
    }
}

const JOULES: [&str; 4] = ["pJ", "nJ", "uJ", "mJ"];

impl fmt::Display for OpsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Energy { mac_pj, ac_pj, source } = self.energy;
        writeln!(f, "{}, T = {}: operations per sample, the mean of {} samples", self.net, self.steps, number(self.samples as usize))?;
        let rows = self.rows.iter().map(|row| {
            let energy = scaled(row.energy_pj(&self.energy), &JOULES);
            [row.name.clone(), row.layer.to_string(), row.work.to_string(), mean(row.dense), mean(row.macs), mean(row.acs), energy]
        });
        let dense = self.rows.iter().map(|row| row.dense).sum();
        let energy = scaled(self.energy_pj(), &JOULES);
        let total = ["total".into(), String::new(), String::new(), mean(dense), mean(self.macs()), mean(self.acs()), energy];
        f.write_str(&table(3, ["name", "layer", "input", "dense MACs", "MACs", "ACs", "energy"], rows.chain([total])))?;
        writeln!(f, "{} SynOps: a weight added because of a spike", mean(self.synops()))?;
        writeln!(
            f,
            "energy: {mac_pj} pJ a MAC, {ac_pj} pJ an AC ({source}); arithmetic only, without memory and without the neurons' own"
        )?;
        let all = dense * mac_pj;
        write!(f, "all of it multiplied: {}", scaled(all, &JOULES))?;
        if self.energy_pj() > 0.0 {
            write!(f, ", {:.1} times as much", all / self.energy_pj())?;
        }
        let silent: Vec<&str> = self.rows.iter().filter(|row| row.work == Work::NotMeasured).map(|row| row.name.as_str()).collect();
        if !silent.is_empty() {
            write!(f, "\nwarning: nothing was measured at {}, which did not run: counted as if numbers arrived", silent.join(", "))?;
        }
        Ok(())
    }
}
