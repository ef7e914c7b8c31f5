//! `cilium_policy_v2_NNNNN`, `cilium_policy_NNNNN`: what an endpoint may send and receive.

use std::{cmp::Ordering, sync::Arc};

use super::{
    minor,
    policystats::Stats,
    words::{authentication, protocol},
};
use crate::{
    inspect::maps::decode::{Bytes, Decoder, Entry, Layout, Misfit, Recognition, Subject, kind},
    model::{Decoded, Form},
};

/// Bits of the key before protocol and port.
const STATIC_BITS: u32 = 40;
/// Bits of the protocol.
const PROTOCOL_BITS: u32 = 8;
/// Bits of protocol and port.
const FULL_BITS: u32 = 24;

/// The decoder. Alone it tells no counts of releases that keep them in a map of their own (1.18 on).
pub struct Map;

impl Decoder for Map {
    fn dataplane(&self) -> &'static str {
        "cilium"
    }

    fn name(&self) -> &'static str {
        "policy"
    }

    fn recognise(&self, map: &Subject<'_>) -> Recognition {
        recognise(map, None)
    }
}

/// Recognises an endpoint's policy, with the counts of all endpoints if they have been read before.
pub fn recognise(map: &Subject<'_>, stats: Option<Arc<Stats>>) -> Recognition {
    let Some(endpoint) = map.label().strip_prefix("cilium_policy_") else { return Recognition::Other };
    let endpoint = endpoint.strip_prefix("v2_").unwrap_or(endpoint);
    let minor = minor(map);
    let minor = match map.shape() {
        (kind::HASH, 8, 24) => minor.min(13),
        (kind::LPM_TRIE, 12, 24) => minor.clamp(14, 17),
        (kind::LPM_TRIE, 12, 8) => 18,
        (kind::LPM_TRIE, 12, 12) => minor.max(19),
        _ => return map.misfit(),
    };
    // Of a name that the kernel has cut the number is not known.
    let endpoint = map.pin.and(endpoint.parse().ok());
    Recognition::known(Version { minor, endpoint, stats })
}

/// What is asked of an endpoint's traffic, and what becomes of it.
struct Rule {
    identity: u32,
    is_egress: bool,
    protocol: u8,
    port: u16,
    /// Bits of protocol and port that count; not known to 1.13.
    bits: Option<u32>,
    is_denied: bool,
    proxy_port: u16,
    authentication: u8,
    counts: Option<(u64, u64)>,
    precedence: u32,
    cookie: u32,
}

struct Version {
    minor: u16,
    endpoint: Option<u16>,
    stats: Option<Arc<Stats>>,
}

impl Version {
    fn sizes(&self) -> (usize, usize) {
        match self.minor {
            ..=13 => (8, 24),
            14..=17 => (12, 24),
            18 => (12, 8),
            _ => (12, 12),
        }
    }

    fn read(&self, entry: &Entry<'_>) -> Result<Rule, Misfit> {
        let (key_size, value_size) = self.sizes();
        let (key, value) = entry.sized(key_size, value_size)?;
        let newest = self.minor >= 19;
        let common = |rule: Rule| Rule {
            is_denied: value.u8(2) & 1 != 0,
            proxy_port: value.be16(0),
            precedence: if newest { value.u32(4) } else { 0 },
            cookie: if newest { value.u32(8) } else { 0 },
            ..rule
        };
        let counted = (value.u64(8), value.u64(16));
        Ok(common(if self.minor <= 13 {
            Rule {
                identity: key.u32(0),
                is_egress: key.u8(7) != 0,
                protocol: key.u8(6),
                port: key.be16(4),
                bits: None,
                authentication: 0,
                counts: Some(counted),
                ..Rule::NONE
            }
        } else {
            Rule {
                identity: key.u32(4),
                is_egress: key.u8(8) & 1 != 0,
                protocol: key.u8(9),
                port: key.be16(10),
                bits: Some(key.u32(0).wrapping_sub(STATIC_BITS)),
                authentication: value.u8(3) & if self.minor >= 17 { 0x7f } else { 0xff },
                counts: if self.minor <= 17 { Some(counted) } else { self.counts(key) },
                ..Rule::NONE
            }
        }))
    }

    fn counts(&self, key: Bytes<'_>) -> Option<(u64, u64)> {
        let bits = key.u32(0).wrapping_sub(STATIC_BITS);
        let asked = (self.endpoint?, bits as u8, key.u32(4), key.u8(8) & 1, key.u8(9), key.be16(10));
        self.stats.as_ref()?.get(&asked).copied()
    }

    /// Protocol and ports, as the release prints them.
    fn ports(&self, rule: &Rule) -> String {
        let (name, port) = (protocol(rule.protocol, self.minor), rule.port);
        match rule.bits {
            None if port != 0 || [1, 58].contains(&rule.protocol) => format!("{port}/{name}"),
            None => "ANY".to_owned(),
            Some(0 | PROTOCOL_BITS) => name,
            Some(FULL_BITS) => format!("{port}/{name}"),
            Some(bits @ PROTOCOL_BITS..FULL_BITS) if self.minor <= 15 => {
                format!("0x{port:x}/{}/{name}", bits - PROTOCOL_BITS)
            }
            Some(bits @ PROTOCOL_BITS..FULL_BITS) => {
                format!("{port}-{}/{name}", port.wrapping_add(rest(bits - PROTOCOL_BITS)))
            }
            Some(bits) => format!("<INVALID PREFIX LENGTH: {bits}>"),
        }
    }
}

/// How many ports follow the first where this many bits of it count.
fn rest(bits: u32) -> u16 {
    0xffff >> bits
}

impl Rule {
    const NONE: Self = Self {
        identity: 0,
        is_egress: false,
        protocol: 0,
        port: 0,
        bits: None,
        is_denied: false,
        proxy_port: 0,
        authentication: 0,
        counts: None,
        precedence: 0,
        cookie: 0,
    };

    fn direction(&self) -> &'static str {
        if self.is_egress { "Egress" } else { "Ingress" }
    }

    fn verdict(&self) -> &'static str {
        if self.is_denied { "Deny" } else { "Allow" }
    }

    /// Bytes and packets, `-` where they are not known.
    fn counted(&self) -> [String; 2] {
        match self.counts {
            None => ["-".to_owned(), "-".to_owned()],
            Some((packets, bytes)) => [bytes.to_string(), packets.to_string()],
        }
    }
}

impl Layout for Version {
    fn titles(&self) -> &'static [&'static str] {
        const OLDEST: &[&str] = &["POLICY", "DIRECTION", "IDENTITY", "PORT/PROTO", "PROXY PORT", "BYTES", "PACKETS"];
        const ALL: &[&str] = &[
            "POLICY",
            "DIRECTION",
            "IDENTITY",
            "PORT/PROTO",
            "PROXY PORT",
            "AUTH TYPE",
            "BYTES",
            "PACKETS",
            "PREFIX",
            "COOKIE",
        ];
        match self.minor {
            ..=13 => OLDEST,
            14..=18 => &ALL[..9],
            _ => ALL,
        }
    }

    fn form(&self) -> Form {
        if self.minor >= 19 { Form::Columns } else { Form::Padded }
    }

    fn compare(&self, one: &Entry<'_>, other: &Entry<'_>) -> Ordering {
        // What is denied first, then by direction and identity, as the tool has it.
        let order = |entry| self.read(entry).map(|rule| (!rule.is_denied, rule.is_egress, rule.identity)).ok();
        order(one).cmp(&order(other)).then_with(|| one.key.cmp(other.key))
    }

    fn row(&self, entry: &Entry<'_>) -> Result<Option<Decoded>, Misfit> {
        let rule = self.read(entry)?;
        let proxy = if rule.proxy_port == 0 { "NONE".to_owned() } else { rule.proxy_port.to_string() };
        let mut cells = vec![rule.verdict().to_owned(), rule.direction().to_owned(), rule.identity.to_string()];
        cells.extend([self.ports(&rule), proxy]);
        if self.minor >= 14 {
            cells.push(authentication(rule.authentication));
        }
        cells.extend(rule.counted());
        cells.extend(rule.bits.map(|bits| bits.to_string()));
        if self.minor >= 19 {
            cells.push(rule.cookie.to_string());
        }
        let row = Decoded { cells, fields: Vec::new() }
            .with("endpoint", self.endpoint)
            .with("verdict", rule.verdict().to_lowercase())
            .with("direction", rule.direction().to_lowercase())
            .with("identity", rule.identity)
            .with("ports", self.ports(&rule))
            .with("protocol", protocol(rule.protocol, self.minor))
            .with("port", rule.port)
            .with("prefix_length", rule.bits)
            .with("proxy_port", (rule.proxy_port != 0).then_some(rule.proxy_port))
            .with("authentication", (self.minor >= 14).then(|| authentication(rule.authentication)))
            .with("packets", rule.counts.map(|(packets, _)| packets))
            .with("bytes", rule.counts.map(|(_, bytes)| bytes));
        Ok(Some(if self.minor >= 19 {
            row.with("precedence", rule.precedence).with("cookie", rule.cookie)
        } else {
            row
        }))
    }
}

#[cfg(test)]
mod tests;
