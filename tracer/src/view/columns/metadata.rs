//! Members of the `sk_buff` that the run asked for.

use super::{Column, Context, Object, Row};
use crate::view::{escape, number};

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
                Some(value) => number::decimal(value, out),
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
                    inner.number(name, value);
                }
            }
        });
    }
}

fn values<'a>(row: &Row<'a>) -> impl Iterator<Item = (&'a String, Option<u64>)> {
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
            |event, _| details(event).metadata = vec![Some(0), None],
            "mark=0 dev->ifindex=?",
            r#"{"metadata":{"skb->mark":0}}"#,
        );
    }
}
