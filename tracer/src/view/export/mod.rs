//! One flat row a hit, for databases and data frames: CSV, JSON lines, and Parquet where it is built in. All have the same
//! fields ([`FIELDS`]), which `assets/export.md` documents. A printer appends to a buffer of the caller's.

mod fields;
#[cfg(feature = "parquet")]
pub mod parquet;

use self::fields::Cell;
use super::{Object, Row, number};
use crate::model::Flow;
pub use fields::{FIELDS, Field, Kind};

/// A hit to export.
pub struct Entry<'a> {
    row: Row<'a>,
    flow: Option<Flow>,
    host: &'a str,
    clock_offset: i64,
}

impl<'a> Entry<'a> {
    /// A hit on a machine, whose real time is its time plus `clock_offset`, nanoseconds.
    pub fn new(row: Row<'a>, host: &'a str, clock_offset: i64) -> Self {
        Self { flow: row.event.headers.flow(), row, host, clock_offset }
    }
}

/// Appends the line of CSV that names the fields.
pub fn csv_header(out: &mut Vec<u8>) {
    let names: Vec<&str> = FIELDS.iter().map(|field| field.name).collect();
    out.extend_from_slice(names.join(",").as_bytes());
    out.push(b'\n');
}

/// Appends a hit as a line of CSV (RFC 4180): texts with a comma or a quote are quoted. `scratch` is memory to use.
pub fn csv(entry: &Entry<'_>, scratch: &mut String, out: &mut Vec<u8>) {
    for (place, field) in FIELDS.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        scratch.clear();
        match (field.value)(entry, scratch) {
            Cell::Nothing => continue,
            Cell::Number(value) => number::decimal(value, scratch),
            Cell::Time(nanoseconds) => time(nanoseconds, scratch),
            Cell::Truth(truth) => scratch.push_str(if truth { "true" } else { "false" }),
            Cell::Text if scratch.contains([',', '"']) => *scratch = format!("\"{}\"", scratch.replace('"', "\"\"")),
            Cell::Text => {}
        }
        out.extend_from_slice(scratch.as_bytes());
    }
    out.push(b'\n');
}

/// Appends a hit as a JSON object in a line; what is not known is left out. `scratch` is memory to use.
pub fn json(entry: &Entry<'_>, scratch: &mut String, out: &mut Vec<u8>) {
    let mut line = String::new();
    let mut object = Object::begin(&mut line);
    for field in FIELDS {
        scratch.clear();
        match (field.value)(entry, scratch) {
            Cell::Nothing => {}
            Cell::Number(value) => object.number(field.name, value),
            Cell::Time(nanoseconds) => object.signed(field.name, nanoseconds),
            Cell::Truth(truth) => object.truth(field.name, truth),
            // It has been escaped, or is ours.
            Cell::Text => object.text(field.name, |out| out.push_str(scratch)),
        }
    }
    object.end();
    out.extend_from_slice(line.as_bytes());
    out.push(b'\n');
}

fn time(nanoseconds: i64, out: &mut String) {
    if nanoseconds < 0 {
        out.push('-');
    }
    number::decimal(nanoseconds.unsigned_abs(), out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::{SYN, Sample, headers, make_drop, name};

    fn both(change: impl FnOnce(&mut crate::model::Event)) -> (String, serde_json::Value) {
        let mut sample = Sample::new();
        change(&mut sample.event);
        let context = sample.context();
        let entry = Entry::new(Row::new(&sample.event, &context), "node1", 7);
        let (mut scratch, mut lines, mut object) = (String::new(), Vec::new(), Vec::new());
        csv(&entry, &mut scratch, &mut lines);
        json(&entry, &mut scratch, &mut object);
        (String::from_utf8(lines).unwrap(), serde_json::from_slice(&object).unwrap())
    }

    #[test]
    fn a_drop_and_a_plain_hit() {
        let (line, _) = both(|event| {
            make_drop(event);
            event.headers = headers(0x0800, &SYN);
        });
        insta::assert_snapshot!(line, @"1002003011,1002003004,node1,drop,skb:kfree_skb,,,,,false,0xffff888100001000,0,1592,ping,4026531840,host,3,va,1500,0,84,2048,0,,10.77.0.1,10.77.0.2,tcp,37026,8080,SYN,,,NETFILTER_DROP,6,,nft_do_chain+0x1c2");
        let (line, object) = both(|event| event.comm = name("a,\"b\x1b"));
        assert!(line.contains(r#""a,""b\x1b""#), "{line}");
        assert_eq!(object["comm"], "a,\"b\\x1b");
        assert_eq!(object["icmp_type"], 8);
        assert!(object.get("reason").is_none());
    }

    #[test]
    fn every_field_is_documented() {
        let documentation = include_str!("../../../../assets/export.md");
        let mut last = 0;
        for field in FIELDS {
            let row = format!("| `{}` |", field.name);
            let place = documentation.find(&row).unwrap_or_else(|| panic!("{} is not in export.md", field.name));
            assert!(place > last, "{} is out of order in export.md", field.name);
            last = place;
        }
    }
}
