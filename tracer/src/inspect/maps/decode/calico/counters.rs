//! What Calico's programs count: `cali_counters…` per interface and hook, `cali_rule_ctrs2` per rule, `cali_profiling2`.
//!
//! Calico's own tool adds only the lower 32 bits of each CPU's counter; here all 64 count, so that after 2³² packets on one
//! CPU the numbers differ.

use super::{Version, version};
use crate::{
    inspect::maps::decode::{Bytes, Entry, Misfit, versions::Versions},
    model::{
        Decoded, Form,
        calico::{Counters, Hook, Profile, RuleHits},
    },
};

/// Per interface and hook.
pub static COUNTERS: Versions = Versions {
    dataplane: "calico",
    name: "counters",
    titles: &["DEV", "HOOK", "COUNTERS"],
    form: Form::Columns,
    known: &[
        version!("cali_counters6", PERCPU_HASH, 8, 216, false),
        version!("cali_counters5", PERCPU_HASH, 8, 200, false),
        version!("cali_counters3", PERCPU_HASH, 8, 136, false),
        version!("cali_counters2", PERCPU_HASH, 8, 112, false),
    ],
    is_common_name: false,
    row: |entry, version, _| Ok(Some(counters(&read_counters(entry, version)?))),
};

/// Of release 3.24: a map for each interface and hook, which only its pin tells.
pub static OLD_COUNTERS: Versions = Versions {
    dataplane: "calico",
    name: "counters-3.24",
    titles: &[],
    form: Form::Lines,
    known: &[version!("cali_counters", PERCPU_ARRAY, 4, 112, false)],
    is_common_name: false,
    row: |entry, version, _| {
        let (_, values) = summed(entry, version, version.value as usize / 8)?;
        let row = Decoded::new([words(&values)]);
        Ok(Some(with_values(row, &values)))
    },
};

/// Per rule of a policy.
pub static RULES: Versions = Versions {
    dataplane: "calico",
    name: "rules",
    titles: &["RULE", "PACKETS"],
    form: Form::Columns,
    known: &[version!("cali_rule_ctrs2", PERCPU_HASH, 8, 8, false)],
    is_common_name: false,
    row: |entry, version, _| {
        let (key, packets) = summed(entry, version, 1)?;
        let hits = RuleHits { rule: key.u64(0), packets: packets[0] };
        let RuleHits { rule, packets } = hits;
        let row = Decoded::new([format!("{rule:#018x}"), packets.to_string()]);
        Ok(Some(row.with("rule", format!("{rule:#018x}")).with("packets", packets)))
    },
};

/// Per interface and kind of program.
pub static PROFILES: Versions = Versions {
    dataplane: "calico",
    name: "profiling",
    titles: &["DEV", "KIND", "TIME", "SAMPLES"],
    form: Form::Columns,
    known: &[version!("cali_profiling2", PERCPU_HASH, 8, 16, false)],
    is_common_name: false,
    row: |entry, version, _| {
        let (key, sums) = summed(entry, version, 2)?;
        Ok(Some(profile(&Profile { ifindex: key.u32(0), kind: key.u32(4), time: sums[0], samples: sums[1] })))
    },
};

/// A counter's category and name (`felix/bpf/counters`), by number.
pub const NAMES: [(&str, &str); 27] = [
    ("Total", "packets"),
    ("Accepted", "by failsafe"),
    ("Accepted", "by policy"),
    ("Accepted", "by another program"),
    ("Dropped", "by policy"),
    ("Dropped", "too short packets"),
    ("Dropped", "incorrect checksum"),
    ("Dropped", "packets with unsupported IP options"),
    ("Dropped", "malformed IP packets"),
    ("Dropped", "failed encapsulation"),
    ("Dropped", "failed decapsulation"),
    ("Dropped", "packets with unknown source"),
    ("Dropped", "packets with unknown route"),
    ("Dropped", "packets hitting blackhole route"),
    ("Other", "packets hitting NAT source collision"),
    ("Dropped", "NAT source collision resolution failed"),
    ("Dropped", "failed to create conntrack"),
    ("Redirect", "plain"),
    ("Redirect", "neigh"),
    ("Redirect", "peer"),
    ("Dropped", "fragment of yet incomplete packet"),
    ("Dropped", "fragment out of order within host"),
    ("Dropped", "fragments not supported"),
    ("Dropped", "QoS control limit"),
    ("Reserved", "24"),
    ("Dropped", "Maglev lookup found no backends"),
    ("Dropped", "VXLAN encap when host IP unknown"),
];

/// Number of the counter of all packets.
pub const TOTAL: usize = 0;

/// Category and name of a counter.
pub fn name(number: usize) -> (&'static str, &'static str) {
    NAMES.get(number).copied().unwrap_or(("Unknown", "counter of a later release"))
}

/// Reads the counters of an interface's hook, summed over the CPUs.
pub fn read_counters(entry: &Entry<'_>, version: &Version) -> Result<Counters, Misfit> {
    let (key, values) = summed(entry, version, version.value as usize / 8)?;
    let hook = match key.u32(4) {
        0 => Hook::Ingress,
        1 => Hook::Egress,
        2 => Hook::Xdp,
        other => Hook::Unknown(other),
    };
    Ok(Counters { ifindex: key.u32(0), hook, values })
}

/// The key, and the numbers of each CPU's value added up.
fn summed<'a>(entry: &Entry<'a>, version: &Version, count: usize) -> Result<(Bytes<'a>, Vec<u64>), Misfit> {
    let (key, cpus) = entry.sized_per_cpu(version.key as usize, version.value as usize)?;
    let mut sums = vec![0_u64; count];
    for value in cpus {
        for (number, sum) in sums.iter_mut().enumerate() {
            *sum = sum.wrapping_add(value.u64(8 * number));
        }
    }
    Ok((key, sums))
}

/// A row of our own: the tool prints a box for each interface.
fn counters(entry: &Counters) -> Decoded {
    let hook = hook_name(entry.hook);
    let row = Decoded::new([entry.ifindex.to_string(), hook.clone(), words(&entry.values)]);
    with_values(row.with("ifindex", entry.ifindex).with("hook", hook), &entry.values)
}

/// The counters that are not 0.
fn words(values: &[u64]) -> String {
    let moved = values.iter().enumerate().filter(|(_, value)| **value != 0);
    let words: Vec<String> = moved
        .map(|(number, value)| {
            let (category, name) = self::name(number);
            format!("{category} {name} {value}")
        })
        .collect();
    if words.is_empty() { "all 0".to_owned() } else { words.join(", ") }
}

fn with_values(row: Decoded, values: &[u64]) -> Decoded {
    KEYS.iter().zip(values).fold(row, |row, (key, value)| row.with(key, *value))
}

/// JSON keys of the counters.
pub const KEYS: [&str; 27] = [
    "total",
    "accepted_by_failsafe",
    "accepted_by_policy",
    "accepted_by_another_program",
    "dropped_by_policy",
    "dropped_short",
    "dropped_checksum",
    "dropped_ip_options",
    "dropped_malformed",
    "dropped_encapsulation",
    "dropped_decapsulation",
    "dropped_unknown_source",
    "dropped_unknown_route",
    "dropped_blackhole_route",
    "nat_source_collision",
    "dropped_nat_source_collision",
    "dropped_conntrack_create",
    "redirect_plain",
    "redirect_neigh",
    "redirect_peer",
    "dropped_fragment_wait",
    "dropped_fragment_reorder",
    "dropped_fragment_unsupported",
    "dropped_qos",
    "reserved_24",
    "dropped_maglev_no_backend",
    "dropped_vxlan_unknown_host",
];

/// A hook's name.
pub fn hook_name(hook: Hook) -> String {
    match hook {
        Hook::Ingress => "ingress".to_owned(),
        Hook::Egress => "egress".to_owned(),
        Hook::Xdp => "xdp".to_owned(),
        Hook::Unknown(number) => format!("unknown ({number})"),
    }
}

fn profile(entry: &Profile) -> Decoded {
    let Profile { ifindex, kind, time, samples } = *entry;
    Decoded::new([ifindex.to_string(), kind.to_string(), format!("{time} ns"), samples.to_string()])
        .with("ifindex", ifindex)
        .with("kind", kind)
        .with("time_ns", time)
        .with("samples", samples)
}
