//! Text with numbers in it, built at compile time. In: words and numbers; out: a `&str` for a const panic.

/// A fixed buffer that `const fn`s can append to; what does not fit is cut off.
pub(crate) struct Message {
    bytes: [u8; Message::LEN],
    len: usize,
}

impl Message {
    const LEN: usize = 512;

    pub(crate) const fn new() -> Self {
        Message { bytes: [0; Message::LEN], len: 0 }
    }

    pub(crate) const fn text(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        let mut i = 0;
        while i < text.len() && self.len < Message::LEN {
            self.bytes[self.len] = text[i];
            self.len += 1;
            i += 1;
        }
        self
    }

    pub(crate) const fn number(mut self, n: usize) -> Self {
        let (mut digits, mut scale) = (1, 1usize);
        while n / scale >= 10 {
            scale *= 10;
            digits += 1;
        }
        while digits > 0 && self.len < Message::LEN {
            self.bytes[self.len] = b'0' + (n / scale % 10) as u8;
            self.len += 1;
            digits -= 1;
            scale /= 10;
        }
        self
    }

    pub(crate) const fn as_str(&self) -> &str {
        let (text, _) = self.bytes.split_at(self.len);
        match core::str::from_utf8(text) {
            Ok(s) => s,
            Err(_) => "a message with a cut-off character",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Message;

    #[test]
    fn words_and_numbers() {
        const M: Message = Message::new().text("`fc1` expects ").number(6272).text(" input features, but gets ").number(0);
        assert_eq!(M.as_str(), "`fc1` expects 6272 input features, but gets 0");
        assert_eq!(Message::new().number(usize::MAX).as_str(), "18446744073709551615");
    }

    #[test]
    fn overlong_text_is_cut() {
        let long = [b'x'; 600];
        let m = Message::new().text(core::str::from_utf8(&long).unwrap()).number(7);
        assert_eq!(m.as_str().len(), 512);
    }
}
