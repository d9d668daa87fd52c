//! In-process tests of the neuron compiler: no rustc is started.

mod derive;
mod expansion;
mod simplify;
mod support;
