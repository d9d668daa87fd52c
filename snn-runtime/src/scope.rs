//! Where a layer is built. In: a place in the `VarStore`; out: that place, the dotted name for messages, and the shape that
//! will arrive.

use std::fmt::Display;

use tch::nn;

/// A place in a model under construction: `Csnn.layer1.0.conv1`.
#[derive(Debug)]
pub struct Scope<'a> {
    path: nn::Path<'a>,
    name: String,
    input: Vec<usize>,
}

impl<'a> Scope<'a> {
    /// The net itself, at `vs` (mostly `vs.root()`).
    pub fn root(net: &str, vs: &nn::Path<'a>) -> Scope<'a> {
        Scope { path: vs.clone(), name: net.to_string(), input: Vec::new() }
    }

    /// One level down: the layer or list of that name. A dot in the name is one more level.
    pub fn child(&self, label: impl Display) -> Scope<'a> {
        let label = label.to_string();
        let path = label.split('.').fold(self.path.clone(), |path, part| path.sub(part));
        Scope { path, name: format!("{}.{label}", self.name), input: Vec::new() }
    }

    /// Says what will arrive, per sample.
    pub fn with_input(mut self, shape: &[usize]) -> Scope<'a> {
        self.input = shape.to_vec();
        self
    }

    /// Where to register weights: `scope.path().f_var("weight", ..)`.
    pub fn path(&self) -> &nn::Path<'a> {
        &self.path
    }

    /// For messages: `Csnn.conv1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The shape of one sample that arrives, without batch and time. For layers of your own; empty for built-in ones.
    pub fn input(&self) -> &[usize] {
        &self.input
    }
}
