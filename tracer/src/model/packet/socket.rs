//! The flow of the socket that sends, for hits before the packet's own headers are written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tracer_common::event::SocketTuple;

use super::{Flow, Transport, transport};

/// `AF_INET` and `AF_INET6` of Linux, on every architecture.
const FAMILY_V4: u16 = 2;
const FAMILY_V6: u16 = 10;

/// Reads a [`SocketTuple`]; `None` for other families and for a socket that names neither address nor port.
pub(super) fn flow(bytes: &[u8]) -> Option<Flow> {
    let tuple: SocketTuple = bytemuck::pod_read_unaligned(bytes.get(..size_of::<SocketTuple>())?);
    let (source, destination) = match tuple.family {
        FAMILY_V4 => (v4(tuple.source), v4(tuple.destination)),
        FAMILY_V6 => v6_pair(tuple.source.into(), tuple.destination.into()),
        _ => return None,
    };
    let ports = (tuple.source_port, tuple.destination_port);
    if source.is_unspecified() && destination.is_unspecified() && ports == (0, 0) {
        return None;
    }
    let protocol = u8::try_from(tuple.protocol).ok()?;
    let transport = if transport::has_ports(protocol) {
        Transport::Ports { source: ports.0, destination: ports.1, tcp_flags: None }
    } else {
        Transport::Opaque
    };
    Some(Flow { source, destination, protocol, transport })
}

fn v4(address: [u8; 16]) -> IpAddr {
    let [a, b, c, d, ..] = address;
    Ipv4Addr::new(a, b, c, d).into()
}

/// An IPv6 socket that talks IPv4 holds mapped addresses (`::ffff:10.0.0.1`); its packets are IPv4.
fn v6_pair(source: Ipv6Addr, destination: Ipv6Addr) -> (IpAddr, IpAddr) {
    match (source.to_ipv4_mapped(), destination.to_ipv4_mapped()) {
        (Some(source), Some(destination)) => (source.into(), destination.into()),
        _ => (source.into(), destination.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple(family: u16, protocol: u16, source: Ipv6Addr, destination: Ipv6Addr, ports: (u16, u16)) -> Vec<u8> {
        let (source, destination) = (source.octets(), destination.octets());
        let (source_port, destination_port) = ports;
        let tuple = SocketTuple { source, destination, source_port, destination_port, family, protocol };
        bytemuck::bytes_of(&tuple).to_vec()
    }

    /// An address whose first four bytes are the given ones, as the kernel side sends IPv4.
    fn leading(bytes: [u8; 4]) -> Ipv6Addr {
        let mut all = [0; 16];
        all[..4].copy_from_slice(&bytes);
        all.into()
    }

    #[test]
    fn sockets_of_both_families() {
        let mapped = |last| Ipv4Addr::new(10, 0, 0, last).to_ipv6_mapped();
        let (any, one) = (Ipv6Addr::UNSPECIFIED, Ipv6Addr::LOCALHOST);
        let cases = [
            (tuple(2, 6, leading([10, 0, 0, 1]), leading([10, 0, 0, 2]), (1, 2)), "10.0.0.1 10.0.0.2 6 1-2"),
            (tuple(10, 17, one, one, (5, 6)), "::1 ::1 17 5-6"),
            (tuple(10, 6, mapped(1), mapped(2), (1, 2)), "10.0.0.1 10.0.0.2 6 1-2"),
            (tuple(2, 17, any, any, (53, 0)), "0.0.0.0 0.0.0.0 17 53-0"),
            (tuple(2, 1, leading([10, 0, 0, 1]), any, (7, 0)), "10.0.0.1 0.0.0.0 1 opaque"),
            (tuple(2, 1, any, any, (0, 0)), "none"),
            (tuple(1, 0, one, one, (1, 2)), "none"),
            (tuple(2, 262, one, one, (1, 2)), "none"),
            (vec![2; 39], "none"),
        ];
        for (bytes, expected) in cases {
            let found = flow(&bytes).map_or("none".to_owned(), |flow| {
                let transport = match flow.transport {
                    Transport::Ports { source, destination, tcp_flags: None } => format!("{source}-{destination}"),
                    _ => "opaque".to_owned(),
                };
                format!("{} {} {} {transport}", flow.source, flow.destination, flow.protocol)
            });
            assert_eq!(found, expected);
        }
    }
}
