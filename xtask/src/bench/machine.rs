//! What the numbers were measured on. In: `/proc` and the environment; out: one line.

use std::fs;
use std::thread;

/// Settings of libtorch's threads and of malloc that change speed, and that both sides get as the user has them.
const SETTINGS: [&str; 4] = ["OMP_WAIT_POLICY", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "LD_PRELOAD"];
/// With more runnable programs than this, some of them are not ours.
const BUSY: f64 = 0.7;

/// Processor, cores, load of the last minute, and the settings in force.
pub(crate) fn describe() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| processor(&text)).unwrap_or_else(|| "unknown processor".into());
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let load = fs::read_to_string("/proc/loadavg").ok().and_then(|text| text.split(' ').next()?.parse().ok());
    let settings = SETTINGS.iter().filter_map(|name| Some(format!(", {name}={}", std::env::var(name).ok()?)));
    format!("{cpu}, {cores} cores, {}{}", busy(load), settings.collect::<String>())
}

/// The load, and what it says about the numbers.
fn busy(load: Option<f64>) -> String {
    match load {
        None => "unknown load".into(),
        Some(load) if load > BUSY => format!("load {load:.2} (what is measured now on a busy machine is worth little)"),
        Some(load) => format!("load {load:.2}"),
    }
}

/// `model name : AMD EPYC`
fn processor(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_found() {
        let text = "processor\t: 0\nmodel name\t: AMD EPYC\nmodel name\t: AMD EPYC\n";
        assert_eq!(processor(text).as_deref(), Some("AMD EPYC"));
        assert_eq!(processor("CPU part: 0xd0c"), None);
    }

    #[test]
    fn a_busy_machine_is_named() {
        assert_eq!(busy(Some(0.3)), "load 0.30");
        assert!(busy(Some(3.2)).starts_with("load 3.20 (what is measured now"));
    }
}
