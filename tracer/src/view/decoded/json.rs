//! A row as a JSON object, a line each.

use crate::{
    model::{Datum, Decoded},
    view::{Object, escape},
};

/// Appends the row; `before` are fields that come first.
pub fn write(before: &[(&'static str, Datum)], row: &Decoded, out: &mut String) {
    let mut object = Object::begin(out);
    for (name, value) in before.iter().chain(&row.fields) {
        object.value(name, &json(value));
    }
    object.end();
    out.push('\n');
}

fn json(value: &Datum) -> serde_json::Value {
    match value {
        Datum::Nothing => serde_json::Value::Null,
        Datum::Truth(truth) => (*truth).into(),
        Datum::Number(number) => (*number).into(),
        Datum::Signed(number) => (*number).into(),
        Datum::Text(text) => {
            let mut escaped = String::with_capacity(text.len());
            escape(text.as_bytes(), &mut escaped);
            escaped.into()
        }
        Datum::List(items) => items.iter().map(json).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value() {
        let row = Decoded::new([])
            .with("number", u64::MAX)
            .with("signed", Datum::Signed(-1))
            .with("none", None::<u8>)
            .with("truth", true)
            .with("text", "a\x1b\"b")
            .with("list", Datum::texts(["x", "y"]));
        let mut out = String::new();
        write(&[("map", "cilium_lxc".into())], &row, &mut out);
        assert_eq!(
            out,
            "{\"map\":\"cilium_lxc\",\"number\":18446744073709551615,\"signed\":-1,\"none\":null,\"truth\":true,\
             \"text\":\"a\\\\x1b\\\"b\",\"list\":[\"x\",\"y\"]}\n"
        );
    }
}
