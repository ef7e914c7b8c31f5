//! Programs at hooks of netfilter (6.4). Links do not tell their namespace; the list of a namespace's hooks does, where the
//! kernel offers it (`nfnetlink_hook`).

use std::io;

use super::{Kind, Scene};
use crate::{
    inspect::{
        links::NetfilterLink,
        netlink::{Attributes, Netlink, attribute},
    },
    model::{
        Attachment,
        attachment::{Details, Section},
    },
};

/// `NFNL_SUBSYS_HOOK` with `NFNL_MSG_HOOK_GET`.
const GET_HOOKS: u16 = 12 << 8;
/// Bytes of `struct nfgenmsg`.
const HEAD: usize = 4;

pub(super) struct Netfilter;

impl Kind for Netfilter {
    fn name(&self) -> &'static str {
        "netfilter"
    }

    fn find(&self, scene: &mut Scene<'_>, out: &mut Vec<Attachment>) -> io::Result<()> {
        if scene.links.netfilter.is_empty() {
            return Ok(());
        }
        let mut netlink = Netlink::netfilter()?;
        let mut places: Vec<(u32, u32)> = scene.links.netfilter.iter().map(|link| (link.family, link.hook)).collect();
        places.dedup();
        for (family, hook) in places {
            let programs = hooks(&mut netlink, family, hook).map_err(|error| match error.raw_os_error() {
                Some(libc::EINVAL) => {
                    io::Error::other("this kernel does not list a namespace's hooks (nfnetlink_hook)")
                }
                _ => error,
            })?;
            let here = scene.links.netfilter.iter().filter(|link| {
                (link.family, link.hook) == (family, hook) && programs.contains(&(link.priority, link.program))
            });
            out.extend(here.map(attachment));
        }
        Ok(())
    }
}

/// Priorities and programs at a hook of this namespace.
fn hooks(netlink: &mut Netlink, family: u32, hook: u32) -> io::Result<Vec<(i32, u32)>> {
    const HOOKNUM: u16 = 1;
    let mut body = vec![family as u8, 0, 0, 0];
    attribute(HOOKNUM, &hook.to_be_bytes(), &mut body);
    netlink.dump(GET_HOOKS, &body, |found: &mut Vec<_>, message| found.extend(program(message)))
}

fn program(message: &[u8]) -> Option<(i32, u32)> {
    const PRIORITY: u16 = 2;
    const CHAIN_INFO: u16 = 6;
    const TYPE_BPF: u32 = 2;
    let attributes = Attributes::after(message, HEAD);
    let big = |attributes: Attributes<'_>, kind| Some(u32::from_be_bytes(*attributes.get(kind)?.first_chunk()?));
    let info = attributes.within(CHAIN_INFO);
    let is_bpf = big(info, 2)? == TYPE_BPF;
    let id = is_bpf.then(|| big(info.within(1), 1)).flatten()?;
    Some((big(attributes, PRIORITY)?.cast_signed(), id))
}

/// One of which the namespace is told by who asks.
pub(in crate::inspect) fn attachment(link: &NetfilterLink) -> Attachment {
    Attachment {
        section: Section::Netfilter,
        device: None,
        hook: format!("{} {}", family(link.family), hook(link.family, link.hook)),
        order: 0,
        program: Some(link.program),
        name: Vec::new(),
        link: Some(link.id),
        runs: None,
        details: Details::Netfilter {
            family: link.family,
            hook: link.hook,
            priority: link.priority,
            flags: link.flags,
        },
    }
}

/// As bpftool calls `NFPROTO_…`.
fn family(number: u32) -> String {
    let name = match number {
        1 => "inet",
        2 => "ip",
        3 => "arp",
        5 => "netdev",
        7 => "bridge",
        10 => "ip6",
        other => return format!("pf: {other}"),
    };
    name.to_owned()
}

/// As bpftool calls `NF_INET_…`.
fn hook(family: u32, number: u32) -> String {
    const HOOKS: [&str; 6] = ["prerouting", "input", "forward", "output", "postrouting", "ingress"];
    let name = HOOKS.get(number as usize).filter(|_| matches!(family, 1 | 2 | 7 | 10));
    name.map_or_else(|| format!("hook {number}"), |name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_with_a_program() {
        let (mut bpf, mut info, mut message) = (Vec::new(), Vec::new(), vec![2, 0, 0, 0]);
        attribute(1, &31_u32.to_be_bytes(), &mut bpf);
        attribute(1, &bpf, &mut info);
        attribute(2, &2_u32.to_be_bytes(), &mut info);
        attribute(2, &(-128_i32).to_be_bytes(), &mut message);
        attribute(6, &info, &mut message);
        assert_eq!(program(&message), Some((-128, 31)));
        assert_eq!(program(&message[..8]), None);
    }

    #[test]
    fn hooks_have_bpftools_names() {
        let link = NetfilterLink { id: 3, program: 31, family: 2, hook: 0, priority: -128, flags: 0 };
        assert_eq!(attachment(&link).hook, "ip prerouting");
        assert_eq!((family(99), hook(2, 9)), ("pf: 99".to_owned(), "hook 9".to_owned()));
    }
}
