//! The mean over time of what a linear map gives is what it gives of the mean: one step instead of all. In: a graph; out: the same with such
//! means before the map.

use super::readers;
use crate::graph::{Graph, Op, Time, Value};
use crate::layers::Reduce;

/// Moves every mean over time that is the only reader of a convolution or linear layer without a neuron.
pub(super) fn mean_first(graph: &mut Graph) {
    for i in 0..graph.nodes.len() {
        if !matches!(graph.nodes[i].op, Op::Reduce(Reduce::Mean)) {
            continue;
        }
        let (map_out, mean_out) = (graph.nodes[i].args[0], graph.nodes[i].out);
        let Some(at) = graph.nodes[..i].iter().position(|n| n.out == map_out) else { continue };
        let map = &graph.nodes[at];
        let plain = matches!(&map.op, Op::Project(p) if p.neuron.is_none());
        if !plain || readers(graph, map_out) != 1 || graph.fact(map.args[0]).time != Time::Sequence {
            continue;
        }
        // x -> map -> mean becomes x -> mean -> map.
        let x = map.args[0];
        let mut fact = graph.fact(x).clone();
        fact.time = Time::Reduced;
        let mean_of_x = Value { at: graph.facts.len(), ..x };
        graph.facts.push(fact);
        graph.nodes.swap(at, i);
        let (mean, map) = (at, i);
        graph.nodes[mean].args = vec![x];
        graph.nodes[mean].out = mean_of_x;
        graph.nodes[map].args = vec![mean_of_x];
        graph.nodes[map].out = mean_out;
    }
}

#[cfg(test)]
mod tests {
    use snn_kernels::IFNodeConfig;

    use crate::{Builder, Frozen, LinearConfig, frozen};

    fn order(fires: bool) -> Vec<&'static str> {
        let mut b = Builder::new("Net", 2);
        let x = b.input("x", &[2], true);
        let mut y = frozen::Linear::freeze(&mut b, "fc", LinearConfig::new(2, 3), &[x]).unwrap();
        if fires {
            y = frozen::IFNode::freeze(&mut b, "sn", IFNodeConfig::default(), &[y]).unwrap();
        }
        let y = b.function("mean_over_time", &[y]).unwrap();
        b.output("y", y);
        let mut graph = b.finish();
        super::super::plan(&mut graph);
        assert_eq!(graph.outputs[0].value, graph.nodes[1].out);
        assert_eq!(graph.nodes[1].args, [graph.nodes[0].out]);
        graph.nodes.iter().map(|n| n.layer).collect()
    }

    #[test]
    fn the_mean_is_taken_before_a_linear_layer() {
        assert_eq!(order(false), ["mean over time", "Linear"]);
        assert_eq!(order(true), ["Linear", "mean over time"], "but behind a neuron");
    }
}
