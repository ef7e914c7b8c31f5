//! Members of the `sk_buff` that the run asked for.

use std::fmt::Write as _;

use super::{Column, Context, Object, Row};
use crate::{model::Value, view::escape};

pub(super) struct Metadata;

impl Column for Metadata {
    fn name(&self) -> &'static str {
        "metadata"
    }

    fn help(&self) -> &'static str {
        "values of the member chains of --output-skb-metadata"
    }

    fn header(&self) -> &'static str {
        "METADATA"
    }

    fn width(&self, _context: &Context<'_>) -> usize {
        24
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        for (index, (name, value)) in values(row).enumerate() {
            if index > 0 {
                out.push(' ');
            }
            let short = name.strip_prefix("skb->").unwrap_or(name);
            escape(short.as_bytes(), out);
            out.push('=');
            match value {
                Some(value) => {
                    let _ = write!(out, "{value}");
                }
                None => out.push('?'),
            }
        }
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        if values(row).next().is_none() {
            return;
        }
        object.object("metadata", |inner| {
            for (name, value) in values(row) {
                if let Some(value) = value {
                    write_json(inner, name, value);
                }
            }
        });
    }
}

/// Addresses are strings everywhere in the schema.
fn write_json(object: &mut Object<'_>, name: &str, value: Value) {
    match value {
        Value::Unsigned(number) => object.number(name, number),
        Value::Signed(number) => object.signed(name, number),
        Value::Bool(truth) => object.truth(name, truth),
        Value::Pointer(_) => object.text(name, |out| {
            let _ = write!(out, "{value}");
        }),
    }
}

fn values<'a>(row: &Row<'a>) -> impl Iterator<Item = (&'a String, Option<Value>)> {
    let values = row.event.details.as_ref().map_or(&[][..], |details| &details.metadata);
    row.context.metadata.iter().zip(values.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::{check, details};

    #[test]
    fn values_have_names() {
        check(&Metadata, |_, _| (), "", "{}");
        check(
            &Metadata,
            |event, _| details(event).metadata = vec![Some(Value::Unsigned(0)), None],
            "mark=0 dev->ifindex=?",
            r#"{"metadata":{"skb->mark":0}}"#,
        );
    }

    #[test]
    fn values_are_what_their_type_says() {
        let pairs = [
            (
                [Value::Signed(-1), Value::Bool(true)],
                "mark=-1 dev->ifindex=true",
                r#"{"skb->mark":-1,"skb->dev->ifindex":true}"#,
            ),
            (
                [Value::Pointer(0x10), Value::Unsigned(u64::MAX)],
                "mark=0x10 dev->ifindex=18446744073709551615",
                r#"{"skb->mark":"0x10","skb->dev->ifindex":18446744073709551615}"#,
            ),
        ];
        for (values, text, json) in pairs {
            let expected = format!(r#"{{"metadata":{json}}}"#);
            check(&Metadata, |event, _| details(event).metadata = values.map(Some).to_vec(), text, &expected);
        }
    }
}
