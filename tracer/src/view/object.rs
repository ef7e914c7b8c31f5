//! A JSON object, written as it goes: no tree in between, keys in the order they are given.

use super::{escape, number};

/// An object that is being written.
pub struct Object<'a> {
    out: &'a mut String,
    empty: bool,
}

impl<'a> Object<'a> {
    pub(super) fn begin(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, empty: true }
    }

    pub(super) fn end(self) {
        self.out.push('}');
    }

    /// A number.
    pub(super) fn number(&mut self, key: &str, value: impl Into<u64>) {
        self.key(key);
        number::decimal(value, self.out);
    }

    /// A number that may be negative.
    pub(super) fn signed(&mut self, key: &str, value: i64) {
        self.key(key);
        number::signed(value, self.out);
    }

    /// True or false.
    pub(super) fn truth(&mut self, key: &str, value: bool) {
        self.key(key);
        self.out.push_str(if value { "true" } else { "false" });
    }

    /// A string of foreign bytes.
    pub(super) fn foreign(&mut self, key: &str, bytes: &[u8]) {
        self.text(key, |out| escape(bytes, out));
    }

    /// A string that `write` appends.
    pub(super) fn text(&mut self, key: &str, write: impl FnOnce(&mut String)) {
        self.key(key);
        string(self.out, write);
    }

    /// What `write` appends, which must be JSON.
    pub(super) fn written(&mut self, key: &str, write: impl FnOnce(&mut String)) {
        self.key(key);
        write(self.out);
    }

    /// Whatever it is.
    pub(super) fn value(&mut self, key: &str, value: &serde_json::Value) {
        use std::fmt::Write as _;
        self.key(key);
        // Writing to a string cannot fail.
        let _ = write!(self.out, "{value}");
    }

    /// An object within.
    pub(super) fn object(&mut self, key: &str, write: impl FnOnce(&mut Object<'_>)) {
        self.key(key);
        let mut inner = Object::begin(self.out);
        write(&mut inner);
        inner.end();
    }

    /// A list of strings; `write` appends each.
    pub(super) fn list<T>(&mut self, key: &str, items: impl IntoIterator<Item = T>, write: impl Fn(T, &mut String)) {
        self.key(key);
        self.out.push('[');
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            string(self.out, |out| write(item, out));
        }
        self.out.push(']');
    }

    /// A list of objects; `write` fills each.
    pub(super) fn objects<T>(
        &mut self,
        key: &str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(T, &mut Object<'_>),
    ) {
        self.key(key);
        self.out.push('[');
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            let mut inner = Object::begin(self.out);
            write(item, &mut inner);
            inner.end();
        }
        self.out.push(']');
    }

    /// A number with a fraction, to four digits behind the point.
    pub(super) fn fraction(&mut self, key: &str, value: f64) {
        use std::fmt::Write as _;
        self.key(key);
        // Writing to a string cannot fail. JSON has no word for what is not finite; nothing here divides by 0.
        let _ = write!(self.out, "{:.4}", if value.is_finite() { value } else { 0.0 });
    }

    fn key(&mut self, key: &str) {
        self.out.push_str(if self.empty { "\"" } else { ",\"" });
        self.empty = false;
        let start = self.out.len();
        self.out.push_str(key);
        quote(start, self.out);
        self.out.push_str("\":");
    }
}

/// Appends a string that `write` appends.
pub(super) fn string(out: &mut String, write: impl FnOnce(&mut String)) {
    out.push('"');
    let start = out.len();
    write(out);
    quote(start, out);
    out.push('"');
}

/// Quotes what JSON wants quoted, in the part from `start` on; there hardly ever is any.
fn quote(start: usize, out: &mut String) {
    let needs_quoting = |byte: u8| byte == b'"' || byte == b'\\' || byte < b' ';
    // Without a way out early the compiler looks at many bytes at once.
    if !out.as_bytes()[start..].iter().fold(false, |found, &byte| found | needs_quoting(byte)) {
        return;
    }
    for letter in out.split_off(start).chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\0'..='\x1f' => {
                out.push_str("\\u");
                number::hex(letter as u64, 4, out);
            }
            _ => out.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_keep_their_order() {
        let mut out = String::new();
        let mut object = Object::begin(&mut out);
        object.number("z", 1_u64);
        object.foreign("a", b"x\"\\\x1b");
        object.object("o", |_| ());
        object.object("p", |inner| inner.number("n", 0_u8));
        object.list("l", ["b", "c"], |item, out| out.push_str(item));
        object.objects("m", [1_u8, 2], |item, inner| inner.number("n", item));
        object.fraction("f", 0.123_45);
        object.end();
        assert_eq!(
            out,
            r#"{"z":1,"a":"x\"\\x5c\\x1b","o":{},"p":{"n":0},"l":["b","c"],"m":[{"n":1},{"n":2}],"f":0.1235}"#
        );
    }

    proptest! {
        #[test]
        fn any_string_is_read_back(text in any::<String>()) {
            let mut out = String::new();
            let mut object = Object::begin(&mut out);
            object.text(&text, |out| out.push_str(&text));
            object.end();
            let read: std::collections::HashMap<String, String> = serde_json::from_str(&out).unwrap();
            prop_assert_eq!(read.get(&text), Some(&text));
        }
    }
}
