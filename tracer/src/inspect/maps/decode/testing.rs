//! What the decoders' tests share: fixtures as hexadecimal text, and rows as text to compare.

use super::{Decoder, Entry, Layout, Recognition, Subject};
use crate::model::{Datum, Decoded};

/// Bytes written as hexadecimal digits, spaces between them for the eye.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    assert!(digits.len().is_multiple_of(2), "half a byte in `{text}`");
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// A pinned map.
pub(crate) fn subject(pin: &str, kind: u32, key_size: usize, value_size: usize) -> Subject<'_> {
    let (key_size, value_size) = (key_size as u32, value_size as u32);
    Subject { name: pin.get(..15).unwrap_or(pin), pin: Some(pin), kind, key_size, value_size, release: None, now: 0 }
}

/// The layout that the decoder finds.
pub(crate) fn layout(decoder: &dyn Decoder, map: &Subject<'_>) -> Box<dyn Layout> {
    match decoder.recognise(map) {
        Recognition::Known(layout) => layout,
        Recognition::Unknown(why) => panic!("{why}"),
        Recognition::Other => panic!("`{}` is not recognised", map.label()),
    }
}

/// The row of an entry that is not passed over.
pub(crate) fn decode(decoder: &dyn Decoder, map: &Subject<'_>, key: &str, value: &str) -> Decoded {
    let (key, value) = (bytes(key), bytes(value));
    layout(decoder, map).row(&Entry { key: &key, value: &value }).unwrap().expect("a row")
}

/// Fields as `name=value`.
pub(crate) fn fields(row: &Decoded) -> String {
    let fields: Vec<String> = row.fields.iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
    fields.join(" ")
}

fn text(value: &Datum) -> String {
    match value {
        Datum::Nothing => "-".to_owned(),
        Datum::Truth(truth) => truth.to_string(),
        Datum::Number(number) => number.to_string(),
        Datum::Signed(number) => number.to_string(),
        Datum::Text(text) => text.clone().into_owned(),
        Datum::List(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(",")),
    }
}
