//! `Flatten`, `Identity` and `PrintShapeModule`. In: any shape; out: axes joined, or the same value.

use snn_kernels::Refused;

use super::Frozen;
use crate::builder::Builder;
use crate::error::{Error, Result};
use crate::graph::{Fact, Op, Value};

/// Arguments of [`Flatten`]: axes of `[N, ..]`, where 0 is the batch. Both ends are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlattenConfig {
    /// The first axis to join, at least 1.
    pub start_dim: usize,
    /// The last axis to join.
    pub end_dim: usize,
}

impl FlattenConfig {
    /// Are these arguments that it can work with?
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refused> {
        let FlattenConfig { start_dim, end_dim } = self;
        if *start_dim == 0 {
            let help = "`start_dim = 1` is the first axis of a sample";
            return Err(Refused::new("start_dim", "would flatten the batch away: it is 0", help));
        }
        if start_dim > end_dim {
            return Err(Refused::new("start_dim", format!("comes after `end_dim = {end_dim}`: it is {start_dim}"), "swap the two"));
        }
        Ok(())
    }
}

/// Frozen `Flatten`. Nothing moves: a linear layer behind it knows where each feature lies.
#[derive(Debug)]
pub enum Flatten {}

impl Frozen for Flatten {
    type Config = FlattenConfig;

    fn freeze(b: &mut Builder, label: &str, c: FlattenConfig, args: &[Value]) -> Result<Value> {
        let place = b.place(label, "Flatten", &c);
        c.check().map_err(Error::refused(&place.full))?;
        let x = b.only(&place, args)?;
        let Fact { shape, layout, time } = b.fact(x).clone();
        let FlattenConfig { start_dim, end_dim } = c;
        if end_dim > shape.len() {
            return Err(Error::shape(&place.full, format!("at least {end_dim} axes"), &shape, ""));
        }
        let joined = snn_shape::product(&shape[start_dim - 1..end_dim]);
        let flat = [&shape[..start_dim - 1], &[joined], &shape[end_dim..]].concat();
        // Elements keep their order in torch's eyes, and so their place.
        Ok(b.push(place, Op::Pass, &[x], Fact { shape: flat, layout, time }))
    }
}

/// Frozen `Identity`: it is gone.
#[derive(Debug)]
pub enum Identity {}

impl Frozen for Identity {
    type Config = ();

    fn freeze(b: &mut Builder, label: &str, (): (), args: &[Value]) -> Result<Value> {
        let place = b.place(label, "Identity", &());
        b.only(&place, args)
    }
}

/// Arguments of [`PrintShapeModule`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrintShapeModuleConfig {
    /// What stands before the shape.
    pub ext_str: String,
}

/// Frozen `PrintShapeModule`: it is gone, and logs nothing.
#[derive(Debug)]
pub enum PrintShapeModule {}

impl Frozen for PrintShapeModule {
    type Config = PrintShapeModuleConfig;

    fn freeze(b: &mut Builder, label: &str, c: PrintShapeModuleConfig, args: &[Value]) -> Result<Value> {
        let place = b.place(label, "PrintShapeModule", &c);
        b.only(&place, args)
    }
}
