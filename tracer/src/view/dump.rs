//! Entries of a map, one after the other: by a known dataplane's layout, by the map's own types, or as they lie in memory.

use super::{Object, bytes, decoded, escape, number, typed};
use crate::{
    inspect::maps::{Entry, Types, Value, decode},
    model::{Decoded, Typed, decoded::Datum},
};

/// By what entries are read.
pub enum Reading {
    /// A known dataplane's layout.
    Layout(Box<dyn decode::Layout>),
    /// The types that the map was made with.
    Types(Types),
    /// None.
    Hex,
}

/// Writes entries.
pub struct Printer {
    /// What they are read by.
    pub reading: Reading,
    /// An object a line.
    pub json: bool,
    /// What stands first in the objects of entries with a layout.
    pub before: Vec<(&'static str, Datum)>,
    /// Entries that did not fit the layout, and were shown as bytes.
    pub misfits: u64,
    /// Entries that the dataplane's own tool passes over too.
    pub passed_over: u64,
}

impl Printer {
    /// A printer of text, or of an object a line, that has seen no entry.
    pub fn new(reading: Reading, json: bool) -> Self {
        Self { reading, json, before: Vec::new(), misfits: 0, passed_over: 0 }
    }

    /// What stands above the first entry.
    pub fn header(&self, out: &mut String) {
        if let (Reading::Layout(layout), false) = (&self.reading, self.json)
            && !layout.titles().is_empty()
        {
            out.push_str(&layout.titles().join("  "));
            out.push('\n');
        }
    }

    /// Appends an entry; false if it is one that the dataplane's own tool passes over too.
    pub fn entry(&mut self, entry: &Entry<'_>, out: &mut String) -> bool {
        if let Reading::Layout(layout) = &self.reading {
            match layout.row(&decode::Entry { key: entry.key, value: entry.value.raw() }) {
                Ok(None) => {
                    self.passed_over += 1;
                    return false;
                }
                Ok(Some(row)) if self.json => {
                    decoded::json(&self.before, &row, out);
                    return true;
                }
                Ok(Some(row)) => {
                    line(&row, out);
                    return true;
                }
                Err(_) => self.misfits += 1,
            }
        }
        match (&self.reading, self.json) {
            (Reading::Types(types), false) => typed_text(types, entry, out),
            (Reading::Types(types), true) => typed_json(types, entry, out),
            (_, false) => hex_text(entry, out),
            (_, true) => hex_json(entry, out),
        }
        out.push('\n');
        true
    }
}

/// Appends a row that has been read already, as a JSON object on a line of its own.
pub fn json(row: &Decoded, out: &mut String) {
    decoded::json(&[], row, out);
}

/// Appends the cells of such a row, escaped, on a line of their own.
pub fn line(row: &Decoded, out: &mut String) {
    for (place, cell) in row.cells.iter().enumerate() {
        out.push_str(if place > 0 { "  " } else { "" });
        escape(cell.as_bytes(), out);
    }
    out.push('\n');
}

fn typed_text(types: &Types, entry: &Entry<'_>, out: &mut String) {
    out.push_str("key: ");
    typed::text(&types.key(entry.key), out);
    match entry.value {
        Value::One(bytes) => {
            out.push_str("  value: ");
            typed::text(&types.value(bytes), out);
        }
        Value::Hidden(errno) => hidden(errno, out),
        Value::PerCpu(_) => {
            for (cpu, bytes) in entry.value.of_cpus() {
                on_cpu(cpu, out);
                typed::text(&types.value(bytes), out);
            }
            if let Some(sum) = typed_sum(types, entry.value) {
                out.push_str("\n  sum    ");
                typed::text(&sum, out);
            }
        }
    }
}

fn typed_sum(types: &Types, value: Value<'_>) -> Option<Typed> {
    let mut all = value.of_cpus().map(|(_, bytes)| types.value(bytes));
    let first = all.next()?;
    Some(all.fold(first, |mut sum, next| {
        sum.add(&next);
        sum
    }))
}

fn typed_json(types: &Types, entry: &Entry<'_>, out: &mut String) {
    let mut object = Object::begin(out);
    object.value("key", &typed::json(&types.key(entry.key)));
    match entry.value {
        Value::One(bytes) => object.value("value", &typed::json(&types.value(bytes))),
        Value::Hidden(errno) => object.text("hidden", |out| reason(errno, out)),
        Value::PerCpu(_) => {
            object.objects("values", entry.value.of_cpus(), |(cpu, bytes), inner| {
                inner.number("cpu", cpu);
                inner.value("value", &typed::json(&types.value(bytes)));
            });
            if let Some(sum) = typed_sum(types, entry.value) {
                object.value("sum", &typed::json(&sum));
            }
        }
    }
    object.end();
}

fn hex_text(entry: &Entry<'_>, out: &mut String) {
    out.push_str("key: ");
    bytes::hex(entry.key, " ", out);
    match entry.value {
        Value::One(value) => {
            out.push_str("  value: ");
            bytes::hex(value, " ", out);
        }
        Value::Hidden(errno) => hidden(errno, out),
        Value::PerCpu(_) => {
            for (cpu, value) in entry.value.of_cpus() {
                on_cpu(cpu, out);
                bytes::hex(value, " ", out);
            }
            // What the numbers mean is not known, but counters are 64 bits wide mostly.
            if let Some(sums) = entry.value.summed() {
                out.push_str("\n  sum of 64-bit numbers:");
                for sum in sums.as_chunks().0 {
                    out.push(' ');
                    number::decimal(u64::from_ne_bytes(*sum), out);
                }
            } else if let Some(sums) = entry.value.summed_halves() {
                out.push_str("\n  sum of 32-bit numbers:");
                for sum in sums {
                    out.push(' ');
                    number::decimal(sum, out);
                }
            } else {
                out.push_str("\n  not summed: a value does not consist of numbers");
            }
        }
    }
}

fn hex_json(entry: &Entry<'_>, out: &mut String) {
    let mut object = Object::begin(out);
    object.text("key", |out| bytes::hex(entry.key, "", out));
    match entry.value {
        Value::One(value) => object.text("value", |out| bytes::hex(value, "", out)),
        Value::Hidden(errno) => object.text("hidden", |out| reason(errno, out)),
        Value::PerCpu(_) => {
            object.objects("values", entry.value.of_cpus(), |(cpu, value), inner| {
                inner.number("cpu", cpu);
                inner.text("value", |out| bytes::hex(value, "", out));
            });
            if let Some(sums) = entry.value.summed() {
                let sums = sums.as_chunks().0.iter().map(|sum| u64::from_ne_bytes(*sum));
                object.value("sum_u64", &sums.collect());
            } else if let Some(sums) = entry.value.summed_halves() {
                object.value("sum_u32", &sums.into_iter().collect());
            }
        }
    }
    object.end();
}

fn on_cpu(cpu: u32, out: &mut String) {
    out.push_str("\n  cpu ");
    number::decimal(cpu, out);
    out.push_str(": ");
}

fn hidden(errno: i32, out: &mut String) {
    out.push_str("  value: not shown by the kernel (");
    reason(errno, out);
    out.push(')');
}

fn reason(errno: i32, out: &mut String) {
    escape(std::io::Error::from_raw_os_error(errno).to_string().as_bytes(), out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: bool, value: Value<'_>, expected: &str) {
        let mut out = String::new();
        let mut printer = Printer::new(Reading::Hex, json);
        assert!(printer.entry(&Entry { key: &[1, 0xff], value }, &mut out));
        assert_eq!(out, expected);
    }

    #[test]
    fn bytes_as_they_lie_in_memory() {
        check(false, Value::One(&[0, 16]), "key: 01 ff  value: 00 10\n");
        check(true, Value::One(&[0, 16]), "{\"key\":\"01ff\",\"value\":\"0010\"}\n");
        let hidden = "key: 01 ff  value: not shown by the kernel (No space left on device (os error 28))\n";
        check(false, Value::Hidden(28), hidden);
    }
}
