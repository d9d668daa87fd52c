//! The workloads. In: nothing; out: each one's name, the work that the runners are asked for, and who can do it.

use serde_json::{Value, json};

use super::side::Side;

/// The same work for everybody.
#[derive(Debug)]
pub(crate) struct Workload {
    /// What `--only` names.
    pub(crate) name: String,
    /// What the table says about it.
    pub(crate) about: String,
    /// What `bench/src/protocol.rs` reads.
    pub(crate) work: Value,
    /// The peers that can compute it.
    pub(crate) peers: &'static [Side],
}

impl Workload {
    /// Ours: also the frozen net, where nothing is learned.
    pub(crate) fn ours(&self) -> &'static [Side] {
        match self.work["task"].as_str() {
            Some("forward" | "infer") => &[Side::Snn, Side::SnnFrozen],
            _ => &[Side::Snn],
        }
    }

    /// Who takes part: ours, and the peers if they are asked for. On a CUDA device no frozen net, and SpikingJelly with both of its backends.
    pub(crate) fn sides(&self, peers: bool, on_device: bool) -> Vec<Side> {
        let all = self.ours().iter().chain(self.peers.iter().filter(|_| peers)).copied();
        if !on_device {
            return all.collect();
        }
        let here = |side: &Side| matches!(side, Side::Snn | Side::SpikingJelly | Side::SpikingJellyCompiled);
        all.filter(here).chain(peers.then_some(Side::SpikingJellyCupy)).collect()
    }
}

const JELLY: &[Side] = &[Side::SpikingJelly, Side::SpikingJellyCompiled];
const JELLY_EAGER: &[Side] = &[Side::SpikingJelly];
const ALL: &[Side] = &[Side::SpikingJelly, Side::SpikingJellyCompiled, Side::SnnTorch, Side::Norse];
/// Not compiled: the 500 steps are unrolled into one graph.
const EAGER: &[Side] = &[Side::SpikingJelly, Side::SnnTorch, Side::Norse];

/// The bias of the CSNN's norms at which its layers fire about as often as after training.
const TRAINED: f64 = -0.4;

/// All of them, in the order of issue 4.
pub(crate) fn all() -> Vec<Workload> {
    let mut all = Vec::new();
    let mut add = |name: String, about: String, work: Value, peers| all.push(Workload { name, about, work, peers });

    let lif = |steps: u64, batch: u64, task: &str| json!({ "net": "lif", "steps": steps, "batch": batch, "task": task });
    let csnn = |bias: f64, batch: u64, task: &str| json!({ "net": "csnn", "bias": bias, "batch": batch, "task": task });
    for (task, words) in [("forward", "forward"), ("backward", "forward + backward")] {
        add(format!("w1-{task}"), format!("LIF alone, T = 8, 16 x 128 x 14 x 14, {words}"), lif(8, 16, task), ALL);
    }
    for (task, words) in [("train", "training step with Adam"), ("infer", "inference")] {
        add(format!("w2-{task}"), format!("CSNN, 28 x 28, 128 channels, T = 4, batch 32, {words}"), csnn(TRAINED, 32, task), JELLY);
    }
    for features in [512, 2048] {
        let about = format!("Linear({features}) + LIF, T = 500, batch 16, 10 % input rate, forward + backward");
        let work = json!({ "net": "dense", "features": features, "batch": 16, "task": "backward" });
        add(format!("w3-{features}"), about, work, EAGER);
        let about = format!("Linear({features}) + LIF, T = 500, batch 16, 10 % input rate, inference");
        let work = json!({ "net": "dense", "features": features, "batch": 16, "task": "infer" });
        add(format!("w3-{features}-infer"), about, work, EAGER);
    }
    for (task, words) in [("train", "training step with Adam"), ("infer", "inference")] {
        let work = json!({ "net": "sew-resnet18", "batch": 16, "task": task });
        add(format!("w4-{task}"), format!("SEW-ResNet-18, 32 x 32, T = 4, batch 16, {words}"), work, JELLY);
    }
    for steps in [4, 8, 16, 32, 64, 128] {
        let about = format!("LIF alone, T = {steps}, 16 x 128 x 14 x 14, forward + backward");
        add(format!("w5-lif-steps-{steps}"), about, lif(steps, 16, "backward"), JELLY_EAGER);
    }
    for batch in [1, 4, 16, 64] {
        let about = format!("LIF alone, T = 8, {batch} x 128 x 14 x 14, forward + backward");
        add(format!("w5-lif-batch-{batch}"), about, lif(8, batch, "backward"), JELLY_EAGER);
    }
    for batch in [1, 8, 32, 128] {
        let about = format!("CSNN, T = 4, batch {batch}, training step with Adam");
        add(format!("w5-csnn-batch-{batch}"), about, csnn(TRAINED, batch, "train"), JELLY_EAGER);
    }
    for (rate, bias) in [("low", -1.0), ("middle", TRAINED), ("high", 0.5)] {
        let about = format!("CSNN, T = 4, batch 32, {rate} firing rate (norms' bias {bias}), training step with Adam");
        add(format!("w5-csnn-rate-{rate}"), about, csnn(bias, 32, "train"), JELLY_EAGER);
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn on_a_device_spikingjelly_has_both_backends_and_nothing_is_frozen() {
        let w1 = all().into_iter().find(|workload| workload.name == "w1-forward").unwrap();
        assert_eq!(w1.sides(true, true), [Side::Snn, Side::SpikingJelly, Side::SpikingJellyCompiled, Side::SpikingJellyCupy]);
        assert_eq!(w1.sides(false, true), [Side::Snn]);
        assert!(w1.sides(true, false).contains(&Side::SnnFrozen) && !w1.sides(true, false).contains(&Side::SpikingJellyCupy));
    }

    #[test]
    fn names_are_unique_and_lower_case() {
        let all = all();
        let names: HashSet<&str> = all.iter().map(|workload| workload.name.as_str()).collect();
        assert_eq!(names.len(), all.len());
        assert!(names.iter().all(|name| *name == name.to_lowercase()));
        for family in ["w1", "w2", "w3", "w4", "w5"] {
            assert!(names.iter().any(|name| name.starts_with(family)), "{family}");
        }
    }
}
