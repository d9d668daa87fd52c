//! What generated models can do with time. In: nets; out: the functions they have.

use std::collections::BTreeSet;

use quote::quote;

/// The names of all functions of the expansion, which has to be free of messages.
fn functions(net: &str) -> BTreeSet<String> {
    let code = crate::compile(format!("(::snn) {net}").parse().expect("tokens"), crate::Target::Training);
    let file: syn::File = syn::parse2(quote!(#code)).expect("the expansion is Rust");
    assert!(!quote!(#code).to_string().contains("compile_error"), "{code}");
    let functions = file.items.iter().filter_map(|item| if let syn::Item::Impl(i) = item { Some(&i.items) } else { None }).flatten();
    functions.filter_map(|f| if let syn::ImplItem::Fn(f) = f { Some(f.sig.ident.to_string()) } else { None }).collect()
}

#[test]
fn a_net_that_needs_whole_sequences_has_no_step() {
    let net = |layer: &str| {
        format!("net A(x: [T, 4]) -> [T, 4] {{ T = 4; step_mode = 'm'; [[{layer}, Linear(_, 4)], #[record(spikes)] IFNode()] }}")
    };
    let (without, with) = (functions(&net("PSN(_)")), functions(&net("Identity()")));
    let missing: Vec<&str> = with.difference(&without).map(String::as_str).collect();
    assert_eq!(missing, ["__step", "step", "step_t"]);
    for f in ["forward", "forward_t", "forward_from", "forward_chunk", "forward_recorded", "forward_chunk_recorded", "state"] {
        assert!(without.contains(f), "{f}");
    }
}

#[test]
fn a_layer_that_ends_time_is_no_part_of_a_lists_function() {
    let net = "net A(x: [T, 4]) -> [2] { T = 4; step_mode = 'm'; [NonSpikingIFNode(decode = \"last_mem\"), Linear(_, 2)] }";
    let found = functions(net);
    assert!(found.contains("forward") && !found.contains("__sequence"), "{found:?}");
}
