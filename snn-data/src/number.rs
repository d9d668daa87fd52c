//! Numbers as files hold them. In: how they are stored, and bytes; out: their values.

use half::f16;

/// How a number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) kind: NumberKind,
    /// 1, 2, 4 or 8 bytes; a float has not 1.
    pub(crate) size: usize,
    pub(crate) big_endian: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberKind {
    Unsigned,
    Signed,
    Float,
}

impl Number {
    /// The bits of a number, in the low bytes.
    fn bits(self, bytes: &[u8]) -> u64 {
        let mut word = [0; 8];
        word[..self.size].copy_from_slice(bytes);
        if self.big_endian {
            word[..self.size].reverse();
        }
        u64::from_le_bytes(word)
    }

    /// A float, exactly.
    pub(crate) fn float(self, bytes: &[u8]) -> f64 {
        let bits = self.bits(bytes);
        match self.size {
            2 => f16::from_bits(bits as u16).to_f64(),
            4 => f32::from_bits(bits as u32).into(),
            _ => f64::from_bits(bits),
        }
    }

    /// A whole number.
    pub(crate) fn integer(self, bytes: &[u8]) -> i128 {
        let unused = 64 - 8 * self.size as u32;
        let bits = self.bits(bytes) << unused;
        if self.kind == NumberKind::Signed { (bits.cast_signed() >> unused).into() } else { (bits >> unused).into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use NumberKind::{Float, Signed, Unsigned};

    fn number(kind: NumberKind, size: usize, big_endian: bool) -> Number {
        Number { kind, size, big_endian }
    }

    #[test]
    fn whole_numbers_of_any_width() {
        assert_eq!(number(Unsigned, 1, false).integer(&[0xff]), 255);
        assert_eq!(number(Signed, 1, false).integer(&[0xff]), -1);
        assert_eq!(number(Unsigned, 2, false).integer(&[1, 2]), 0x201);
        assert_eq!(number(Signed, 2, true).integer(&[0xff, 0xfe]), -2);
        assert_eq!(number(Signed, 4, true).integer(&[0, 0, 1, 0]), 256);
        assert_eq!(number(Unsigned, 8, false).integer(&[0xff; 8]), i128::from(u64::MAX));
        assert_eq!(number(Signed, 8, false).integer(&i64::MIN.to_le_bytes()), i128::from(i64::MIN));
    }

    #[test]
    fn floats_of_any_width() {
        assert_eq!(number(Float, 2, false).float(&[0x00, 0x3e]), 1.5);
        assert_eq!(number(Float, 2, true).float(&[0x3e, 0x00]), 1.5);
        assert_eq!(number(Float, 4, false).float(&1.5f32.to_le_bytes()), 1.5);
        assert_eq!(number(Float, 8, true).float(&0.1f64.to_be_bytes()), 0.1);
    }
}
