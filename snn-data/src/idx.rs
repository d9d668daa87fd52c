//! The IDX format of MNIST and its relatives. In: a file, plain or gzip (told by its first bytes); out: sizes and bytes.
//!
//! Two zero bytes, the element type, the number of axes, each axis as a big-endian `u32`, then the elements, last axis fastest.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, Result, wrong};

/// More elements than this are refused: a small gzip file can unpack to any size.
const MAX_ELEMENTS: u64 = 1 << 32;

/// An array of unsigned bytes, as it is in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    /// Length of each axis, outermost first: `[60000, 28, 28]`.
    pub sizes: Vec<usize>,
    /// All elements, last axis fastest; as many as the product of the sizes.
    pub data: Vec<u8>,
}

impl Idx {
    /// Reads a file of unsigned bytes.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is no IDX file, has another element type, or its length is not what its header says.
    pub fn read(path: impl AsRef<Path>) -> Result<Idx> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|source| Error::Io { path: path.into(), source })?;
        Idx::decode(path, BufReader::new(file))
    }

    /// [`read`](Self::read) from anywhere, `&[u8]` for one; `path` is for errors.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn decode(path: &Path, mut from: impl BufRead) -> Result<Idx> {
        let gzip = from.fill_buf().map_err(|e| failed(path, e))?.starts_with(&[0x1f, 0x8b]);
        if gzip { parse(path, MultiGzDecoder::new(from)) } else { parse(path, from) }
    }
}

/// A file that is not what it should be is told from one that cannot be read.
fn failed(path: &Path, source: io::Error) -> Error {
    match source.kind() {
        ErrorKind::UnexpectedEof => wrong(path, "ends too early"),
        ErrorKind::InvalidData | ErrorKind::InvalidInput => wrong(path, format!("its gzip data are damaged: {source}")),
        _ => Error::Io { path: path.into(), source },
    }
}

fn type_name(code: u8) -> Option<&'static str> {
    Some(match code {
        0x08 => "unsigned bytes",
        0x09 => "signed bytes",
        0x0b => "16-bit integers",
        0x0c => "32-bit integers",
        0x0d => "32-bit floats",
        0x0e => "64-bit floats",
        _ => return None,
    })
}

fn parse(path: &Path, mut from: impl Read) -> Result<Idx> {
    let mut word = || {
        let mut word = [0; 4];
        from.read_exact(&mut word).map(|()| word).map_err(|e| failed(path, e))
    };
    let magic = word()?;
    let [0, 0, code, axes] = magic else {
        return Err(wrong(
            path,
            format!("is no IDX file: it wants to start with 00 00, but starts with {:02x} {:02x}", magic[0], magic[1]),
        ));
    };
    match type_name(code) {
        Some("unsigned bytes") => {}
        Some(other) => return Err(wrong(path, format!("wants unsigned bytes (type 08), but has {other} (type {code:02x})"))),
        None => return Err(wrong(path, format!("is no IDX file: there is no element type {code:02x}"))),
    }
    let sizes = (0..axes).map(|_| Ok(u32::from_be_bytes(word()?) as usize)).collect::<Result<Vec<_>>>()?;
    let elements = sizes.iter().try_fold(1u64, |n, &size| n.checked_mul(size as u64)).filter(|&n| n <= MAX_ELEMENTS);
    let Some(elements) = elements else {
        return Err(wrong(path, format!("its header announces {sizes:?} elements, more than the {MAX_ELEMENTS} that are read")));
    };
    // Not allocated ahead: the header may promise more than there is.
    let mut data = Vec::new();
    from.by_ref().take(elements).read_to_end(&mut data).map_err(|e| failed(path, e))?;
    if (data.len() as u64) < elements {
        return Err(wrong(
            path,
            format!("ends too early: {sizes:?} wants {elements} bytes after the header, but there are {}", data.len()),
        ));
    }
    // To the end, which also compares gzip's checksum.
    if from.read(&mut [0]).map_err(|e| failed(path, e))? > 0 {
        return Err(wrong(path, format!("goes on after the {elements} bytes of {sizes:?}")));
    }
    Ok(Idx { sizes, data })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    /// A file of the given sizes.
    fn file(sizes: &[u32], data: &[u8]) -> Vec<u8> {
        let header = [0, 0, 8, sizes.len() as u8];
        [&header[..], &sizes.iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<u8>>(), data].concat()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn decode(bytes: &[u8]) -> Result<Idx> {
        Idx::decode(Path::new("some-file"), bytes)
    }

    fn error(bytes: &[u8]) -> String {
        decode(bytes).unwrap_err().to_string()
    }

    #[test]
    fn plain_and_gzip_are_read_alike() {
        let bytes = file(&[2, 3], &[1, 2, 3, 4, 5, 6]);
        let want = Idx { sizes: vec![2, 3], data: vec![1, 2, 3, 4, 5, 6] };
        assert_eq!(decode(&bytes).unwrap(), want);
        assert_eq!(decode(&gzip(&bytes)).unwrap(), want);
        assert!(decode(&file(&[0, 7], &[])).unwrap().data.is_empty());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(error(b"PNG!"), "some-file: is no IDX file: it wants to start with 00 00, but starts with 50 4e");
        assert_eq!(error(&[0, 0, 7, 1]), "some-file: is no IDX file: there is no element type 07");
        assert_eq!(error(&[0, 0, 13, 1]), "some-file: wants unsigned bytes (type 08), but has 32-bit floats (type 0d)");
        assert_eq!(error(&[]), "some-file: ends too early");
        let all = file(&[2, 3], &[1, 2, 3, 4, 5, 6]);
        assert_eq!(error(&all[..14]), "some-file: ends too early: [2, 3] wants 6 bytes after the header, but there are 2");
        assert_eq!(error(&[&all[..], &[7]].concat()), "some-file: goes on after the 6 bytes of [2, 3]");
        let huge = error(&file(&[u32::MAX; 9], &[]));
        assert!(huge.contains("more than the 4294967296 that are read"), "{huge}");
        assert!(Idx::read("/nowhere/x").unwrap_err().to_string().starts_with("/nowhere/x: No such file"));
        assert!(matches!(Idx::read(std::env::temp_dir()), Err(Error::Io { .. })));
    }

    #[test]
    fn every_cut_is_an_error() {
        for whole in [file(&[2, 3], &[1, 2, 3, 4, 5, 6]), gzip(&file(&[2, 3], &[1, 2, 3, 4, 5, 6]))] {
            for end in 0..whole.len() {
                assert!(matches!(decode(&whole[..end]), Err(Error::Format { .. })), "{end} of {} bytes", whole.len());
            }
        }
    }

    #[test]
    fn a_flipped_bit_in_gzip_is_noticed() {
        let plain = file(&[4, 5], &(0..20).collect::<Vec<u8>>());
        let (want, whole) = (decode(&plain).unwrap(), gzip(&plain));
        for bit in 80..8 * whole.len() {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            match decode(&bytes) {
                Err(Error::Format { .. }) => {}
                // The bits between the packed data and the checksum mean nothing.
                other => assert_eq!(other.unwrap(), want, "bit {bit}"),
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), start in 0usize..4, packed: bool) {
            let starts: [&[u8]; 4] = [&[], &[0, 0, 8], &[0, 0, 8, 2, 0, 0, 0], &[0x1f, 0x8b, 8, 0]];
            let bytes = [starts[start], &bytes].concat();
            let read = decode(&if packed { gzip(&bytes) } else { bytes });
            if let Ok(idx) = read {
                prop_assert_eq!(idx.sizes.iter().product::<usize>(), idx.data.len());
            }
        }
    }
}
