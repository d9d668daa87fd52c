//! One array of numpy (`.npy`), of whole numbers. In: its bytes; out: its numbers.
//!
//! `\x93NUMPY`, a version, the length of the header, the header, which is a Python dictionary, then the elements. The dictionary is
//! written by numpy and always alike, and a parser of Python literals is a far larger crate than this file.

use std::io::Read;

use crate::number::{Number, NumberKind};

/// More elements than this are refused: a small zip file can unpack to any size.
const MAX_ELEMENTS: u64 = 1 << 30;

/// Where in the array something is wrong, what was wanted and what was found.
pub(crate) struct Wrong {
    pub(crate) offset: u64,
    pub(crate) wants: String,
    pub(crate) finds: String,
}

/// How an element is stored, from its type's name: `<u4`, `>i2`, `|b1`.
fn element(descr: &str) -> Option<Number> {
    let (order, kind) = descr.split_at_checked(1)?;
    let big_endian = match order {
        "<" | "|" | "=" => false,
        ">" => true,
        _ => return None,
    };
    let (kind, size) = match kind {
        "b1" | "u1" => (NumberKind::Unsigned, 1),
        "u2" => (NumberKind::Unsigned, 2),
        "u4" => (NumberKind::Unsigned, 4),
        "u8" => (NumberKind::Unsigned, 8),
        "i1" => (NumberKind::Signed, 1),
        "i2" => (NumberKind::Signed, 2),
        "i4" => (NumberKind::Signed, 4),
        "i8" => (NumberKind::Signed, 8),
        _ => return None,
    };
    Some(Number { kind, size, big_endian })
}

/// The numbers of an array with one axis.
pub(crate) fn integers(mut from: impl Read) -> Result<Vec<i128>, Wrong> {
    let mut start = [0; 8];
    take(&mut from, 0, &mut start, "the start of an array of numpy")?;
    let [b'\x93', b'N', b'U', b'M', b'P', b'Y', major, _] = start else {
        return Err(Wrong { offset: 0, wants: r#""\x93NUMPY""#.into(), finds: format!("\"{}\"", start[..6].escape_ascii()) });
    };
    let mut len = [0; 4];
    let width = if major == 1 { 2 } else { 4 };
    take(&mut from, 8, &mut len[..width], "the length of the header")?;
    let len = u32::from_le_bytes(len);
    if len > 1 << 16 {
        return Err(Wrong { offset: 8, wants: "a header of at most 65536 bytes".into(), finds: len.to_string() });
    }
    let header_at = 8 + width as u64;
    let mut header = vec![0; len as usize];
    take(&mut from, header_at, &mut header, "the header")?;
    let header = String::from_utf8_lossy(&header);
    let wrong = |wants: &str| Wrong { offset: header_at, wants: wants.into(), finds: header.trim_end().into() };
    let number = value(&header, "descr").and_then(|v| v.strip_prefix('\'')?.split('\'').next()).and_then(element);
    let number = number.ok_or_else(|| wrong("a 'descr' of whole numbers or booleans"))?;
    let shape = value(&header, "shape").and_then(|v| v.strip_prefix('(')?.split(')').next());
    let count = shape.and_then(|shape| shape.strip_suffix(',')?.trim().parse::<u64>().ok()).filter(|&n| n <= MAX_ELEMENTS);
    let count = count.ok_or_else(|| wrong("a 'shape' of one axis, of at most 2^30 elements"))?;

    // Not allocated ahead: the header may promise more than there is.
    let (data_at, wanted) = (header_at + u64::from(len), count * number.size as u64);
    let mut data = Vec::new();
    let read = from.by_ref().take(wanted).read_to_end(&mut data);
    read.map_err(|e| Wrong { offset: data_at, wants: format!("{count} elements"), finds: e.to_string() })?;
    if (data.len() as u64) < wanted {
        let finds = format!("{} bytes", data.len());
        return Err(Wrong { offset: data_at, wants: format!("{count} elements of {} bytes", number.size), finds });
    }
    // To the end, which also compares zip's checksum.
    match from.read(&mut [0]) {
        Ok(0) => Ok(data.chunks_exact(number.size).map(|bytes| number.integer(bytes)).collect()),
        Ok(_) => Err(Wrong { offset: data_at + wanted, wants: "the end of the array".into(), finds: "more bytes".into() }),
        Err(e) => Err(Wrong { offset: data_at + wanted, wants: "the end of the array".into(), finds: e.to_string() }),
    }
}

fn take(from: &mut impl Read, offset: u64, bytes: &mut [u8], wants: &str) -> Result<(), Wrong> {
    let len = bytes.len();
    from.read_exact(bytes).map_err(|e| Wrong { offset, wants: format!("{len} bytes, {wants}"), finds: e.to_string() })
}

/// What follows a key of the dictionary.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, after) = header.split_once(&format!("'{key}':"))?;
    Some(after.trim_start())
}
