//! Module specs become the language of DSL.md. In: a `spec` of the index; out: the entries and the `forward` of a net, the
//! blocks it needs, and the names of the layers and surrogates it uses.
//!
//! There is no list of supported layers here: names and keywords are SpikingJelly's on both sides, so a spec is written down
//! as it stands, and the compiler is asked what it knows (`probe`).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::index::Spec;

/// Why a case cannot be written in the language, for the list of skipped cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unsupported(pub(crate) String);

/// A name that the compiler may or may not know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    Layer(String),
    Surrogate(String),
}

impl Name {
    pub(crate) fn text(&self) -> &str {
        match self {
            Name::Layer(name) | Name::Surrogate(name) => name,
        }
    }
}

/// What stands between the braces of a net or a block, settings excepted.
#[derive(Debug)]
pub(crate) struct Body {
    /// `name: Layer(..)`, in order, without the comma.
    pub(crate) entries: Vec<Entry>,
    pub(crate) forward: Option<String>,
}

/// One `name: node` of a net.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) node: String,
    /// A spiking neuron, whose output `#[record(spikes)]` can record.
    pub(crate) neuron: bool,
}

/// Writes the specs of one net.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    /// The net's `step_mode`: `s` or `m`.
    mode: String,
    /// Blocks that stand before the net.
    pub(crate) blocks: Vec<String>,
    pub(crate) names: BTreeSet<Name>,
}

impl Writer {
    pub(crate) fn new(mode: &str) -> Writer {
        Writer { mode: mode.to_string(), ..Writer::default() }
    }

    /// A whole net: the parts of a `net.Seq` or `net.Residual`, or a single layer under the name `m`.
    pub(crate) fn net(&mut self, spec: &Spec) -> Result<Body, Unsupported> {
        match spec.cls.as_str() {
            "net.Seq" => Ok(Body { entries: self.sequence(spec)?, forward: None }),
            "net.Residual" => self.residual(spec),
            _ => Ok(Body { entries: vec![self.entry(SINGLE, spec)?], forward: None }),
        }
    }

    fn sequence(&mut self, spec: &Spec) -> Result<Vec<Entry>, Unsupported> {
        let layers = spec.args.get("layers").and_then(Value::as_array).ok_or_else(|| missing(spec, "layers"))?;
        layers
            .iter()
            .map(|pair| {
                let name = pair.get(0).and_then(Value::as_str).ok_or_else(|| missing(spec, "a layer's name"))?;
                let child = pair.get(1).and_then(Spec::of).ok_or_else(|| missing(spec, "a layer's spec"))?;
                self.entry(name, &child)
            })
            .collect()
    }

    /// `out = body(x)`, `idt = shortcut(x)` or `x`, joined as `cnf` says.
    fn residual(&mut self, spec: &Spec) -> Result<Body, Unsupported> {
        let body = spec.args.get("body").and_then(Spec::of).ok_or_else(|| missing(spec, "body"))?;
        let mut entries = vec![self.entry("body", &body)?];
        let shortcut = spec.args.get("shortcut").and_then(Spec::of);
        if let Some(shortcut) = &shortcut {
            entries.push(self.entry("shortcut", shortcut)?);
        }
        let join = match spec.args.get("cnf").and_then(Value::as_str) {
            Some("ADD") => "sew_add",
            Some("AND") => "sew_and",
            Some("IAND") => "sew_iand",
            other => return Err(Unsupported(format!("residual connection `{}` is not supported yet", other.unwrap_or("none")))),
        };
        let identity = if shortcut.is_some() { "shortcut(x)" } else { "x" };
        Ok(Body { entries, forward: Some(format!("{join}(body(x), {identity})")) })
    }

    fn entry(&mut self, name: &str, spec: &Spec) -> Result<Entry, Unsupported> {
        let name = identifier(name).ok_or_else(|| Unsupported(format!("a layer named `{name}` has no name in the language")))?;
        let node = self.node(spec, false)?;
        Ok(Entry { name, node, neuron: spec.cls.starts_with("neuron.") })
    }

    /// A layer, a list or a block. Inside a container each child sees single steps.
    fn node(&mut self, spec: &Spec, contained: bool) -> Result<String, Unsupported> {
        match spec.cls.as_str() {
            "net.Seq" => {
                let entries = self.sequence(spec)?;
                let entries = entries.iter().map(|e| format!("{}: {}", e.name, e.node)).collect::<Vec<_>>();
                return Ok(format!("[{}]", entries.join(", ")));
            }
            "net.Residual" => {
                let body = self.residual(spec)?;
                let name = format!("Residual{}", self.blocks.len());
                let mut text = format!("block {name}() {{ ");
                for entry in &body.entries {
                    let _ = write!(text, "{}: {}, ", entry.name, entry.node);
                }
                let _ = write!(text, "forward(x) {{ {} }} }}", body.forward.unwrap_or_default());
                self.blocks.push(text);
                return Ok(format!("{name}()"));
            }
            _ => {}
        }
        self.names.insert(Name::Layer(spec.class().to_string()));
        // What the language takes by position: the layers inside, then the function that joins.
        let mut positional = Vec::new();
        if let Some(children) = spec.args.get("children").and_then(Value::as_array) {
            let children = children.iter().filter_map(Spec::of).map(|c| self.node(&c, true)).collect::<Result<Vec<_>, _>>()?;
            positional.push(format!("[{}]", children.join(", ")));
        }
        if let Some(sub) = spec.args.get("sub_module").and_then(Spec::of) {
            positional.push(self.node(&sub, true)?);
        }
        if let Some(join) = spec.args.get("element_wise_function") {
            positional.push(function(join)?);
        }
        let mut named = Vec::new();
        for (key, value) in spec.args.iter().chain(&spec.attrs) {
            match key.as_str() {
                "children" | "sub_module" | "element_wise_function" => {}
                // `#[record(voltage)]` in the language.
                "store_v_seq" => {}
                "step_mode" if value.as_str() == Some(if contained { "s" } else { &self.mode }) => {}
                "step_mode" => named.push(format!("step_mode = '{}'", value.as_str().unwrap_or("?"))),
                _ => named.push(format!("{key} = {}", self.value(value)?)),
            }
        }
        Ok(format!("{}({})", spec.class(), positional.into_iter().chain(named).collect::<Vec<_>>().join(", ")))
    }

    /// An argument.
    pub(crate) fn value(&mut self, value: &Value) -> Result<String, Unsupported> {
        if let Some(spec) = Spec::of(value) {
            return if spec.cls.starts_with("surrogate.") { self.surrogate(&spec) } else { self.node(&spec, true) };
        }
        Ok(match value {
            Value::Null => "None".to_string(),
            Value::Bool(b) => b.to_string(),
            Value::Number(n) => n.to_string(),
            Value::String(s) => format!("{s:?}"),
            Value::Array(items) => {
                let items = items.iter().map(|v| self.value(v)).collect::<Result<Vec<_>, _>>()?;
                if items.len() == 1 { format!("({},)", items[0]) } else { format!("({})", items.join(", ")) }
            }
            Value::Object(_) => function(value)?,
        })
    }

    fn surrogate(&mut self, spec: &Spec) -> Result<String, Unsupported> {
        self.names.insert(Name::Surrogate(spec.class().to_string()));
        let args = spec.args.iter().map(|(key, v)| Ok(format!("{key} = {}", self.value(v)?))).collect::<Result<Vec<_>, Unsupported>>()?;
        Ok(format!("{}({})", spec.class(), args.join(", ")))
    }

    /// A surrogate as a value of Rust, for the cases that record the function itself.
    pub(crate) fn surrogate_value(&mut self, spec: &Spec) -> Result<String, Unsupported> {
        self.names.insert(Name::Surrogate(spec.class().to_string()));
        let mut fields = String::new();
        for (key, value) in &spec.args {
            match (key.as_str(), value.as_array().map(Vec::as_slice)) {
                // One tuple in Python, two fields in Rust.
                ("grad_window", Some([min, max])) => {
                    let _ = write!(fields, "grad_min: Some({}), grad_max: Some({}), ", self.value(min)?, self.value(max)?);
                }
                _ => {
                    let _ = write!(fields, "{key}: {}, ", self.value(value)?);
                }
            }
        }
        Ok(format!("snn::surrogate::{} {{ {fields}..Default::default() }}", spec.class()))
    }
}

/// The name of the only layer of a net that tests one.
pub(crate) const SINGLE: &str = "m";

/// `{"fn": name}`; recurrent containers call it with (y_prev, x).
fn function(value: &Value) -> Result<String, Unsupported> {
    let name = value.get("fn").and_then(Value::as_str).unwrap_or("none");
    let text = match name {
        "half_a_plus_b" => "|a, b| 0.5 * a + b",
        "b_minus_a" => "|a, b| b - a",
        "b_times_1_minus_a" => "|a, b| b * (1.0 - a)",
        "add" | "relu" | "tanh" | "sigmoid" | "identity" => name,
        _ => return Err(Unsupported(format!("function `{name}` is not supported yet"))),
    };
    Ok(text.to_string())
}

fn missing(spec: &Spec, what: &str) -> Unsupported {
    Unsupported(format!("a spec of `{}` without {what}", spec.cls))
}

/// The name as an identifier of Rust; keywords become raw ones, which keep their name in paths.
fn identifier(name: &str) -> Option<String> {
    const KEYWORDS: [&str; 12] = ["as", "box", "do", "fn", "for", "if", "in", "loop", "match", "mod", "type", "use"];
    let mut chars = name.chars();
    let first = chars.next()?;
    let fits = (first.is_ascii_alphabetic() || first == '_') && chars.all(|c| c.is_ascii_alphanumeric() || c == '_') && name != "_";
    fits.then(|| if KEYWORDS.contains(&name) { format!("r#{name}") } else { name.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn write(mode: &str, spec: &Value) -> (Writer, Result<Body, Unsupported>) {
        let mut writer = Writer::new(mode);
        let body = writer.net(&Spec::of(spec).unwrap());
        (writer, body)
    }

    #[test]
    fn a_layer_is_written_with_its_keywords() {
        let spec = json!({"cls": "layer.Conv2d", "args": {"in_channels": 2, "kernel_size": [2, 3], "padding": "same", "bias": false, "step_mode": "s"}});
        let (writer, body) = write("s", &spec);
        let entry = &body.unwrap().entries[0];
        assert_eq!(entry.node, r#"Conv2d(bias = false, in_channels = 2, kernel_size = (2, 3), padding = "same")"#);
        assert_eq!((entry.name.as_str(), entry.neuron), ("m", false));
        assert_eq!(writer.names, BTreeSet::from([Name::Layer("Conv2d".into())]));
    }

    #[test]
    fn a_neuron_names_its_surrogate_and_drops_store_v_seq() {
        let spec = json!({"cls": "neuron.LIFNode", "args": {"tau": 2.0, "v_reset": null, "step_mode": "m", "store_v_seq": true,
            "surrogate_function": {"cls": "surrogate.ATan", "args": {"alpha": 2.0}}}});
        let (writer, body) = write("m", &spec);
        assert_eq!(body.unwrap().entries[0].node, "LIFNode(surrogate_function = ATan(alpha = 2.0), tau = 2.0, v_reset = None)");
        assert!(writer.names.contains(&Name::Surrogate("ATan".into())));
    }

    #[test]
    fn a_step_mode_other_than_the_nets_is_written_out() {
        let spec = json!({"cls": "net.Seq", "args": {"layers": [["fc", {"cls": "layer.Linear", "args": {"step_mode": "s"}}]]}});
        let (_, body) = write("m", &spec);
        assert_eq!(body.unwrap().entries[0].node, "Linear(step_mode = 's')");
    }

    #[test]
    fn containers_take_their_layers_by_position() {
        let sub = json!({"cls": "neuron.IFNode", "args": {}});
        let spec = json!({"cls": "layer.ElementWiseRecurrentContainer",
            "args": {"sub_module": sub, "element_wise_function": {"fn": "half_a_plus_b"}, "step_mode": "m"}});
        let (_, body) = write("m", &spec);
        assert_eq!(body.unwrap().entries[0].node, "ElementWiseRecurrentContainer(IFNode(), |a, b| 0.5 * a + b)");
        let spec = json!({"cls": "layer.StepModeContainer", "args": {"children": [sub], "stateful": true, "step_mode": "m"}});
        let (_, body) = write("m", &spec);
        assert_eq!(body.unwrap().entries[0].node, "StepModeContainer([IFNode()], stateful = true)");
    }

    #[test]
    fn a_residual_is_wired_by_forward_and_nested_ones_are_blocks() {
        let body = json!({"cls": "net.Seq", "args": {"layers": [["conv1", {"cls": "layer.Conv2d", "args": {}}]]}});
        let residual = json!({"cls": "net.Residual", "args": {"body": body, "shortcut": null, "cnf": "IAND"}});
        let (_, written) = write("m", &residual);
        let written = written.unwrap();
        assert_eq!(written.entries[0].node, "[conv1: Conv2d()]");
        assert_eq!(written.forward.as_deref(), Some("sew_iand(body(x), x)"));

        let nested = json!({"cls": "net.Seq", "args": {"layers": [["res", residual]]}});
        let (writer, written) = write("m", &nested);
        assert_eq!(written.unwrap().entries[0].node, "Residual0()");
        assert_eq!(writer.blocks, ["block Residual0() { body: [conv1: Conv2d()], forward(x) { sew_iand(body(x), x) } }"]);
    }

    #[test]
    fn what_has_no_words_is_unsupported() {
        let spec = json!({"cls": "layer.X", "args": {"f": {"fn": "cosh"}}});
        assert_eq!(write("m", &spec).1.unwrap_err().0, "function `cosh` is not supported yet");
        assert_eq!(identifier("type").as_deref(), Some("r#type"));
        assert_eq!(identifier("0"), None);
    }

    #[test]
    fn a_surrogate_is_a_value_of_rust_too() {
        let mut writer = Writer::new("whole");
        let spec = Spec::of(&json!({"cls": "surrogate.ATan", "args": {"alpha": 2.0, "spiking": false}})).unwrap();
        assert_eq!(writer.surrogate_value(&spec).unwrap(), "snn::surrogate::ATan { alpha: 2.0, spiking: false, ..Default::default() }");
    }
}
