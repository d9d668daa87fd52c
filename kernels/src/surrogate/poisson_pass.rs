//! `PoissonPass`: a spike by chance, straight through.

snn_macros::snn_neuron! {
    (crate)
    /// 1: the gradient passes straight through a spike that is drawn at random, 1 with probability x.
    ///
    /// The draw is the engine's, from the random stream of the layer: the same for the same seed, on any number of threads.
    /// SpikingJelly equivalent: `surrogate.PoissonPass()`.
    pub surrogate PoissonPass {
        primitive(x) { x }
    }
}
