//! CUDA kernels as a program on the host. In: their source, the sanitizer to build it with, and launches; out: what their buffers hold
//! afterwards, or what the program said before it died.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::{env, fs, process};

use crate::cuda::{Address, Arguments, THREADS};

/// Marks an address as "buffer number ..": no number of a test looks like it.
const TAG: Address = 0xC0DA_5EED << 32;

/// What watches the kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watch {
    /// Accesses outside buffers and shared arrays.
    Addresses,
    /// Accesses of two threads that no barrier orders.
    Races,
}

/// One launch of a kernel, with buffers of its own.
#[derive(Debug)]
pub(super) struct Launch {
    kernel: String,
    grid: [usize; 3],
    buffers: Vec<Vec<u8>>,
    arguments: Vec<Vec<u8>>,
}

impl Launch {
    pub(super) fn new(kernel: String, grid: [usize; 3]) -> Launch {
        Launch { kernel, grid, buffers: Vec::new(), arguments: Vec::new() }
    }

    /// A buffer with these numbers.
    pub(super) fn buffer<F: Copy>(&mut self, numbers: &[F]) -> Address {
        self.buffers.push(bytes(numbers).to_vec());
        TAG | (self.buffers.len() - 1) as Address
    }

    /// A buffer for `len` numbers, poisoned.
    pub(super) fn room<F: Copy>(&mut self, len: usize) -> Address {
        self.buffers.push(vec![0xff; len * size_of::<F>()]);
        TAG | (self.buffers.len() - 1) as Address
    }

    pub(super) fn argument<A: Arguments>(&mut self, argument: A) {
        self.arguments.push(bytes(&[argument]).to_vec());
    }
}

/// The kernels of a source text.
pub(super) struct Program {
    dir: PathBuf,
}

impl Program {
    /// Compiles `source`.
    pub(super) fn build(source: &str, watch: Watch) -> Program {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let dir = env::temp_dir().join(format!("snn-cuda-{}-{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir_all(&dir).expect("a folder for the program");
        fs::write(dir.join("kernels.cpp"), format!("#include \"host.hpp\"\n{source}")).expect("the program's text");
        let headers = headers();
        let (flag, define) = match watch {
            Watch::Addresses => ("-fsanitize=address", "-DSNN_ASAN"),
            Watch::Races => ("-fsanitize=thread", "-DSNN_TSAN"),
        };
        let [threads, main] = host(define);
        compile(
            &dir,
            &[flag, "-rdynamic", "-o", "program", "-I", &headers.display().to_string(), &threads, &main],
            &dir.join("kernels.cpp"),
        );
        Program { dir }
    }

    /// What each buffer of each launch holds afterwards.
    pub(super) fn run(&self, launches: &[Launch], seed: u64) -> Result<Vec<Buffers>, String> {
        self.run_with(launches, seed, 0)
    }

    /// The same of a source with several faults, one of which is real: `snn_fault`.
    pub(super) fn run_with(&self, launches: &[Launch], seed: u64, fault: usize) -> Result<Vec<Buffers>, String> {
        let mut file = Vec::new();
        let put = |file: &mut Vec<u8>, n: usize| file.extend_from_slice(&(n as u64).to_le_bytes());
        let block = |file: &mut Vec<u8>, bytes: &[u8]| {
            put(file, bytes.len());
            file.extend_from_slice(bytes);
        };
        put(&mut file, launches.len());
        for launch in launches {
            block(&mut file, launch.kernel.as_bytes());
            launch.grid.iter().chain(&[THREADS as usize, 1, 1, seed as usize, launch.buffers.len()]).for_each(|n| put(&mut file, *n));
            launch.buffers.iter().for_each(|buffer| block(&mut file, buffer));
            put(&mut file, launch.arguments.len());
            launch.arguments.iter().for_each(|argument| block(&mut file, argument));
            let pointers: Vec<[usize; 4]> = launch.arguments.iter().enumerate().flat_map(|(i, bytes)| pointers(i, bytes)).collect();
            put(&mut file, pointers.len());
            pointers.iter().flatten().for_each(|n| put(&mut file, *n));
        }
        let (input, output) = (self.dir.join("launches"), self.dir.join("results"));
        fs::write(&input, file).expect("the program's input");
        let mut command = Command::new(self.dir.join("program"));
        command.arg(&input).arg(&output).env("ASAN_OPTIONS", "detect_leaks=0").env("SNN_FAULT", fault.to_string());
        let ran = command.output().expect("the program runs");
        if !ran.status.success() {
            return Err(format!("{}: {}", ran.status, String::from_utf8_lossy(&ran.stderr)));
        }
        let bytes = fs::read(&output).expect("the program's output");
        let mut rest = &bytes[..];
        let mut next = |len: usize| {
            let (of, left) = rest.split_at(len);
            rest = left;
            of.to_vec()
        };
        Ok(launches.iter().map(|launch| Buffers(launch.buffers.iter().map(|buffer| next(buffer.len())).collect())).collect())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// The buffers of a launch.
pub(super) struct Buffers(Vec<Vec<u8>>);

impl Buffers {
    /// The numbers of one.
    pub(super) fn of<F: Copy + Default>(&self, address: Address) -> Vec<F> {
        let raw = &self.0[(address - TAG) as usize];
        let mut numbers = vec![F::default(); raw.len() / size_of::<F>()];
        // SAFETY: plain numbers, of which any bits are one; both sides are that long.
        unsafe { std::ptr::copy_nonoverlapping(raw.as_ptr(), numbers.as_mut_ptr().cast(), raw.len()) };
        numbers
    }
}

fn bytes<T: Copy>(of: &[T]) -> &[u8] {
    // SAFETY: plain numbers, or `Arguments`, which have no padding.
    unsafe { std::slice::from_raw_parts(of.as_ptr().cast(), size_of_val(of)) }
}

/// Where an argument has addresses: argument, offset, buffer, offset there.
fn pointers(argument: usize, bytes: &[u8]) -> Vec<[usize; 4]> {
    let words = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
    let tagged = words.enumerate().filter(|(_, word)| word >> 32 == TAG >> 32);
    tagged.map(|(i, word)| [argument, 8 * i, word as u32 as usize, 0]).collect()
}

fn headers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cuda")
}

/// The threads and `main` as object files, which no sanitizer watches: compiled once for all programs of these sources.
fn host(define: &str) -> [String; 2] {
    static COMPILED: Mutex<()> = Mutex::new(());
    let _one = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let mut hash = DefaultHasher::new();
    for file in ["host.hpp", "host.cpp", "host_main.cpp"] {
        fs::read(headers().join(file)).expect("a source of the threads").hash(&mut hash);
    }
    (compiler(), define).hash(&mut hash);
    let dir = env::temp_dir().join(format!("snn-cuda-host-{:016x}", hash.finish()));
    if !dir.exists() {
        // Made in a private folder; one process of many puts it in its place.
        let private = dir.with_extension(process::id().to_string());
        fs::create_dir_all(&private).expect("a folder for the threads");
        compile(&private, &["-c", "-o", "threads.o", define], &headers().join("host.cpp"));
        compile(&private, &["-c", "-o", "main.o"], &headers().join("host_main.cpp"));
        if fs::rename(&private, &dir).is_err() {
            let _ = fs::remove_dir_all(&private);
        }
    }
    ["threads.o", "main.o"].map(|file| dir.join(file).display().to_string())
}

fn compiler() -> String {
    env::var("CXX").unwrap_or_else(|_| "c++".into())
}

fn compile(dir: &Path, flags: &[&str], file: &Path) {
    let common =
        ["-std=c++17", "-O1", "-g1", "-ffp-contract=off", "-Wall", "-Wno-unknown-pragmas", "-Wno-maybe-uninitialized", "-Wno-unused"];
    let out = Command::new(compiler()).current_dir(dir).args(common).arg(file).args(flags).arg("-ldl").output();
    let out = out.expect("a C++ compiler, which libtorch's bindings need, too");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}
