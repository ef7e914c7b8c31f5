//! A packet in a tunnel matches `inner(…)` as it matches without the tunnel; which that is, tcpdump says in the other tests.

use proptest::{prop_assert, test_runner::TestCaseError};
use skbtrail::filter::{self, Framing, PacketSource, Problem};
use tracer_common::predicate::Verdict;

use super::{EXPRESSIONS, generated, packets, runner};

/// Expressions tried at random.
const GENERATED: u32 = 300;

/// A packet with its framing, and the same inside of others, all of them IPv4.
struct Wrapped {
    framing: Framing,
    bare: Vec<u8>,
    tunnels: Vec<Vec<u8>>,
}

/// 192.0.2.1 to 192.0.2.2, with a word of options on every other packet.
fn ip4(protocol: u8, options: bool, parts: &[&[u8]]) -> Vec<u8> {
    let mut packet =
        vec![if options { 0x46 } else { 0x45 }, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
    packet.extend(options.then_some([1; 4]).iter().flatten());
    packet.extend(parts.concat());
    packet
}

fn udp(port: u16) -> [u8; 8] {
    let [high, low] = port.to_be_bytes();
    [0x30, 0x39, high, low, 0, 0, 0, 0]
}

/// IP packets in all that carries them; none for what is neither IPv4 nor IPv6.
fn wrap_ip(number: usize, bare: &[u8]) -> Option<Wrapped> {
    let (protocol, ethertype) = match bare.first()? >> 4 {
        4 => (4, [8, 0]),
        6 => (41, [0x86, 0xdd]),
        _ => return None,
    };
    let options = number.is_multiple_of(2);
    let geneve = [[1, 0], ethertype, [0, 0], [7, 0], [1, 2], [3, 4]].concat();
    let plain_gre = [[0, 0], ethertype].concat();
    let full_gre = [[0xb0, 0], ethertype, [0; 2], [0; 2], [0, 7], [7, 7], [0; 2], [0, 1]].concat();
    let tunnels = vec![
        ip4(protocol, options, &[bare]),
        ip4(17, options, &[&udp(6081), &geneve, bare]),
        ip4(47, options, &[&plain_gre, bare]),
        ip4(47, !options, &[&full_gre, bare]),
    ];
    Some(Wrapped { framing: Framing::RawIp, bare: bare.to_vec(), tunnels })
}

/// Frames in all that carries those; none for what is too short to be one.
fn wrap_frame(number: usize, bare: &[u8]) -> Option<Wrapped> {
    bare.get(13)?;
    let options = number.is_multiple_of(2);
    let tunnels = vec![
        ip4(17, options, &[&udp(4789), &[8, 0, 0, 0, 0, 0, 42, 0], bare]),
        ip4(17, !options, &[&udp(8472), &[8, 0, 0, 0, 0, 0, 42, 0], bare]),
        ip4(17, options, &[&udp(6081), &[0, 0, 0x65, 0x58, 0, 0, 42, 0], bare]),
        ip4(47, options, &[&[0x20, 0, 0x65, 0x58, 0, 0, 0, 1], bare]),
    ];
    Some(Wrapped { framing: Framing::Ethernet, bare: bare.to_vec(), tunnels })
}

fn all() -> Vec<Wrapped> {
    let raw = packets::raw().into_iter().enumerate().filter_map(|(number, packet)| wrap_ip(number, &packet.bytes));
    let frames = packets::ethernet().into_iter().enumerate();
    raw.chain(frames.filter_map(|(number, packet)| wrap_frame(number, &packet.bytes))).collect()
}

fn compiled(expression: &str) -> Result<filter::Compiled, Problem> {
    let request = filter::Request { expression, ..filter::Request::default() };
    filter::compile(&request).map_err(|error| error.problem)
}

fn matches(filter: &filter::Compiled, framing: Framing, packet: &[u8]) -> bool {
    filter.program.evaluate(&mut PacketSource::new(framing, packet, packet.len() as u32)) == Verdict::Match
}

/// How many verdicts were compared, and how many of them were that it matches.
fn compare(expression: &str, packets: &[Wrapped]) -> Result<(usize, usize), TestCaseError> {
    // The length is that of the whole packet wherever it is asked for.
    if ["len", "less", "greater"].iter().any(|word| expression.contains(word)) {
        return Ok((0, 0));
    }
    let inside = format!("inner({expression})");
    let (bare, inside) = match (compiled(expression), compiled(&inside)) {
        (Ok(bare), Ok(inside)) => (bare, inside),
        (Err(_), Err(_)) | (Ok(_), Err(Problem::TooLarge(_))) => return Ok((0, 0)),
        (_, inside) => return Err(TestCaseError::fail(format!("{expression}: alone otherwise than {inside:?}"))),
    };
    let (mut judged, mut matched) = (0, 0);
    for packet in packets {
        let expected = matches(&bare, packet.framing, &packet.bare);
        for tunnel in &packet.tunnels {
            let found = matches(&inside, Framing::RawIp, tunnel);
            prop_assert!(found == expected, "{expression}: {found} inside of {tunnel:02x?}");
        }
        judged += packet.tunnels.len();
        matched += packet.tunnels.len() * usize::from(expected);
    }
    Ok((judged, matched))
}

#[test]
fn a_packet_in_a_tunnel_matches_as_without() {
    let packets = all();
    let (mut judged, mut matched) = (0, 0);
    for expression in EXPRESSIONS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let counts = compare(expression, &packets).unwrap_or_else(|fault| panic!("{fault}"));
        judged += counts.0;
        matched += counts.1;
    }
    assert!(judged > 100_000 && matched > judged / 100, "{judged} verdicts, {matched} matches");
    let tried = runner(GENERATED).run(&generated::expression(), |expression| compare(&expression, &packets).map(drop));
    tried.unwrap_or_else(|fault| panic!("{fault}"));
}
