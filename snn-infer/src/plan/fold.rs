//! A batch normalisation behind a convolution or linear layer goes into its weights. In: a graph; out: the same without such normalisations.

use super::{readers, replace};
use crate::graph::{Graph, Op};

/// Folds every normalisation that is the only reader of a convolution or linear layer. Several in a row are folded one after the other.
pub(super) fn fold(graph: &mut Graph) {
    let mut i = 0;
    while i < graph.nodes.len() {
        let node = &graph.nodes[i];
        let Op::Normalise(norm) = &node.op else {
            i += 1;
            continue;
        };
        let (norm, x, out, name) = (norm.clone(), node.args[0], node.out, node.name.clone());
        let alone = readers(graph, x) == 1;
        match graph.nodes.iter_mut().find(|n| n.out == x).map(|n| (&mut n.op, &mut n.merged)) {
            Some((Op::Project(project), merged)) if alone => {
                project.norms.push(norm);
                merged.push(name);
                graph.nodes.remove(i);
                replace(graph, out, x);
            }
            _ => i += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::{Graph, Op};
    use crate::{BatchNormConfig, Builder, Frozen, LinearConfig, frozen};

    fn folded(graph: &mut Graph) -> Vec<(&str, usize)> {
        super::fold(graph);
        let norms = |op: &Op| if let Op::Project(p) = op { p.norms.len() } else { 0 };
        graph.nodes.iter().map(|n| (n.layer, norms(&n.op))).collect()
    }

    fn two_norms(b: &mut Builder) -> (crate::Value, crate::Value) {
        let x = b.input("x", &[2], true);
        let fc = frozen::Linear::freeze(b, "fc", LinearConfig::new(2, 3), &[x]).unwrap();
        let bn = frozen::BatchNorm1d::freeze(b, "bn", BatchNormConfig::new(3), &[fc]).unwrap();
        (fc, frozen::BatchNorm1d::freeze(b, "bn2", BatchNormConfig::new(3), &[bn]).unwrap())
    }

    #[test]
    fn a_normalisation_goes_into_the_weights_before_it() {
        let mut b = Builder::new("Net", 1);
        let (_, y) = two_norms(&mut b);
        b.output("y", y);
        let mut graph = b.finish();
        let before: Vec<String> = graph.weights().map(str::to_string).collect();
        assert_eq!(folded(&mut graph), [("Linear", 2)]);
        assert_eq!(graph.outputs[0].value, graph.nodes[0].out);
        assert_eq!(graph.weights().collect::<Vec<_>>(), before, "it still needs them all");
    }

    #[test]
    fn not_where_someone_else_reads_the_currents() {
        let mut b = Builder::new("Net", 1);
        let (fc, y) = two_norms(&mut b);
        let y = b.function("add", &[fc, y]).unwrap();
        b.output("y", y);
        assert_eq!(folded(&mut b.finish()), [("Linear", 0), ("BatchNorm1d", 0), ("BatchNorm1d", 0), ("add", 0)]);
    }
}
