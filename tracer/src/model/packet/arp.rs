//! ARP for IPv4 over Ethernet (RFC 826).

use super::Arp;

const ETHERNET_AND_IPV4: [u8; 6] = [0, 1, 8, 0, 6, 4];

/// Reads an ARP packet; `None` for other hardware, other addresses, or one cut short.
pub(super) fn parse(bytes: &[u8]) -> Option<Arp> {
    let packet: &[u8; 28] = bytes.first_chunk()?;
    let rest = packet.strip_prefix(&ETHERNET_AND_IPV4)?;
    let (operation, rest) = rest.split_first_chunk()?;
    let (&sender_mac, rest) = rest.split_first_chunk()?;
    let (&sender, rest) = rest.split_first_chunk::<4>()?;
    let (&target_mac, rest) = rest.split_first_chunk()?;
    let target = *rest.first_chunk::<4>()?;
    let operation = u16::from_be_bytes(*operation);
    Some(Arp { operation, sender_mac, sender: sender.into(), target_mac, target: target.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: [u8; 28] = [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2];

    #[test]
    fn a_request_is_read() {
        let expected = Arp {
            operation: 1,
            sender_mac: [2, 0, 0, 0, 0, 1],
            sender: [10, 0, 0, 1].into(),
            target_mac: [0; 6],
            target: [10, 0, 0, 2].into(),
        };
        assert_eq!(parse(&REQUEST), Some(expected));
    }

    #[test]
    fn other_hardware_and_short_packets_are_refused() {
        assert_eq!(parse(&REQUEST[..27]), None);
        let mut infiniband = REQUEST;
        infiniband[1] = 32;
        assert_eq!(parse(&infiniband), None);
    }
}
