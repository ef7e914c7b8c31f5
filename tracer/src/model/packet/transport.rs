//! The first bytes behind the network header.

use super::Transport;

/// Numbers of IP protocols that are read here.
pub(super) mod protocol {
    pub(in super::super) const ICMP: u8 = 1;
    pub(in super::super) const TCP: u8 = 6;
    pub(in super::super) const UDP: u8 = 17;
    pub(in super::super) const DCCP: u8 = 33;
    pub(in super::super) const ICMP6: u8 = 58;
    pub(in super::super) const SCTP: u8 = 132;
    pub(in super::super) const UDP_LITE: u8 = 136;
}

/// The header starts with a source and a destination port.
pub(super) fn has_ports(protocol: u8) -> bool {
    matches!(protocol, protocol::TCP | protocol::UDP | protocol::DCCP | protocol::SCTP | protocol::UDP_LITE)
}

/// Reads what the header says; a header cut short is [`Transport::Opaque`].
pub(super) fn parse(protocol: u8, bytes: &[u8]) -> Transport {
    let found = match protocol {
        protocol::ICMP => icmp(bytes, [8, 0]),
        protocol::ICMP6 => icmp(bytes, [128, 129]),
        _ if has_ports(protocol) => ports(protocol, bytes),
        _ => None,
    };
    found.unwrap_or(Transport::Opaque)
}

fn ports(protocol: u8, bytes: &[u8]) -> Option<Transport> {
    let tcp_flags = if protocol == protocol::TCP { bytes.get(13).copied() } else { None };
    Some(Transport::Ports { source: word(bytes, 0)?, destination: word(bytes, 2)?, tcp_flags })
}

fn icmp(bytes: &[u8], echoes: [u8; 2]) -> Option<Transport> {
    let &[kind, code] = bytes.first_chunk()?;
    let echo = if echoes.contains(&kind) { word(bytes, 4).zip(word(bytes, 6)) } else { None };
    Some(Transport::Icmp { kind, code, echo })
}

/// Two bytes in network order.
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_whole_and_cut() {
        let tcp = [0x1f, 0x90, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x12];
        let ports = |tcp_flags| Transport::Ports { source: 8080, destination: 80, tcp_flags };
        let echo = [8, 0, 0xff, 0xff, 0, 7, 0, 1];
        let icmp = |kind, echo| Transport::Icmp { kind, code: 0, echo };
        let cases: [(u8, &[u8], Transport); 12] = [
            (6, &tcp, ports(Some(0x12))),
            (6, &tcp[..13], ports(None)),
            (6, &tcp[..3], Transport::Opaque),
            (17, &tcp, ports(None)),
            (33, &tcp, ports(None)),
            (132, &tcp, ports(None)),
            (136, &tcp, ports(None)),
            (1, &echo, icmp(8, Some((7, 1)))),
            (1, &echo[..7], icmp(8, None)),
            (58, &echo, icmp(8, None)),
            (1, &echo[..1], Transport::Opaque),
            (47, &tcp, Transport::Opaque),
        ];
        for (protocol, bytes, expected) in cases {
            assert_eq!(parse(protocol, bytes), expected, "{protocol} {bytes:?}");
        }
        assert_eq!(parse(58, &[129, 0, 0, 0, 0, 7, 0, 1]), icmp(129, Some((7, 1))));
        assert_eq!(parse(58, &[135, 0, 0, 0, 0, 7, 0, 1]), icmp(135, None));
    }
}
