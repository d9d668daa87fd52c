//! One case becomes one net. In: a case of the index; out: the text of its `snn_net!`, how the runner drives it, and what to
//! look for in the results.

use std::fmt::Write as _;

use super::dsl::{Body, Name, SINGLE, Unsupported, Writer};
use super::index::{Case, Spec};

/// What a case needs of the generated crate.
#[derive(Debug)]
pub(crate) enum Program {
    /// `kind: surrogate`: a value of Rust that is applied to x.
    Surrogate(String),
    /// `kind: functional`: the runner knows the functions.
    Functional,
    Net(Box<Net>),
}

/// A case as a net.
#[derive(Debug)]
pub(crate) struct Net {
    /// The module's text: the net and its session. Cases with the same text share it.
    pub(crate) module: String,
    /// The same net with one more output per recorded child, for `aux.*`.
    pub(crate) children: Option<ChildNet>,
    /// Before the names of parameters and states: `m`, or nothing where the spec names its layers.
    pub(crate) prefix: &'static str,
    /// x came without a batch axis and gets one of size 1.
    pub(crate) unbatched: bool,
    /// Whether each output has a time axis.
    pub(crate) timed: Vec<bool>,
    /// x is `[N, ..]`: its time, if it has any, is no axis of the net's.
    pub(crate) untimed: bool,
    /// States that are recorded as the outputs after the first.
    pub(crate) final_states: Vec<&'static str>,
}

impl Net {
    /// The net alone, for one that is only compiled.
    pub(crate) fn without_session(&self) -> &str {
        self.module.rsplit_once("    snn_goldens::session!").map_or(&self.module, |(net, _)| net)
    }
}

/// A net whose outputs after the first are its children's.
#[derive(Debug)]
pub(crate) struct ChildNet {
    pub(crate) module: String,
    /// Whose output the outputs after the first are.
    pub(crate) outputs: Vec<String>,
    /// It records the spikes of its neurons.
    pub(crate) records: bool,
}

/// What a case comes to: the names it uses, and its program or what stands against it.
#[derive(Debug)]
pub(crate) struct Written {
    /// Asked of the compiler first: a layer that it does not know is the first thing to say about a case.
    pub(crate) names: Vec<Name>,
    pub(crate) program: Result<Program, Unsupported>,
}

/// Writes the case's program.
pub(crate) fn write_case(case: &Case) -> Written {
    let mut writer = Writer::new(case.step_mode.as_deref().unwrap_or("none"));
    let program = match &case.spec {
        None if case.function.is_some() => Ok(Program::Functional),
        None => Err(Unsupported("a case without a module and without a function".to_string())),
        Some(spec) if case.kind == "surrogate" => writer.surrogate_value(spec).map(Program::Surrogate),
        Some(spec) if CHANGE_STEPS.contains(&spec.class()) => lone(spec, &mut writer).map(|net| Program::Net(Box::new(net))),
        Some(spec) => net(case, spec, &mut writer).map(|net| Program::Net(Box::new(net))),
    };
    Written { names: writer.names.into_iter().collect(), program }
}

/// Layers that change the number of time steps: a net has one number of steps, so they are layers of Rust alone.
const CHANGE_STEPS: [&str; 2] = ["SpikeCountToBinary", "TemporalBinSum"];

/// A layer that is built and driven in Rust.
fn lone(spec: &Spec, writer: &mut Writer) -> Result<Net, Unsupported> {
    let layer = format!("snn::{}", spec.class());
    let fields = spec.args.iter().map(|(name, value)| Ok(format!("{name}: {}", writer.value(value)?)));
    let fields = fields.collect::<Result<Vec<_>, _>>()?.join(", ");
    let module = format!(
        "    use snn_goldens::__private::{{Result, tch::nn}};
    pub fn open(vs: &nn::Path, _: i64) -> Result<Box<dyn snn_goldens::Session>> {{
        snn_goldens::lone::<{layer}>(vs, {layer}Config {{ {fields} }})
    }}
"
    );
    Ok(Net { module, children: None, prefix: SINGLE, unbatched: false, timed: vec![true], untimed: false, final_states: Vec::new() })
}

fn net(case: &Case, spec: &Spec, writer: &mut Writer) -> Result<Net, Unsupported> {
    let body = writer.net(spec)?;
    let shapes = Shapes::of(case, spec)?;
    let mode = if is_rnn(spec) { "m" } else { case.step_mode.as_deref().unwrap_or("none") };
    let single = !spec.cls.starts_with("net.");
    let memories = memories(case, single);
    let record_voltage = single && case.shape("aux.v_seq").is_some();
    Ok(Net {
        module: module(&writer.blocks, &shapes, mode, &body, record_voltage, &memories),
        children: if single { None } else { child_net(case, &writer.blocks, &shapes, mode, &body, &memories) },
        prefix: if single { SINGLE } else { "" },
        unbatched: shapes.unbatched,
        timed: shapes.outputs.iter().map(|(timed, _)| *timed).collect(),
        untimed: shapes.untimed,
        final_states: if is_rnn(spec) { FINAL_STATES[..case.outputs().len() - 1].to_vec() } else { Vec::new() },
    })
}

/// What recurrent networks give back besides their outputs; here it is their state.
const FINAL_STATES: [&str; 2] = ["h", "c"];

fn is_rnn(spec: &Spec) -> bool {
    spec.cls.starts_with("rnn.")
}

/// What the case sets before its first step, such as a mask or random numbers: `; set drop.mask`.
fn memories(case: &Case, single: bool) -> String {
    let mut text = String::new();
    for name in case.tensors.keys().filter_map(|name| name.strip_prefix("inject.")) {
        let _ = write!(text, "; set {}{name}", if single { format!("{SINGLE}.") } else { String::new() });
    }
    text
}

/// Ways to make a random layer deterministic. Each is a tensor `inject.<path>.<name>` that goes into the state under that name.
const INJECTED: [&str; 3] = ["state", "dropconnect_masks", "dropconnect_eps"];

/// What the tensors say about the net's signature.
#[derive(Debug)]
struct Shapes {
    steps: usize,
    unbatched: bool,
    /// x has no time axis in front.
    untimed: bool,
    input: Vec<usize>,
    /// With its time axis or without.
    outputs: Vec<(bool, Vec<usize>)>,
}

impl Shapes {
    fn of(case: &Case, spec: &Spec) -> Result<Shapes, Unsupported> {
        let mode = case.step_mode.as_deref().unwrap_or("none");
        if mode == "whole" && spec.cls.starts_with("layer.") {
            return Shapes::once(case);
        }
        if mode != "s" && mode != "m" && !is_rnn(spec) {
            return Err(Unsupported(format!("{} called on `{mode}` x", spec.class())));
        }
        for inject in case.inject.iter().flatten() {
            if !INJECTED.contains(&inject.kind.as_str()) {
                return Err(Unsupported(format!("injected {} are not supported yet", inject.kind)));
            }
        }
        let x = case.shape("x").ok_or_else(|| Unsupported("no input x".to_string()))?;
        let Some((&steps, sample)) = x.split_first() else { return Err(Unsupported("an input without a time axis".to_string())) };
        let unbatched = sample.len() < batched_rank(spec);
        // The language has no rank 0: a scalar per step is a vector of one.
        let input = if !unbatched {
            sample[1..].to_vec()
        } else if sample.is_empty() {
            vec![1]
        } else {
            sample.to_vec()
        };
        let batch = if unbatched { None } else { Some(sample[0]) };
        let outputs = case.outputs().into_iter().take(if is_rnn(spec) { 1 } else { usize::MAX });
        let outputs = outputs.map(|y| output(y, steps, batch)).collect::<Result<Vec<_>, _>>()?;
        Ok(Shapes { steps, unbatched, untimed: false, input, outputs })
    }

    /// `[N, ..]`, run once: where time is the last axis, to the net it is an axis of the sample.
    fn once(case: &Case) -> Result<Shapes, Unsupported> {
        let sample = |shape: &[usize]| shape.get(1..).map(<[usize]>::to_vec).ok_or_else(|| Unsupported("no batch axis".to_string()));
        let input = sample(case.shape("x").unwrap_or_default())?;
        let outputs = case.outputs().into_iter().map(|y| Ok((false, sample(y)?))).collect::<Result<_, Unsupported>>()?;
        Ok(Shapes { steps: 1, unbatched: false, untimed: true, input, outputs })
    }
}

/// The rank of one step's batched input: what torch's layers of that name tell batched from unbatched by, else `[N, F]`.
pub(crate) fn batched_rank(spec: &Spec) -> usize {
    const SPATIAL: [&str; 6] = ["Conv", "ConvTranspose", "MaxPool", "AvgPool", "AdaptiveAvgPool", "AdaptiveMaxPool"];
    let class = spec.class();
    let dims = ["1d", "2d", "3d"].iter().position(|suffix| class.ends_with(suffix));
    match dims {
        Some(dims) if SPATIAL.contains(&&class[..class.len() - 2]) => dims + 3,
        _ => 2,
    }
}

/// `[T, N, ..]`, or `[N, ..]` where time is gone.
fn output(y: &[usize], steps: usize, batch: Option<usize>) -> Result<(bool, Vec<usize>), Unsupported> {
    let (timed, rest) = match (y.split_first(), batch) {
        (Some((&t, rest)), None) if t == steps => (true, rest),
        (Some((&t, rest)), Some(n)) if t == steps && rest.first() == Some(&n) => (true, &rest[1..]),
        (Some((&n, rest)), Some(batch)) if n == batch => (false, rest),
        _ => return Err(Unsupported("an output with another number of time steps is not supported yet".to_string())),
    };
    Ok((timed, if rest.is_empty() && batch.is_none() { vec![1] } else { rest.to_vec() }))
}

fn shape(timed: bool, dims: &[usize]) -> String {
    let dims = timed.then(|| "T".to_string()).into_iter().chain(dims.iter().map(usize::to_string));
    format!("[{}]", dims.collect::<Vec<_>>().join(", "))
}

fn module(blocks: &[String], shapes: &Shapes, mode: &str, body: &Body, record_voltage: bool, memories: &str) -> String {
    let outputs = shapes.outputs.iter().map(|(timed, dims)| shape(*timed, dims)).collect::<Vec<_>>();
    let attribute = if record_voltage { "#[record(voltage)] " } else { "" };
    let entries = body.entries.iter().map(|e| format!("{attribute}{}: {}", e.name, e.node)).collect::<Vec<_>>();
    let records = if record_voltage { format!("; record {SINGLE}.voltage") } else { String::new() };
    write(blocks, shapes, mode, &outputs, &entries, body.forward.as_deref(), &format!("{records}{memories}"))
}

/// The net again, with every recorded child seen: neurons by `#[record(spikes)]`, other layers as outputs.
fn child_net(case: &Case, blocks: &[String], shapes: &Shapes, mode: &str, body: &Body, memories: &str) -> Option<ChildNet> {
    let recorded = case.recorded_children();
    let batch = case.shape("x")?.get(1)?;
    let [(true, y)] = &shapes.outputs[..] else { return None };
    if mode != "m" || shapes.unbatched || recorded.is_empty() {
        return None;
    }
    let mut outputs = vec![shape(true, y)];
    let mut names = Vec::new();
    let mut entries = Vec::new();
    let mut records = String::new();
    let mut values = Vec::new();
    let mut lets = String::new();
    for (i, entry) in body.entries.iter().enumerate() {
        let seen = recorded.contains(&entry.name.as_str());
        let attribute = if seen && entry.neuron { "#[record(spikes)] " } else { "" };
        entries.push(format!("{attribute}{}: {}", entry.name, entry.node));
        let input = if i == 0 || body.forward.is_some() { "x".to_string() } else { format!("h{}", i - 1) };
        let _ = write!(lets, "let h{i} = {}({input}); ", entry.name);
        if seen && entry.neuron {
            let _ = write!(records, "; record {}.spikes", entry.name);
        } else if seen && (body.forward.is_some() || i + 1 < body.entries.len()) {
            let (timed, dims) = output(case.shape(&format!("aux.{}", entry.name))?, shapes.steps, Some(*batch)).ok()?;
            outputs.push(shape(timed, &dims));
            names.push(entry.name.clone());
            values.push(format!("h{i}"));
        }
    }
    let last = match &body.forward {
        // `sew_add(body(x), shortcut(x))` on the values bound above.
        Some(join) => {
            body.entries.iter().enumerate().fold(join.clone(), |join, (i, e)| join.replace(&format!("{}(x)", e.name), &format!("h{i}")))
        }
        None => format!("h{}", body.entries.len().checked_sub(1)?),
    };
    let result = if values.is_empty() { last } else { format!("({last}, {})", values.join(", ")) };
    let module = write(blocks, shapes, mode, &outputs, &entries, Some(&format!("{lets}{result}")), &format!("{records}{memories}"));
    Some(ChildNet { module, outputs: names, records: !records.is_empty() })
}

fn write(
    blocks: &[String],
    shapes: &Shapes,
    mode: &str,
    outputs: &[String],
    entries: &[String],
    forward: Option<&str>,
    session: &str,
) -> String {
    let mut text = String::from("    snn::snn_net! {\n");
    for block in blocks {
        let _ = writeln!(text, "        {block}");
    }
    let output = if let [one] = outputs { one.clone() } else { format!("({})", outputs.join(", ")) };
    let _ = writeln!(text, "        pub net Net(x: {}) -> {output} {{", shape(!shapes.untimed, &shapes.input));
    let _ = writeln!(text, "            T = {};\n            step_mode = '{}';", shapes.steps, if mode == "s" { "s" } else { "m" });
    for entry in entries {
        let _ = writeln!(text, "            {entry},");
    }
    if let Some(forward) = forward {
        let _ = writeln!(text, "            forward(x) {{ {forward} }}");
    }
    text.push_str("        }\n    }\n");
    let _ = writeln!(text, "    snn_goldens::session!({mode}, Net, NetState{session});");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn net(mode: &str, spec: &Value, tensors: &Value) -> Box<Net> {
        let raw = json!({"id": "c", "file": "c", "kind": "layer", "spec": spec, "step_mode": mode, "tensors": tensors});
        let case: Case = serde_json::from_value(raw).unwrap();
        match write_case(&case).program.unwrap() {
            Program::Net(net) => net,
            _ => panic!("a net is expected"),
        }
    }

    #[test]
    fn a_neuron_is_a_net_of_one_layer_that_records_its_voltage() {
        let spec = json!({"cls": "neuron.LIFNode", "args": {"tau": 2.0, "step_mode": "m", "store_v_seq": true}});
        let net = net("m", &spec, &json!({"x": ["float32", [6, 2, 7]], "y": ["float32", [6, 2, 7]], "aux.v_seq": ["float32", [6, 2, 7]]}));
        let expected = "    snn::snn_net! {
        pub net Net(x: [T, 7]) -> [T, 7] {
            T = 6;
            step_mode = 'm';
            #[record(voltage)] m: LIFNode(tau = 2.0),
        }
    }
    snn_goldens::session!(m, Net, NetState; record m.voltage);
";
        assert_eq!(net.module, expected);
        assert_eq!((net.prefix, net.unbatched), ("m", false));
    }

    #[test]
    fn a_layer_that_changes_the_number_of_steps_is_driven_in_rust() {
        let spec = json!({"cls": "layer.TemporalBinSum", "args": {"num_slots": 3, "always_convert": true}});
        let net = net("m", &spec, &json!({"x": ["float32", [7, 2, 4]], "y": ["float32", [3, 2, 4]]}));
        let call = "snn_goldens::lone::<snn::TemporalBinSum>(vs, snn::TemporalBinSumConfig { always_convert: true, num_slots: 3 })";
        assert!(net.module.contains(call), "{}", net.module);
    }

    #[test]
    fn final_states_are_the_state_of_a_recurrent_network() {
        let spec = json!({"cls": "rnn.SpikingLSTM", "args": {"input_size": 4, "hidden_size": 3, "num_layers": 1}});
        let state = json!(["float32", [1, 2, 3]]);
        let net = net("whole", &spec, &json!({"x": ["float32", [5, 2, 4]], "y": ["float32", [5, 2, 3]], "y1": state, "y2": state}));
        assert!(net.module.contains("Net(x: [T, 4]) -> [T, 3] {") && net.module.contains("session!(m, Net"), "{}", net.module);
        assert_eq!(net.final_states, ["h", "c"]);
    }

    #[test]
    fn an_unbatched_input_gets_a_batch_of_one() {
        let spec = json!({"cls": "layer.Linear", "args": {"in_features": 4, "out_features": 2}});
        let net = net("s", &spec, &json!({"x": ["float32", [3, 4]], "y": ["float32", [3, 2]]}));
        assert!(net.unbatched && net.module.contains("Net(x: [T, 4]) -> [T, 2]"), "{}", net.module);
        let conv: Spec = Spec::of(&json!({"cls": "layer.Conv2d"})).unwrap();
        assert_eq!(batched_rank(&conv), 4);
    }

    #[test]
    fn two_outputs_are_a_tuple_and_time_may_be_gone() {
        let spec = json!({"cls": "layer.MaxPool2d", "args": {"return_indices": true}});
        let x = json!({"x": ["float32", [3, 2, 2, 4, 4]], "y": ["float32", [3, 2, 2, 2, 2]], "y1": ["int64", [3, 2, 2, 2, 2]]});
        assert!(net("s", &spec, &x).module.contains("-> ([T, 2, 2, 2], [T, 2, 2, 2]) {"));
        let spec = json!({"cls": "neuron.NonSpikingIFNode", "args": {}});
        let net = net("m", &spec, &json!({"x": ["float32", [5, 2, 6]], "y": ["float32", [2, 6]]}));
        assert_eq!(net.timed, [false]);
    }

    #[test]
    fn time_in_the_last_axis_is_none_of_the_nets() {
        let spec = json!({"cls": "layer.TLastMultiStepContainer", "args": {"children": [{"cls": "neuron.IFNode", "args": {}}]}});
        let net = net("whole", &spec, &json!({"x": ["float32", [2, 5, 4]], "y": ["float32", [2, 5, 4]]}));
        assert!(net.untimed && net.module.contains("Net(x: [5, 4]) -> [5, 4] {\n            T = 1;"), "{}", net.module);
        assert!(net.module.contains("session!(whole, Net, NetState)"), "{}", net.module);
    }

    #[test]
    fn the_children_of_a_net_are_outputs_of_a_second_one() {
        let layer = |cls: &str| json!({"cls": cls, "args": {}});
        let spec = json!({"cls": "net.Seq", "args": {"layers": [["fc", layer("layer.Linear")], ["sn", layer("neuron.IFNode")], ["out", layer("layer.Linear")]]}});
        let t = json!(["float32", [4, 3, 5]]);
        let net = net("m", &spec, &json!({"x": t, "y": t, "aux.fc": t, "aux.sn": t, "aux.out": t}));
        assert!(!net.module.contains("forward"));
        let child = net.children.unwrap();
        assert_eq!(child.outputs, ["fc"]);
        assert!(child.module.contains("forward(x) { let h0 = fc(x); let h1 = sn(h0); let h2 = out(h1); (h2, h0) }"), "{}", child.module);
        assert!(child.module.contains("-> ([T, 5], [T, 5]) {") && child.module.contains("; record sn.spikes);"), "{}", child.module);
    }

    #[test]
    fn a_residual_shows_its_branches() {
        let layer = json!({"cls": "neuron.IFNode", "args": {}});
        let seq = json!({"cls": "net.Seq", "args": {"layers": [["sn", layer]]}});
        let spec = json!({"cls": "net.Residual", "args": {"body": seq, "shortcut": seq, "cnf": "ADD"}});
        let t = json!(["float32", [4, 3, 5]]);
        let net = net("m", &spec, &json!({"x": t, "y": t, "aux.body": t, "aux.shortcut": t}));
        let text = net.children.unwrap().module;
        assert!(text.contains("forward(x) { let h0 = body(x); let h1 = shortcut(x); (sew_add(h0, h1), h0, h1) }"), "{text}");
    }
}
