//! A row as a JSON object, a line each.

use crate::{
    model::{Datum, Decoded},
    view::{Object, escape, number, object},
};

/// Appends the row; `before` are fields that come first.
pub fn write(before: &[(&'static str, Datum)], row: &Decoded, out: &mut String) {
    let mut object = Object::begin(out);
    for (name, value) in before.iter().chain(&row.fields) {
        object.written(name, |out| datum(value, out));
    }
    object.end();
    out.push('\n');
}

fn datum(value: &Datum, out: &mut String) {
    match value {
        Datum::Nothing => out.push_str("null"),
        Datum::Truth(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Datum::Number(number) => number::decimal(*number, out),
        Datum::Signed(number) => number::signed(*number, out),
        Datum::Text(text) => object::string(out, |out| escape(text.as_bytes(), out)),
        Datum::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                datum(item, out);
            }
            out.push(']');
        }
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
