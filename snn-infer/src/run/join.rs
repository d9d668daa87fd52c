//! Values joined. In: two or more, bits or numbers; out: one. Sums and products of bits stay bits.

use snn_kernels::Error;
use snn_kernels::frozen::{add_bits, and_bits, and_not_bits};

use super::{Buffers, Extent, Program, Stored, Written};
use crate::graph::Layout;
use crate::layers::Function;

/// Joins `args` into `written`, which is stored as `out`.
pub(crate) fn join(
    how: Function,
    program: &Program,
    args: &[usize],
    buffers: &Buffers,
    out: &Stored,
    written: &mut Written,
    of: Extent,
) -> Result<(), Error> {
    match written {
        Written::Bits(..) => {
            let [a, b] = args else { return Ok(()) };
            let (a, b) = (&program.values[*a], &program.values[*b]);
            let (x, y, planes) = (buffers.bits(a, of), buffers.bits(b, of), (a.planes(), b.planes()));
            match how {
                Function::Mul => and_bits(x, y, written.bits()),
                Function::Iand => and_not_bits(y, x, written.bits()),
                _ => add_bits(x, y, planes, written.bits()),
            }
        }
        Written::Dense(..) => {
            let into = written.dense();
            let mut before = 0;
            for (i, arg) in args.iter().enumerate() {
                let x = &program.values[*arg];
                match how {
                    Function::Cat | Function::CatLast(_) | Function::Stack => {
                        beside(how, i, before, buffers.dense(x, of), x, into, out, of);
                    }
                    _ => elements(how, i == 0, buffers.dense(x, of), into),
                }
                before += how.extent(x.layout);
            }
            Ok(())
        }
    }
}

/// One argument more. What does not change with time counts at every step.
fn elements(how: Function, first: bool, x: &[f32], out: &mut [f32]) {
    for out in out.chunks_exact_mut(x.len().max(1)) {
        if first {
            out.copy_from_slice(x);
            continue;
        }
        for (out, x) in out.iter_mut().zip(x) {
            *out = how.two(*out, *x);
        }
    }
}

/// One argument more, beside those before it.
fn beside(how: Function, i: usize, before: usize, x: &[f32], stored: &Stored, out: &mut [f32], into: &Stored, of: Extent) {
    let Layout { cells, channels } = stored.layout;
    let rows = into.steps(of) * of.batch;
    let given = stored.steps(of) * of.batch;
    for row in 0..rows {
        let x = &x[row % given * stored.layout.len()..][..stored.layout.len()];
        let out = &mut out[row * into.layout.len()..][..into.layout.len()];
        for cell in 0..cells {
            for channel in 0..channels {
                let (to, at) = how.beside(i, before, stored.layout, into.layout, cell, channel);
                out[to * into.layout.channels + at] = x[cell * channels + channel];
            }
        }
    }
}
