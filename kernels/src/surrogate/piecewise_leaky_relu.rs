//! `PiecewiseLeakyReLU`: a ramp that goes on gently at both ends.

snn_macros::snn_neuron! {
    (crate)
    /// 1 / (2 w) where |x| < w, else c: the slope of a ramp from 0 to 1 that goes on with slope c at both ends.
    ///
    /// SpikingJelly equivalent: `surrogate.PiecewiseLeakyReLU(w=1.0, c=0.01)`.
    pub surrogate PiecewiseLeakyReLU {
        /// Half the width of the ramp.
        w: f64 = 1.0 where w > 0.0;
        /// The slope beside it.
        c: f64 = 0.01;

        primitive(x) {
            if x < -w {
                c * (x + w)
            } else if x > w {
                c * (x - w) + 1.0
            } else {
                x / (2.0 * w) + 0.5
            }
        }
        derivative(x) { if abs(x) < w { 1.0 / (2.0 * w) } else { c } }
    }
}
