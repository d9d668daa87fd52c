//! The few protocol-buffer messages of an event file. In: numbers and bytes; out: their wire format.
//!
//! `Event { wall_time: double = 1, step: int64 = 2, file_version: string = 3, summary: Summary = 5 }`, `Summary { value: repeated Value = 1 }`,
//! `Value { tag: string = 1, simple_value: float = 2, image: Image = 4, histo: HistogramProto = 5 }`.

/// A message that is being written.
#[derive(Default)]
pub(crate) struct Message {
    bytes: Vec<u8>,
}

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const LENGTH: u64 = 2;
const FIXED32: u64 = 5;

impl Message {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    pub(crate) fn int64(mut self, field: u64, value: i64) -> Message {
        self.varint(field << 3 | VARINT);
        self.varint(value as u64);
        self
    }

    pub(crate) fn double(mut self, field: u64, value: f64) -> Message {
        self.varint(field << 3 | FIXED64);
        self.bytes.extend(value.to_le_bytes());
        self
    }

    pub(crate) fn float(mut self, field: u64, value: f32) -> Message {
        self.varint(field << 3 | FIXED32);
        self.bytes.extend(value.to_le_bytes());
        self
    }

    /// A string, bytes, or a message.
    pub(crate) fn bytes(mut self, field: u64, value: &[u8]) -> Message {
        self.varint(field << 3 | LENGTH);
        self.varint(value.len() as u64);
        self.bytes.extend(value);
        self
    }

    pub(crate) fn message(self, field: u64, value: Message) -> Message {
        self.bytes(field, &value.into_bytes())
    }

    /// The fields of another message, as if they were this one's.
    pub(crate) fn and(mut self, fields: Message) -> Message {
        self.bytes.extend(fields.bytes);
        self
    }

    /// `repeated double`, packed.
    pub(crate) fn doubles(self, field: u64, values: &[f64]) -> Message {
        let packed: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.bytes(field, &packed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the encoding's description.
    #[test]
    fn wire_format() {
        assert_eq!(Message::default().int64(1, 150).into_bytes(), [0x08, 0x96, 0x01]);
        assert_eq!(Message::default().bytes(2, b"testing").into_bytes(), b"\x12\x07testing");
        assert_eq!(Message::default().message(3, Message::default().int64(1, 150)).into_bytes(), [0x1a, 0x03, 0x08, 0x96, 0x01]);
        assert_eq!(Message::default().float(2, 1.0).into_bytes(), [0x15, 0, 0, 0x80, 0x3f]);
        assert_eq!(Message::default().int64(2, -1).into_bytes().len(), 11);
    }
}
