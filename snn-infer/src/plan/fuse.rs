//! A neuron behind a convolution or linear layer runs with it, on currents that are in the cache. In: a graph; out: the same with both in one
//! node.

use super::readers;
use crate::graph::{Graph, Op};

/// Fuses every neuron that is the only reader of a convolution or linear layer.
pub(super) fn fuse(graph: &mut Graph) {
    let mut i = 0;
    while i < graph.nodes.len() {
        let node = &graph.nodes[i];
        let Op::Fire(fire) = &node.op else {
            i += 1;
            continue;
        };
        let (fire, x, out, name) = (fire.clone(), node.args[0], node.out, node.name.clone());
        let alone = readers(graph, x) == 1;
        match graph.nodes.iter().position(|n| n.out == x).map(|at| &mut graph.nodes[at]) {
            Some(producer) if alone => match &mut producer.op {
                Op::Project(project) if project.neuron.is_none() => {
                    project.neuron = Some(fire);
                    producer.merged.push(name);
                    producer.out = out;
                    graph.nodes.remove(i);
                }
                _ => i += 1,
            },
            _ => i += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use snn_kernels::IFNodeConfig;

    use crate::{Builder, Frozen, LinearConfig, frozen};

    /// `fc`, a neuron behind it, and one behind that.
    fn fused(twice: bool) -> Vec<(&'static str, Vec<String>)> {
        let mut b = Builder::new("Net", 2);
        let x = b.input("x", &[2], true);
        let fc = frozen::Linear::freeze(&mut b, "fc", LinearConfig::new(2, 3), &[x]).unwrap();
        let sn = frozen::IFNode::freeze(&mut b, "sn", IFNodeConfig::default(), &[fc]).unwrap();
        let y = frozen::IFNode::freeze(&mut b, "sn2", IFNodeConfig::default(), &[sn]).unwrap();
        b.output("y", y);
        if twice {
            b.output("currents", fc);
        }
        let mut graph = b.finish();
        super::fuse(&mut graph);
        assert_eq!(graph.outputs[0].value, graph.nodes[graph.nodes.len() - 1].out);
        graph.nodes.into_iter().map(|n| (n.layer, n.merged)).collect()
    }

    #[test]
    fn one_neuron_goes_with_the_layer_before_it() {
        assert_eq!(fused(false), [("Linear", vec!["sn".to_string()]), ("IFNode", vec![])]);
    }

    #[test]
    fn not_where_the_currents_are_wanted() {
        assert_eq!(fused(true), [("Linear", vec![]), ("IFNode", vec![]), ("IFNode", vec![])]);
    }
}
