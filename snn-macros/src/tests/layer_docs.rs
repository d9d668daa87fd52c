//! `docs/layers.md` is written from the layer table: a layer's rule is applied to sizes that are names, `[C, H, W]`, and what comes
//! out is its shape rule, its weights and its state in words. In: the table; out: the page, which must be as it is stored.
//!
//! `cargo xtask docs`, or `SNN_UPDATE=1 cargo test -p snn-macros layer_docs`, writes it anew.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::diag::{Blame, Diagnostics};
use crate::ir::{BuiltinShape, Mode};
use crate::layers::{self, Arg, ArgValue, Built, Default, Kind, LayerSpec, Modes, Param, Rule, State, is_container, signature, surrogates};
use crate::lower::BUILTINS;
use crate::size::{Size, show};

const PAGE: &str = "../docs/layers.md";

#[test]
fn layer_docs_are_those_of_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let written = page();
    if env::var_os("SNN_UPDATE").is_some() {
        fs::write(&path, &written).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    let differs = stored.lines().zip(written.lines()).find(|(a, b)| a != b);
    assert!(stored == written, "docs/layers.md is not what the layer table says; run `cargo xtask docs`\n{differs:?}");
}

fn page() -> String {
    let mut page = String::from(
        "# Layers, surrogates and functions of the language

<!-- Written by `cargo xtask docs` from the compiler's own tables. Do not edit. -->

Names, parameters, their order and defaults are SpikingJelly's, hence torch's. Shapes are per sample, without batch and time; `_` may stand for
the first size of a layer, which is then inferred. Every layer takes `step_mode = 's' | 'm'` besides; the default is the net's. Functions of sizes
(`conv`, `pool`, ..) are those of `snn_shape`, with padding on both sides added up. Weights are named as in SpikingJelly's `state_dict`.
What has no frozen form keeps a net from running without libtorch (`freeze`, and the feature `infer`).
",
    );
    for section in Section::ALL {
        let rows: Vec<_> = layers::all().filter(|spec| Section::of(spec) == section).collect();
        if !rows.is_empty() {
            let _ = write!(page, "\n## {}\n", section.title());
        }
        rows.into_iter().for_each(|spec| layer(&mut page, section, spec));
    }
    page.push_str("\n## Surrogate functions\n\nWhat `surrogate =` and `surrogate_function =` take; each has `spiking = true` besides.\n\n");
    for call in surrogates() {
        let _ = writeln!(page, "- `{call}`");
    }
    page.push_str("\n## Functions of `forward`\n\n");
    for builtin in BUILTINS {
        let what = match builtin.shape {
            BuiltinShape::Elementwise => "equal shapes to the same shape",
            BuiltinShape::Reduce => "a sequence to one value: time is gone",
            BuiltinShape::Cat => "joined along the first axis of a sample",
            BuiltinShape::CatLast => "joined along the last axis of a sample",
            BuiltinShape::Stack => "joined along a new first axis of a sample",
        };
        let _ = writeln!(page, "- `{}`: {what}", builtin.name);
    }
    page
}

/// A part of the page: the name space of SpikingJelly that its layers are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Layers,
    Containers,
    Neurons,
    Encoders,
    Recurrent,
    /// torch's own modules.
    Torch,
    /// What SpikingJelly writes as a call of a function.
    Time,
}

impl Section {
    const ALL: [Section; 7] =
        [Section::Layers, Section::Containers, Section::Neurons, Section::Encoders, Section::Recurrent, Section::Torch, Section::Time];

    fn of(spec: &LayerSpec) -> Section {
        match spec.name {
            _ if is_container(spec) => Section::Containers,
            _ if spec.reduces.is_some() => Section::Time,
            "Identity" | "ReLU" | "Sigmoid" | "Tanh" => Section::Torch,
            "DSRIF" | "DSRLIF" => Section::Neurons,
            "SpikingLSTM" | "SpikingGRU" | "SpikingVanillaRNN" => Section::Recurrent,
            name if name.ends_with("Encoder") => Section::Encoders,
            name if name.ends_with("Node") || name.ends_with("PSN") || spec.state == Some(State::Neuron) => Section::Neurons,
            _ => Section::Layers,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Section::Layers => "Layers",
            Section::Containers => "Containers",
            Section::Neurons => "Neurons",
            Section::Encoders => "Encoders",
            Section::Recurrent => "Recurrent networks",
            Section::Torch => "Modules of torch",
            Section::Time => "Time",
        }
    }

    /// SpikingJelly's or torch's name of a layer.
    fn original(self, name: &str) -> String {
        match self {
            Section::Layers | Section::Containers => format!("SpikingJelly: `layer.{name}`"),
            Section::Neurons => format!("SpikingJelly: `neuron.{name}`"),
            Section::Encoders => format!("SpikingJelly: `encoding.{name}`"),
            Section::Recurrent => format!("SpikingJelly: `rnn.{name}`"),
            Section::Torch => format!("PyTorch: `torch.nn.{name}`"),
            Section::Time => "SpikingJelly: `x_seq.mean(0)`".to_string(),
        }
    }
}

fn layer(page: &mut String, section: Section, spec: &'static LayerSpec) {
    let _ = write!(page, "\n### `{}`\n\n`{}`\n\n- {}\n", spec.name, signature(spec), section.original(spec.name));
    let modes = match spec.modes {
        Modes::Both => "`'s'` and `'m'`",
        Modes::MultiOnly => "`'m'` only: it works on whole sequences",
    };
    let _ = writeln!(page, "- Step modes: {modes}");
    let _ = writeln!(page, "- Frozen form: {}", if spec.frozen { "yes" } else { "none, it runs on libtorch alone" });
    if is_container(spec) {
        let shape = match spec.name {
            "LinearRecurrentContainer" => "`[.., in_features]` to `[.., out_features]`",
            "ElementWiseRecurrentContainer" => "any, kept",
            _ => "that of the layers in it",
        };
        let _ = writeln!(page, "- {}\n- Shape: {shape}", layers::computes(spec));
        return;
    }
    if spec.reduces.is_some() {
        page.push_str("- Shape: `[T, ..]` to `[..]`\n");
        return;
    }
    let uses = uses(spec);
    assert!(!uses.is_empty(), "the rule of `{}` takes none of the shapes that are tried: add one that it takes", spec.name);
    let keeps = uses.iter().all(|(input, built)| built.outputs.len() == 1 && words(&built.outputs[0]) == words(input));
    if keeps && uses.len() == SHAPES.len() {
        page.push_str("- Shape: any, to the same\n");
    } else {
        for (input, built) in &uses {
            let outputs: Vec<String> = built.outputs.iter().map(|output| format!("`{}`", words(output))).collect();
            let _ = writeln!(page, "- Shape: `{}` to {}", words(input), outputs.join(" and "));
        }
    }
    let (input, built) = &uses[uses.len() - 1];
    let weights: Vec<String> = built.weights.iter().map(|(name, shape)| format!("`{name}` `{}`", words(shape))).collect();
    if !weights.is_empty() {
        let _ = writeln!(page, "- Weights: {}", weights.join(", "));
    }
    let state = match spec.state {
        None => return,
        Some(State::Draws) => "none; every step is drawn anew",
        Some(State::Neuron) => "a membrane potential per element, and what else its formula remembers",
        Some(State::Mask) => "one mask, from the first step of training until a reset",
        Some(State::Memory) => "carried from step to step",
    };
    let (size, element) = (plain(&built.state.to_string()), plain(&Size::product(input).to_string()));
    let size = match built.state.known() {
        Some(0) => String::new(),
        _ => {
            format!("; numbers per sample: `{}`", size.replace(&element, "elements").replace(element.trim_matches(['(', ')']), "elements"))
        }
    };
    let _ = writeln!(page, "- State: {state}{size}");
}

/// Inputs that a layer may take.
const SHAPES: [&[&str]; 4] = [&["features"], &["C", "L"], &["C", "H", "W"], &["C", "D", "H", "W"]];

/// The shapes that the rule takes, and what it makes of them: with names for all sizes, or where it has to know them with the defaults,
/// or with each of those that may be left out, but not all of them.
fn uses(spec: &'static LayerSpec) -> Vec<(Vec<Size>, Built)> {
    let with = |by_name: &dyn Fn(&Param) -> bool| SHAPES.iter().filter_map(|shape| apply(spec, shape, by_name)).collect::<Vec<_>>();
    let required = |param: &Param| matches!(param.default, Default::Required);
    let left_out = |param: &Param| matches!(param.default, Default::None);
    let attempts = [with(&|param| !left_out(param)), with(&required)];
    let last = || spec.params.iter().filter(|p| left_out(p)).flat_map(|one| with(&|p| required(p) || p.name == one.name)).collect();
    attempts.into_iter().find(|uses| !uses.is_empty()).unwrap_or_else(last)
}

fn apply(spec: &'static LayerSpec, shape: &[&str], by_name: &dyn Fn(&Param) -> bool) -> Option<(Vec<Size>, Built)> {
    let (root, blame, input) = (quote!(snn), Blame::from(Span::call_site()), shape.iter().map(|axis| name(axis)).collect::<Vec<_>>());
    let arg = |value| Arg { value, blame, name: None, written: false };
    let given: Vec<(&str, Arg)> = spec
        .params
        .iter()
        .filter(|param| by_name(param))
        .filter_map(|param| {
            let size = || name(param.name);
            let value = match (param.kind, param.default) {
                (Kind::OptSpace, _) => ArgValue::Sizes(vec![size()]),
                (Kind::Inferred | Kind::OptInferred, _) => ArgValue::Infer,
                (Kind::Size | Kind::Count | Kind::OptSize, _) => ArgValue::Size(size()),
                (Kind::Sizes(n) | Kind::OptSizes(n) | Kind::Padding(n) | Kind::Zeros(n), _) => ArgValue::Sizes(vec![size(); n]),
                (Kind::SizesOrNone(n), _) => ArgValue::SizesOrNone(vec![Some(size()); n]),
                (Kind::Float, Default::Required) => ArgValue::Float(ident(param.name), None),
                _ => return None,
            };
            Some((param.name, arg(value)))
        })
        .collect();
    let given: Vec<(&str, Option<&Arg>)> = given.iter().map(|(name, arg)| (*name, Some(arg))).collect();
    let args = layers::derived(spec, &given, blame, &root);
    let mut diags = Diagnostics::new();
    let mut rule = Rule {
        spec,
        args: &args,
        input: &input,
        shown: "m",
        origin: "",
        blame,
        mode: Mode::Multi,
        steps: &name("T"),
        diags: &mut diags,
        root: &root,
        checks: Vec::new(),
    };
    let built = (spec.rule)(&mut rule);
    diags.finish().is_empty().then_some((input, built.ok()?))
}

fn ident(name: &str) -> TokenStream {
    let ident = Ident::new(name, Span::call_site());
    quote!(#ident)
}

fn name(name: &str) -> Size {
    Size::Expr(ident(name))
}

fn words(shape: &[Size]) -> String {
    plain(&show(shape, false))
}

/// An expression of the generated code as one would write it: without paths, without the layer's name that errors use, and without
/// brackets around the factors of a product.
fn plain(text: &str) -> String {
    let text = text.replace(" :: ", "::");
    let mut out = String::new();
    for word in text.split_whitespace() {
        let open = word.len() - word.trim_start_matches(['(', '[']).len();
        let (brackets, word) = word.split_at(open);
        let word = word.rsplit_once("::").map_or(word, |(_, name)| name);
        let tight = match brackets.chars().chain(word.chars()).next() {
            Some(')' | ',' | '.' | ']') => true,
            Some('(') => out.ends_with(|c: char| c.is_alphanumeric() || c == '_'),
            _ => false,
        };
        if !(tight || out.is_empty() || out.ends_with(['(', '[', '.'])) {
            out.push(' ');
        }
        out.push_str(brackets);
        out.push_str(word);
    }
    let mut out = out.replace(",)", ")");
    // `settled(conv(..))` is `conv(..)`, where it fits.
    while let Some(at) = out.find("settled(") {
        let inner = at + "settled(".len();
        let depth = out[inner..].char_indices().scan(1, |depth, (i, c)| {
            *depth += i32::from(c == '(') - i32::from(c == ')');
            Some((i, *depth))
        });
        let Some((end, _)) = depth.into_iter().find(|(_, depth)| *depth == 0) else { break };
        let kept = out[inner..inner + end].to_string();
        out.replace_range(at..=inner + end, &kept);
    }
    while let Some((range, inner)) = out.match_indices(") *").find_map(|(end, _)| {
        let start = out[..end].rfind('(')?;
        let inner = &out[start + 1..end];
        let product = inner.contains(" * ") && !inner.contains([')', '+', '/', '-', ',']);
        product.then(|| (start..end + 1, inner.to_string()))
    }) {
        out.replace_range(range, &inner);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_read_as_one_would_write_them() {
        let size = Size::Expr(quote!(snn::shape::settled(snn::shape::conv(H, kernel_size, (padding + padding)))));
        assert_eq!(words(&[name("C"), size.clone()]), "[C, conv(H, kernel_size, (padding + padding))]");
        assert_eq!(words(&[size.mul(&name("T"))]), "[(conv(H, kernel_size, (padding + padding)) * T)]");
        assert_eq!(plain(&Size::product(&["C", "H", "W"].map(name)).to_string()), "(C * H * W)");
    }
}
