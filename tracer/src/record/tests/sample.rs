//! Records and recordings to test with.

use std::{collections::HashMap, fs, path::PathBuf};

use proptest::{collection::vec, option, prelude::*};
use tracer_common::event::HEADER_BYTES;

use crate::{
    collect::counts::Counts,
    model::{
        Branch, Change, ChangeKind, Details, Event, EventKind, Headers, JourneyId, Name, Origin, Probe, ProbeId,
        Record, Value,
    },
    record::{Naming, Reader, Settings, Start, Writer, format::index::Index},
    symbol::{Symbol, Symbols},
};

/// Addresses from here on have a symbol.
pub(crate) const NAMED: u64 = 0xffff_ffff_8000_0000;

pub(crate) struct SomeSymbols;

impl Symbols for SomeSymbols {
    fn resolve(&self, address: u64) -> Option<Symbol<'_>> {
        let offset = address.checked_sub(NAMED)?;
        Some(Symbol { name: "nft_do_chain", module: (offset % 2 == 0).then_some("nf_tables"), offset })
    }
}

/// Owner of what names numbers.
pub(crate) struct Run {
    pub(crate) probes: Vec<Probe>,
    pub(crate) reasons: HashMap<u32, String>,
    pub(crate) namespaces: HashMap<u32, String>,
}

impl Run {
    pub(crate) fn new() -> Self {
        let probe = |name: &str, module: Option<&str>| Probe {
            name: name.to_owned(),
            module: module.map(str::to_owned),
            address: name.len() as u64,
            takes_reason: name == "sk_skb_reason_drop",
        };
        Self {
            probes: vec![
                probe("ip_rcv", None),
                probe("nft_do_chain", Some("nf_tables")),
                probe("sk_skb_reason_drop", None),
                probe("skb:kfree_skb", None),
            ],
            reasons: HashMap::from([(6, "NETFILTER_DROP".to_owned())]),
            namespaces: HashMap::from([(4_026_531_840, "host".to_owned())]),
        }
    }

    pub(crate) fn naming(&self) -> Naming<'_> {
        Naming { probes: &self.probes, reasons: &self.reasons, namespaces: &self.namespaces, symbols: &SomeSymbols }
    }
}

pub(crate) const SETTINGS: Settings = Settings { compress: false, snaplen: 256 };

pub(crate) fn start() -> Start {
    Start {
        application: "skbtrail test".to_owned(),
        host: "node1".to_owned(),
        kernel: "6.12.0".to_owned(),
        clock_offset: 1_795_100_000_000_000_000,
        snaplen: 256,
        ..Start::default()
    }
}

pub(crate) fn counts() -> Counts {
    Counts { seen: 10, shown: 8, ring_full: 2, missed: Some(1), ..Counts::default() }
}

/// A whole recording of these records; a frame is closed after each `frame` of them.
pub(crate) fn recording(settings: Settings, frame: usize, records: &[Record]) -> Vec<u8> {
    let run = Run::new();
    let naming = run.naming();
    let mut writer = Writer::new(settings, start());
    let (mut bytes, mut index) = (Vec::new(), Index::default());
    writer.begin(&naming, &mut bytes);
    for record in records {
        if writer.add(record, &naming) || writer.waiting() >= frame {
            writer.flush(&naming, &mut bytes);
        }
    }
    writer.flush(&naming, &mut bytes);
    writer.end(Some(&counts()), &mut bytes);
    index.written(&bytes);
    index.write(&mut bytes);
    bytes
}

/// A file of these bytes, in a folder of its own.
pub(crate) struct OnDisk {
    _folder: tempfile::TempDir,
    pub(crate) path: PathBuf,
}

pub(crate) fn on_disk(bytes: &[u8]) -> OnDisk {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.pcapng");
    fs::write(&path, bytes).unwrap();
    OnDisk { _folder: folder, path }
}

/// Everything that is read of these bytes, and the reader afterwards.
pub(crate) fn read(bytes: &[u8]) -> Result<(Vec<Record>, Reader), crate::record::Error> {
    let file = on_disk(bytes);
    let mut reader = Reader::open(&file.path)?;
    let mut records = Vec::new();
    while let Some(record) = reader.next_record()? {
        records.push(record);
    }
    Ok((records, reader))
}

/// How a record is compared: all that is in it.
pub(crate) fn text(record: &Record) -> String {
    format!("{record:?}")
}

/// An ICMP packet over IPv4, on its way through one machine.
pub(crate) fn event() -> Event {
    let packet: [u8; 28] =
        [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 77, 0, 1, 10, 77, 0, 2, 8, 0, 0, 0, 0, 7, 0, 1];
    let mut bytes = [0; HEADER_BYTES];
    bytes[..packet.len()].copy_from_slice(&packet);
    Event {
        time: 1_000_000_000,
        kind: EventKind::Call,
        probe: ProbeId(0),
        skb: 0xffff_8881_0000_1000,
        caller: None,
        branch: Some(Branch { journey: JourneyId(1), number: 1, parent: None }),
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
        len: 28,
        protocol: 0x0800,
        packet_type: 0,
        vlan: None,
        headers: Headers { origin: Origin::Packet, bytes, len: packet.len() as u16, protocol: 0x0800 },
        details: None,
    }
}

pub(crate) fn name(text: &str) -> Name {
    let mut bytes = [0; 16];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    Name(bytes)
}

/// So many hops of packets that pass twenty functions each; each tenth packet is dropped at its end.
pub(crate) fn journeys(hops: u64) -> Vec<Record> {
    let mut records = Vec::new();
    for number in 0..hops {
        let (packet, hop) = (number / 20, number % 20);
        let mut event = event();
        event.time += 1000 * number;
        event.skb += 256 * (packet % 48);
        event.branch = Some(Branch { journey: JourneyId(packet + 1), number: packet as u32 + 1, parent: None });
        event.probe = ProbeId((hop % 3) as u32);
        event.cpu = (packet % 2) as u16;
        event.caller = Some(NAMED + hop);
        event.first = hop == 0;
        event.headers.bytes[26..28].copy_from_slice(&(packet as u16).to_be_bytes());
        if hop == 19 && packet % 10 == 0 {
            event.kind = EventKind::Drop;
            event.probe = ProbeId(3);
            event.reason = Some(6);
        }
        records.push(Record::Hit(event));
    }
    records
}

fn any_name() -> impl Strategy<Value = Name> {
    any::<[u8; 16]>().prop_map(Name)
}

fn any_branch() -> impl Strategy<Value = Branch> {
    (1..5_u64, any::<u32>(), option::of(any::<u32>())).prop_map(|(journey, number, parent)| Branch {
        journey: JourneyId(journey),
        number,
        parent,
    })
}

fn any_headers() -> impl Strategy<Value = Headers> {
    let origin = prop_oneof![Just(Origin::Packet), Just(Origin::Socket), Just(Origin::Unknown)];
    let protocol = prop_oneof![Just(0), Just(0x0800), Just(0x86dd), Just(0x0806), any::<u16>()];
    (origin, vec(any::<u8>(), HEADER_BYTES), 0..=HEADER_BYTES as u16, protocol).prop_map(
        |(origin, bytes, len, protocol)| {
            let mut all = [0; HEADER_BYTES];
            all[..len as usize].copy_from_slice(&bytes[..len as usize]);
            Headers { origin, bytes: all, len, protocol }
        },
    )
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(Value::Unsigned),
        any::<i64>().prop_map(Value::Signed),
        any::<bool>().prop_map(Value::Bool),
        any::<u64>().prop_map(Value::Pointer),
    ]
}

fn any_details() -> impl Strategy<Value = Details> {
    let frames = vec(prop_oneof![any::<u64>(), NAMED..NAMED + 9], 0..=64);
    let stack = option::of(prop_oneof![frames.prop_map(Ok), any::<i32>().prop_map(Err)]);
    (stack, vec(any::<u8>(), 0..=256), vec(option::of(any_value()), 0..=32))
        .prop_map(|(stack, packet, metadata)| Details { stack, packet, metadata })
}

prop_compose! {
    fn any_event()(
        (time, skb, caller) in (any::<u64>(), 0..4_u64, option::of(any::<u64>())),
        (kind, value) in (0..5_u8, option::of(any::<u32>())),
        (branch, first, by_stack, generation) in (option::of(any_branch()), any::<bool>(), any::<bool>(), any::<u32>()),
        (probe, cpu, pid, comm) in (any::<u32>(), any::<u16>(), any::<u32>(), any_name()),
        (netns, ifindex, ifname, mtu) in
            (option::of(any::<u32>()), option::of(any::<u32>()), any_name(), option::of(any::<u32>())),
        (mark, len, protocol, packet_type) in (any::<u32>(), any::<u32>(), any::<u16>(), any::<u8>()),
        vlan in option::of(any::<(u16, u16)>()),
        headers in any_headers(),
        details in option::of(any_details()),
    ) -> Event {
        let kinds = [EventKind::Call, EventKind::Tracepoint, EventKind::Drop, EventKind::Tc, EventKind::Xdp];
        let kind = kinds[usize::from(kind)];
        let program = matches!(kind, EventKind::Tc | EventKind::Xdp);
        Event {
            time, kind, probe: ProbeId(probe), skb, caller, branch, first, by_stack, generation,
            reason: value.filter(|_| !program), returned: value.filter(|_| program),
            cpu, pid, comm, netns, ifindex, ifname, mtu, mark, len, protocol, packet_type, vlan, headers,
            details: details.map(Box::new),
        }
    }
}

fn any_change() -> impl Strategy<Value = Change> {
    let kinds = [
        ChangeKind::Copied,
        ChangeKind::Fragment,
        ChangeKind::Split,
        ChangeKind::Merged,
        ChangeKind::Stack,
        ChangeKind::Ended,
    ];
    let kind = (0..kinds.len()).prop_map(move |number| kinds[number]);
    (any::<u64>(), kind, any_branch(), any::<u64>(), option::of(any::<u64>()), any::<u16>())
        .prop_map(|(time, kind, branch, skb, other, cpu)| Change { time, kind, branch, skb, other, cpu })
}

/// Any record that the kernel side could give, and more.
pub(crate) fn any_record() -> impl Strategy<Value = Record> {
    prop_oneof![4 => any_event().prop_map(Record::Hit), 1 => any_change().prop_map(Record::Change)]
}
