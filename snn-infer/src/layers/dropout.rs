//! `Dropout` and `Dropout2d`. In: any shape; out: the same value, for nothing is dropped in evaluation.

use snn_kernels::Refused;

use super::Frozen;
use crate::builder::Builder;
use crate::error::{Error, Result};
use crate::graph::{Op, Value};

macro_rules! dropout {
    ($(#[$config_doc:meta])* $config:ident { p: $p:literal } $name:ident $text:literal) => {
        $(#[$config_doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $config {
            /// The share that is dropped, from 0 up to but not including 1.
            pub p: f64,
        }

        impl Default for $config {
            fn default() -> Self {
                $config { p: $p }
            }
        }

        impl $config {
            /// Are these arguments that it can work with?
            ///
            /// # Errors
            ///
            /// The first that is not.
            pub fn check(&self) -> Result<(), Refused> {
                check_share("p", self.p)
            }
        }

        #[doc = concat!("Frozen `", $text, "`: it is gone.")]
        #[derive(Debug)]
        pub enum $name {}

        impl Frozen for $name {
            type Config = $config;

            fn freeze(b: &mut Builder, label: &str, c: $config, args: &[Value]) -> Result<Value> {
                let place = b.place(label, $text, &c);
                c.check().map_err(Error::refused(&place.full))?;
                let x = b.only(&place, args)?;
                let fact = b.fact(x).clone();
                Ok(b.push(place, Op::Pass, &[x], fact))
            }
        }
    };
}

dropout! {
    /// Arguments of [`Dropout`].
    DropoutConfig { p: 0.5 }
    Dropout "Dropout"
}

dropout! {
    /// Arguments of [`Dropout2d`].
    Dropout2dConfig { p: 0.2 }
    Dropout2d "Dropout2d"
}

/// The `argument` `p` is a share that leaves something.
///
/// # Errors
///
/// It is not.
pub fn check_share(argument: &'static str, p: f64) -> Result<(), Refused> {
    if (0.0..1.0).contains(&p) {
        return Ok(());
    }
    Err(Refused::new(argument, format!("is the share that is dropped, from 0 up to but not including 1, but is {p:?}"), ""))
}
