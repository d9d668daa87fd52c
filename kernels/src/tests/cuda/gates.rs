//! Gates of recurrent cells. In: what arrives at them, outputs, memories and gradients; out: the bits of the CPU's kernels.

use super::comparison::{Comparison, Memory, compute, same};
use super::program::{Launch, Watch};
use crate::cuda::*;
use crate::{ATan, Cell, Draw, Gates, GatesGrads, GatesIn, GatesOut, PoissonPass, Real, Sigmoid, Surrogate};

pub(super) fn add<E: Memory>(comparison: &mut Comparison, instances: &mut String, gates: Gates, samples: usize, above: bool) {
    let stream = 1000 * comparison.len() as u32;
    let suffix = format!("_{stream}");
    let kernels = GatesKernels::named(&gates, E::ELEMENT, &suffix);
    instances.push_str(&kernels.source.instances);
    let (hidden, lstm) = (gates.hidden, gates.cell == Cell::Lstm);
    let (all, one) = (samples * hidden * gates.cell.gates(), samples * hidden);
    let memory = if lstm { one } else { 0 };
    let random = |what: u32, len: usize| compute::<E::Compute>(stream + what, len);
    let (ih, hh, h, c) = (random(0, all), random(1, all), random(2, one), random(3, memory));
    let (grad_y, grad_h, grad_c) = (random(4, one), random(5, one), random(6, memory));
    let draws = [Draw { seed: 9, stream: 2, draw: stream }, Draw { seed: 9, stream: 2, draw: stream + 1 }];

    let zeros = |len: usize| vec![E::Compute::ZERO; len];
    let (mut next_h, mut next_c) = (zeros(one), zeros(memory));
    let x = GatesIn { ih: &ih, hh: &hh, h: &h, c: &c, draws };
    gates.forward(x, GatesOut { h: &mut next_h, c: &mut next_c }).unwrap();
    let (mut of_h, mut of_c, mut of_ih, mut of_hh) = (grad_h.clone(), grad_c.clone(), zeros(all), zeros(all));
    if above {
        of_h.iter_mut().zip(&grad_y).for_each(|(d, g)| *d = *d + *g);
    }
    gates.backward(x, &next_c, GatesGrads { h: &mut of_h, c: &mut of_c, ih: &mut of_ih, hh: &mut of_hh }).unwrap();

    for forward in [true, false] {
        let name = if forward { GATES } else { GATES_BACKWARD };
        let mut launch = Launch::new(format!("{name}{suffix}"), kernels.blocks(samples, hidden));
        let mut of = |numbers: &[E::Compute], used: bool| if used { launch.buffer(numbers) } else { 0 };
        let mut arguments = GatesArguments {
            ih: of(&ih, true),
            hh: of(&hh, true),
            h: of(&h, true),
            c: of(&c, lstm),
            next_h: 0,
            next_c: of(&next_c, lstm && !forward),
            grad_y: of(&grad_y, above && !forward),
            grad_h: of(&grad_h, !forward),
            grad_c: of(&grad_c, lstm && !forward),
            grad_ih: 0,
            grad_hh: 0,
            fires: [
                FiresArguments::new(&gates.surrogate, draws[0], E::ELEMENT),
                FiresArguments::new(&gates.content.unwrap_or(gates.surrogate), draws[1], E::ELEMENT),
            ],
            sizes: [samples as u32, hidden as u32],
            wide: u32::from(is_wide(E::ELEMENT.lanes(), hidden, [])),
            padding: 0,
        };
        let mut room = |len: usize, used: bool| if used { launch.room::<E::Compute>(len) } else { 0 };
        if forward {
            (arguments.next_h, arguments.next_c) = (room(one, true), room(memory, lstm));
        } else {
            (arguments.grad_ih, arguments.grad_hh) = (room(all, true), room(all, true));
        }
        launch.argument(arguments);
        let what = format!("{gates:?} {name} {:?}", E::ELEMENT);
        let want = match forward {
            true => vec![(arguments.next_h, next_h.clone()), (arguments.next_c, next_c.clone())],
            false => {
                let [h, c, ih, hh] = [&of_h, &of_c, &of_ih, &of_hh].map(Vec::clone);
                vec![(arguments.grad_h, h), (arguments.grad_c, c), (arguments.grad_ih, ih), (arguments.grad_hh, hh)]
            }
        };
        comparison.push(launch, move |buffers| {
            for (address, want) in want.iter().filter(|(address, _)| *address != 0) {
                same(&what, &buffers.of::<E::Compute>(*address), want);
            }
        });
    }
}

#[test]
fn gates_have_the_bits_of_the_cpu() {
    let (mut comparison, mut instances) = (Comparison::default(), String::new());
    let (one, two, drawn): (Surrogate, Surrogate, Surrogate) =
        (ATan::default().into(), Sigmoid { alpha: 1.5, spiking: true }.into(), PoissonPass::default().into());
    for (i, cell) in [Cell::Lstm, Cell::Gru, Cell::Vanilla].into_iter().enumerate() {
        let (to, instances) = (&mut comparison, &mut instances);
        let of = |hidden: usize, surrogate: Surrogate, content: Option<Surrogate>| Gates { cell, hidden, surrogate, content };
        add::<f32>(to, instances, of(36, one, None), 33, true);
        add::<f32>(to, instances, of(7, one.with_spiking(false), Some(two.with_spiking(false)).filter(|_| i < 2)), 5, false);
        add::<f64>(to, instances, of(5, drawn, Some(drawn).filter(|_| i < 2)), 3, true);
    }
    let source = text(headers::GATES, &[one.cuda(), two.cuda(), drawn.cuda()], &instances);
    comparison.run(&source, Watch::Addresses, 0..2);
    comparison.run(&source, Watch::Races, 0..1);
}
