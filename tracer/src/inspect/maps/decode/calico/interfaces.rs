//! State and limits of interfaces: `cali_iface4`, `cali_iface2`, `cali_qos2`, `cali_qos`.

use std::fmt::Write as _;

use super::{Version, version};
use crate::{
    inspect::maps::decode::{Bytes, Entry, Misfit, versions::Versions, words::flag_names},
    model::{
        Datum, Decoded, Form,
        calico::{Interface, Policies, Rate},
    },
};

/// What Calico thinks of the interfaces.
pub static STATES: Versions = Versions {
    dataplane: "calico",
    name: "ifstate",
    titles: &[],
    form: Form::Lines,
    known: &[version!("cali_iface4", HASH, 4, 52, false), version!("cali_iface2", HASH, 4, 20, false)],
    is_common_name: false,
    row: |entry, version, _| Ok(Some(state(&read_state(entry, version)?))),
};

/// Limits of packet rates.
pub static RATES: Versions = Versions {
    dataplane: "calico",
    name: "qos",
    titles: &[],
    form: Form::Lines,
    known: &[version!("cali_qos2", HASH, 8, 24, false), version!("cali_qos", HASH, 8, 24, false)],
    is_common_name: false,
    row: |entry, version, _| Ok(Some(rate(&read_rate(entry, version)?))),
};

const FLAGS: &[(u32, &str)] = &[
    (0x1, "workload"),
    (0x2, "v4Ready"),
    (0x4, "v6Ready"),
    (0x8, "host"),
    (0x10, "bond"),
    (0x20, "bondslave"),
    (0x40, "vxlan"),
    (0x80, "ipip"),
    (0x100, "wg"),
    (0x200, "l3"),
    (0x400, "notmanaged"),
];
/// Up to 3.26.
const OLD_FLAGS: &[(u32, &str)] = &[(0x1, "workload"), (0x2, "ready")];
/// Value of the layout without policies.
const SHORT: u32 = 20;

/// Reads `struct ifstate_val`.
pub fn read_state(entry: &Entry<'_>, version: &Version) -> Result<Interface, Misfit> {
    let (key, value) = version.sized(entry)?;
    let name: [u8; 16] = value.array(4);
    let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
    Ok(Interface {
        ifindex: key.u32(0),
        flags: value.u32(0),
        name: name[..end].to_vec(),
        policies: (version.value != SHORT).then(|| policies(value)),
    })
}

fn policies(value: Bytes<'_>) -> Policies {
    let number = |at| value.u32(at).cast_signed();
    Policies { v4: [20, 24, 28].map(number), v6: [32, 36, 40].map(number), filters: [44, 48].map(number) }
}

/// A line of `ifstate dump`.
fn state(entry: &Interface) -> Decoded {
    let names = flag_names(entry.flags, if entry.policies.is_some() { FLAGS } else { OLD_FLAGS });
    // The tool calls an interface without any flag a host's.
    let shown = if names.is_empty() { "host".to_owned() } else { names.join(",") };
    let name = String::from_utf8_lossy(&entry.name).into_owned();
    let mut text = format!("{:>5} : {{flags: {shown}, ", entry.ifindex);
    if let Some(policies) = &entry.policies {
        let Policies { v4: [xdp, ingress, egress], v6: [xdp6, ingress6, egress6], filters: [in_filter, out_filter] } =
            policies;
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "XDPPolicyV4: {xdp}, IngressPolicyV4: {ingress}, EgressPolicyV4: {egress}, XDPPolicyV6: {xdp6}, \
             IngressPolicyV6: {ingress6}, EgressPolicyV6: {egress6}, IngressFilter: {in_filter}, EgressFilter: {out_filter}, "
        );
    }
    let _ = write!(text, "name: {name}}}");
    let row = Decoded::new([text]).with("ifindex", entry.ifindex).with("name", name).with("flags", Datum::texts(names));
    let numbers = |numbers: &[i32]| Datum::List(numbers.iter().map(|number| Datum::Signed((*number).into())).collect());
    match &entry.policies {
        None => row,
        Some(policies) => row
            .with("policies_v4_xdp_ingress_egress", numbers(&policies.v4))
            .with("policies_v6_xdp_ingress_egress", numbers(&policies.v6))
            .with("filters_ingress_egress", numbers(&policies.filters)),
    }
}

/// Reads `struct calico_qos_key` and `struct calico_qos_data`.
fn read_rate(entry: &Entry<'_>, version: &Version) -> Result<Rate, Misfit> {
    let (key, value) = version.sized(entry)?;
    let both = version.name == "cali_qos";
    let number = |at| value.u16(at).cast_signed();
    Ok(Rate {
        ifindex: key.u32(0),
        ingress: if both { key.u32(4) != 0 } else { key.u16(4) != 0 },
        family: (!both).then(|| key.u16(6)),
        rate: number(4),
        burst: number(6),
        tokens: number(8),
        updated: value.u64(16),
    })
}

fn rate(entry: &Rate) -> Decoded {
    let direction = if entry.ingress { "ingress" } else { "egress" };
    let family = entry.family.map(|family| format!(" IPv{family}")).unwrap_or_default();
    Decoded::new([format!(
        "dev {:>4} {direction}{family}: {} packets/s, burst {}, tokens {}",
        entry.ifindex, entry.rate, entry.burst, entry.tokens
    )])
    .with("ifindex", entry.ifindex)
    .with("direction", direction)
    .with("family", entry.family)
    .with("packet_rate", Datum::Signed(entry.rate.into()))
    .with("packet_burst", Datum::Signed(entry.burst.into()))
    .with("tokens", Datum::Signed(entry.tokens.into()))
    .with("updated_ns", entry.updated)
}
