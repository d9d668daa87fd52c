//! Resident memory of this process. In: nothing; out: bytes, as Linux counts them in `/proc/self`.

use std::{fs, io};

/// Bytes resident now.
pub(crate) fn now() -> io::Result<u64> {
    read("VmRSS")
}

/// The most bytes that were resident at once since [`reset_peak`].
pub(crate) fn peak() -> io::Result<u64> {
    read("VmHWM")
}

/// Counts the peak from here on.
pub(crate) fn reset_peak() -> io::Result<()> {
    fs::write("/proc/self/clear_refs", "5")
}

fn read(field: &str) -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    of_status(&status, field).ok_or_else(|| io::Error::other(format!("/proc/self/status has no {field}")))
}

/// `VmRSS:     1234 kB`
pub(crate) fn of_status(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
