//! What is translated, and to what: `map_service`, `map_backend`, `map_node_ip`, `map_node_proxy_ip`, `map_configure`.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::{Version, end, ipv4, nat_type, nat_type_name, protocol_name, version};
use crate::{
    inspect::maps::decode::{Entry, Misfit, versions::Versions},
    model::{
        Decoded, Form,
        balancing::{Backend, Service},
    },
};

/// Services, redirections, policies.
pub static SERVICES: Versions = Versions {
    dataplane: "balancing",
    name: "services",
    titles: &["KEY", "VALUE"],
    form: Form::Columns,
    known: &[version!("map_service", HASH, 12, 20)],
    is_common_name: false,
    row: |entry, version, _| Ok(Some(service(&read_service(entry, version)?))),
};

/// What stands behind them.
pub static BACKENDS: Versions = Versions {
    dataplane: "balancing",
    name: "backends",
    titles: &["KEY", "VALUE"],
    form: Form::Columns,
    known: &[version!("map_backend", HASH, 16, 12)],
    is_common_name: false,
    row: |entry, version, _| Ok(Some(backend(&read_backend(entry, version)?))),
};

/// Addresses of nodes.
pub static NODE_ADDRESSES: Versions = Versions {
    dataplane: "balancing",
    name: "node-addresses",
    titles: &["KEY", "VALUE"],
    form: Form::Columns,
    known: &[version!("map_node_ip", HASH, 4, 4)],
    is_common_name: false,
    row: |entry, version, _| {
        let (node, value) = (read_node_address(entry, version)?, version.sized(entry)?.1.u32(0));
        Ok(Some(Decoded::new([format!("{{ NodeIp:{node}}}"), value.to_string()]).with("node", node.to_string())))
    },
};

/// Where nodes' proxies are reached.
pub static NODE_PROXIES: Versions = Versions {
    dataplane: "balancing",
    name: "node-proxies",
    titles: &["KEY", "VALUE"],
    form: Form::Columns,
    known: &[version!("map_node_proxy_ip", HASH, 4, 4)],
    is_common_name: false,
    row: |entry, version, _| {
        let (node, address) = read_node_proxy(entry, version)?;
        let row = Decoded::new([node.to_string(), format!("{{ NodeIp:{address}}}")]);
        Ok(Some(row.with("node", node).with("address", address.to_string())))
    },
};

/// Settings.
pub static SETTINGS: Versions = Versions {
    dataplane: "balancing",
    name: "configure",
    titles: &[],
    form: Form::Lines,
    known: &[version!("map_configure", ARRAY, 4, 4)],
    is_common_name: false,
    row: |entry, version, _| {
        let (key, value) = version.sized(entry)?;
        let (number, value) = (key.u32(0), value.u32(0));
        Ok(setting(number, value).map(|text| Decoded::new([text]).with("setting", number).with("value", value)))
    },
};

/// The key under which a service or a policy for it is found.
pub fn service_key(address: SocketAddrV4, protocol: u8, nat_type: u8, scope: u8) -> Vec<u8> {
    let mut key = address.ip().octets().to_vec();
    key.extend(address.port().to_ne_bytes());
    key.extend([protocol, nat_type, scope]);
    key.resize(12, 0);
    key
}

/// The key under which one of its backends is found.
pub fn backend_key(service: &Service, nat_type: u8, order: u32) -> Vec<u8> {
    let mut key = [service.id.to_ne_bytes(), order.to_ne_bytes()].concat();
    key.extend(service.address.port().to_ne_bytes());
    key.extend([service.protocol, nat_type, service.scope]);
    key.resize(16, 0);
    key
}

/// Reads `struct mapkey_service` and `struct mapvalue_service`.
pub fn read_service(entry: &Entry<'_>, version: &Version) -> Result<Service, Misfit> {
    let (key, value) = version.sized(entry)?;
    Ok(Service {
        address: end(key, 0, 4),
        protocol: key.u8(6),
        nat_type: nat_type(key.u8(7)),
        scope: key.u8(8),
        id: value.u32(0),
        backends: value.u32(4),
        local_backends: value.u32(8),
        affinity: value.u32(12),
        service_flags: value.u8(16),
        balancing_flags: value.u8(17),
        redirect_flags: value.u8(18),
        mode: value.u8(19),
    })
}

/// Reads `struct mapkey_backend` and `struct mapvalue_backend`.
pub fn read_backend(entry: &Entry<'_>, version: &Version) -> Result<Backend, Misfit> {
    let (key, value) = version.sized(entry)?;
    Ok(Backend {
        id: key.u32(0),
        order: key.u32(4),
        port: key.u16(8),
        protocol: key.u8(10),
        nat_type: nat_type(key.u8(11)),
        scope: key.u8(12),
        pod: end(value, 0, 8),
        node: value.u32(4),
        node_port: value.u16(10),
    })
}

/// Reads an address of a node; the value says nothing.
pub fn read_node_address(entry: &Entry<'_>, version: &Version) -> Result<Ipv4Addr, Misfit> {
    Ok(ipv4(version.sized(entry)?.0, 0))
}

/// Reads a node's number and its proxy's address.
pub fn read_node_proxy(entry: &Entry<'_>, version: &Version) -> Result<(u32, Ipv4Addr), Misfit> {
    let (key, value) = version.sized(entry)?;
    Ok((key.u32(0), ipv4(value, 0)))
}

/// As the tool names it (`NAT_MODE_…`).
pub fn mode_name(mode: u8) -> String {
    let name = match mode {
        0x01 => "ServiceClusterIP",
        0x02 => "ServiceLoadbalancer",
        0x03 => "ServiceExternalIP",
        0x04 => "ServiceNodeport",
        0x10 => "localRedirectService",
        0x11 => "localRedirectAddress",
        0x20 => "balancingPod",
        0x21 => "balancingHostPort",
        0x22 => "balancingNodeProxy",
        0x23 => "balancingAddress",
        _ => return format!("unknown ({mode:#x})"),
    };
    name.to_owned()
}

/// Key and value as `showMapData service` prints them.
pub fn service(entry: &Service) -> Decoded {
    let (protocol, nat_type) = (protocol_name(entry.protocol), nat_type_name(entry.nat_type));
    let mode = mode_name(entry.mode);
    let (ip, port) = (entry.address.ip(), entry.address.port());
    Decoded::new([
        format!("{{ DestIp:{ip}, DestPort:{port}, protocol:{protocol}, NatType:{nat_type}, Scope:{} }}", entry.scope),
        format!(
            "{{ SvcId:{}, TotalBackendCount:{}, LocalBackendCount:{}, AffinitySecond:{}, NatMode:{mode}, \
             ServiceFlags:{}, BalancingFlags:{}, RedirectFlags:{} }}",
            entry.id,
            entry.backends,
            entry.local_backends,
            entry.affinity,
            entry.service_flags,
            entry.balancing_flags,
            entry.redirect_flags
        ),
    ])
    .with("address", ip.to_string())
    .with("port", port)
    .with("protocol", protocol)
    .with("nat_type", nat_type)
    .with("scope", entry.scope)
    .with("service_id", entry.id)
    .with("backends", entry.backends)
    .with("local_backends", entry.local_backends)
    .with("affinity_seconds", entry.affinity)
    .with("mode", mode)
    .with("service_flags", entry.service_flags)
    .with("balancing_flags", entry.balancing_flags)
    .with("redirect_flags", entry.redirect_flags)
}

/// Key and value as `showMapData backend` prints them.
pub fn backend(entry: &Backend) -> Decoded {
    let (protocol, nat_type) = (protocol_name(entry.protocol), nat_type_name(entry.nat_type));
    let Backend { id, order, port, scope, pod, node, node_port, .. } = entry;
    Decoded::new([
        format!(
            "{{ Order:{order}, SvcId:{id}, port:{port}, protocol:{protocol}, NatType:{nat_type}, Scope: {scope} }}"
        ),
        format!("{{ PodIp:{} , PodPort:{}, NodeId:{node}, NodePort:{node_port} }}", pod.ip(), pod.port()),
    ])
    .with("service_id", *id)
    .with("order", *order)
    .with("port", *port)
    .with("protocol", protocol)
    .with("nat_type", nat_type)
    .with("scope", *scope)
    .with("pod", pod.ip().to_string())
    .with("pod_port", pod.port())
    .with("node", *node)
    .with("node_port", *node_port)
}

/// A setting in the tool's words; the array has more places than there are settings.
fn setting(number: u32, value: u32) -> Option<String> {
    let switch = if value == 0 { "disabled" } else { "enabled" };
    match number {
        0 => {
            let level = match value {
                0 => "verbose".to_owned(),
                1 => "info".to_owned(),
                2 => "error".to_owned(),
                other => format!("unknown ({other})"),
            };
            Some(format!("debugLevel: {level}"))
        }
        1 => Some(format!("Ipv4Enabled: {switch}")),
        2 => Some(format!("Ipv6Enabled: {switch}")),
        3 => Some(format!("redirectQosLimit: {value}")),
        _ if value == 0 => None,
        _ => Some(format!("unknown setting {number}: {value}")),
    }
}
