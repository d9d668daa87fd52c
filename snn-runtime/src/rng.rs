//! Randomness of layers. In: one seed for the process; out: for each draw of each layer a place of its own in Philox's random
//! streams, so that the bits depend neither on threads nor on what other layers draw.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use snn_kernels::Draw;

use crate::error::{Error, Result};
use crate::scope::Scope;

/// torch's own seed where none is set.
const DEFAULT_SEED: u64 = 67_280_421_310_721;

/// (epoch, draws in it)
type Drawn = Mutex<(u64, u32)>;

struct Generator {
    seed: u64,
    /// How often a seed was set: draws count from 0 again.
    epoch: u64,
    /// Layers of the same name since then: two copies of a net draw different masks.
    namesakes: Option<HashMap<u32, u32>>,
    /// All streams that there are, in the order in which they were made.
    streams: Vec<(u32, Weak<Drawn>)>,
}

static GENERATOR: Mutex<Generator> = Mutex::new(Generator { seed: DEFAULT_SEED, epoch: 0, namesakes: None, streams: Vec::new() });

/// Seeds everything random: weights and whatever else torch's generators draw (on all devices), and the layers' own draws (Philox). The same
/// seed gives the same run.
///
/// Called once, before the net is built. The order of batches has the seed as an argument, [`initial_seed`]:
///
/// ```
/// # use snn_runtime::{Tensor, Kind, Device, data::Dataset};
/// # let train = Dataset { images: Tensor::zeros([4, 1, 2, 2], (Kind::Float, Device::Cpu)), labels: Tensor::from_slice(&[0i64, 1, 2, 3]) };
/// snn_runtime::manual_seed(1);
/// for epoch in 0..2 {
///     for batch in train.shuffled(2, snn_runtime::initial_seed(), epoch)? {
///         let (_images, _labels) = batch?;
///     }
/// }
/// # Ok::<(), snn_runtime::Error>(())
/// ```
///
/// Draws of layers and the order of batches do not depend on the number of threads, nor do the kernels of this library. libtorch's convolutions and
/// products may sum in another order with another number of threads, so that weights agree to the bit for one and the same number of them.
/// PyTorch equivalent: `torch.manual_seed(seed)`.
pub fn manual_seed(seed: i64) {
    tch::manual_seed(seed);
    let mut generator = unpoisoned(&GENERATOR);
    generator.seed = seed as u64;
    generator.epoch += 1;
    generator.namesakes = None;
}

/// The seed that was set last, or torch's own: for [`Dataset::shuffled`](crate::data::Dataset::shuffled) and
/// [`LoaderConfig::shuffle`](crate::data::LoaderConfig::shuffle), which take a seed. PyTorch equivalent: `torch.initial_seed()`.
pub fn initial_seed() -> u64 {
    unpoisoned(&GENERATOR).seed
}

/// The random stream of one layer.
#[derive(Debug)]
pub(crate) struct Stream {
    stream: u32,
    drawn: Arc<Drawn>,
}

/// The stream of what is drawn outside of a layer.
pub(crate) static ALONE: LazyLock<Stream> = LazyLock::new(|| Stream::registered(&mut unpoisoned(&GENERATOR), 0));

impl Stream {
    pub(crate) fn new(scope: &Scope<'_>) -> Stream {
        let place: Vec<&str> = scope.path().components().chain([scope.name()]).collect();
        let hash = fnv(&place.join("/"));
        let mut generator = unpoisoned(&GENERATOR);
        let namesakes = generator.namesakes.get_or_insert_default().entry(hash).or_default();
        let stream = hash.wrapping_add(namesakes.wrapping_mul(0x9E37_79B9));
        *namesakes += 1;
        Stream::registered(&mut generator, stream)
    }

    fn registered(generator: &mut Generator, stream: u32) -> Stream {
        let drawn = Arc::new(Mutex::new((generator.epoch, 0)));
        generator.streams.retain(|(_, drawn)| drawn.strong_count() > 0);
        generator.streams.push((stream, Arc::downgrade(&drawn)));
        Stream { stream, drawn }
    }

    /// `n` numbers from U(0, 1).
    pub(crate) fn uniform(&self, n: usize) -> Vec<f64> {
        let Draw { seed, stream, draw } = self.draw();
        let words = |block: u32| snn_kernels::philox4x32([block, 0, draw, stream], [seed as u32, (seed >> 32) as u32]);
        (0..).flat_map(words).map(|word| f64::from(word) / 4_294_967_296.0).take(n).collect()
    }

    /// The next place of the stream; where a part of a net is run again, the one that it had the first time.
    pub(crate) fn draw(&self) -> Draw {
        PASSES.with_borrow_mut(|passes| {
            let replay = passes.iter().rposition(|pass| matches!(pass, Pass::Replay { .. }));
            let draw = match replay.map(|i| &mut passes[i]) {
                Some(Pass::Replay { draws, missed }) => draws.pop_front().unwrap_or_else(|| {
                    *missed += 1;
                    self.next()
                }),
                _ => self.next(),
            };
            for pass in &mut passes[replay.map_or(0, |i| i + 1)..] {
                if let Pass::Record(draws) = pass {
                    draws.push_back(draw);
                }
            }
            draw
        })
    }

    fn next(&self) -> Draw {
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

/// What happens to the draws of a part of a net that will be run again, or is.
enum Pass {
    Record(VecDeque<Draw>),
    Replay { draws: VecDeque<Draw>, missed: usize },
}

thread_local! {
    /// The passes that this thread is in, outermost first.
    static PASSES: RefCell<Vec<Pass>> = const { RefCell::new(Vec::new()) };
}

/// Ends a pass, whatever happens in it.
struct Inside;

impl Inside {
    fn of(pass: Pass) -> Inside {
        PASSES.with_borrow_mut(|passes| passes.push(pass));
        Inside
    }

    fn end(self) -> Option<Pass> {
        std::mem::forget(self);
        PASSES.with_borrow_mut(Vec::pop)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        PASSES.with_borrow_mut(|passes| drop(passes.pop()));
    }
}

/// Runs `f`, and gives all that layers draw in it.
pub(crate) fn recorded<R>(f: impl FnOnce() -> R) -> (R, VecDeque<Draw>) {
    let inside = Inside::of(Pass::Record(VecDeque::new()));
    let result = f();
    match inside.end() {
        Some(Pass::Record(draws)) => (result, draws),
        _ => (result, VecDeque::new()),
    }
}

/// Runs `f` with the draws that there were the first time; says whether it wanted as many.
pub(crate) fn replayed<R>(draws: VecDeque<Draw>, f: impl FnOnce() -> R) -> (R, bool) {
    let inside = Inside::of(Pass::Replay { draws, missed: 0 });
    let result = f();
    let same = matches!(inside.end(), Some(Pass::Replay { draws, missed: 0 }) if draws.is_empty());
    (result, same)
}

/// Is a part of a net being run again for its backward pass?
pub(crate) fn replaying() -> bool {
    PASSES.with_borrow(|passes| passes.iter().any(|pass| matches!(pass, Pass::Replay { .. })))
}

/// Where the layers' random streams are: what a run that goes on has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamPositions {
    pub(crate) seed: u64,
    /// Stream and draws, in the order in which the layers were built.
    pub(crate) drawn: Vec<(u32, u32)>,
}

impl StreamPositions {
    /// Of all layers that there are.
    pub(crate) fn now() -> StreamPositions {
        let generator = unpoisoned(&GENERATOR);
        let of = |(stream, drawn): &(u32, Weak<Drawn>)| {
            let (epoch, n) = *unpoisoned(&*drawn.upgrade()?);
            (epoch == generator.epoch && n > 0).then_some((*stream, n))
        };
        StreamPositions { seed: generator.seed, drawn: generator.streams.iter().filter_map(of).collect() }
    }

    /// Goes there.
    ///
    /// # Errors
    ///
    /// A stream belongs to no layer that there is: the net is another one, or was not built yet.
    pub(crate) fn restore(&self) -> Result<()> {
        LazyLock::force(&ALONE);
        let mut generator = unpoisoned(&GENERATOR);
        let alive: Vec<(u32, Arc<Drawn>)> = generator.streams.iter().filter_map(|(id, drawn)| Some((*id, drawn.upgrade()?))).collect();
        let mut taken = vec![false; alive.len()];
        let mut moves = Vec::new();
        for &(stream, n) in &self.drawn {
            let Some(i) = (0..alive.len()).find(|&i| alive[i].0 == stream && !taken[i]) else {
                let problem = "are of layers that this program has not built";
                let help = "build the same net, under the same names, before the checkpoint is loaded";
                return Err(Error::argument("Checkpoint", "random draws", problem, help));
            };
            taken[i] = true;
            moves.push((i, n));
        }
        generator.seed = self.seed;
        generator.epoch += 1;
        for (i, n) in moves {
            *unpoisoned(&alive[i].1) = (generator.epoch, n);
        }
        Ok(())
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
    fn what_is_drawn_is_drawn_again() {
        let stream = Stream { stream: 7, drawn: Arc::default() };
        let two = || (stream.draw(), stream.draw());
        let (first, draws) = recorded(two);
        assert_eq!(draws, [first.0, first.1]);
        // Recorded inside of what is run again: the same again.
        let ((again, inner), same) = replayed(draws.clone(), || recorded(two));
        assert!(same && again == first && inner == draws);
        assert!(!replayed(draws.clone(), || stream.draw()).1 && !replayed(draws, || (two(), two())).1);
        assert!(!replaying() && PASSES.with_borrow(Vec::is_empty));
        let end = std::panic::catch_unwind(|| recorded(|| panic!("in a pass")));
        assert!(end.is_err() && PASSES.with_borrow(Vec::is_empty));
    }

    #[test]
    fn the_hash_never_changes() {
        assert_eq!((fnv(""), fnv("a"), fnv("foobar")), (0x811C_9DC5, 0xE40C_292C, 0xBF9C_F968));
    }
}
