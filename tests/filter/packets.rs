//! Packets of every protocol that expressions speak of, made from nothing but constants: the same ones in every run.

/// A packet as captured: its first bytes, how long it was, and whether it has all bytes that its headers speak of.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub(super) bytes: Vec<u8>,
    pub(super) length: u32,
    pub(super) sound: bool,
}

/// Addresses and ports that the expressions name, and some that they do not.
const INET: [[u8; 4]; 8] = [
    [10, 0, 0, 1],
    [10, 0, 0, 2],
    [10, 1, 2, 3],
    [192, 168, 1, 1],
    [192, 168, 77, 9],
    [172, 16, 0, 5],
    [224, 0, 0, 1],
    [255, 255, 255, 255],
];
const PORTS: [u16; 8] = [80, 443, 22, 53, 8080, 1024, 40000, 6001];
const MACS: [[u8; 6]; 4] = [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2], [0xff; 6], [0x01, 0x00, 0x5e, 0x00, 0x00, 0x01]];

fn inet6(index: usize) -> [u8; 16] {
    let last = (index % 4) as u8;
    match index % 8 {
        0..=3 => [0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last + 1],
        4 => [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0xff, 0xfe, 0, 0, 1],
        5 => [0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        6 => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        _ => [0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x53],
    }
}

fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// `count` bytes that differ from each other.
fn payload(count: usize) -> Vec<u8> {
    (0..count).map(|index| (index * 7 + 3) as u8).collect()
}

/// An IPv4 packet; `options` are whole words, `fragment` the flags and offset field.
fn ip(protocol: u8, from: usize, to: usize, fragment: u16, options: &[u8], body: &[u8]) -> Vec<u8> {
    let length = (20 + options.len() + body.len()) as u16;
    let mut header = vec![0x40 | (5 + options.len() / 4) as u8, (from * 4) as u8];
    header.extend(length.to_be_bytes());
    header.extend([0x12, 0x34]);
    header.extend(fragment.to_be_bytes());
    header.extend([if from.is_multiple_of(2) { 64 } else { 1 }, protocol, 0xab, 0xcd]);
    join(&[&header, &INET[from % 8], &INET[to % 8], options, body])
}

fn ip6(next: u8, from: usize, to: usize, body: &[u8]) -> Vec<u8> {
    let mut header = vec![0x60, (from * 16) as u8, 0, to as u8];
    header.extend((body.len() as u16).to_be_bytes());
    header.extend([next, 64]);
    join(&[&header, &inet6(from), &inet6(to), body])
}

fn tcp(from: usize, to: usize, flags: u8, body: usize) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(PORTS[from % 8].to_be_bytes());
    header.extend(PORTS[to % 8].to_be_bytes());
    header.extend([0, 0, 0, 1, 0x80, 0, 0, 2, 0x50, flags, 0x20, 0, 1, 2, 0, 0]);
    join(&[&header, &payload(body)])
}

fn udp(from: usize, to: usize, body: &[u8]) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(PORTS[from % 8].to_be_bytes());
    header.extend(PORTS[to % 8].to_be_bytes());
    header.extend(((8 + body.len()) as u16).to_be_bytes());
    header.extend([0, 0]);
    join(&[&header, body])
}

/// What IPv4 and IPv6 carry: protocol number and bytes.
fn transports() -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    for index in 0..16 {
        let flags = [0x02, 0x12, 0x10, 0x38, 0x11, 0x04, 0x14, 0xc2][index % 8];
        found.push((6, tcp(index, index / 2 + 3, flags, index % 3 * 20)));
        found.push((17, udp(index + 1, index / 3 + 2, &payload(index * 4))));
    }
    for index in 0..4 {
        found.push((132, udp(index, index + 1, &payload(12))));
    }
    for kind in [0, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18] {
        found.push((1, join(&[&[kind, kind % 3, 0, 0, 0, 1, 0, 2], &payload(8)])));
    }
    for kind in [1, 2, 3, 4].into_iter().chain(128..155) {
        found.push((58, join(&[&[kind, kind % 2, 0, 0, 0, 1, 0, 2], &payload(16)])));
    }
    for protocol in [0, 2, 4, 9, 41, 47, 50, 51, 59, 60, 88, 89, 103, 112, 253] {
        found.push((protocol, join(&[&[0x16, 2, 6, 128], &payload(20)])));
    }
    found
}

fn ipv4_packets() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for (index, (protocol, body)) in transports().into_iter().enumerate() {
        found.push(ip(protocol, index, index / 3 + 1, 0x4000, &[], &body));
        found.push(ip(protocol, index / 2 + 1, index, 0, &[1; 8], &body));
        if index % 3 == 0 {
            found.push(ip(protocol, index, index + 1, 0x2000, &[], &body));
            found.push(ip(protocol, index, index + 1, 0x2005, &[], &body));
            found.push(ip(protocol, index, index + 1, 0x0010, &[], &body));
        }
    }
    found
}

fn ipv6_packets() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for (index, (protocol, body)) in transports().into_iter().enumerate() {
        found.push(ip6(protocol, index, index / 2 + 1, &body));
        let short = join(&[&[protocol, 0, 1, 4, 0, 0, 0, 0], &body]);
        let long = join(&[&[60, 1], &payload(14), &short]);
        let authenticated = join(&[&[protocol, 4], &payload(22), &body]);
        match index % 6 {
            0 => found.push(ip6(0, index, index + 3, &short)),
            1 => found.push(ip6(60, index, index + 1, &short)),
            2 => found.push(ip6(43, index, index + 2, &short)),
            3 => found.push(ip6(44, index, index, &short)),
            4 => found.push(ip6(0, index, index, &long)),
            _ => found.push(ip6(51, index, index, &authenticated)),
        }
    }
    found
}

/// Tunnels: UDP ports and GRE with an inner packet.
fn tunnels() -> Vec<Vec<u8>> {
    let inner = ip(6, 0, 1, 0, &[], &tcp(0, 1, 2, 0));
    let outer = |port: u16, header: &[u8], body: &[u8]| {
        let mut bytes = vec![0x30, 0x39];
        bytes.extend(port.to_be_bytes());
        bytes.extend([0, 60, 0, 0]);
        ip(17, 3, 4, 0, &[], &join(&[&bytes, header, body]))
    };
    let framed = frame(0, 1, 0x0800, &inner);
    vec![
        outer(4789, &[8, 0, 0, 0, 0, 0, 42, 0], &framed),
        outer(6081, &[0, 0, 0x65, 0x58, 0, 0, 11, 0], &framed),
        outer(6081, &[0, 0, 0x08, 0x00, 0, 0, 12, 0], &inner),
        ip(4, 3, 4, 0, &[], &inner),
        ip(47, 3, 4, 0, &[], &join(&[&[0, 0, 8, 0], &inner])),
        ip(47, 3, 4, 0, &[], &join(&[&[0x20, 0, 0x65, 0x58, 0, 0, 0, 7], &framed])),
    ]
}

/// IPv4 packets whose headers lie about themselves.
fn odd_packets() -> Vec<Vec<u8>> {
    let sane = ip(6, 0, 1, 0, &[], &tcp(0, 1, 2, 4));
    let with = |position: usize, value: u8| {
        let mut bytes = sane.clone();
        bytes[position] = value;
        bytes
    };
    vec![
        with(0, 0x40),
        with(0, 0x41),
        with(0, 0x4f),
        with(0, 0x65),
        with(0, 0x75),
        with(0, 0x05),
        with(9, 255),
        Vec::new(),
    ]
}

fn frame(from: usize, to: usize, ethertype: u16, body: &[u8]) -> Vec<u8> {
    join(&[&MACS[to % 4], &MACS[from % 2], &ethertype.to_be_bytes(), body])
}

/// `body` named by `ethertype`, behind VLAN tags.
fn tagged(tags: &[(u16, u16)], ethertype: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = join(&[&MACS[0], &MACS[1]]);
    for (kind, number) in tags {
        bytes.extend(kind.to_be_bytes());
        bytes.extend(number.to_be_bytes());
    }
    bytes.extend(ethertype.to_be_bytes());
    join(&[&bytes, body])
}

fn labels(labels: &[u32]) -> Vec<u8> {
    let last = labels.len() - 1;
    let entry = |(index, label): (usize, &u32)| (label << 12 | u32::from(index == last) << 8 | 64).to_be_bytes();
    labels.iter().enumerate().flat_map(entry).collect()
}

fn arp(operation: u8, from: usize, to: usize) -> Vec<u8> {
    let header = [0, 1, 8, 0, 6, 4, 0, operation];
    join(&[&header, &MACS[0], &INET[from], &MACS[1], &INET[to], &[0; 18]])
}

/// What an EtherType names, for frames with and without tags.
fn named() -> Vec<(u16, Vec<u8>)> {
    let four = ip(6, 0, 1, 0, &[], &tcp(0, 1, 0x12, 8));
    let four_options = ip(17, 2, 0, 0, &[1; 4], &udp(3, 1, &payload(5)));
    let fragment = ip(17, 2, 0, 0x2003, &[], &udp(3, 1, &payload(5)));
    let six = ip6(6, 0, 1, &tcp(1, 0, 2, 0));
    let six_udp = ip6(17, 2, 1, &udp(3, 2, &payload(9)));
    let echo6 = ip6(58, 1, 2, &[128, 0, 0, 0, 0, 1, 0, 1]);
    let mut found = vec![
        (0x0800, four.clone()),
        (0x0800, four_options.clone()),
        (0x0800, fragment),
        (0x86dd, six.clone()),
        (0x86dd, six_udp),
        (0x86dd, echo6),
        (0x0806, arp(1, 0, 1)),
        (0x0806, arp(2, 3, 2)),
        (0x8035, arp(3, 0, 2)),
        (0x8035, arp(4, 4, 5)),
    ];
    for stack in [&[5][..], &[100_000], &[5, 6], &[100_000, 1024, 16]] {
        for body in [&four, &four_options, &six] {
            found.push((0x8847, join(&[&labels(stack), body])));
        }
    }
    for (session, protocol, body) in [
        (5, 0x0021, &four),
        (0x27, 0x0021, &four_options),
        (5, 0x0057, &six),
        (5, 0xc021, &payload(20)),
        (5, 0x0281, &join(&[&labels(&[5]), &four])),
        (7, 0x0023, &payload(20)),
        (7, 0x0031, &payload(20)),
        (7, 0x0029, &payload(20)),
        (7, 0x002b, &payload(20)),
        (7, 0x0027, &payload(20)),
        (7, 0x0806, &arp(1, 0, 1)),
    ] {
        let header = [0x11, 0, 0, session, 0, 60, (protocol >> 8) as u8, protocol as u8];
        found.push((0x8864, join(&[&header, body])));
    }
    for ethertype in [
        0x8863, 0x6000, 0x6001, 0x6002, 0x6003, 0x6004, 0x6007, 0x809b, 0x80f3, 0x8137, 0x9000, 0x88cc, 0x0600, 0x05dd,
        0x8848,
    ] {
        found.push((ethertype, payload(40)));
    }
    found.extend(frames_802_2());
    found
}

/// Frames with a length in place of an EtherType.
fn frames_802_2() -> Vec<(u16, Vec<u8>)> {
    let mut found = Vec::new();
    let mut add = |header: &[u8]| found.push((46, join(&[header, &payload(43)])));
    for header in [[0x42, 0x42, 3], [0xfe, 0xfe, 3], [0xf0, 0xf0, 3], [0xe0, 0xe0, 3], [0xff, 0xff, 0], [0x05, 0x05, 3]]
    {
        add(&header);
    }
    for control in
        [0x00, 0x02, 0x01, 0x05, 0x09, 0x0d, 0x03, 0x13, 0x63, 0x73, 0x43, 0x53, 0x6f, 0x7f, 0xe3, 0xf3, 0xaf, 0x87]
    {
        add(&[0x04, 0x04, control]);
    }
    for osi in [0x81, 0x82, 0x83, 0x84] {
        add(&[0xfe, 0xfe, 3, osi, 20, 1, 0, 16]);
    }
    for kind in [14, 15, 16, 17, 18, 19, 20, 24, 25, 26, 27, 28] {
        add(&[0xfe, 0xfe, 3, 0x83, 20, 1, 0, kind]);
    }
    for (organization, kind) in [(0, 0x8137u16), (0, 0x80f3), (7, 0x809b), (7, 0x80f3), (0, 0x809b), (0, 0x0800)] {
        let [high, low] = kind.to_be_bytes();
        add(&[0xaa, 0xaa, 3, if organization == 7 { 8 } else { 0 }, 0, organization, high, low]);
    }
    found
}

/// Bytes that look like nothing, from a fixed seed.
fn noise(count: usize, length: usize) -> Vec<Vec<u8>> {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..count).map(|_| (0..length).map(|_| next()).collect()).collect()
}

/// Ends of packets at every length, and packets of which only the first bytes were kept.
fn shortened(whole: &[Vec<u8>], every: usize) -> Vec<Packet> {
    let mut found = Vec::new();
    for bytes in whole.iter().step_by(every) {
        for length in 0..bytes.len().min(90) {
            let wire = if length % 2 == 0 { length } else { bytes.len() };
            found.push(Packet { bytes: bytes[..length].to_vec(), length: wire as u32, sound: false });
        }
    }
    found
}

fn packets(all: &[Vec<u8>], sound: bool) -> Vec<Packet> {
    all.iter().map(|bytes| Packet { bytes: bytes.clone(), length: bytes.len() as u32, sound }).collect()
}

/// Packets that begin with an IP header, and some that pretend to. None is empty: what libpcap says of those depends on
/// how it compiles the expression.
pub(super) fn raw() -> Vec<Packet> {
    let sound = [ipv4_packets(), ipv6_packets(), tunnels()].concat();
    let unsound = [odd_packets(), noise(40, 60), vec![vec![0x45; 1600]]].concat();
    let mut all = [packets(&sound, true), packets(&unsound, false), shortened(&sound, 29)].concat();
    all.retain(|packet| !packet.bytes.is_empty());
    all
}

/// Ethernet frames.
pub(super) fn ethernet() -> Vec<Packet> {
    let mut sound = Vec::new();
    for (index, body) in [ipv4_packets(), tunnels()].concat().iter().enumerate() {
        sound.push(frame(index, index / 5, 0x0800, body));
    }
    for (index, body) in ipv6_packets().iter().enumerate() {
        sound.push(frame(index, index / 3, 0x86dd, body));
    }
    for (index, (ethertype, body)) in named().iter().enumerate() {
        sound.push(frame(index, index / 2, *ethertype, body));
        sound.push(tagged(&[(0x8100, 5)], *ethertype, body));
        sound.push(tagged(&[(0x88a8, 0x2064)], *ethertype, body));
        sound.push(tagged(&[(0x9100, 0xe005), (0x8100, 200)], *ethertype, body));
        if index % 3 == 0 {
            sound.push(tagged(&[(0x8100, 100), (0x8100, 200), (0x88a8, 300)], *ethertype, body));
        }
    }
    let odd = odd_packets().iter().enumerate().map(|(index, body)| frame(index, index, 0x0800, body)).collect();
    let unsound = [odd, noise(40, 60)].concat();
    [packets(&sound, true), packets(&unsound, false), shortened(&sound, 37)].concat()
}
