//! What the compiler makes of layers that stand side by side. In: nets; out: the calls in their expansion.

use quote::quote;

/// How often the expansion of a net calls each of these.
fn calls<const N: usize>(net: &str, names: [&str; N]) -> [usize; N] {
    let code = crate::compile(format!("(::snn) {net}").parse().expect("tokens"), crate::Target::Training);
    let text = quote!(#code).to_string();
    assert!(!text.contains("compile_error"), "{text}");
    names.map(|name| text.matches(&format!(":: {name} (")).count())
}

/// One call for both layers where sequences run; `__step` runs them one after the other.
#[test]
fn a_normalisation_is_done_by_the_neuron_behind_it() {
    let net = |inside: &str| format!("net A(x: [T, 2, 8, 8]) -> [T, 2, 8, 8] {{ T = 4; step_mode = 'm'; {inside} }}");
    let names = ["normalised", "normalised_recorded", "Layer :: sequence", "Layer :: step"];
    assert_eq!(calls(&net("BatchNorm2d(_), IFNode()"), names), [1, 0, 0, 2]);
    assert_eq!(calls(&net("bn: BatchNorm2d(_), #[record(spikes)] sn: LIFNode()"), names), [1, 1, 0, 2]);
    // No neuron behind it; one that is no loop over single neurons; another reader; a net of single steps.
    assert_eq!(calls(&net("BatchNorm2d(_), MaxPool2d(3, stride = 1, padding = 1)"), names), [0, 0, 2, 2]);
    assert_eq!(calls(&net("BatchNorm2d(_), MPBNLIFNode(out_channels = 2)"), names), [0, 0, 2, 2]);
    let read_twice = "bn: BatchNorm2d(_), sn: IFNode(), forward(x) { let y = bn(x); add(sn(y), y) }";
    assert_eq!(calls(&net(read_twice), names), [0, 0, 2, 2]);
    assert_eq!(calls(&net("BatchNorm2d(_), IFNode()").replace("'m'", "'s'"), ["normalised", "Layer :: sequence"]), [0, 0]);
}
