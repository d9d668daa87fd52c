//! Layers that give what they get are gone: `Flatten` (a linear layer behind it knows where each feature lies), `Dropout` in evaluation. In: a
//! graph; out: the same without them.

use super::replace;
use crate::graph::{Graph, Op};

/// Whoever reads such a layer reads what it reads.
pub(super) fn pass(graph: &mut Graph) {
    let (gone, kept) = std::mem::take(&mut graph.nodes).into_iter().partition(|node| matches!(node.op, Op::Pass));
    graph.nodes = kept;
    // Last to first: what one reads may be another's.
    for node in gone.iter().rev() {
        replace(graph, node.out, node.args[0]);
    }
}

#[cfg(test)]
mod tests {
    use crate::{Builder, FlattenConfig, Frozen, LinearConfig, frozen};

    #[test]
    fn flatten_is_gone() {
        let mut b = Builder::new("Net", 1);
        let x = b.input("x", &[2, 2, 2], true);
        let once = frozen::Flatten::freeze(&mut b, "a", FlattenConfig { start_dim: 2, end_dim: 3 }, &[x]).unwrap();
        let flat = frozen::Flatten::freeze(&mut b, "b", FlattenConfig { start_dim: 1, end_dim: 2 }, &[once]).unwrap();
        let y = frozen::Linear::freeze(&mut b, "fc", LinearConfig::new(8, 3), &[flat]).unwrap();
        b.output("y", y);
        b.output("flat", flat);
        let mut graph = b.finish();
        super::pass(&mut graph);
        assert_eq!(graph.nodes.iter().map(|n| n.layer).collect::<Vec<_>>(), ["Linear"]);
        assert_eq!((&graph.nodes[0].args, graph.outputs[1].value), (&vec![x], x));
        assert_eq!(graph.outputs[1].fact.shape, [8], "seen from outside it is flat");
    }
}
