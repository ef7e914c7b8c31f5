//! Who belongs to the mesh: `local_pod_ips`, `process_ip`, `mark_pod_ips_map`, `cgroup_info_map`, `settings`.

use std::net::IpAddr;

use super::{Version, address, version};
use crate::{
    inspect::maps::decode::{Bytes, Entry, Misfit, versions::Versions, words::flag_names},
    model::{
        Datum, Decoded, Form,
        merbridge::{Cgroup, Pod, Rules},
    },
};

/// Pods on this node that have a sidecar.
pub static PODS: Versions = Versions {
    dataplane: "merbridge",
    name: "pods",
    titles: &["POD", "RULES"],
    form: Form::Columns,
    known: &[
        version!("local_pod_ips", HASH, 16, 484, true),
        version!("local_pod_ips", HASH, 16, 244, true),
        version!("tc/globals/local_pod_ips", HASH, 4, 244, false),
        version!("local_pod_ips", HASH, 4, 244, false),
        version!("local_pod_ips", HASH, 4, 4, false),
        version!("osm_pod_fib", HASH, 16, 484, true),
    ],
    is_common_name: false,
    row: |entry, version, _| Ok(Some(pod(&read_pod(entry, version)?))),
};

/// Sidecars' processes.
pub static PROCESSES: Versions = Versions {
    dataplane: "merbridge",
    name: "processes",
    titles: &["PROCESS", "POD"],
    form: Form::Columns,
    known: &[version!("process_ip", LRU_HASH, 4, 4, false), version!("osm_proc_fib", LRU_HASH, 4, 4, false)],
    is_common_name: false,
    row: |entry, version, _| {
        let (pid, address) = read_process(entry, version)?;
        let row = Decoded::new([pid.to_string(), address.to_string()]);
        Ok(Some(row.with("pid", pid).with("pod", address)))
    },
};

/// Marks of sockets by which a pod's own address is found.
pub static MARKS: Versions = Versions {
    dataplane: "merbridge",
    name: "marks",
    titles: &["MARK", "POD"],
    form: Form::Columns,
    known: &[
        version!("mark_pod_ips_map", HASH, 4, 16, true),
        version!("mark_pod_ips_map", HASH, 4, 4, false),
        version!("osm_mark_fib", HASH, 4, 16, true),
    ],
    is_common_name: false,
    row: |entry, version, _| {
        let (key, value) = version.sized(entry)?;
        let (mark, pod) = (key.u32(0), address(value, 0, version.is_ipv6));
        Ok(Some(Decoded::new([format!("{mark:#x}"), pod.to_string()]).with("mark", mark).with("pod", pod)))
    },
};

/// What was found out about cgroups.
pub static CGROUPS: Versions = Versions {
    dataplane: "merbridge",
    name: "cgroups",
    titles: &["CGROUP", "IN MESH", "POD", "ON", "LOOKED FOR"],
    form: Form::Columns,
    known: &[version!("cgroup_info_map", LRU_HASH, 8, 32, true), version!("osm_cgr_fib", LRU_HASH, 8, 32, true)],
    is_common_name: false,
    row: |entry, version, _| Ok(Some(cgroup(&read_cgroup(entry, version)?))),
};

/// Settings.
pub static SETTINGS: Versions = Versions {
    dataplane: "merbridge",
    name: "settings",
    titles: &["SETTING", "VALUE"],
    form: Form::Columns,
    known: &[version!("settings", HASH, 4, 16, true)],
    is_common_name: true,
    row: |entry, version, _| {
        let (key, value) = version.sized(entry)?;
        let (number, value) = (key.u32(0), address(value, 0, true));
        let name = if number == ZTUNNEL { "ztunnel address".to_owned() } else { format!("unknown ({number})") };
        let row = Decoded::new([name, value.to_string()]);
        Ok(Some(row.with("setting", number).with("value", value)))
    },
};

/// Setting of the ztunnel's address.
const ZTUNNEL: u32 = 1;
/// Bytes of a `struct cidr`.
const RANGE: usize = 8;

/// Reads a pod's address and its `struct pod_config`.
pub fn read_pod(entry: &Entry<'_>, version: &Version) -> Result<Pod, Misfit> {
    let (key, value) = version.sized(entry)?;
    let most = match version.value {
        244 => Some(10),
        484 => Some(20),
        // The oldest layout has nothing but a number that is always the same.
        _ => None,
    };
    Ok(Pod { address: address(key, 0, version.is_ipv6), rules: most.map(|most| rules(value, most)) })
}

/// `most` places for each kind of rule.
fn rules(value: Bytes<'_>, most: usize) -> Rules {
    let ports_from = 4 + 2 * most * RANGE;
    let ranges = |at: usize| ranges(value, at, most);
    let ports = |index: usize| ports(value, ports_from + index * most * 2, most);
    Rules {
        status_port: value.u16(0),
        exclude_out_ranges: ranges(4),
        include_out_ranges: ranges(4 + most * RANGE),
        include_in_ports: ports(0),
        include_out_ports: ports(1),
        exclude_in_ports: ports(2),
        exclude_out_ports: ports(3),
    }
}

/// A network of zeros ends the list.
fn ranges(value: Bytes<'_>, at: usize, most: usize) -> Vec<(IpAddr, u8)> {
    let all = (0..most).map(|index| at + index * RANGE);
    let used = all.take_while(|&at| value.u64(at) != 0);
    used.map(|at| (value.ipv4(at), value.u8(at + 4))).collect()
}

/// A port of 0 ends the list; ports are in the machine's order.
fn ports(value: Bytes<'_>, at: usize, most: usize) -> Vec<u16> {
    (0..most).map(|index| value.u16(at + 2 * index)).take_while(|&port| port != 0).collect()
}

/// Reads a process (thread group) and its pod's address.
pub fn read_process(entry: &Entry<'_>, version: &Version) -> Result<(u32, IpAddr), Misfit> {
    let (key, value) = version.sized(entry)?;
    Ok((key.u32(0), value.ipv4(0)))
}

fn read_cgroup(entry: &Entry<'_>, version: &Version) -> Result<Cgroup, Misfit> {
    let (key, value) = version.sized(entry)?;
    // `struct cgroup_info` begins with the id that the key is.
    Ok(Cgroup {
        id: key.u64(0),
        in_mesh: value.u32(8),
        address: address(value, 12, true),
        flags: value.u16(28),
        detected: value.u16(30),
    })
}

fn pod(entry: &Pod) -> Decoded {
    let row = Decoded::new([entry.address.to_string(), entry.rules.as_ref().map_or_else(|| "-".to_owned(), words)]);
    let row = row.with("pod", entry.address);
    let Some(rules) = &entry.rules else { return row };
    let ranges = |ranges: &[(IpAddr, u8)]| Datum::texts(ranges.iter().map(range_text));
    let ports = |ports: &[u16]| Datum::List(ports.iter().map(|port| (*port).into()).collect());
    row.with("status_port", (rules.status_port != 0).then_some(rules.status_port))
        .with("exclude_out_ranges", ranges(&rules.exclude_out_ranges))
        .with("include_out_ranges", ranges(&rules.include_out_ranges))
        .with("include_in_ports", ports(&rules.include_in_ports))
        .with("include_out_ports", ports(&rules.include_out_ports))
        .with("exclude_in_ports", ports(&rules.exclude_in_ports))
        .with("exclude_out_ports", ports(&rules.exclude_out_ports))
}

fn range_text((network, bits): &(IpAddr, u8)) -> String {
    format!("{network}/{bits}")
}

/// What goes through the sidecar, in a few words.
fn words(rules: &Rules) -> String {
    let side = |include_ports: &[u16],
                include_ranges: &[(IpAddr, u8)],
                exclude_ports: &[u16],
                exclude_ranges: &[(IpAddr, u8)]| {
        let list = |ports: &[u16], ranges: &[(IpAddr, u8)]| {
            let ports = ports.iter().map(ToString::to_string);
            ports.chain(ranges.iter().map(range_text)).collect::<Vec<_>>().join(",")
        };
        let (only, but) = (list(include_ports, include_ranges), list(exclude_ports, exclude_ranges));
        let only = if only.is_empty() { "all".to_owned() } else { format!("only {only}") };
        if but.is_empty() { only } else { format!("{only} but {but}") }
    };
    let inward = side(&rules.include_in_ports, &[], &rules.exclude_in_ports, &[]);
    let outward =
        side(&rules.include_out_ports, &rules.include_out_ranges, &rules.exclude_out_ports, &rules.exclude_out_ranges);
    let status = match rules.status_port {
        0 => String::new(),
        port => format!("; status port {port}"),
    };
    format!("in: {inward}; out: {outward}{status}")
}

fn cgroup(entry: &Cgroup) -> Decoded {
    const FLAGS: &[(u32, &str)] = &[(1, "ambient"), (2, "dns"), (4, "ztunnel")];
    let names = |flags: u16| flag_names(flags.into(), FLAGS);
    let shown = |flags: u16| {
        let names = names(flags).join(",");
        if names.is_empty() { "-".to_owned() } else { names }
    };
    let in_mesh = if entry.in_mesh == 0 { "no" } else { "yes" };
    Decoded::new([
        entry.id.to_string(),
        in_mesh.to_owned(),
        entry.address.to_string(),
        shown(entry.flags),
        shown(entry.detected),
    ])
    .with("cgroup", entry.id)
    .with("in_mesh", entry.in_mesh != 0)
    .with("pod", entry.address)
    .with("on", Datum::texts(names(entry.flags)))
    .with("looked_for", Datum::texts(names(entry.detected)))
}
