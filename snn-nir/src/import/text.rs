//! The source of a net. In: its parts; out: Rust, as a module of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::ImportConfig;
use super::layers::float;
use super::neurons::own_name;
use super::wiring::{Net, Term, Value};

pub(super) fn source(net: &Net, config: &ImportConfig) -> String {
    let definitions: BTreeMap<&str, &str> =
        net.entries.iter().filter_map(|entry| entry.layer.definition.as_ref()).map(|(kind, text)| (*kind, text.as_str())).collect();
    let step = config.dt.map_or("steps of any length: it has no times".into(), |dt| format!("steps of {} seconds", float(dt)));
    let mut text = format!("// The NIR graph of {} in {step}. Written by `cargo xtask nir import`.\n\n", config.origin);
    text += if definitions.is_empty() { "use snn::snn_net;\n" } else { "use snn::{snn_net, snn_neuron};\n" };
    for definition in definitions.values() {
        text += &format!("\nsnn_neuron! {{\n{}}}\n", indented(definition));
    }
    text += &format!("\nsnn_net! {{\n{}}}\n", indented(&net_text(net, config, &definitions)));
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".into() } else { format!("    {line}\n") }).collect()
}

fn net_text(net: &Net, config: &ImportConfig, definitions: &BTreeMap<&str, &str>) -> String {
    let mut text = String::new();
    for kind in definitions.keys() {
        text += &format!("use self::{};\n", own_name(kind));
    }
    if !text.is_empty() {
        text += "\n";
    }
    let sizes = |shape: &[usize]| format!("[T{}]", shape.iter().map(|size| format!(", {size}")).collect::<String>());
    let inputs = input_names(net);
    let ins: Vec<String> = inputs.iter().zip(&net.inputs).map(|(name, (_, shape))| format!("{name}: {}", sizes(shape))).collect();
    let outs = match net.outputs.as_slice() {
        [(_, shape, _)] => sizes(shape),
        several => {
            format!("({})", several.iter().map(|(name, shape, _)| format!("{name}: {}", sizes(shape))).collect::<Vec<_>>().join(", "))
        }
    };
    text += &format!("/// The NIR graph of {}.\npub net {}({}) -> {outs} {{\n", config.origin, config.net, ins.join(", "));
    text += &format!("    T = {};\n    step_mode = 'm';\n\n", config.steps);
    for entry in &net.entries {
        if let Some(comment) = &entry.layer.comment {
            text += &format!("    // {comment}\n");
        }
        text += &format!("    {}: {},\n", entry.name, entry.layer.text);
    }
    if !net.is_chain() {
        text += &forward(net, &inputs);
    }
    text + "}\n"
}

/// A single input is `x`.
fn input_names(net: &Net) -> Vec<&str> {
    match net.inputs.as_slice() {
        [_] => vec!["x"],
        several => several.iter().map(|(name, _)| name.as_str()).collect(),
    }
}

fn forward(net: &Net, inputs: &[&str]) -> String {
    let term = |term: &Term| match *term {
        Term::Input(at) => inputs[at].to_owned(),
        Term::Entry(at) => format!("{}_y", net.entries[at].name),
    };
    let value = |value: &Value| value.0.iter().map(term).reduce(|sum, next| format!("add({sum}, {next})")).unwrap_or_default();
    let mut text = format!("\n    forward({}) {{\n", inputs.join(", "));
    for entry in &net.entries {
        // Writing to a string does not fail.
        let _ = writeln!(text, "        let {0}_y = {0}({1});", entry.name, value(&entry.gets));
    }
    let outputs: Vec<String> = net.outputs.iter().map(|(.., of)| value(of)).collect();
    text + &if let [one] = outputs.as_slice() {
        format!("        {one}\n    }}\n")
    } else {
        format!("        ({})\n    }}\n", outputs.join(", "))
    }
}
