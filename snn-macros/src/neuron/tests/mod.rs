//! In-process tests of the neuron compiler: no rustc is started.

mod derive;
mod expansion;
mod recovery;
mod simplify;
mod support;
