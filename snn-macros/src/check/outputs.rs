//! What a net gives against what it declares. In: the facts at the end of its flow; out: its output ports.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Ident;

use crate::diag::Diagnostics;
use crate::ir::{Fact, Net, Port, Time};
use crate::size::{fits, show};

pub(super) fn check(net: &mut Net, results: &[Option<Fact>], _root: &TokenStream, diags: &mut Diagnostics) {
    if !net.declared {
        net.outputs = results
            .iter()
            .flatten()
            .enumerate()
            .map(|(i, f)| Port {
                name: Ident::new(&format!("output{i}"), net.name.span()),
                shape: f.shape.clone(),
                sequence: f.time == Time::Seq,
                blame: net.blame,
                known: true,
            })
            .collect();
        return;
    }
    if net.broken {
        return;
    }
    if results.len() != net.outputs.len() {
        let text = format!("`{}` declares {}, but gives {}", net.name, outputs(net.outputs.len()), results.len());
        diags.error(net.root.flow.result.unwrap_or(net.blame), text).help("declare one shape for each value that `forward` ends with");
        return;
    }
    for (port, fact) in net.outputs.iter().zip(results) {
        let Some(fact) = fact.as_ref().filter(|_| port.known) else { continue };
        let name = if net.named_outputs { format!("`{}`: output `{}`", net.name, port.name) } else { format!("`{}`", net.name) };
        let gives = if net.named_outputs { "is" } else { "outputs" };
        let sequence = fact.time == Time::Seq;
        if sequence != port.sequence {
            let (got, declared) = (show(&fact.shape, sequence), show(&port.shape, port.sequence));
            if sequence {
                diags
                    .error(port.blame, format!("{name} {gives} a sequence {got}, but declares {declared}"))
                    .help(format!("end with `MeanOverTime()`, or declare `-> {got}`"));
            } else {
                let why = if fact.time == Time::Static { "the same at every step" } else { "without a time axis" };
                diags
                    .error(port.blame, format!("{name} {gives} {got}, {why}, but declares a sequence {declared}"))
                    .help(format!("declare `-> {got}`"));
            }
            continue;
        }
        if !fits(&port.shape, &fact.shape) {
            let got = show(&fact.shape, sequence);
            diags
                .error(port.blame, format!("{name} {gives} {got}, but declares {}", show(&port.shape, sequence)))
                .note(format!("{} {got}", fact.origin))
                .help(format!("declare `-> {got}`, or change the last layer"));
            continue;
        }
        for (axis, (want, got)) in port.shape.iter().zip(&fact.shape).enumerate().filter(|(_, (a, b))| !a.same(b)) {
            let what = net.name.to_string();
            net.checks.push(quote!(axis(#what, #axis, #want, #got)));
        }
    }
}

fn outputs(n: usize) -> String {
    if n == 1 { "1 output".to_string() } else { format!("{n} outputs") }
}
