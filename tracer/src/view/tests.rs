//! An event with all around it, for the tests of every file here.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use tracer_common::event::{HEADER_BYTES, SocketTuple};

use super::columns::Column;
use super::{Clock, Context, Object, Row, Timestamp};
use crate::model::{Details, Event, EventKind, Headers, Name, Origin, Probe, ProbeId};
use crate::symbol::{Cache, Symbol, Symbols};

/// Probes of the sample's table, beside `ip_rcv`.
pub(super) const MODULE_FUNCTION: ProbeId = ProbeId(1);
pub(super) const REASON_FUNCTION: ProbeId = ProbeId(2);
pub(super) const DROP: ProbeId = ProbeId(3);
pub(super) const PROGRAM: ProbeId = ProbeId(4);
/// An address that has a name.
pub(super) const PLACE: u64 = 0xffff_ffff_c000_01c2;

/// ICMP echo request from 10.77.0.1 to 10.77.0.2.
pub(super) const ECHO: [u8; 28] =
    [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 77, 0, 1, 10, 77, 0, 2, 8, 0, 0, 0, 0, 7, 0, 1];
/// TCP from 10.77.0.1:37026 to 10.77.0.2:8080.
pub(super) const SYN: [u8; 40] = [
    0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 77, 0, 1, 10, 77, 0, 2, //
    0x90, 0xa2, 0x1f, 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 2, 0, 0, 0, 0, 0, 0,
];
/// UDP over IPv6, with long addresses.
pub(super) const V6: [u8; 48] = [
    0x60, 0, 0, 0, 0, 8, 17, 64, 0x26, 6, 0x47, 0, 0x47, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11, 0x11, //
    0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0x90, 0xa2, 0x1f, 0x90, 0, 8, 0, 0,
];
/// Who has 10.77.0.2? Tell 10.77.0.1.
pub(super) const ARP: [u8; 28] =
    [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 77, 0, 1, 0, 0, 0, 0, 0, 0, 10, 77, 0, 2];

/// A sample event and owner of all that its context borrows.
pub(super) struct Sample {
    pub(super) event: Event,
    probes: Vec<Probe>,
    symbols: Cache<'static>,
    reasons: HashMap<u32, String>,
    namespaces: HashMap<u32, String>,
    metadata: Vec<String>,
    clock: Clock,
}

struct OneSymbol;

impl Symbols for OneSymbol {
    fn resolve(&self, address: u64) -> Option<Symbol<'_>> {
        (address == PLACE).then_some(Symbol { name: "nft_do_chain", module: Some("nf_tables"), offset: 0x1c2 })
    }
}

impl Sample {
    pub(super) fn new() -> Self {
        let probe = |name: &str, module: Option<&str>| Probe {
            name: name.to_owned(),
            module: module.map(str::to_owned),
            address: 1,
            takes_reason: name == "sk_skb_reason_drop",
        };
        Self {
            event: event(),
            probes: vec![
                probe("ip_rcv", None),
                probe("nft_do_chain", Some("nf_tables")),
                probe("sk_skb_reason_drop", None),
                probe("skb:kfree_skb", None),
                Probe { address: 123, ..probe("cil_from_netdev", None) },
            ],
            symbols: Cache::new(&OneSymbol),
            reasons: HashMap::from([(6, "NETFILTER_DROP".to_owned())]),
            namespaces: HashMap::from([(4_026_531_840, "host".to_owned())]),
            metadata: vec!["skb->mark".to_owned(), "skb->dev->ifindex".to_owned()],
            clock: Clock::new(1_795_100_000_000_000_000, TimeZone::UTC),
        }
    }

    pub(super) fn context(&self) -> Context<'_> {
        Context {
            probes: &self.probes,
            symbols: &self.symbols,
            reasons: &self.reasons,
            namespaces: &self.namespaces,
            clock: Some(&self.clock),
            metadata: &self.metadata,
            facts: None,
            timestamp: Timestamp::None,
            tcp_flags: false,
        }
    }
}

fn event() -> Event {
    Event {
        time: 1_002_003_004,
        kind: EventKind::Call,
        probe: ProbeId(0),
        skb: 0xffff_8881_0000_1000,
        caller: None,
        branch: None,
        first: false,
        by_stack: false,
        generation: 1,
        reason: None,
        returned: None,
        cpu: 0,
        pid: 1592,
        comm: name("ping"),
        netns: Some(4_026_531_840),
        ifindex: Some(3),
        ifname: name("va"),
        mtu: Some(1500),
        mark: 0,
        len: 84,
        protocol: 0x0800,
        packet_type: 0,
        vlan: None,
        headers: headers(0x0800, &ECHO),
        details: None,
    }
}

/// Makes it the drop of a packet by a firewall rule.
pub(super) fn make_drop(event: &mut Event) {
    event.kind = EventKind::Drop;
    event.probe = DROP;
    event.reason = Some(6);
    event.caller = Some(PLACE);
}

/// Makes it a program of tc that drops the packet.
pub(super) fn make_program_hit(event: &mut Event) {
    event.kind = EventKind::Tc;
    event.probe = PROGRAM;
    event.returned = Some(2);
}

/// The details of an event, made when it has none.
pub(super) fn details(event: &mut Event) -> &mut Details {
    event.details.get_or_insert_default()
}

pub(super) fn name(text: &str) -> Name {
    let mut bytes = [0; 16];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    Name(bytes)
}

pub(super) fn headers(protocol: u16, packet: &[u8]) -> Headers {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..packet.len()].copy_from_slice(packet);
    Headers { origin: Origin::Packet, bytes, len: packet.len() as u16, protocol }
}

/// Headers as of a TCP socket that sends.
pub(super) fn socket() -> Headers {
    let mut tuple = SocketTuple {
        source: [0; 16],
        destination: [0; 16],
        source_port: 37026,
        destination_port: 8080,
        family: 2,
        protocol: 6,
    };
    tuple.source[..4].copy_from_slice(&[10, 77, 0, 1]);
    tuple.destination[..4].copy_from_slice(&[10, 77, 0, 2]);
    Headers { origin: Origin::Socket, ..headers(0, bytemuck::bytes_of(&tuple)) }
}

/// What a column shows of the sample after `change`, as text and as JSON.
pub(super) fn check(
    column: &dyn Column,
    change: impl FnOnce(&mut Event, &mut Context<'_>),
    expected_text: &str,
    expected_json: &str,
) {
    let sample = Sample::new();
    let (mut event, mut context) = (sample.event.clone(), sample.context());
    change(&mut event, &mut context);
    let row = Row::new(&event, &context);
    let mut text = String::new();
    column.text(&row, &mut text);
    let mut json = String::new();
    let mut object = Object::begin(&mut json);
    column.json(&row, &mut object);
    object.end();
    assert_eq!((text.as_str(), json.as_str()), (expected_text, expected_json));
    let _: serde_json::Value = serde_json::from_str(&json).unwrap();
}
