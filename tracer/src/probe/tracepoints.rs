//! Raw tracepoints with a packet among their arguments.
//!
//! The kernel's build leaves a typedef `btf_trace_NAME` for each: a pointer to a function of `void *` and the
//! tracepoint's arguments. A raw tracepoint's program gets each argument in a slot of its own, whatever its size.

use std::sync::Arc;

use super::{
    Modules,
    signature::{Class, Classes},
};
use crate::kernel::{
    Root,
    btf::{self, Btf, Kind, Type},
};

const PREFIX: &str = "btf_trace_";
/// Groups under which tracefs shows tracepoints, by how their names start. BTF does not know groups.
const GROUPS: [(&str, &str); 21] = [
    ("kfree_skb", "skb"),
    ("consume_skb", "skb"),
    ("skb_copy_datagram_iovec", "skb"),
    ("net_dev_", "net"),
    ("netif_", "net"),
    ("napi_gro_", "net"),
    ("qdisc_", "qdisc"),
    ("tcp_", "tcp"),
    ("udp_", "udp"),
    ("udpv6_", "udp"),
    ("icmp_", "icmp"),
    ("sock_", "sock"),
    ("br_", "bridge"),
    ("fdb_", "bridge"),
    ("neigh_", "neigh"),
    ("devlink_", "devlink"),
    ("mptcp_", "mptcp"),
    ("sctp_", "sctp"),
    ("ovs_", "openvswitch"),
    ("rxrpc_", "rxrpc"),
    ("page_pool_", "page_pool"),
];

/// A tracepoint with a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracepoint {
    /// Name, as for attaching.
    pub name: String,
    /// Group that tracefs shows it under, where known.
    pub group: Option<&'static str>,
    /// Module that holds it; `None` for the kernel itself.
    pub module: Option<String>,
    /// Which argument the packet is, from 0.
    pub position: u8,
    /// That argument is `struct sk_buff **`.
    pub double: bool,
    /// Which argument is an `enum skb_drop_reason`, from 0.
    pub reason: Option<u8>,
}

/// Tracepoints of the kernel and of the chosen modules, by module and name. A module that cannot be read has none.
pub fn tracepoints(root: &Root, vmlinux: &Arc<Btf>, modules: &Modules) -> Vec<Tracepoint> {
    let mut classes = Classes::new(vmlinux);
    let mut found = of(vmlinux, None, &mut classes);
    for name in modules.names(root).unwrap_or_default() {
        if let Ok(module) = btf::module(root, &name, vmlinux) {
            classes.forget_module();
            found.append(&mut of(&module, Some(&name), &mut classes));
        }
    }
    found
}

fn of(btf: &Btf, module: Option<&str>, classes: &mut Classes) -> Vec<Tracepoint> {
    let mut found: Vec<Tracepoint> =
        btf.own_types(Kind::Typedef).filter_map(|(_, of)| tracepoint(btf, of, module, classes)).collect();
    found.sort_by(|left, right| left.name.cmp(&right.name));
    found.dedup_by(|next, first| next.name == first.name);
    found
}

fn tracepoint(btf: &Btf, of: Type<'_>, module: Option<&str>, classes: &mut Classes) -> Option<Tracepoint> {
    let name = btf.name(of).strip_prefix(PREFIX)?;
    let prototype = btf.get(btf.pointee(of.target())?)?;
    let arguments: Vec<Class> = btf.parameters(prototype).skip(1).map(|id| classes.class(btf, id)).collect();
    let place = |wanted: Class| arguments.iter().position(|class| *class == wanted).map(|place| place as u8);
    let direct = place(Class::Packet);
    Some(Tracepoint {
        name: name.to_owned(),
        group: group(name),
        module: module.map(str::to_owned),
        position: direct.or_else(|| place(Class::PacketPointer))?,
        double: direct.is_none(),
        reason: place(Class::Reason),
    })
}

fn group(name: &str) -> Option<&'static str> {
    GROUPS.iter().find(|(start, _)| name.starts_with(start)).map(|(_, group)| *group)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::btf::testing::Builder;

    #[test]
    fn tracepoints_with_a_packet_are_found() {
        let mut builder = Builder::new();
        let packet = builder.structure("sk_buff", 232, &[]);
        let skb = builder.pointer(packet);
        let double = builder.pointer(skb);
        let void = builder.pointer(0);
        let reason = builder.enumeration("skb_drop_reason", false, &[]);
        let int = builder.int("int", 4);
        for (name, arguments) in [
            ("btf_trace_kfree_skb", [skb, void, reason].as_slice()),
            ("btf_trace_net_dev_xmit", &[skb, int]),
            ("btf_trace_odd", &[int, double]),
            ("btf_trace_sched", &[int, void]),
            ("other", &[skb]),
        ] {
            let parameters: Vec<_> = [void].iter().chain(arguments).map(|&id| ("", id)).collect();
            let prototype = builder.prototype(&parameters);
            let pointer = builder.pointer(prototype);
            builder.typedef(name, pointer);
        }
        builder.typedef("btf_trace_broken", int);
        let btf = builder.build();
        let found = of(&btf, None, &mut Classes::new(&btf));
        let shown: Vec<String> = found
            .iter()
            .map(|one| format!("{:?}:{} {} {} {:?}", one.group, one.name, one.position, one.double, one.reason))
            .collect();
        assert_eq!(
            shown,
            [
                "Some(\"skb\"):kfree_skb 0 false Some(2)",
                "Some(\"net\"):net_dev_xmit 0 false None",
                "None:odd 1 true None",
            ]
        );
    }
}
