//! Resident memory of this process. In: nothing; out: bytes, as Linux counts them in `/proc/self`.

use std::fs;

use anyhow::{Context as _, Result};

/// Bytes resident now.
pub(crate) fn now() -> Result<u64> {
    read("VmRSS")
}

/// The most bytes that were resident at once since [`reset_peak`].
pub(crate) fn peak() -> Result<u64> {
    read("VmHWM")
}

/// Counts the peak from here on.
pub(crate) fn reset_peak() -> Result<()> {
    fs::write("/proc/self/clear_refs", "5").context("the peak of memory cannot be reset")
}

fn read(field: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("cannot read /proc/self/status")?;
    of_status(&status, field).with_context(|| format!("/proc/self/status has no {field}"))
}

/// `VmRSS:     1234 kB`
fn of_status(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let status = "VmPeak:\t  900 kB\nVmHWM:\t  700 kB\nVmRSS:\t     3 kB\nThreads:\t2\n";
        assert_eq!((of_status(status, "VmHWM"), of_status(status, "VmRSS")), (Some(700 * 1024), Some(3 * 1024)));
        assert_eq!((of_status(status, "Vm"), of_status(status, "Threads")), (None, None));
    }

    #[test]
    fn the_peak_follows_an_allocation_and_a_reset() {
        reset_peak().unwrap();
        let before = peak().unwrap();
        let block = std::hint::black_box(vec![1u8; 64 << 20]);
        assert!(peak().unwrap() >= before + (60 << 20));
        drop(block);
        reset_peak().unwrap();
        assert!(peak().unwrap() < before + (60 << 20));
    }
}
