//! Randomness of layers. In: one seed for the process; out: for each draw of each layer a place of its own in Philox's random
//! streams, so that the bits depend neither on threads nor on what other layers draw.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use snn_kernels::Draw;

use crate::scope::Scope;

/// torch's own seed where none is set.
const DEFAULT_SEED: u64 = 67_280_421_310_721;

struct Generator {
    seed: u64,
    /// How often a seed was set: draws count from 0 again.
    epoch: u64,
    /// Layers of the same name since then: two copies of a net draw different masks.
    namesakes: Option<HashMap<u32, u32>>,
}

static GENERATOR: Mutex<Generator> = Mutex::new(Generator { seed: DEFAULT_SEED, epoch: 0, namesakes: None });

/// Seeds weights (torch's generator) and layers (Philox): the same seed gives the same run, on any number of threads.
///
/// PyTorch equivalent: `torch.manual_seed(seed)`.
pub fn manual_seed(seed: i64) {
    tch::manual_seed(seed);
    let mut generator = unpoisoned(&GENERATOR);
    *generator = Generator { seed: seed as u64, epoch: generator.epoch + 1, namesakes: None };
}

/// The random stream of one layer.
#[derive(Debug)]
pub(crate) struct Stream {
    stream: u32,
    /// (epoch, draws in it)
    drawn: Mutex<(u64, u32)>,
}

/// The stream of what is drawn outside of a layer.
pub(crate) static ALONE: Stream = Stream { stream: 0, drawn: Mutex::new((0, 0)) };

impl Stream {
    pub(crate) fn new(scope: &Scope<'_>) -> Stream {
        let place: Vec<&str> = scope.path().components().chain([scope.name()]).collect();
        let hash = fnv(&place.join("/"));
        let mut generator = unpoisoned(&GENERATOR);
        let namesakes = generator.namesakes.get_or_insert_default().entry(hash).or_default();
        let stream = hash.wrapping_add(namesakes.wrapping_mul(0x9E37_79B9));
        *namesakes += 1;
        Stream { stream, drawn: Mutex::new((generator.epoch, 0)) }
    }

    /// `n` numbers from U(0, 1).
    pub(crate) fn uniform(&self, n: usize) -> Vec<f64> {
        let Draw { seed, stream, draw } = self.draw();
        let words = |block: u32| snn_kernels::philox4x32([block, 0, draw, stream], [seed as u32, (seed >> 32) as u32]);
        (0..).flat_map(words).map(|word| f64::from(word) / 4_294_967_296.0).take(n).collect()
    }

    pub(crate) fn draw(&self) -> Draw {
        let (seed, epoch) = {
            let generator = unpoisoned(&GENERATOR);
            (generator.seed, generator.epoch)
        };
        let mut drawn = unpoisoned(&self.drawn);
        if drawn.0 != epoch {
            *drawn = (epoch, 0);
        }
        let draw = drawn.1;
        drawn.1 = draw.wrapping_add(1);
        Draw { seed, stream: self.stream, draw }
    }
}

/// Nothing here panics while it holds the lock.
fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// FNV-1a: a hash that stays the same in every build.
fn fnv(text: &str) -> u32 {
    text.bytes().fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, nn};

    /// Streams depend on the place and on how many layers were built there, draws on what their own layer drew. (The seed is
    /// the process's: tests beside this one may set it, so only streams are compared.)
    #[test]
    fn streams_are_those_of_the_place() {
        let vs = nn::VarStore::new(Device::Cpu);
        let at = |name: &str| Stream::new(&Scope::root("Net", &vs.root()).child(name)).stream;
        let (a, b) = (at("streams_a"), at("streams_b"));
        assert_ne!(a, b);
        assert_ne!(a, at("streams_a"), "two copies of a net");
    }

    #[test]
    fn the_hash_never_changes() {
        assert_eq!((fnv(""), fnv("a"), fnv("foobar")), (0x811C_9DC5, 0xE40C_292C, 0xBF9C_F968));
    }
}
