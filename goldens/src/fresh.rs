//! A row of `init.json`. In: a net and what its parameters start with; out: every parameter that starts otherwise.
//!
//! Drawn parameters are drawn again and again, under other seeds: all values have to lie in the interval, and their distribution
//! has to pass the test of Kolmogorov and Smirnov.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Result, ensure};
use serde::Deserialize;
use tch::{Device, Kind, Tensor, nn};

use crate::compare::{Allowed, Difference, compare};
use crate::runner::Open;

/// What a fresh net has.
#[derive(Debug, Deserialize)]
pub(crate) struct Fresh {
    pub(crate) id: String,
    pub(crate) net: String,
    /// Before the parameters' names.
    prefix: String,
    params: BTreeMap<String, Start>,
}

/// A parameter or buffer.
#[derive(Debug, Deserialize)]
struct Start {
    shape: Vec<i64>,
    #[serde(flatten)]
    values: Values,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Values {
    /// The same for every seed, in row-major order.
    Values { values: Vec<f64> },
    /// Drawn from an interval.
    Uniform { low: f64, high: f64 },
}

/// How many values of each drawn parameter are looked at, at least.
const DRAWS: i64 = 2000;

/// Builds the net under many seeds.
///
/// # Errors
/// What the net or libtorch says; a difference is no error.
pub(crate) fn run(fresh: &Fresh, open: Open) -> Result<Vec<Difference>> {
    let smallest = fresh.params.values().filter(|p| matches!(p.values, Values::Uniform { .. })).map(|p| p.shape.iter().product::<i64>());
    let nets = smallest.min().map_or(1, |elements| DRAWS / elements.max(1) + 1);
    let mut found = Vec::new();
    let mut drawn: HashMap<&str, Vec<f64>> = HashMap::new();
    for seed in 0..nets {
        snn::manual_seed(seed);
        let store = nn::VarStore::new(Device::Cpu);
        open(&store.root(), 1)?;
        let variables = store.variables();
        if seed == 0 {
            fresh.compare(&variables, &mut found)?;
        }
        for (name, start) in &fresh.params {
            if let (Values::Uniform { .. }, Some(variable)) = (&start.values, variables.get(&fresh.name(name))) {
                drawn.entry(name).or_default().extend(values(variable)?);
            }
        }
    }
    for (name, start) in &fresh.params {
        if let (Values::Uniform { low, high }, Some(values)) = (&start.values, drawn.get(name.as_str()))
            && let Some(text) = not_uniform(values, *low, *high)
        {
            found.push(differs(name, text));
        }
    }
    Ok(found)
}

impl Fresh {
    fn name(&self, parameter: &str) -> String {
        format!("{}.{parameter}", self.prefix)
    }

    /// Names, shapes and fixed values.
    fn compare(&self, variables: &HashMap<String, Tensor>, found: &mut Vec<Difference>) -> Result<()> {
        ensure!(!self.params.is_empty(), "a row without parameters");
        for (name, start) in &self.params {
            match (variables.get(&self.name(name)), &start.values) {
                (None, _) => found.push(differs(name, "the net has no such parameter".to_string())),
                (Some(variable), _) if variable.size() != start.shape => {
                    found.push(differs(name, format!("want a shape of {:?}, got {:?}", start.shape, variable.size())));
                }
                (Some(variable), Values::Values { values }) => {
                    let want = Tensor::from_slice(values).f_reshape(&start.shape)?;
                    let rounding = Allowed::Each { atol: 1e-7, rtol: 1e-6 };
                    found.extend(compare(variable, &want, rounding)?.map(|text| differs(name, text)));
                }
                (Some(_), Values::Uniform { .. }) => {}
            }
        }
        let mut names: Vec<_> = variables.keys().collect();
        names.sort();
        let surplus = names.into_iter().filter(|name| !self.params.keys().any(|p| self.name(p) == **name));
        found.extend(surplus.map(|name| differs(name, "the reference has no such parameter".to_string())));
        Ok(())
    }
}

fn differs(name: &str, text: String) -> Difference {
    Difference { run: "fresh", what: name.to_string(), text }
}

fn values(t: &Tensor) -> Result<Vec<f64>> {
    Ok(Vec::<f64>::try_from(t.detach().to_kind(Kind::Double).f_reshape([-1])?)?)
}

/// What tells the values from a uniform distribution over the interval: one outside, or the largest distance between the share of
/// values below a point and the share of the interval below it.
fn not_uniform(values: &[f64], low: f64, high: f64) -> Option<String> {
    // Rounding of f32 at the ends.
    let margin = 1e-6 * (high - low);
    if let Some(outside) = values.iter().find(|v| !(low - margin..=high + margin).contains(*v)) {
        return Some(format!("want values from {low} to {high}, got {outside}"));
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let distance = |(i, v): (usize, &f64)| {
        let share = (v - low) / (high - low);
        (share - i as f64 / n).abs().max((share - (i + 1) as f64 / n).abs())
    };
    let largest = sorted.iter().enumerate().map(distance).fold(0.0, f64::max);
    // Exceeded by chance once in 8000 times; the seeds are fixed.
    let allowed = 2.2 / n.sqrt();
    (largest > allowed).then(|| format!("{n} values are not spread evenly from {low} to {high}: off by {largest:.3}, allowed {allowed:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_values_are_told_from_others() {
        snn::manual_seed(0);
        let draws = |t: Tensor| values(&t).unwrap();
        let u = Tensor::rand([2000], (Kind::Double, Device::Cpu));
        assert_eq!(not_uniform(&draws(u.shallow_clone()), 0.0, 1.0), None);
        assert!(not_uniform(&draws(&u * 0.9), 0.0, 1.0).unwrap().contains("not spread evenly"));
        assert!(not_uniform(&draws(&u * &u), 0.0, 1.0).is_some());
        assert!(not_uniform(&draws(&u * 1.1), 0.0, 1.0).unwrap().starts_with("want values from 0 to 1, got 1.0"));
        assert!(not_uniform(&[0.5; 2000], 0.0, 1.0).is_some());
        assert!(not_uniform(&[f64::NAN], 0.0, 1.0).is_some());
    }
}
