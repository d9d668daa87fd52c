//! ir -> ir: what the compiler does because it sees the whole net. In: a checked net; out: the same function, computed in
//! less time. One optimisation per file.
//!
//! That a static input is computed once, not `T` times, needs no pass: values know whether they change with time
//! (`ir::Time`), and `expand` runs each operation as often as its result changes.

mod mean_first;
mod norm_neuron;

use crate::ir::Net;

/// Runs every pass.
pub(crate) fn plan(mut net: Net) -> Net {
    mean_first::run(&mut net.root);
    norm_neuron::run(&mut net.root);
    net
}
