//! The pages of `docs/`, and the README, whose blocks of Rust are doc tests. In: the pages; out: nothing but tests.

#[doc = include_str!("../docs/coming-from.md")]
mod coming_from {}

#[doc = include_str!("../docs/data.md")]
mod data {}

#[doc = include_str!("../docs/design.md")]
mod design {}

#[doc = include_str!("../docs/language.md")]
mod language {}

#[doc = include_str!("../docs/own.md")]
mod own {}

#[doc = include_str!("../docs/tour.md")]
mod tour {}

#[doc = include_str!("../docs/training.md")]
mod training {}

#[doc = include_str!("../README.md")]
mod readme {}
