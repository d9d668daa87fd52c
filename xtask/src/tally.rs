//! In: the lines a test run prints. Out: how many passed, failed, were skipped.

use std::fmt;
use std::ops::AddAssign;

/// Displays as the closing line, `3 passed, 0 failed, 1 skipped`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Tally {
    /// What the line counts, if it is a closing line: libtest's `test result: ok. 3 passed; 0 failed; 1 ignored; ..` (coloured or
    /// not; an ignored test is a skipped one, a filtered one is none), or our own.
    pub(crate) fn of_line(line: &str) -> Option<Tally> {
        if let Some(result) = line.strip_prefix("test result: ") {
            let counts = result.split_once(". ")?.1;
            let mut counts = counts.split("; ").map(count);
            return Some(Tally {
                passed: counts.next()?.of("passed")?,
                failed: counts.next()?.of("failed")?,
                skipped: counts.next()?.of("ignored")?,
            });
        }
        let mut counts = line.trim_end().split(", ").map(count);
        let tally =
            Tally { passed: counts.next()?.of("passed")?, failed: counts.next()?.of("failed")?, skipped: counts.next()?.of("skipped")? };
        counts.next().is_none().then_some(tally)
    }
}

/// `3 passed`
struct Count<'a>(&'a str);

fn count(text: &str) -> Count<'_> {
    Count(text)
}

impl Count<'_> {
    fn of(&self, what: &str) -> Option<u64> {
        let (number, word) = self.0.split_once(' ')?;
        if word == what { number.parse().ok() } else { None }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn tally(passed: u64, failed: u64, skipped: u64) -> Option<Tally> {
        Some(Tally { passed, failed, skipped })
    }

    #[test]
    fn reads_libtest() {
        let of = Tally::of_line;
        assert_eq!(of("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.02s"), tally(12, 0, 1));
        assert_eq!(of("test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.02s"), tally(1, 2, 0));
        let coloured = "test result: \x1b[32mok\x1b(B\x1b[m. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(of(coloured), tally(5, 0, 0));
    }

    #[test]
    fn reads_our_own_closing_line() {
        let line = Tally { passed: 7, failed: 1, skipped: 30 }.to_string();
        assert_eq!(line, "7 passed, 1 failed, 30 skipped");
        assert_eq!(Tally::of_line(&line), tally(7, 1, 30));
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in [
            "test a ... ok",
            "running 3 tests",
            "test result: ok",
            "3 passed",
            "3 passed, 1 failed",
            "1 passed, 2 failed, 3 skipped, 4 slow",
            "",
        ] {
            assert_eq!(Tally::of_line(line), None, "{line}");
        }
    }

    #[test]
    fn adds_up() {
        let mut sum = Tally::default();
        sum += Tally { passed: 1, failed: 2, skipped: 3 };
        sum += Tally { passed: 10, failed: 20, skipped: 30 };
        assert_eq!(Some(sum), tally(11, 22, 33));
    }
}
