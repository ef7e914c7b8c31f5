//! A recording to test with: a TCP conversation through a router that rewrites its addresses, a datagram that a firewall drops,
//! an ARP request.

use std::{collections::HashMap, fs, path::Path};

use skbtrail::{
    collect::counts::Counts,
    model::{
        Branch, Change, ChangeKind, Details, Event, EventKind, Headers, JourneyId, Name, Origin, Probe, ProbeId,
        Record, Value,
    },
    record::{Naming, Settings, Start, Writer, format::index::Index},
    symbol::{Symbol, Symbols},
};

/// What names the numbers of the sample.
pub(super) struct Sample {
    pub(super) probes: Vec<Probe>,
    pub(super) reasons: HashMap<u32, String>,
    pub(super) namespaces: HashMap<u32, String>,
    pub(super) records: Vec<Record>,
    pub(super) start: Start,
}

pub(super) struct OneSymbol;

/// Where the datagram is dropped.
pub(super) const PLACE: u64 = 0xffff_ffff_c000_01c2;
/// Hops of each packet.
pub(super) const FUNCTIONS: [&str; 4] = ["ip_rcv", "ip_forward", "ip_output", "dev_queue_xmit"];
const DROP: u32 = 4;
const SECOND: u64 = 1_000_000_000;

impl Symbols for OneSymbol {
    fn resolve(&self, address: u64) -> Option<Symbol<'_>> {
        (address == PLACE).then_some(Symbol { name: "nft_do_chain", module: Some("nf_tables"), offset: 0x1c2 })
    }
}

impl Sample {
    pub(super) fn new() -> Self {
        let probe = |name: &str| Probe { name: name.to_owned(), module: None, address: 1, takes_reason: false };
        let mut probes: Vec<Probe> = FUNCTIONS.iter().map(|name| probe(name)).collect();
        probes.push(probe("skb:kfree_skb"));
        Self {
            probes,
            reasons: HashMap::from([(6, "NETFILTER_DROP".to_owned())]),
            namespaces: HashMap::from([(4_026_531_840, "host".to_owned())]),
            records: records(),
            start: Start {
                application: "skbtrail test".to_owned(),
                host: "node1".to_owned(),
                kernel: "6.12.0".to_owned(),
                command: vec!["skbtrail".to_owned(), "record".to_owned()],
                filter: "tcp or udp or arp".to_owned(),
                backend: "kprobe-multi".to_owned(),
                run: 1,
                clock_offset: 1_795_100_000 * SECOND as i64,
                snaplen: 256,
                metadata: vec!["skb->mark".to_owned()],
                probes: 5,
                part: 0,
            },
        }
    }

    pub(super) fn naming(&self) -> Naming<'_> {
        Naming { probes: &self.probes, reasons: &self.reasons, namespaces: &self.namespaces, symbols: &OneSymbol }
    }

    /// Writes a recording of some of the records.
    pub(super) fn write(&self, path: &Path, compress: bool, records: &[Record]) {
        let naming = self.naming();
        let mut writer = Writer::new(Settings { compress, snaplen: 256 }, self.start.clone());
        let (mut bytes, mut index) = (Vec::new(), Index::default());
        writer.begin(&naming, &mut bytes);
        for record in records {
            if writer.add(record, &naming) || writer.waiting() >= 10 {
                writer.flush(&naming, &mut bytes);
            }
        }
        writer.flush(&naming, &mut bytes);
        let seen = records.iter().filter(|record| matches!(record, Record::Hit(_))).count() as u64;
        let counts = Counts { seen: seen + 3, shown: seen, ring_full: 3, missed: Some(0), ..Counts::default() };
        writer.end(Some(&counts), &mut bytes);
        index.written(&bytes);
        index.write(&mut bytes);
        fs::write(path, bytes).unwrap();
    }
}

/// A packet: its bytes from the network header on.
struct Packet {
    protocol: u16,
    bytes: Vec<u8>,
}

fn ip(protocol: u8, reply: bool, payload: &[u8]) -> Packet {
    let (client, server) = ([10, 77, 0, 1], [10, 77, 0, 2]);
    let (source, destination) = if reply { (server, client) } else { (client, server) };
    let len = (20 + payload.len()) as u16;
    let mut bytes = vec![0x45, 0, (len >> 8) as u8, len as u8, 0, 1, 0x40, 0, 64, protocol, 0, 0];
    bytes.extend(source);
    bytes.extend(destination);
    bytes.extend(payload);
    Packet { protocol: 0x0800, bytes }
}

fn tcp(reply: bool, sequence: u32, acknowledged: u32, flags: u8, data: &[u8]) -> Packet {
    let ports: (u16, u16) = if reply { (80, 37026) } else { (37026, 80) };
    let mut segment = Vec::new();
    segment.extend(ports.0.to_be_bytes());
    segment.extend(ports.1.to_be_bytes());
    segment.extend(sequence.to_be_bytes());
    segment.extend(acknowledged.to_be_bytes());
    segment.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend(data);
    ip(6, reply, &segment)
}

fn packets() -> Vec<Packet> {
    let arp = [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 77, 0, 1, 0, 0, 0, 0, 0, 0, 10, 77, 0, 2];
    vec![
        Packet { protocol: 0x0806, bytes: arp.to_vec() },
        tcp(false, 1000, 0, 2, &[]),
        tcp(true, 5000, 1001, 0x12, &[]),
        tcp(false, 1001, 5001, 0x10, &[]),
        tcp(false, 1001, 5001, 0x18, b"GET / HTTP/1.0\r\n\r\n"),
        tcp(true, 5001, 1019, 0x18, b"HTTP/1.0 200 OK\r\n\r\n"),
        tcp(false, 1019, 5020, 0x11, &[]),
        // To port 53, and dropped.
        ip(17, false, &[0x90, 0xa2, 0, 53, 0, 12, 0, 0, b'a', b'b', b'c', b'd']),
    ]
}

fn records() -> Vec<Record> {
    let mut records = Vec::new();
    for (number, packet) in packets().iter().enumerate() {
        let number = number as u64;
        for (hop, _) in FUNCTIONS.iter().enumerate() {
            records.push(Record::Hit(hit(number, hop as u64, packet)));
        }
        let branch = Branch { journey: JourneyId(number + 1), number: number as u32 + 1, parent: None };
        let time = time(number, 5);
        let skb = 0xffff_8881_0000_0000 + 256 * number;
        if number == 7 {
            let mut event = hit(number, 4, packet);
            (event.kind, event.probe) = (EventKind::Drop, ProbeId(DROP));
            (event.reason, event.caller) = (Some(6), Some(PLACE));
            records.push(Record::Hit(event));
        }
        records.push(Record::Change(Change { time, kind: ChangeKind::Ended, branch, skb, other: None, cpu: 0 }));
    }
    records
}

fn time(packet: u64, hop: u64) -> u64 {
    10 * SECOND + packet * 1_000_000 + hop * 1000
}

/// The second half of the way is behind the router: another device, where the packet has a link header, and another TTL.
fn hit(number: u64, hop: u64, packet: &Packet) -> Event {
    let behind = hop >= 2;
    let mut bytes = packet.bytes.clone();
    if behind && packet.protocol == 0x0800 {
        bytes[8] = 63;
    }
    let mut headers = [0; 80];
    headers[..bytes.len()].copy_from_slice(&bytes);
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    frame.extend(packet.protocol.to_be_bytes());
    frame.extend(&bytes);
    let details = Details { stack: None, packet: frame, metadata: vec![Some(Value::Unsigned(number))] };
    Event {
        time: time(number, hop),
        kind: EventKind::Call,
        probe: ProbeId(hop.min(3) as u32),
        skb: 0xffff_8881_0000_0000 + 256 * number,
        caller: None,
        branch: Some(Branch { journey: JourneyId(number + 1), number: number as u32 + 1, parent: None }),
        first: hop == 0,
        by_stack: false,
        generation: 1,
        reason: None,
        returned: None,
        cpu: (number % 2) as u16,
        pid: 1592,
        comm: name("curl"),
        netns: Some(4_026_531_840 + u32::from(behind)),
        ifindex: Some(3),
        ifname: name(if behind { "vb\x1b[31m" } else { "va" }),
        mtu: Some(1500),
        mark: 0,
        len: packet.bytes.len() as u32,
        protocol: packet.protocol,
        packet_type: if behind { 4 } else { 0 },
        vlan: None,
        headers: Headers { origin: Origin::Packet, bytes: headers, len: bytes.len() as u16, protocol: packet.protocol },
        details: behind.then(|| Box::new(details)),
    }
}

fn name(text: &str) -> Name {
    let mut bytes = [0; 16];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    Name(bytes)
}
