//! A layer of a recurrent network on a CUDA device. In: tensors there; out: outputs and memories, in the type of states between the steps. Each
//! step is a product of libtorch's and one kernel. Nothing is read back.

use snn_kernels::cuda::{FiresArguments, GATES, GATES_BACKWARD, GatesArguments, GatesKernels};
use snn_kernels::{Cell, Gates};
use tch::{Kind, TchError, Tensor};

use super::{Node, RecurrentCell, Run};
use crate::autograd::{Backward, Gradients};
use crate::cuda::{Launcher, address};
use crate::error::{Error, Result};
use crate::report::probe;
use crate::rng::Stream;

impl RecurrentCell {
    /// From what the input does to the gates.
    pub(super) fn recur_on(
        &self,
        on: &Launcher<'_>,
        gates: Gates,
        ih: &Tensor,
        h: &Tensor,
        c: Option<&Tensor>,
        stream: &Stream,
    ) -> Result<(Tensor, Option<Tensor>)> {
        on.tell(&self.told, self.network);
        let (layer, states) = (self.name.as_str(), on.compute());
        let node = self.node(gates, ih, stream);
        let of = |t: &Tensor| t.f_to_kind(states).map_err(Error::in_layer(layer));
        let (ih, h, weight) = (of(ih)?, of(h)?, of(&self.weight_hh)?);
        let (c, bias) = (c.map(of).transpose()?, self.bias_hh.as_ref().map(of).transpose()?);
        let dense = |t: &Tensor| on.dense(t, states);
        let (ih_dense, h0, c0, weight_dense) = (dense(&ih)?, dense(&h)?, c.as_ref().map(dense).transpose()?, dense(&weight)?);
        let run = tch::no_grad(|| node.forward_on(on, &ih_dense, &h0, c0.as_ref(), &weight_dense, bias.as_ref()))?;
        let inputs: Vec<&Tensor> = [Some(&ih), Some(&h), Some(&weight), c.as_ref(), bias.as_ref()].into_iter().flatten().collect();
        let has_bias = bias.is_some();
        let (y, last) =
            self.attached(run, &inputs, [&ih_dense, &h0, &weight_dense], c0.as_ref(), move |b| node.backward_on(&b, states, has_bias))?;
        Ok((y.f_to_kind(on.kind).map_err(Error::in_layer(layer))?, last))
    }
}

impl Node {
    fn kernels(&self, on: &Launcher<'_>) -> GatesKernels {
        GatesKernels::new(&self.gates, on.element)
    }

    /// What both kernels are given at step `t`; `read` are the other tensors that are read or written.
    fn arguments(&self, on: &Launcher<'_>, t: usize, [ih, hh, h]: [&Tensor; 3], c: Option<&Tensor>, read: &[&Tensor]) -> GatesArguments {
        let content = self.gates.content.unwrap_or(self.gates.surrogate);
        let [of_gates, of_content] = self.draws(t);
        let fires =
            [FiresArguments::new(&self.gates.surrogate, of_gates, on.element), FiresArguments::new(&content, of_content, on.element)];
        GatesArguments {
            ih: address(ih),
            hh: address(hh),
            h: address(h),
            c: c.map_or(0, address),
            next_h: 0,
            next_c: 0,
            grad_y: 0,
            grad_h: 0,
            grad_c: 0,
            grad_ih: 0,
            grad_hh: 0,
            fires,
            sizes: [self.samples as u32, self.gates.hidden as u32],
            wide: on.wide(self.gates.hidden, read.iter().copied().chain([ih, hh, h]).chain(c).map(address)),
            padding: 0,
        }
    }

    fn forward_on(
        &self,
        on: &Launcher<'_>,
        ih: &Tensor,
        h0: &Tensor,
        c0: Option<&Tensor>,
        weight: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Run> {
        on.neurons(&[self.samples, self.rows()])?;
        on.sized(ih, &[self.steps, self.samples, self.rows()])?;
        on.sized(weight, &[self.rows(), self.hidden()])?;
        let (sizes, states, kernels) = ([self.steps, self.samples, self.hidden()], on.compute(), self.kernels(on));
        let torch = |t: Result<Tensor, TchError>| t.map_err(Error::in_layer(&self.layer));
        let all_h = on.fresh(&sizes, states)?;
        let all_c = on.fresh_if(c0.is_some(), &sizes, states)?;
        let mut all_hh = Vec::new();
        let (mut h, mut c) = (h0.shallow_clone(), c0.map(Tensor::shallow_clone));
        for t in 0..self.steps {
            probe::linear(&self.layer, &h, self.rows()).map_err(Error::in_layer(&self.layer))?;
            let hh = on.dense(&torch(h.f_linear(weight, bias))?, states)?;
            let next_h = torch(all_h.f_get(t))?;
            let next_c = all_c.as_ref().map(|c| torch(c.f_get(t))).transpose()?;
            let written: Vec<&Tensor> = [&next_h].into_iter().chain(&next_c).collect();
            let mut call = self.arguments(on, t as usize, [&torch(ih.f_get(t))?, &hh, &h], c.as_ref(), &written);
            (call.next_h, call.next_c) = (address(&next_h), next_c.as_ref().map_or(0, address));
            // SAFETY: the kernel's own argument; all tensors are on this device and of the sizes and kinds that it says.
            unsafe { on.call(&kernels.source, GATES, kernels.blocks(self.samples as usize, self.gates.hidden), call) }?;
            all_hh.push(hh);
            (h, c) = (next_h, next_c);
        }
        Ok(Run { h: all_h, c: all_c, hh: torch(Tensor::f_stack(&all_hh, 0))? })
    }

    /// As [`backward`](Node::backward).
    fn backward_on(&self, b: &Backward<'_>, states: Kind, bias: bool) -> Gradients {
        let lstm = self.gates.cell == Cell::Lstm;
        let saved = |i: usize| b.saved[i].as_ref().ok_or("what the forward pass saved is lost");
        let (ih, hh, h0, weight, all_h) = (saved(0)?, saved(1)?, saved(2)?, saved(5)?, saved(6)?);
        let memories = if lstm { Some((saved(3)?, saved(4)?)) } else { None };
        let on = &Launcher::at(&self.layer, ih, states)?;
        let grad_y = on.dense_opt(b.grads[0].as_ref(), states)?;
        let kernels = self.kernels(on);
        let zeros = || Tensor::f_zeros([self.samples, self.hidden()], (states, on.device()));
        let mut d_h = zeros()?;
        let d_c = match (lstm, b.grads.get(1).and_then(Option::as_ref)) {
            (false, _) => None,
            // It is changed in place.
            (true, Some(grad)) => Some(on.dense(grad, states)?.f_detach_copy()?),
            (true, None) => Some(zeros()?),
        };
        let (d_ih, d_hh) = (on.fresh(&ih.size(), states)?, on.fresh(&ih.size(), states)?);
        for t in (0..self.steps).rev() {
            let before = |first: &Tensor, all: &Tensor| if t == 0 { Ok(first.shallow_clone()) } else { all.f_get(t - 1) };
            let h = before(h0, all_h)?;
            let c = memories.map(|(c0, all_c)| before(c0, all_c)).transpose()?;
            let next_c = memories.map(|(_, all_c)| all_c.f_get(t)).transpose()?;
            let of_y = grad_y.as_ref().map(|grad| grad.f_get(t)).transpose()?;
            let (of_ih, of_hh) = (d_ih.f_get(t)?, d_hh.f_get(t)?);
            let read: Vec<&Tensor> = [&of_ih, &of_hh].into_iter().chain(&of_y).chain(&next_c).collect();
            let mut call = self.arguments(on, t as usize, [&ih.f_get(t)?, &hh.f_get(t)?, &h], c.as_ref(), &read);
            (call.next_c, call.grad_y) = (next_c.as_ref().map_or(0, address), of_y.as_ref().map_or(0, address));
            (call.grad_h, call.grad_c) = (address(&d_h), d_c.as_ref().map_or(0, address));
            (call.grad_ih, call.grad_hh) = (address(&of_ih), address(&of_hh));
            // SAFETY: as above.
            unsafe { on.call(&kernels.source, GATES_BACKWARD, kernels.blocks(self.samples as usize, self.gates.hidden), call) }?;
            // And what flows through the product with the weight.
            let _ = d_h.f_add_(&of_hh.f_mm(weight)?)?;
        }
        let flat = d_hh.f_reshape([-1, self.rows()])?;
        self.gradients(&flat, d_ih, d_h, d_c, h0, all_h, bias)
    }
}
