//! Without libtorch a net gives what it gave with it. In: a frozen file, inputs and outputs that `tests/frozen.rs` wrote; out: the same numbers.

mod support;
#[path = "../../../tests/support/tiny.rs"]
mod tiny;

use std::fs;

use safetensors::SafeTensors;
use snn::infer::Result;
use support::{assert_near, file, numbers};
use tiny::TinyFrozen;

#[test]
fn the_numbers_are_those_of_libtorch() -> Result<()> {
    let bytes = fs::read(file("numbers.safetensors")).expect("it is in the repository");
    let stored = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let [x, gate, want, spikes] = ["x", "gate", "classes", "spikes"].map(|name| numbers(&stored, name));
    let mut net = TinyFrozen::<3>::load(file("tiny.frozen.safetensors"))?;
    let (mut classes, mut sent) = (vec![0.0; want.len()], vec![0.0; spikes.len()]);
    net.infer(&x, &gate, &mut classes, &mut sent)?;
    assert_near(&classes, &want);
    assert_near(&sent, &spikes);

    // One step after the other.
    let n = x.len() / 64;
    let mut s = net.state(n);
    for t in 0..TinyFrozen::<3>::T {
        let (gate, spikes) = (&gate[t * n * 6..(t + 1) * n * 6], &spikes[t * n * 6..(t + 1) * n * 6]);
        let mut sent = vec![0.0; spikes.len()];
        net.step(&x, gate, &mut classes, &mut sent, &mut s)?;
        assert_near(&sent, spikes);
    }
    Ok(())
}
