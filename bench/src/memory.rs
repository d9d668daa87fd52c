//! Resident memory of this process, by the code that the tests of memory use, and that code's own tests.

#[path = "../../tests/support/memory.rs"]
mod counted;

pub(crate) use counted::{now, peak, reset_peak};

#[cfg(test)]
mod tests {
    use super::counted::of_status;
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
