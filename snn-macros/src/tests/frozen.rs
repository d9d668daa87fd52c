//! The frozen model. In: nets; out: the calls that build their graphs, and what keeps a net from being frozen.

use proc_macro2::{TokenStream, TokenTree};

use super::support::{MODELS, macro_bodies};
use crate::Target;

/// What a net becomes.
fn expansion_of(net: &str, target: Target) -> TokenStream {
    crate::compile(format!("(::snn) {net}").parse().expect("tokens"), target)
}

/// The same as one line, free of errors.
fn expansion(net: &str, target: Target) -> String {
    let code = expansion_of(net, target).to_string();
    assert!(!code.contains("compile_error"), "{code}");
    code
}

/// What stands in the macro call of a file.
fn model(source: &str) -> String {
    macro_bodies(source).iter().map(ToString::to_string).collect()
}

/// The body of `graph`, calls in order: `freeze Conv2d conv1 [v0] v1`.
fn graph(net: &str) -> Vec<String> {
    let code = expansion(net, Target::Frozen);
    let calls = code.split("let v").skip(1).map(|call| {
        let (out, call) = call.split_once(" = ").expect("a value");
        let text = call.split('"').nth(1).unwrap_or_default();
        let args = call.rsplit_once("& [").map_or("", |(_, args)| args.split_once(']').map_or("", |(args, _)| args.trim()));
        let what = match call {
            _ if call.contains("b . input (") => "input".to_string(),
            _ if call.contains("b . function (") => "function".to_string(),
            _ if call.starts_with("b . recurrent (") => return format!("v{out} = recurrent {text}"),
            _ => call.split_once("frozen :: ").and_then(|(_, ty)| ty.split(' ').next()).expect("a layer").to_string(),
        };
        format!("v{out} = {what} {text}({args})")
    });
    calls.collect()
}

#[test]
fn a_graph_names_layers_as_the_varstore_does() {
    let net = "
        block Res(c) {
            conv: [Conv2d(_, c, 3, padding = 1), BatchNorm2d(_), IFNode()],
            forward(x) { sew_add(conv(x), x) }
        }
        net A<const STEPS: usize>(x: [2, 8, 8], gate: [T, 2, 8, 8]) -> [2] {
            T = STEPS;
            step_mode = 'm';
            layer: [Res(2); 2],
            head: MultiStepContainer([AdaptiveAvgPool2d(1), Flatten(), Linear(_, 2)]),
            MeanOverTime(),
            forward(x, gate) { meanovertime1(head(layer(add(x, gate)))) }
        }";
    let calls = graph(net);
    assert_eq!(
        calls,
        [
            "v0 = input x(2 , 8 , 8)",
            "v1 = input gate(2 , 8 , 8)",
            "v2 = function add(v0 , v1)",
            "v3 = Conv2d layer.0.conv.0(v2)",
            "v4 = BatchNorm2d layer.0.conv.1(v3)",
            "v5 = IFNode layer.0.conv.2(v4)",
            "v6 = function sew_add(v5 , v2)",
            "v7 = Conv2d layer.1.conv.0(v6)",
            "v8 = BatchNorm2d layer.1.conv.1(v7)",
            "v9 = IFNode layer.1.conv.2(v8)",
            "v10 = function sew_add(v9 , v6)",
            "v11 = AdaptiveAvgPool2d head.0(v10)",
            "v12 = Flatten head.1(v11)",
            "v13 = Linear head.2(v12)",
            "v14 = function mean_over_time(v13)",
        ]
    );
}

#[test]
fn a_recurrent_container_is_a_graph_of_its_own() {
    let net = "net A(x: [T, 6]) -> [T, 6] { T = 4; step_mode = 'm'; rec: LinearRecurrentContainer([fc: Linear(_, 4), IFNode()], 6, 4), Linear(_, 6) }";
    let calls = graph(net);
    assert_eq!(
        calls,
        [
            "v0 = input x(6)",
            "v1 = recurrent rec",
            "v2 = function cat_last(v1 , v0)",
            "v3 = Linear rc(v2)",
            "v4 = Linear sub_module.fc(v3)",
            "v5 = IFNode sub_module.ifnode1(v4)",
            "v2 = Linear linear1(v1)",
        ]
    );
}

#[test]
fn without_libtorch_nothing_of_it_is_named() {
    for (name, source) in MODELS.iter().filter(|(name, _)| *name != "shd_net") {
        let source = &model(source);
        let code = expansion(source, Target::Frozen);
        for word in ["Tensor", "Layer", "VarStore", "Path <", " nn ::", "Cx"] {
            assert!(!code.contains(word), "{name}: {word}");
        }
        assert!(expansion(source, Target::Training).contains(&code), "{name}: the frozen model is the same in both builds");
    }
}

/// `CsnnFrozen` is there in a build with libtorch; its graph says what is missing.
#[test]
fn a_net_that_cannot_be_frozen_says_so_at_run_time() {
    let first = |source: &str| {
        let code = expansion(source, Target::Training);
        let (_, error) = code.split_once("unfrozen (").expect("an error");
        error.split_once(')').expect("its arguments").0.to_string()
    };
    assert_eq!(first(&model(MODELS[2].1)), r#""ShdNet.time_shift" , "a function of your own""#);
    let net = |layers: &str| format!("net A(x: [T, 4]) -> [T, 4] {{ T = 1; step_mode = 'm'; fc: Linear(_, 4), {layers} }}");
    assert_eq!(first(&net("stem: [STBIFNode(1.0, 8)]")), r#""A.stem.0" , "`STBIFNode`""#);
    let closure = "rec: MultiStepContainer([ElementWiseRecurrentContainer([IFNode()], |y, x| y * x)])";
    assert_eq!(first(&net(closure)), r#""A.rec.0" , "a function of your own""#);
}

/// Inputs keep their names; an output of the same name stands back.
#[test]
fn arguments_have_the_names_of_inputs_and_outputs() {
    let infer = |net: &str| {
        let code = expansion(net, Target::Frozen);
        let (_, rest) = code.split_once("pub fn infer (& mut self , ").expect("infer");
        rest.split_once(')').expect("its arguments").0.trim().to_string()
    };
    let net = |head: &str, outs: &str| format!("net A({head} {{ T = 2; step_mode = 'm'; fc: Linear(4, 4), forward(y) {{ {outs} }} }}");
    assert_eq!(infer(&net("y: [4]) -> [4]", "fc(y)")), "y : & [f32] , y_out : & mut [f32]");
    assert_eq!(infer(&net("y: [4]) -> (y: [4], z: [4])", "(fc(y), y)")), "y : & [f32] , y_out : & mut [f32] , z : & mut [f32]");
    assert_eq!(infer(&net("y: [4]) -> ([4], [4])", "(fc(y), y)")), "y : & [f32] , y0 : & mut [f32] , y1 : & mut [f32]");
}

/// Tokens of what is written for the nets of the description: what rustc reads each time a line of them is touched. A little room above what it
/// is now.
#[test]
fn expansions_stay_within_their_budgets() {
    let budgets = [("csnn", 9_500, 2_200), ("sew_resnet18", 30_900, 8_500), ("shd_net", 10_700, 500)];
    for ((name, source), (budgeted, training, frozen)) in MODELS.iter().zip(budgets) {
        assert_eq!(*name, budgeted);
        let tokens = |target| count(expansion_of(&model(source), target));
        let (all, alone) = (tokens(Target::Training), tokens(Target::Frozen));
        assert!(all <= training, "{name}: {all} tokens with training, the budget is {training}");
        assert!(alone <= frozen, "{name}: {alone} tokens of the frozen model alone, the budget is {frozen}");
    }
}

fn count(tokens: TokenStream) -> usize {
    let one = |token| match token {
        TokenTree::Group(group) => 2 + count(group.stream()),
        _ => 1,
    };
    tokens.into_iter().map(one).sum()
}
