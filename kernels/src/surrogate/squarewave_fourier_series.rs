//! `SquarewaveFourierSeries`: a square wave, cut off after some of its sines.

#![allow(non_snake_case, reason = "`T_period` is SpikingJelly's name")]

snn_macros::snn_neuron! {
    (crate)
    /// 4 / T_period (cos(2 pi x / T_period) + cos(3 2 pi x / T_period) + ..), n - 1 of them: the derivative of the first terms of
    /// the Fourier series of a square wave.
    ///
    /// SpikingJelly equivalent: `surrogate.SquarewaveFourierSeries(n=2, T_period=8)`.
    pub surrogate SquarewaveFourierSeries {
        /// One more than the number of sines.
        n: usize = 2 where n > 1;
        /// The period of the wave.
        T_period: usize = 8 where T_period > 0;

        primitive(x) { 0.5 + 2.0 / PI * sum(1..n, |i| sin((2.0 * i - 1.0) * (2.0 * PI / T_period * x)) / (2.0 * i - 1.0)) }
        derivative(x) { 4.0 / T_period * sum(1..n, |i| cos((2.0 * i - 1.0) * (2.0 * PI / T_period * x))) }
    }
}
