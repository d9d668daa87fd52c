//! Batches from several threads, read ahead. In: samples that can be loaded by number; out: batches of them, in an order and with
//! bytes that do not depend on the number of threads.
//!
//! The order of the samples is settled first, then cut into batches. A batch is loaded by one thread, whichever is free, and handed
//! out in its turn. At most [`LoaderConfig::prefetch`] batches are asked for and not yet handed out: that bounds the memory.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::error::{Error, Result};
use crate::order::permutation;

/// Samples that threads can load by number.
pub trait Samples: Send + Sync + 'static {
    /// What a sample becomes: frames and a class, for example.
    type Sample: Send + 'static;

    /// The number of samples.
    fn len(&self) -> usize;

    /// No samples?
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What errors call a sample: its file.
    fn name(&self, index: usize) -> String;

    /// Loads a sample. The same bytes each time, or batches differ from run to run; anything random is to follow from `index`.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being loaded; the loader adds the sample's name.
    fn load(&self, index: usize) -> Result<Self::Sample, Box<dyn StdError + Send + Sync>>;
}

/// How a [`Loader`] goes through its samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoaderConfig {
    /// Samples of a batch. Default: 1.
    pub batch_size: usize,
    /// A random order, from a seed and an epoch; else the order of the samples. Default: none.
    pub shuffle: Option<(u64, u32)>,
    /// Batches to leave out at the start, without loading them: those that a run that goes on has seen. Default: 0.
    pub first_batch: usize,
    /// Leave out a last batch that would be smaller. Default: keep it.
    pub drop_last: bool,
    /// Threads that load. Default: 2.
    pub num_workers: usize,
    /// Batches that are loaded, or being loaded, ahead. Default: 4.
    pub prefetch: usize,
}

impl Default for LoaderConfig {
    fn default() -> LoaderConfig {
        LoaderConfig { batch_size: 1, shuffle: None, first_batch: 0, drop_last: false, num_workers: 2, prefetch: 4 }
    }
}

/// One pass over samples, batch by batch. Dropped early, it stops its threads, after the samples that they are at.
///
/// A batch with a sample that cannot be loaded is an error that names the sample; the batches after it follow. A panic while
/// loading goes on in the thread that takes the batch.
pub struct Loader<S: Samples> {
    /// Batches to load, by number; threads end when it is gone.
    jobs: Option<Sender<usize>>,
    done: Receiver<(usize, Loaded<S::Sample>)>,
    threads: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    /// Batches that are here before their turn.
    early: BTreeMap<usize, Loaded<S::Sample>>,
    batches: usize,
    prefetch: usize,
    asked: usize,
    taken: usize,
}

/// A batch, why there is none, or the panic of its thread.
type Loaded<T> = thread::Result<Result<Vec<T>>>;

impl<S: Samples> Loader<S> {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// The batch size, the number of workers or of batches ahead is 0; the system has no threads left.
    pub fn new(samples: &Arc<S>, config: LoaderConfig) -> Result<Loader<S>> {
        let LoaderConfig { batch_size, shuffle, first_batch, drop_last, num_workers, prefetch } = config;
        for (name, value) in [("batch_size", batch_size), ("num_workers", num_workers), ("prefetch", prefetch)] {
            if value == 0 {
                return Err(Error::argument("Loader", name, "must be at least 1, but is 0", ""));
            }
        }
        let n = samples.len();
        let order: Arc<[usize]> = match shuffle {
            Some((seed, epoch)) => permutation(n, seed, epoch).into(),
            None => (0..n).collect(),
        };
        let batches = if drop_last { n / batch_size } else { n.div_ceil(batch_size) };
        let first = first_batch.min(batches);
        let (jobs, todo) = unbounded(); // never more than `prefetch` in it
        let (finished, done) = unbounded();
        let stop = Arc::new(AtomicBool::new(false));
        let threads = Vec::new();
        let jobs = Some(jobs);
        let mut loader = Loader { jobs, done, threads, stop, early: BTreeMap::new(), batches, prefetch, asked: first, taken: first };
        for i in 0..num_workers.min(batches - first) {
            let worker = Worker { samples: samples.clone(), order: order.clone(), batch_size, stop: loader.stop.clone() };
            let (todo, finished) = (todo.clone(), finished.clone());
            let thread = thread::Builder::new().name(format!("snn-loader-{i}")).spawn(move || worker.run(&todo, &finished));
            loader.threads.push(thread.map_err(|e| Error::argument("Loader", "num_workers", format!("cannot be started: {e}"), ""))?);
        }
        loader.ask();
        Ok(loader)
    }

    /// Asks for as many batches as may be on their way.
    fn ask(&mut self) {
        if let Some(jobs) = &self.jobs {
            while self.asked < self.batches.min(self.taken.saturating_add(self.prefetch)) {
                let sent = jobs.send(self.asked);
                debug_assert!(sent.is_ok(), "threads live as long as the loader");
                self.asked += 1;
            }
        }
    }

    /// Stops the threads and waits for them.
    fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.jobs = None;
        for thread in self.threads.drain(..) {
            let ended = thread.join();
            debug_assert!(ended.is_ok(), "a panic of a sample is caught");
        }
    }
}

impl<S: Samples> Iterator for Loader<S> {
    type Item = Result<Vec<S::Sample>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.taken == self.batches {
            return None;
        }
        let loaded = loop {
            if let Some(loaded) = self.early.remove(&self.taken) {
                break loaded;
            }
            let (number, loaded) = self.done.recv().ok()?;
            self.early.insert(number, loaded);
        };
        self.taken += 1;
        self.ask();
        match loaded {
            Ok(batch) => Some(batch),
            Err(payload) => {
                self.stop();
                self.taken = self.batches;
                panic::resume_unwind(payload)
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.batches - self.taken;
        (left, Some(left))
    }
}

impl<S: Samples> ExactSizeIterator for Loader<S> {}

impl<S: Samples> Drop for Loader<S> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl<S: Samples> fmt::Debug for Loader<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loader").field("batches", &self.batches).field("taken", &self.taken).finish_non_exhaustive()
    }
}

/// What a thread has.
struct Worker<S> {
    samples: Arc<S>,
    order: Arc<[usize]>,
    batch_size: usize,
    stop: Arc<AtomicBool>,
}

impl<S: Samples> Worker<S> {
    fn run(&self, todo: &Receiver<usize>, finished: &Sender<(usize, Loaded<S::Sample>)>) {
        for number in todo {
            // Nothing of a batch is seen after a panic but the panic.
            let loaded = match panic::catch_unwind(AssertUnwindSafe(|| self.batch(number))) {
                Ok(Some(batch)) => Ok(batch),
                Ok(None) => return,
                Err(panic) => Err(panic),
            };
            if finished.send((number, loaded)).is_err() {
                return;
            }
        }
    }

    /// Loads a batch; nothing if the loader is gone meanwhile.
    fn batch(&self, number: usize) -> Option<Result<Vec<S::Sample>>> {
        let start = number * self.batch_size;
        let these = &self.order[start..self.order.len().min(start + self.batch_size)];
        let mut batch = Vec::with_capacity(these.len());
        for &index in these {
            if self.stop.load(Ordering::Relaxed) {
                return None;
            }
            match self.samples.load(index) {
                Ok(sample) => batch.push(sample),
                Err(source) => return Some(Err(Error::Sample { name: self.samples.name(index), source })),
            }
        }
        Some(Ok(batch))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    use super::*;

    /// Samples that are their numbers; some take longer, some fail, some panic.
    #[derive(Default)]
    struct Numbers {
        n: usize,
        bad: Option<usize>,
        panics: Option<usize>,
        loads: AtomicUsize,
    }

    impl Samples for Numbers {
        type Sample = usize;

        fn len(&self) -> usize {
            self.n
        }

        fn name(&self, index: usize) -> String {
            format!("{index:05}.bin")
        }

        fn load(&self, index: usize) -> Result<usize, Box<dyn StdError + Send + Sync>> {
            self.loads.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_micros(index as u64 * 7919 % 400));
            assert!(self.panics != Some(index), "sample {index}");
            if self.bad == Some(index) { Err("no such event".into()) } else { Ok(index) }
        }
    }

    fn numbers(n: usize) -> Arc<Numbers> {
        Arc::new(Numbers { n, ..Numbers::default() })
    }

    fn all(n: usize, config: LoaderConfig) -> Vec<Vec<usize>> {
        Loader::new(&numbers(n), config).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn batches_are_the_same_for_any_number_of_threads() {
        let config = LoaderConfig { batch_size: 7, shuffle: Some((5, 2)), ..LoaderConfig::default() };
        let want: Vec<Vec<usize>> = permutation(100, 5, 2).chunks(7).map(<[usize]>::to_vec).collect();
        for (num_workers, prefetch) in [(1, 1), (1, 5), (2, 3), (8, 4), (5, 50)] {
            assert_eq!(all(100, LoaderConfig { num_workers, prefetch, ..config }), want, "{num_workers} threads, {prefetch} ahead");
        }
    }

    #[test]
    fn the_rest_is_a_batch_or_is_dropped() {
        let config = LoaderConfig { batch_size: 4, ..LoaderConfig::default() };
        assert_eq!(all(10, config), [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]);
        assert_eq!(all(10, LoaderConfig { drop_last: true, ..config }), [[0, 1, 2, 3], [4, 5, 6, 7]]);
        assert!(all(0, config).is_empty());
        assert_eq!(Loader::new(&numbers(10), config).unwrap().len(), 3);
    }

    #[test]
    fn a_run_that_goes_on_loads_what_is_left() {
        let config = LoaderConfig { batch_size: 4, shuffle: Some((1, 0)), ..LoaderConfig::default() };
        let whole = all(10, config);
        for first_batch in 0..5 {
            let samples = numbers(10);
            let loader = Loader::new(&samples, LoaderConfig { first_batch, ..config }).unwrap();
            assert_eq!(loader.len(), 3usize.saturating_sub(first_batch));
            let rest: Vec<Vec<usize>> = loader.map(Result::unwrap).collect();
            assert_eq!(rest, whole[first_batch.min(3)..]);
            assert_eq!(samples.loads.load(Ordering::Relaxed), rest.iter().map(Vec::len).sum());
        }
    }

    #[test]
    fn an_error_names_its_sample_and_comes_in_its_turn() {
        let samples = Arc::new(Numbers { n: 6, bad: Some(3), ..Numbers::default() });
        let loader = Loader::new(&samples, LoaderConfig { batch_size: 2, num_workers: 3, ..LoaderConfig::default() }).unwrap();
        let results: Vec<Result<Vec<usize>, String>> = loader.map(|batch| batch.map_err(|e| e.to_string())).collect();
        assert_eq!(results, [Ok(vec![0, 1]), Err("sample `00003.bin`: no such event".into()), Ok(vec![4, 5])]);
    }

    #[test]
    fn a_panic_reaches_the_one_who_waits() {
        let samples = Arc::new(Numbers { n: 6, panics: Some(2), ..Numbers::default() });
        let mut loader = Loader::new(&samples, LoaderConfig::default()).unwrap();
        assert_eq!((loader.next().unwrap().unwrap(), loader.next().unwrap().unwrap()), (vec![0], vec![1]));
        let payload = panic::catch_unwind(AssertUnwindSafe(|| loader.next())).unwrap_err();
        assert_eq!(payload.downcast_ref::<String>().unwrap(), "sample 2");
        assert!(loader.next().is_none());
    }

    #[test]
    fn no_more_is_loaded_than_asked_for() {
        let samples = numbers(1000);
        let config = LoaderConfig { batch_size: 5, num_workers: 4, prefetch: 3, ..LoaderConfig::default() };
        let mut loader = Loader::new(&samples, config).unwrap();
        for taken in 1..10 {
            loader.next().unwrap().unwrap();
            thread::sleep(Duration::from_millis(5));
            let loads = samples.loads.load(Ordering::Relaxed);
            assert!(loads <= (taken + 3) * 5, "{loads} samples loaded when {taken} batches are taken");
        }
    }

    #[test]
    fn dropping_it_stops_the_threads() {
        let samples = numbers(100_000);
        let config = LoaderConfig { batch_size: 1000, num_workers: 3, prefetch: 90, ..LoaderConfig::default() };
        drop(Loader::new(&samples, config).unwrap());
        // Threads hold the samples; all of them are gone, long before they could have loaded what was asked for.
        assert_eq!(Arc::strong_count(&samples), 1);
        assert!(samples.loads.load(Ordering::Relaxed) < 10_000);
    }

    #[test]
    fn zeros_are_refused() {
        let zero = |config| Loader::new(&numbers(3), config).unwrap_err().to_string();
        let config = LoaderConfig::default();
        assert_eq!(zero(LoaderConfig { batch_size: 0, ..config }), "Loader: `batch_size` must be at least 1, but is 0");
        assert_eq!(zero(LoaderConfig { num_workers: 0, ..config }), "Loader: `num_workers` must be at least 1, but is 0");
        assert_eq!(zero(LoaderConfig { prefetch: 0, ..config }), "Loader: `prefetch` must be at least 1, but is 0");
    }
}
