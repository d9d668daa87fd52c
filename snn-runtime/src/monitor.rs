//! Watching a net. In: recorded spikes; out: firing rates, and which layers are dead or saturated.

use tch::{Kind, Tensor};

use crate::error::Result;

/// Below this mean rate a layer passes next to nothing on, and its gradient dies with it.
pub const DEAD: f64 = 0.005;
/// Above this mean rate spikes carry next to no information.
pub const SATURATED: f64 = 0.95;

/// How a layer fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Its mean rate is below [`DEAD`].
    Dead,
    /// In between.
    Fine,
    /// Its mean rate is above [`SATURATED`].
    Saturated,
}

/// Spikes per neuron and step, between 0 and 1.
///
/// # Errors
///
/// libtorch refuses.
pub fn firing_rate(spikes: &Tensor) -> Result<f64> {
    Ok(spikes.f_detach()?.f_mean(Kind::Float)?.f_double_value(&[])?)
}

/// What a mean firing rate says of a layer.
pub fn health(rate: f64) -> Health {
    match rate {
        r if r < DEAD => Health::Dead,
        r if r > SATURATED => Health::Saturated,
        _ => Health::Fine,
    }
}

/// A sentence for the user where something is wrong: the layer, its rate and what helps.
pub fn warning(layer: &str, rate: f64) -> Option<String> {
    let percent = 100.0 * rate;
    match health(rate) {
        Health::Dead => Some(format!(
            "`{layer}` is dead: {percent:.2} % of its neurons fire per step; lower `v_threshold`, or put a `BatchNorm2d(_)` before it"
        )),
        Health::Saturated => Some(format!(
            "`{layer}` is saturated: {percent:.1} % of its neurons fire per step; raise `v_threshold`, or scale its input down"
        )),
        Health::Fine => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_warnings() {
        let s = Tensor::from_slice(&[0.0f32, 1.0, 0.0, 0.0]);
        assert_eq!(firing_rate(&s).unwrap(), 0.25);
        assert!(warning("sn1", 0.25).is_none());
        assert!(warning("sn1", 0.001).unwrap().contains("`sn1` is dead"));
        assert!(warning("sn1", 0.99).unwrap().contains("saturated"));
    }
}
