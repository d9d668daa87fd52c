//! In: what a program says about itself (`g++ (Debian 12.2.0-14) 12.2.0`). Out: numbers that compare.

use std::fmt;

/// Major, minor, patch; what is not given is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub u32, pub u32, pub u32);

impl Version {
    /// The first `1.2` or `1.2.3` of the text. A lone number is not a version, unless it is all there is (`12` from `-dumpversion`).
    pub(crate) fn find(text: &str) -> Option<Version> {
        text.split(|c: char| !(c.is_ascii_digit() || c == '.'))
            .find_map(Version::parse)
            .or_else(|| Some(Version(text.trim().parse().ok()?, 0, 0)))
    }

    fn parse(word: &str) -> Option<Version> {
        let mut numbers = word.trim_matches('.').split('.').map(|number| number.parse().ok());
        let (major, minor) = (numbers.next()??, numbers.next()??);
        Some(Version(major, minor, numbers.next().flatten().unwrap_or(0)))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_version_in_what_programs_print() {
        for (text, version) in [
            ("rustc 1.95.0 (59807616e 2026-04-14)", Version(1, 95, 0)),
            ("Python 3.11.7", Version(3, 11, 7)),
            ("pip 23.2.1 from /usr/lib/python3.11/site-packages/pip (python 3.11)", Version(23, 2, 1)),
            ("g++ (Debian 12.2.0-14+deb12u1) 12.2.0", Version(12, 2, 0)),
            ("Debian clang version 14.0.6", Version(14, 0, 6)),
            ("2.13.0+cu130\n", Version(2, 13, 0)),
            ("2.13.0a0+git123", Version(2, 13, 0)),
            ("v20.19", Version(20, 19, 0)),
            ("12\n", Version(12, 0, 0)),
        ] {
            assert_eq!(Version::find(text), Some(version), "{text}");
        }
        assert_eq!(Version::find("command not found"), None);
        assert_eq!(Version::find(""), None);
    }

    #[test]
    fn compares_by_number() {
        assert!(Version(1, 9, 0) < Version(1, 95, 0));
        assert!(Version(21, 0, 0) > Version(20, 3, 9));
        assert_eq!(Version(1, 2, 3).to_string(), "1.2.3");
    }
}
