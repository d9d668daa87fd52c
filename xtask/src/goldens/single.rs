//! A net of one layer, for the tables. In: a spec, its step mode and what arrives; out: the text of the net.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::dsl::{Name, Unsupported, Writer};
use super::index::Spec;

/// A net of one layer under the name `m`.
#[derive(Debug)]
pub(crate) struct Single {
    /// What it uses.
    pub(crate) names: Vec<Name>,
    /// `s` or `m`.
    pub(crate) mode: String,
    /// `snn_net! { .. }`
    pub(crate) net: String,
}

impl Single {
    /// The net over `steps` steps of `sample`; `output`, per sample and step, is declared where it is known.
    ///
    /// # Errors
    /// If the spec has no words in the language.
    pub(crate) fn write(spec: &Spec, steps: usize, sample: &[usize], output: Option<&[usize]>) -> Result<Single, Unsupported> {
        let mode = mode(spec).to_string();
        let mut writer = Writer::new(&mode);
        let body = writer.net(spec)?;
        let mut net = format!("    snn::snn_net! {{\n        pub net Net(x: {})", sequence(sample));
        if let Some(output) = output {
            let _ = write!(net, " -> {}", sequence(output));
        }
        let _ = write!(net, " {{\n            T = {steps};\n            step_mode = '{mode}';\n");
        for entry in &body.entries {
            let _ = writeln!(net, "            {}: {},", entry.name, entry.node);
        }
        net.push_str("        }\n    }\n");
        Ok(Single { names: writer.names.into_iter().collect(), mode, net })
    }

    /// The net and how it is built and driven.
    pub(crate) fn with_session(&self) -> String {
        format!("{}    snn_goldens::session!({}, Net, NetState);\n", self.net, self.mode)
    }
}

/// `s` or `m`, as the spec says; a layer that says nothing is given whole sequences, which all of them take.
pub(crate) fn mode(spec: &Spec) -> &str {
    spec.args.get("step_mode").and_then(Value::as_str).filter(|mode| ["s", "m"].contains(mode)).unwrap_or("m")
}

fn sequence(sample: &[usize]) -> String {
    let dims = sample.iter().map(usize::to_string);
    format!("[{}]", std::iter::once("T".to_string()).chain(dims).collect::<Vec<_>>().join(", "))
}

/// Surrogates are tested in a neuron: this is the neuron.
pub(crate) fn as_layer(spec: &Spec) -> Spec {
    if !spec.cls.starts_with("surrogate.") {
        return spec.clone();
    }
    let neuron = if spec.class() == "MultiLevelSpikeCount" { "neuron.ILIFNode" } else { "neuron.IFNode" };
    let surrogate = json!({ "cls": spec.cls, "args": spec.args });
    let args = [("surrogate_function".to_string(), surrogate)];
    Spec { cls: neuron.to_string(), args: args.into_iter().collect(), attrs: serde_json::Map::new() }
}

/// Steps and a sample that the layer's arguments ask for, where a row says nothing about its input.
pub(crate) fn fitting(spec: &Spec) -> (usize, Vec<usize>) {
    let number = |name: &str| spec.args.get(name).and_then(Value::as_u64).map(|n| n as usize);
    let steps = number("T").unwrap_or(4);
    let channels = ["in_channels", "num_features", "num_channels", "inplane", "C"].iter().find_map(|name| number(name)).unwrap_or(2);
    let class = spec.class();
    let spatial = ["1d", "2d", "3d"].iter().position(|suffix| class.ends_with(suffix));
    let inner = || spec.args.get("sub_module").or_else(|| spec.args.get("children")?.get(0)).and_then(Spec::of);
    let sample = match class {
        "NeuNorm" => vec![channels, number("height").unwrap_or(1), number("width").unwrap_or(1)],
        "TemporalWiseAttention" if number("dimension") == Some(2) => vec![5],
        "TemporalWiseAttention" | "MultiDimensionalAttention" | "GatedLIFNode" | "GroupNorm" => vec![channels, 4, 4],
        "Dropout2d" => vec![channels, 4, 4],
        _ => match (spatial, number("in_features"), inner()) {
            (Some(dims), ..) => [vec![channels], vec![8; dims + 1]].concat(),
            (None, Some(features), _) => vec![features],
            (None, None, Some(inner)) => return fitting(&inner),
            (None, None, None) => vec![3],
        },
    };
    (steps, sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(value: &Value) -> Spec {
        Spec::of(value).unwrap()
    }

    #[test]
    fn a_net_of_one_layer() {
        let conv = spec(&json!({"cls": "layer.Conv1d", "args": {"in_channels": 2, "out_channels": 3, "kernel_size": 3, "step_mode": "s"}}));
        let single = Single::write(&conv, 5, &[2, 6], Some(&[3, 4])).unwrap();
        let expected = "    snn::snn_net! {
        pub net Net(x: [T, 2, 6]) -> [T, 3, 4] {
            T = 5;
            step_mode = 's';
            m: Conv1d(in_channels = 2, kernel_size = 3, out_channels = 3),
        }
    }
";
        assert_eq!(single.net, expected);
        assert!(single.with_session().ends_with("    snn_goldens::session!(s, Net, NetState);\n"));
    }

    #[test]
    fn samples_fit_the_arguments() {
        let sample = |value: &Value| fitting(&spec(value)).1;
        assert_eq!(sample(&json!({"cls": "layer.Conv2d", "args": {"in_channels": 5}})), [5, 8, 8]);
        assert_eq!(sample(&json!({"cls": "layer.NeuNorm", "args": {"in_channels": 3, "height": 4, "width": 5}})), [3, 4, 5]);
        assert_eq!(sample(&json!({"cls": "neuron.IFNode"})), [3]);
        let sub = json!({"cls": "nn.Linear", "args": {"in_features": 7, "out_features": 7}});
        assert_eq!(sample(&json!({"cls": "layer.ElementWiseRecurrentContainer", "args": {"sub_module": sub}})), [7]);
        assert_eq!(fitting(&spec(&json!({"cls": "neuron.PSN", "args": {"T": 6}}))).0, 6);
    }

    #[test]
    fn a_surrogate_is_given_to_a_neuron() {
        let layer = as_layer(&spec(&json!({"cls": "surrogate.SoftSign", "args": {"alpha": 0.0}})));
        let single = Single::write(&layer, 4, &[3], None).unwrap();
        assert!(single.net.contains("m: IFNode(surrogate_function = SoftSign(alpha = 0.0)),"), "{}", single.net);
    }
}
