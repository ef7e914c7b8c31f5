//! Values by their types: in one line for people, as JSON for scripts.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::{bytes, escape, table::foreign};
use crate::model::Typed;

/// Appends `{count: 3, name: "eth0", state: ON, parts: [1, 2]}`.
pub fn text(value: &Typed, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = match value {
        Typed::Number(number) => write!(out, "{number}"),
        Typed::Signed(number) => write!(out, "{number}"),
        Typed::Truth(truth) => write!(out, "{truth}"),
        Typed::Float(number) => write!(out, "{number}"),
        Typed::Address(address) => write!(out, "{address:#x}"),
        Typed::Named(name, _) => {
            escape(name.as_bytes(), out);
            Ok(())
        }
        Typed::Text(letters) => {
            out.push('"');
            escape(letters, out);
            out.push('"');
            Ok(())
        }
        Typed::Differs => write!(out, "(differs)"),
        Typed::Bytes(of) => {
            out.push_str("0x");
            bytes::hex(of, "", out);
            Ok(())
        }
        Typed::List(parts) => {
            listed('[', parts.iter().map(|part| (None, part)), ']', out);
            Ok(())
        }
        Typed::Fields(parts) => {
            listed('{', parts.iter().map(|(name, part)| (Some(name.as_str()), part)), '}', out);
            Ok(())
        }
    };
}

fn listed<'a>(open: char, parts: impl Iterator<Item = (Option<&'a str>, &'a Typed)>, close: char, out: &mut String) {
    out.push(open);
    for (place, (name, part)) in parts.enumerate() {
        if place > 0 {
            out.push_str(", ");
        }
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            escape(name.as_bytes(), out);
            out.push_str(": ");
        }
        text(part, out);
    }
    out.push(close);
}

/// The same for scripts. Members of nameless structs and unions stand among those of the struct that holds them.
pub fn json(value: &Typed) -> Value {
    match value {
        Typed::Number(number) => (*number).into(),
        Typed::Signed(number) => (*number).into(),
        Typed::Truth(truth) => (*truth).into(),
        Typed::Float(number) => (*number).into(),
        Typed::Address(address) => format!("{address:#x}").into(),
        Typed::Named(name, _) => foreign(name.as_bytes()),
        Typed::Text(letters) => foreign(letters),
        Typed::Differs => Value::Null,
        Typed::Bytes(of) => {
            let mut out = "0x".to_owned();
            bytes::hex(of, "", &mut out);
            out.into()
        }
        Typed::List(parts) => parts.iter().map(json).collect(),
        Typed::Fields(parts) => {
            let mut object = Map::new();
            fields(parts, &mut object);
            object.into()
        }
    }
}

fn fields(parts: &[(String, Typed)], object: &mut Map<String, Value>) {
    for (name, part) in parts {
        match part {
            Typed::Fields(inner) if name.is_empty() => fields(inner, object),
            _ => drop(object.insert(name.escape_debug().to_string(), json(part))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_words_and_for_scripts() {
        let inner = Typed::Fields(vec![("b".to_owned(), Typed::Signed(-1))]);
        let value = Typed::Fields(vec![
            ("a".to_owned(), Typed::Number(3)),
            (String::new(), inner),
            ("list".to_owned(), Typed::List(vec![Typed::Truth(true), Typed::Differs])),
            ("name".to_owned(), Typed::Text(b"x\x1b\"".to_vec())),
            ("state".to_owned(), Typed::Named("ON".to_owned(), 7)),
            ("rest".to_owned(), Typed::Bytes(vec![0, 255])),
            ("at".to_owned(), Typed::Address(255)),
        ]);
        let mut out = String::new();
        text(&value, &mut out);
        let expected = r#"{a: 3, {b: -1}, list: [true, (differs)], name: "x\x1b"", state: ON, rest: 0x00ff, at: 0xff}"#;
        assert_eq!(out, expected);
        let expected =
            r#"{"a":3,"at":"0xff","b":-1,"list":[true,null],"name":"x\\x1b\"","rest":"0x00ff","state":"ON"}"#;
        assert_eq!(json(&value).to_string(), expected);
    }
}
