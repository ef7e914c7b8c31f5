//! One JSON object a line, as `assets/output-json.md` describes it.
//!
//! The order of keys is that of [`COLUMNS`], whatever the order of the columns asked for. A key is absent where the
//! event does not say; 0 is a value.

use super::columns::{COLUMNS, Column};
use super::{Object, Row};
use crate::model::EventKind;

/// Version of the schema. A new key leaves it alone; a key that goes or changes its meaning raises it.
pub(super) const VERSION: u64 = 1;

/// Prints events as JSON lines.
pub struct Printer {
    columns: Vec<&'static dyn Column>,
    /// The line being written; kept so that its memory is used again.
    line: String,
}

impl Printer {
    /// A printer of these columns.
    pub fn new(columns: &[&'static dyn Column]) -> Self {
        let asked_for = |column: &&&dyn Column| columns.iter().any(|asked| asked.name() == column.name());
        Self { columns: COLUMNS.iter().filter(asked_for).copied().collect(), line: String::new() }
    }

    /// JSON lines have no header.
    pub fn header(&self, _out: &mut Vec<u8>) {}

    /// Appends an event.
    pub fn event(&mut self, row: &Row<'_>, out: &mut Vec<u8>) {
        self.line.clear();
        let mut object = Object::begin(&mut self.line);
        object.number("v", VERSION);
        object.text("type", |out| out.push_str(kind(row.event.kind)));
        for column in &self.columns {
            column.json(row, &mut object);
        }
        object.end();
        self.line.push('\n');
        out.extend_from_slice(self.line.as_bytes());
    }
}

/// Word for a kind of hit.
pub(super) fn kind(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Call => "call",
        EventKind::Tracepoint => "tracepoint",
        EventKind::Drop => "drop",
        EventKind::Tc => "tc",
        EventKind::Xdp => "xdp",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Branch, Event, JourneyId, Value};
    use crate::view::Selection;
    use crate::view::tests::{ARP, SYN, Sample, details, headers, make_drop, make_program_hit, socket};

    fn print(selection: &Selection<'_>, change: impl FnOnce(&mut Event)) -> String {
        let mut sample = Sample::new();
        change(&mut sample.event);
        let mut out = Vec::new();
        let mut printer = Printer::new(&selection.json().unwrap());
        printer.header(&mut out);
        let context = sample.context();
        printer.event(&Row::new(&sample.event, &context), &mut out);
        let text = String::from_utf8(out).unwrap();
        let _: serde_json::Value = serde_json::from_str(&text).unwrap();
        text
    }

    #[test]
    fn everything_that_the_event_has() {
        let change = |event: &mut Event| {
            make_drop(event);
            event.vlan = Some((5, 0x8100));
            details(event).stack = Some(Ok(vec![16]));
            details(event).metadata = vec![Some(Value::Unsigned(7)), Some(Value::Unsigned(3))];
            details(event).packet = vec![0x45, 0];
        };
        insta::assert_snapshot!(print(&Selection::default(), change), @r#"{"v":1,"type":"drop","time_ns":1002003004,"wall":"2026-11-19T14:53:21.002003004Z","skb":"0xffff888100001000","filter":1,"cpu":0,"pid":1592,"comm":"ping","func":"skb:kfree_skb","netns":4026531840,"netns_name":"host","ifindex":3,"ifname":"va","mark":0,"proto":2048,"mtu":1500,"len":84,"pkt_type":0,"tuple":{"saddr":"10.77.0.1","daddr":"10.77.0.2","proto":"icmp","icmp_type":8,"icmp_code":0,"icmp_id":7,"icmp_seq":1},"vlan":{"id":5,"priority":0,"proto":33024},"drop":{"reason":"NETFILTER_DROP","code":6,"place":"nft_do_chain+0x1c2"},"stack":["0x10"],"metadata":{"skb->mark":7,"skb->dev->ifindex":3},"packet":"4500"}"#);
    }

    #[test]
    fn columns_narrow_it_and_keep_the_order() {
        let selection = Selection { columns: Some("func,skb"), ..Selection::default() };
        insta::assert_snapshot!(print(&selection, |_| ()), @r#"{"v":1,"type":"call","skb":"0xffff888100001000","func":"ip_rcv"}"#);
        let selection = Selection { meta: false, tuple: false, ..Selection::default() };
        insta::assert_snapshot!(print(&selection, |_| ()), @r#"{"v":1,"type":"call","time_ns":1002003004,"wall":"2026-11-19T14:53:21.002003004Z","skb":"0xffff888100001000","filter":1,"cpu":0,"pid":1592,"comm":"ping","func":"ip_rcv"}"#);
    }

    /// Names of all keys in a line, those of objects within too.
    fn keys(value: &serde_json::Value, found: &mut Vec<String>) {
        for (key, value) in value.as_object().into_iter().flatten() {
            found.push(key.clone());
            if key != "metadata" {
                keys(value, found);
            }
        }
    }

    #[test]
    fn every_key_is_documented() {
        let documentation = include_str!("../../../assets/output-json.md");
        let changes: [fn(&mut Event); 5] = [
            make_program_hit,
            |event| {
                make_drop(event);
                event.probe = crate::view::tests::MODULE_FUNCTION;
                event.branch = Some(Branch { journey: JourneyId(7), number: 9, parent: Some(7) });
                event.first = true;
                details(event).stack = Some(Ok(vec![16]));
                details(event).packet = vec![0x45];
            },
            |event| {
                event.headers = headers(0x0806, &ARP);
                event.vlan = Some((5, 0x8100));
                event.caller = Some(16);
                details(event).stack = Some(Err(-14));
                details(event).metadata = vec![Some(Value::Unsigned(7))];
            },
            |event| event.headers = headers(0x0800, &SYN),
            |event| event.headers = socket(),
        ];
        for change in changes {
            let mut found = Vec::new();
            keys(&serde_json::from_str(&print(&Selection::default(), change)).unwrap(), &mut found);
            assert!(found.len() > 10);
            for key in found {
                assert!(documentation.contains(&format!("`{key}`")), "{key} is not in output-json.md");
            }
        }
    }
}
