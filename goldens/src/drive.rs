//! One run of a net over a case's input. In: the case, its tensors and a fresh session; out: outputs, states and variables
//! after the last step.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use tch::{Tensor, nn, no_grad};

use crate::case::{Order, Tensors, device};
use crate::runner::Open;
use crate::session::Session;

/// How a net is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drive {
    /// One generated step after the other, as the case was recorded in mode 's'.
    Steps,
    /// The generated forward over all `T` steps.
    Whole,
    /// Consecutive slices on one state, as recorded in mode 'm'.
    Chunks,
}

impl Drive {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Drive::Steps => "steps",
            Drive::Whole => "whole",
            Drive::Chunks => "chunks",
        }
    }

    /// The runs that have to give the recorded numbers: what was recorded, and the generated forward where it must agree.
    pub(crate) fn of(order: &Order) -> &'static [Drive] {
        match (order.case.step_mode.as_deref(), order.case.call_splits.as_deref()) {
            (Some("s"), _) => &[Drive::Steps, Drive::Whole],
            (_, None | Some([_])) => &[Drive::Whole],
            // Statistics are of one call: slices are not the whole.
            (_, Some(_)) => &[Drive::Chunks],
        }
    }
}

/// A net with the case's parameters and a fresh state.
pub(crate) struct Run {
    pub(crate) session: Box<dyn Session>,
    pub(crate) variables: HashMap<String, Tensor>,
    /// The input, a leaf.
    pub(crate) x: Tensor,
    /// Keeps the variables alive.
    _store: nn::VarStore,
}

impl Run {
    /// Builds the net, loads `param.*` and sets what is injected.
    pub(crate) fn new(order: &Order, tensors: &Tensors, open: Open) -> Result<Run> {
        let x = tensors.get("x")?.copy().set_requires_grad(order.case.grad);
        let batch = if order.unbatched { 1 } else { *x.size().get(usize::from(!order.untimed)).context("x has no batch axis")? };
        let store = nn::VarStore::new(device()?);
        let mut session = open(&store.root(), batch)?;
        let mut variables = store.variables();
        load(order, tensors, &mut variables)?;
        for (path, value) in tensors.under("inject.") {
            let value = if order.unbatched { value.unsqueeze(0) } else { value.shallow_clone() };
            ensure!(session.set(&format!(".{}", order.name(path)), value), "the state has no `{}` to set", order.name(path));
        }
        Ok(Run { session, variables, x, _store: store })
    }

    /// Feeds the input; the outputs as the case has them.
    pub(crate) fn outputs(&mut self, order: &Order, drive: Drive) -> Result<Vec<Tensor>> {
        let x = input(order, &self.x)?;
        let train = order.case.training;
        // One list of outputs per call.
        let calls: Vec<Vec<Tensor>> = match drive {
            Drive::Whole => return self.session.whole(x, train),
            Drive::Steps => x.f_unbind(0)?.into_iter().map(|x_t| self.session.step(x_t, train)).collect::<Result<_>>()?,
            Drive::Chunks => {
                let splits = order.case.call_splits.as_deref().context("no call_splits")?;
                x.f_split_with_sizes(splits, 0)?.into_iter().map(|slice| self.session.chunk(slice, train)).collect::<Result<_>>()?
            }
        };
        let outputs = calls.iter().map(Vec::len).min().unwrap_or(0);
        (0..outputs)
            .map(|i| {
                let parts: Vec<&Tensor> = calls.iter().map(|call| &call[i]).collect();
                let joined = drive == Drive::Chunks && order.timed.get(i).copied().unwrap_or(true);
                Ok(if joined { Tensor::f_cat(&parts, 0)? } else { Tensor::f_stack(&parts, 0)? })
            })
            .collect()
    }
}

/// x as nets take it: `[T, N, ..]`, at least one axis per sample.
pub(crate) fn input(order: &Order, x: &Tensor) -> Result<Tensor> {
    if !order.unbatched {
        return Ok(x.shallow_clone());
    }
    let x = x.f_unsqueeze(1)?;
    Ok(if x.dim() < 3 { x.f_unsqueeze(-1)? } else { x })
}

fn load(order: &Order, tensors: &Tensors, variables: &mut HashMap<String, Tensor>) -> Result<()> {
    let mut left: Vec<String> = variables.keys().cloned().collect();
    for (name, value) in tensors.under("param.") {
        let name = order.name(name);
        let variable = variables.get_mut(&name).with_context(|| format!("the net has no parameter `{name}`; it has {left:?}"))?;
        ensure!(variable.size() == value.size(), "parameter `{name}`: want a shape of {:?}, got {:?}", value.size(), variable.size());
        no_grad(|| variable.f_copy_(value))?;
        left.retain(|n| *n != name);
    }
    left.sort();
    ensure!(left.is_empty(), "the net has parameters that the reference has not: {left:?}");
    Ok(())
}
