//! Python's pickle as data. In: the bytes of a `data.pkl`; out: its values, of which nothing was run: a class is its name.
//!
//! Values lie in one list and name each other by number, so that a file can nest them as deep as it likes. What is built by a function or a
//! class ([`Value::Called`]) is for the reader to understand, or not.

use std::collections::HashMap;

/// The number of a value.
pub(super) type Id = usize;

#[derive(Debug)]
pub(super) enum Value {
    None,
    Int(i64),
    Text(String),
    /// A list, a tuple or a set.
    Items(Vec<Id>),
    /// In the order of the file.
    Dict(Vec<(Id, Id)>),
    /// A class or function by its name: `torch._utils._rebuild_tensor_v2`.
    Global(String),
    /// What a class or function was to be called with.
    Called(Id, Id),
    /// What stands outside of the pickle: the storage of a tensor.
    Outside(Id),
    /// Anything else that a pickle may hold: floats, bytes, large numbers.
    Other,
}

/// All values of a pickle.
#[derive(Debug)]
pub(super) struct Pickle {
    values: Vec<Value>,
    root: Id,
}

impl Pickle {
    pub(super) fn root(&self) -> Id {
        self.root
    }

    pub(super) fn get(&self, id: Id) -> &Value {
        &self.values[id]
    }

    pub(super) fn text(&self, id: Id) -> Option<&str> {
        if let Value::Text(text) = self.get(id) { Some(text) } else { None }
    }

    pub(super) fn items(&self, id: Id) -> Option<&[Id]> {
        if let Value::Items(items) = self.get(id) { Some(items) } else { None }
    }

    /// A list of whole numbers of 0 or more.
    pub(super) fn counts(&self, id: Id) -> Option<Vec<usize>> {
        self.items(id)?.iter().map(|&item| self.count(item)).collect()
    }

    pub(super) fn count(&self, id: Id) -> Option<usize> {
        if let Value::Int(n) = self.get(id) { usize::try_from(*n).ok() } else { None }
    }

    /// The name of a class or function.
    pub(super) fn global(&self, id: Id) -> Option<&str> {
        if let Value::Global(name) = self.get(id) { Some(name) } else { None }
    }
}

/// Reads a pickle of protocols 2 to 5.
///
/// # Errors
///
/// What is wrong with it, in words: it ends too early, or holds an instruction that takes what is not there.
pub(super) fn read(bytes: &[u8]) -> Result<Pickle, String> {
    let mut machine = Machine { bytes, at: 0, values: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    loop {
        let (at, op) = (machine.at, machine.byte()?);
        if op == b'.' {
            let root = machine.pop()?;
            return Ok(Pickle { values: machine.values, root });
        }
        machine.run(op).map_err(|problem| format!("{problem}, at byte {at}"))?;
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

const ENDS: &str = "it ends too early";

/// What there is to be done about another protocol.
const PROTOCOL: &str = "write it with the default `pickle_protocol`";

/// As long as the name of a class may be: one text may be the name of a million.
const LONGEST_NAME: usize = 1000;

impl<'a> Machine<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], String> {
        let taken = self.at.checked_add(n).and_then(|end| self.bytes.get(self.at..end)).ok_or(ENDS)?;
        self.at += n;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    /// A number of `n` bytes without a sign, little endian.
    fn number(&mut self, n: usize) -> Result<u64, String> {
        Ok(self.take(n)?.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// As many bytes as a number of `n` bytes says.
    fn counted(&mut self, n: usize) -> Result<&'a [u8], String> {
        let length = usize::try_from(self.number(n)?).map_err(|_| ENDS)?;
        self.take(length)
    }

    fn text(&mut self, n: usize) -> Result<String, String> {
        let bytes = self.counted(n)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| "a text is not UTF-8".into())
    }

    fn line(&mut self) -> Result<String, String> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or(ENDS)?;
        self.at += length + 1;
        String::from_utf8(rest[..length].to_vec()).map_err(|_| "a name is not UTF-8".into())
    }

    fn push(&mut self, value: Value) {
        self.values.push(value);
        self.stack.push(self.values.len() - 1);
    }

    /// What lies above the last mark belongs to it.
    fn pop(&mut self) -> Result<Id, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err("an instruction takes a value, and there is none".into());
        }
        self.stack.pop().ok_or_else(|| ENDS.into())
    }

    fn top(&self) -> Result<Id, String> {
        self.stack.last().copied().ok_or_else(|| "an instruction changes a value, and there is none".into())
    }

    fn marked(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or("a group ends that never began")?;
        Ok(self.stack.split_off(mark))
    }

    fn tuple(&mut self, n: usize) -> Result<(), String> {
        let mut items = (0..n).map(|_| self.pop()).collect::<Result<Vec<Id>, String>>()?;
        items.reverse();
        self.push(Value::Items(items));
        Ok(())
    }

    /// Adds to the list on top; to what is no list (a class may take items) nothing is added.
    fn append(&mut self, more: &[Id]) -> Result<(), String> {
        let top = self.top()?;
        if let Value::Items(items) = &mut self.values[top] {
            items.extend(more);
        }
        Ok(())
    }

    fn set(&mut self, more: &[Id]) -> Result<(), String> {
        let (pairs, []) = more.as_chunks::<2>() else { return Err("a key has no value".into()) };
        let top = self.top()?;
        if let Value::Dict(dict) = &mut self.values[top] {
            dict.extend(pairs.iter().map(|[key, value]| (*key, *value)));
        }
        Ok(())
    }

    fn global(module: &str, name: &str) -> Result<Value, String> {
        if module.len() + name.len() > LONGEST_NAME {
            return Err("a class has too long a name".into());
        }
        Ok(Value::Global(format!("{module}.{name}")))
    }

    /// `collections.OrderedDict()` is a dict; every other call stays one.
    fn call(&mut self) -> Result<(), String> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let value = match &self.values[function] {
            Value::Global(name) if name == "collections.OrderedDict" => Value::Dict(Vec::new()),
            _ => Value::Called(function, arguments),
        };
        self.push(value);
        Ok(())
    }

    fn remember(&mut self, key: u64) -> Result<(), String> {
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, key: u64) -> Result<(), String> {
        let id = *self.memo.get(&key).ok_or("it names a value that it has not remembered")?;
        self.stack.push(id);
        Ok(())
    }

    /// A whole number of any length, little endian with a sign.
    fn long(bytes: &[u8]) -> Value {
        if bytes.len() > 8 {
            return Value::Other;
        }
        let sign = if bytes.last().is_some_and(|&byte| byte >= 0x80) { 0xff } else { 0 };
        let mut whole = [sign; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        Value::Int(i64::from_le_bytes(whole))
    }

    fn run(&mut self, op: u8) -> Result<(), String> {
        match op {
            0x80 => match self.byte()? {
                2..=5 => {}
                protocol => return Err(format!("it is of protocol {protocol} ({PROTOCOL})")),
            },
            // A frame only says how long it is.
            0x95 => drop(self.take(8)?),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.marked()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }

            b'N' => self.push(Value::None),
            0x88 | 0x89 => self.push(Value::Other),
            b'J' => {
                let n = self.number(4)? as u32 as i32;
                self.push(Value::Int(n.into()));
            }
            b'K' | b'M' => {
                let n = self.number(if op == b'K' { 1 } else { 2 })?;
                self.push(Value::Int(n as i64));
            }
            0x8a | 0x8b => {
                let bytes = self.counted(if op == 0x8a { 1 } else { 4 })?;
                self.push(Self::long(bytes));
            }
            b'G' => {
                self.take(8)?;
                self.push(Value::Other);
            }
            b'X' | 0x8c | 0x8d => {
                let text = self.text(match op {
                    0x8c => 1,
                    b'X' => 4,
                    _ => 8,
                })?;
                self.push(Value::Text(text));
            }
            b'C' | b'U' | b'B' | b'T' | 0x8e | 0x96 => {
                self.counted(match op {
                    b'C' | b'U' => 1,
                    b'B' | b'T' => 4,
                    _ => 8,
                })?;
                self.push(Value::Other);
            }

            b')' | b']' | 0x8f => self.push(Value::Items(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            0x85..=0x87 => self.tuple(usize::from(op - 0x84))?,
            b't' | b'l' | 0x91 => {
                let items = self.marked()?;
                self.push(Value::Items(items));
            }
            b'd' => {
                let items = self.marked()?;
                self.push(Value::Dict(Vec::new()));
                self.set(&items)?;
            }
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            b'e' | 0x90 => {
                let items = self.marked()?;
                self.append(&items)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(&[key, value])?;
            }
            b'u' => {
                let items = self.marked()?;
                self.set(&items)?;
            }

            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Self::global(&module, &name)?);
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Value::Text(module), Value::Text(name)) = (&self.values[module], &self.values[name]) else {
                    return Err("a class has no name".into());
                };
                let global = Self::global(module, name)?;
                self.push(global);
            }
            b'R' | 0x81 => self.call()?,
            0x92 => {
                self.pop()?;
                self.call()?;
            }
            // Attributes of an object; those of a state dict are the versions of its modules.
            b'b' => {
                self.pop()?;
                self.top()?;
            }
            b'Q' => {
                let what = self.pop()?;
                self.push(Value::Outside(what));
            }

            b'q' | b'r' => {
                let key = self.number(if op == b'q' { 1 } else { 4 })?;
                self.remember(key)?;
            }
            0x94 => self.remember(self.memo.len() as u64)?,
            b'h' | b'j' => {
                let key = self.number(if op == b'h' { 1 } else { 4 })?;
                self.recall(key)?;
            }
            other => return Err(format!("it holds the instruction {other:#04x}, which `torch.save` does not write ({PROTOCOL})")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_has_a_name_of_some_length() {
        let text = |n: usize| [&b"X"[..], &(n as u32).to_le_bytes(), &vec![b'a'; n]].concat();
        let named = |n: usize| read(&[&b"\x80\x04"[..], &text(n), &text(n), b"\x93."].concat());
        assert!(named(LONGEST_NAME / 2).is_ok());
        let e = named(LONGEST_NAME / 2 + 1).unwrap_err();
        assert!(e.starts_with("a class has too long a name, at byte"), "{e}");
    }

    #[test]
    fn an_old_protocol_is_told_with_the_fix() {
        // `pickle.dumps([1], protocol=0)`
        let e = read(b"(lp0\nI1\na.").unwrap_err();
        assert!(e.contains("0x70") && e.contains("the default `pickle_protocol`"), "{e}");
    }
}
