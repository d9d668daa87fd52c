//! `WSConv2d` and `WSLinear`. In: arguments, and a value; out: as of `Conv2d` and `Linear`. Weights are standardised once, at load.

use snn_kernels::Refused;

use super::conv::{self, Conv2dConfig, PaddingMode};
use super::linear::{self, LinearConfig};
use super::{Frozen, space};
use crate::builder::Builder;
use crate::error::{Error, Result};
use crate::graph::Value;

/// Arguments of [`WSConv2d`].
#[derive(Clone, Debug, PartialEq)]
pub struct WSConv2dConfig {
    /// What a convolution is built with; its padding is zeros.
    pub conv: Conv2dConfig,
    /// Is a factor learned for each output channel?
    pub gain: bool,
    /// Added to the variance; SpikingJelly's default is 1e-4.
    pub eps: f64,
}

/// Arguments of [`WSLinear`].
#[derive(Clone, Debug, PartialEq)]
pub struct WSLinearConfig {
    /// What a linear layer is built with.
    pub linear: LinearConfig,
    /// Is a factor learned for each output?
    pub gain: bool,
    /// Added to the variance; SpikingJelly's default is 1e-4.
    pub eps: f64,
}

impl WSConv2dConfig {
    /// Are these arguments that it can work with?
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refused> {
        if self.conv.padding_mode != PaddingMode::Zeros {
            let problem = format!("must be zeros, but is {:?}", self.conv.padding_mode);
            return Err(Refused::new("padding_mode", problem, "SpikingJelly's `WSConv2d` ignores it"));
        }
        self.conv.check()?;
        varies(snn_shape::fan_in(self.conv.in_channels, self.conv.groups, &self.conv.kernel_size), self.eps)
    }
}

impl WSLinearConfig {
    /// Are these arguments that it can work with?
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refused> {
        self.linear.check()?;
        varies(self.linear.in_features, self.eps)
    }
}

/// Have the weights of an output a variance?
fn varies(fan_in: usize, eps: f64) -> Result<(), Refused> {
    space::not_negative("eps", eps)?;
    if fan_in < 2 {
        let problem = "leaves one weight per output, which has no variance";
        return Err(Refused::new("weight", problem, "use a plain `Conv2d` or `Linear`"));
    }
    Ok(())
}

/// Frozen `WSConv2d`.
#[derive(Debug)]
pub enum WSConv2d {}

impl Frozen for WSConv2d {
    type Config = WSConv2dConfig;

    fn freeze(b: &mut Builder, label: &str, c: WSConv2dConfig, args: &[Value]) -> Result<Value> {
        c.check().map_err(Error::refused(&b.place(label, "WSConv2d", &c).full))?;
        conv::freeze(b, label, "WSConv2d", &c.conv, Some((c.eps, c.gain)), args)
    }
}

/// Frozen `WSLinear`.
#[derive(Debug)]
pub enum WSLinear {}

impl Frozen for WSLinear {
    type Config = WSLinearConfig;

    fn freeze(b: &mut Builder, label: &str, c: WSLinearConfig, args: &[Value]) -> Result<Value> {
        c.check().map_err(Error::refused(&b.place(label, "WSLinear", &c).full))?;
        linear::freeze(b, label, "WSLinear", &c.linear, Some((c.eps, c.gain)), args)
    }
}
