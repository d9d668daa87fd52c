//! Our runner of `cargo xtask bench`. In: requests, one JSON object a line on stdin; out: one reply a line on stdout.
//!
//! `peers/runner.py` answers the same requests for the Python frameworks. Both load weights and inputs from one file, compute
//! on request, and report times, peak memory and results; `xtask` takes turns between them and compares. With the argument `snn-frozen` the
//! net is frozen first.

mod frozen;
mod job;
mod memory;
mod model;
mod nets;
mod protocol;

use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use snn::Device;

use frozen::FrozenJob;
use job::{AtWork, Job};
use model::Model;
use protocol::{Reply, Request};

/// What the timed iterations rest on: allocators filled, pages touched.
const WARM_UP: usize = 2;

fn main() -> ExitCode {
    // As the demo does: what a user of this library calls once.
    let _glibc = snn::train::keep_freed_memory();
    let frozen = std::env::args().nth(1).is_some_and(|side| side == "snn-frozen");
    let mut job = None;
    let mut out = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let request = line.map_err(anyhow::Error::from).and_then(|line| Ok(serde_json::from_str(&line)?));
        let reply = request
            .and_then(|request| answer(request, frozen, &mut job))
            .unwrap_or_else(|error| Reply::Failed { error: format!("{error:#}") });
        let text = serde_json::to_string(&reply).expect("a reply is numbers and text");
        if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
            return ExitCode::FAILURE; // nobody listens any more
        }
    }
    ExitCode::SUCCESS
}

fn answer(request: Request, frozen: bool, job: &mut Option<Box<dyn AtWork>>) -> Result<Reply> {
    match request {
        Request::Make { work, file } => {
            let firing = Model::build(&work, Device::Cpu)?.draw(&work, &file)?;
            Ok(Reply::Made { firing })
        }
        Request::Prepare { work, file, results, threads, device } => {
            set_threads(threads)?;
            let device = device.map_or(Device::Cpu, Device::Cuda);
            ensure!(!frozen || device == Device::Cpu, "a frozen net runs on the CPU");
            let base = memory::now()?;
            let model = Model::build(&work, device)?;
            let mut fresh: Box<dyn AtWork> = match frozen {
                true => Box::new(FrozenJob::prepare(model, &work, &file)?),
                false => Box::new(Job::prepare(model, &work, &file)?),
            };
            fresh.first(&results)?;
            let mut seconds = 0.0;
            for _ in 0..WARM_UP {
                seconds = timed(&mut *fresh)?;
            }
            *job = Some(fresh);
            memory::reset_peak()?;
            let how = match device {
                _ if frozen => ", frozen".to_string(),
                Device::Cuda(index) => format!(", CUDA device {index}"),
                _ => String::new(),
            };
            Ok(Reply::Ready { about: format!("snn {}{how}", env!("CARGO_PKG_VERSION")), base, seconds })
        }
        Request::Run { iterations } => {
            let job = job.as_mut().context("`prepare` comes first")?;
            let seconds = (0..iterations).map(|_| timed(&mut **job)).collect::<Result<_>>()?;
            Ok(Reply::Ran { seconds, peak: memory::peak()? })
        }
    }
}

/// One iteration, with what it frees.
fn timed(job: &mut dyn AtWork) -> Result<f64> {
    let start = Instant::now();
    job.again()?;
    Ok(start.elapsed().as_secs_f64())
}

/// libtorch and the kernels of snn each have their threads; they never compute at the same time.
fn set_threads(threads: usize) -> Result<()> {
    ensure!(threads > 0, "no thread is no way to compute");
    tch::set_num_threads(i32::try_from(threads)?);
    if rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().is_err() {
        ensure!(rayon::current_num_threads() == threads, "the number of threads is set once per process");
    }
    Ok(())
}
