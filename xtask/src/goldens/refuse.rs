//! What the compiler must refuse. In: a case's spec and input shape; out: the layer and the reason, where SpikingJelly accepts
//! something that SEMANTICS.md section 7 decides against. Such a case passes when its net does not compile.

use serde_json::Value;

use super::index::{Case, Spec};

/// A case that passes by not compiling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The layer that the error has to name.
    pub(crate) class: String,
    pub(crate) reason: String,
}

/// Looks for what has to be refused anywhere in the case's module.
pub(crate) fn expected(case: &Case) -> Option<Refusal> {
    let spec = case.spec.as_ref()?;
    let x = case.shape("x")?;
    if x.first() == Some(&0) && case.step_mode.as_deref() != Some("whole") {
        return Some(Refusal { class: spec.class().to_string(), reason: "no time steps".to_string() });
    }
    module(case, spec, x.get(2..))
}

/// `sample`: the per-sample shape that arrives, where it is known.
fn module(case: &Case, spec: &Spec, sample: Option<&[usize]>) -> Option<Refusal> {
    if spec.cls == "net.Seq" {
        return sequence(case, spec, sample);
    }
    let inside = || children(spec).iter().find_map(|child| module(case, child, None));
    steps(spec, case.shape("x")).or_else(|| layer(spec, sample)).or_else(inside)
}

/// What has to be refused in the layer for the number of steps in `x`.
pub(crate) fn steps(spec: &Spec, x: Option<&[usize]>) -> Option<Refusal> {
    let own = spec.args.get("T").and_then(Value::as_u64);
    let given = x.and_then(<[usize]>::first).map(|&t| t as u64);
    let reason = "another number of steps than its T".to_string();
    (spec.class() == "GatedLIFNode" && own != given).then(|| Refusal { class: spec.class().to_string(), reason })
}

/// What has to be refused in the layer itself.
pub(crate) fn layer(spec: &Spec, sample: Option<&[usize]>) -> Option<Refusal> {
    let number = |name: &str| spec.args.get(name).and_then(Value::as_f64);
    let text = |name: &str| spec.args.get(name).and_then(Value::as_str);
    let reason = match spec.class() {
        "VotingLayer" => {
            let size = number("voting_size").unwrap_or(10.0) as usize;
            let last = sample.and_then(<[usize]>::last);
            last.is_some_and(|last| size > 0 && last % size != 0).then_some("features that no vote counts")
        }
        // DSL.md names it an error in both modes. The batch is axis 0, negative axes count from the end.
        "Flatten" => {
            let start = number("start_dim").unwrap_or(1.0);
            let batch = start == 0.0 || sample.is_some_and(|s| start + s.len() as f64 + 1.0 == 0.0);
            batch.then_some("flattens the batch")
        }
        "Dropout" | "Dropout2d" | "DropConnectLinear" => {
            number("p").is_some_and(|p| !(0.0..1.0).contains(&p)).then_some("p outside [0, 1)")
        }
        "Delay" => number("delay_steps").is_some_and(|d| d < 0.0).then_some("a delay into the future"),
        "Sigmoid" | "ATan" => number("alpha").is_some_and(|alpha| alpha <= 0.0).then_some("a derivative with the wrong sign"),
        // Torch broadcasts what is too small, and sums over what is not the channels.
        "NeuNorm" => {
            let own = ["in_channels", "height", "width"].map(|name| number(name).unwrap_or(0.0) as usize);
            sample.is_some_and(|sample| sample != own).then_some("another shape than its own")
        }
        "ElementWiseRecurrentContainer" => {
            let size = |name: &str| spec.args.get("sub_module").and_then(Spec::of)?.args.get(name).and_then(Value::as_u64);
            (size("in_features") != size("out_features")).then_some("an output that does not fit the input it goes round to")
        }
        "WSConv2d" => text("padding_mode").is_some_and(|mode| mode != "zeros").then_some("a padding mode that is ignored"),
        "NonSpikingIFNode" | "NonSpikingLIFNode" => text("decode").is_some_and(|d| !DECODES.contains(&d)).then_some("an unknown decode"),
        "SeqToANNContainer" => children(spec).iter().any(stateful).then_some("a stateful layer that would see T * N as its batch"),
        _ => None,
    };
    Some(Refusal { class: spec.class().to_string(), reason: reason?.to_string() })
}

/// SpikingJelly raises where SEMANTICS.md section 7 says what is to come out: the mean where nothing is dropped at random.
pub(crate) fn is_mended(spec: &Spec) -> bool {
    spec.class() == "DropConnectLinear" && spec.args.get("p").and_then(Value::as_f64) == Some(0.0)
}

fn sequence(case: &Case, spec: &Spec, sample: Option<&[usize]>) -> Option<Refusal> {
    let layers = spec.args.get("layers").and_then(Value::as_array)?;
    let mut sample = sample;
    for pair in layers {
        let child = pair.get(1).and_then(Spec::of)?;
        if let Some(refusal) = module(case, &child, sample) {
            return Some(refusal);
        }
        // Recorded in mode m: [T, N, ..].
        let name = pair.get(0).and_then(Value::as_str).unwrap_or_default();
        sample = case.shape(&format!("aux.{name}")).and_then(|s| s.get(2..));
    }
    None
}

const DECODES: [&str; 4] = ["max-mem", "max-abs-mem", "mean-mem", "last_mem"];

/// Every module in the arguments, children of containers included.
fn children(spec: &Spec) -> Vec<Spec> {
    fn collect(value: &Value, into: &mut Vec<Spec>) {
        match (Spec::of(value), value) {
            (Some(spec), _) => into.push(spec),
            (None, Value::Array(items)) => items.iter().for_each(|v| collect(v, into)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    spec.args.values().for_each(|v| collect(v, &mut found));
    found
}

/// Carries something from step to step.
fn stateful(spec: &Spec) -> bool {
    const LAYERS: [&str; 8] = [
        "Dropout",
        "Dropout2d",
        "SynapseFilter",
        "NeuNorm",
        "Delay",
        "DropConnectLinear",
        "ElementWiseRecurrentContainer",
        "LinearRecurrentContainer",
    ];
    spec.cls.starts_with("neuron.") || LAYERS.contains(&spec.class()) || children(spec).iter().any(stateful)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn case(spec: &Value, x: &[usize]) -> Case {
        let raw = json!({"id": "c", "file": "c", "kind": "layer", "spec": spec, "step_mode": "m", "tensors": {"x": ["float32", x]}});
        serde_json::from_value(raw).unwrap()
    }

    #[test]
    fn a_vote_with_a_remainder_is_refused() {
        let spec = |size: usize| json!({"cls": "layer.VotingLayer", "args": {"voting_size": size}});
        assert_eq!(expected(&case(&spec(3), &[2, 2, 8])).unwrap().class, "VotingLayer");
        assert_eq!(expected(&case(&spec(4), &[2, 2, 8])), None);
    }

    #[test]
    fn the_batch_is_not_flattened_from_the_end_either() {
        let spec = |start: i64| json!({"cls": "layer.Flatten", "args": {"start_dim": start}});
        assert!(expected(&case(&spec(0), &[2, 2, 8])).is_some());
        assert!(expected(&case(&spec(-2), &[2, 2, 8])).is_some());
        assert_eq!(expected(&case(&spec(-1), &[2, 2, 8])), None);
    }

    #[test]
    fn a_neuron_in_a_seq_to_ann_container_is_refused() {
        let spec = |cls: &str| json!({"cls": "layer.SeqToANNContainer", "args": {"children": [{"cls": cls, "args": {}}]}});
        assert_eq!(expected(&case(&spec("neuron.IFNode"), &[2, 2, 8])).unwrap().class, "SeqToANNContainer");
        assert_eq!(expected(&case(&spec("nn.Linear"), &[2, 2, 8])), None);
    }

    #[test]
    fn p_of_one_is_refused_inside_a_net_too() {
        let drop = json!({"cls": "layer.Dropout", "args": {"p": 1.0}});
        let spec = json!({"cls": "net.Seq", "args": {"layers": [["drop", drop]]}});
        assert_eq!(expected(&case(&spec, &[2, 2, 8])).unwrap().reason, "p outside [0, 1)");
    }
}
