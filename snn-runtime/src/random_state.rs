//! The state of libtorch's random number generators. In: a device; out: what its generator would draw next, kept and gone back to.

use std::ffi::{c_char, c_int};
use std::ptr;

use tch::{Device, Tensor};
use torch_sys::C_tensor;

use crate::autograd::taken;
use crate::error::Result;

unsafe extern "C" {
    fn snn_bridge_random_state(device: c_int, state: *mut *mut C_tensor, err: *mut *mut c_char) -> c_int;
    fn snn_bridge_set_random_state(device: c_int, state: *const C_tensor, err: *mut *mut c_char) -> c_int;
}

/// What generators would draw next.
#[derive(Debug)]
pub(crate) struct RandomState(Vec<(Device, Tensor)>);

impl RandomState {
    /// Of the CPU's, and of that of the first other device among these tensors.
    pub(crate) fn now(tensors: &[Tensor]) -> Result<RandomState> {
        let other = tensors.iter().map(Tensor::device).find(|device| *device != Device::Cpu);
        let devices = [Some(Device::Cpu), other].into_iter().flatten();
        Ok(RandomState(devices.map(|device| Ok((device, get(device)?))).collect::<Result<_>>()?))
    }

    /// Nothing, if nothing was drawn since.
    pub(crate) fn if_used(self) -> Result<Option<RandomState>> {
        for (device, state) in &self.0 {
            if !get(*device)?.f_equal(state)? {
                return Ok(Some(self));
            }
        }
        Ok(None)
    }

    /// Goes back to this state, until the guard is dropped.
    pub(crate) fn enter(&self) -> Result<Guard> {
        let now = self.0.iter().map(|(device, _)| Ok((*device, get(*device)?))).collect::<Result<_>>()?;
        let guard = Guard(RandomState(now));
        self.restore()?;
        Ok(guard)
    }

    /// Goes back to this state.
    pub(crate) fn restore(&self) -> Result<()> {
        self.0.iter().try_for_each(|(device, state)| set(*device, state))
    }

    /// Each device with its state, which are bytes.
    pub(crate) fn parts(&self) -> &[(Device, Tensor)] {
        &self.0
    }

    /// From [`parts`](Self::parts).
    pub(crate) fn of(parts: Vec<(Device, Tensor)>) -> RandomState {
        RandomState(parts)
    }
}

/// Gives a generator its former state back.
#[derive(Debug)]
pub(crate) struct Guard(RandomState);

impl Drop for Guard {
    fn drop(&mut self) {
        // A state that the generator gave itself.
        let restored = self.0.restore();
        debug_assert!(restored.is_ok());
    }
}

fn number(device: Device) -> c_int {
    match device {
        Device::Cuda(n) => n as c_int,
        _ => -1,
    }
}

fn get(device: Device) -> Result<Tensor> {
    let (mut state, mut err) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: both are places to write to.
    let rc = unsafe { snn_bridge_random_state(number(device), &mut state, &mut err) };
    taken(rc, err)?;
    // SAFETY: a new tensor, ours from here on.
    Ok(unsafe { Tensor::from_ptr(state) })
}

fn set(device: Device, state: &Tensor) -> Result<()> {
    let mut err = ptr::null_mut();
    // SAFETY: `state` is alive for the call.
    let rc = unsafe { snn_bridge_set_random_state(number(device), state.as_ptr(), &mut err) };
    Ok(taken(rc, err)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    #[test]
    fn numbers_come_again() {
        let draw = || Tensor::rand([3], (Kind::Float, Device::Cpu));
        // Tests beside this one may draw as well, so that a few tries may be needed.
        let again = || {
            let before = RandomState::now(&[]).unwrap();
            let first = draw();
            let guard = before.enter().unwrap();
            let second = draw();
            drop(guard);
            assert!(before.if_used().unwrap().is_some());
            first.equal(&second)
        };
        assert!((0..100).any(|_| again()));
        let e = set(Device::Cpu, &Tensor::from_slice(&[1u8, 2])).unwrap_err();
        assert!(e.to_string().contains("state"), "{e}");
    }
}
