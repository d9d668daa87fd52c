//! The LIF neurons of other frameworks, where no neuron of SpikingJelly's computes the same. One framework per file, the names theirs.

pub mod norse;
pub mod sinabs;
pub mod snntorch;
