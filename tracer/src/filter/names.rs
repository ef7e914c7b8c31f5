//! Names of services and protocols, as the machine has them in /etc, and the usual ones where it does not.

use std::cell::OnceCell;
use std::fs;

/// Numbers of the protocols with ports.
pub(crate) const TCP: u32 = 6;
pub(crate) const UDP: u32 = 17;
pub(crate) const SCTP: u32 = 132;

/// Services that every machine should know, in the format of services(5).
const USUAL_SERVICES: &str = "ftp-data 20/tcp\nftp 21/tcp\nssh 22/tcp\ntelnet 23/tcp\nsmtp 25/tcp mail\ndomain 53/tcp\n\
    domain 53/udp\nbootps 67/udp\nbootpc 68/udp\ntftp 69/udp\nhttp 80/tcp www\nkerberos 88/tcp\nkerberos 88/udp\n\
    pop3 110/tcp\nntp 123/udp\nimap2 143/tcp imap\nsnmp 161/tcp\nsnmp 161/udp\nbgp 179/tcp\nldap 389/tcp\nldap 389/udp\n\
    https 443/tcp\nhttps 443/udp\nsyslog 514/udp\nldaps 636/tcp\nldaps 636/udp\nimaps 993/tcp\npop3s 995/tcp\n\
    nfs 2049/tcp\nnfs 2049/udp\nmysql 3306/tcp\npostgresql 5432/tcp\nvxlan 4789/udp\ngeneve 6081/udp\n";

/// The same for protocols(5).
const USUAL_PROTOCOLS: &str = "icmp 1\nigmp 2\nipencap 4\ntcp 6\negp 8\nigp 9\nudp 17\nipv6 41\nipv6-route 43\n\
    ipv6-frag 44\ngre 47\nesp 50\nah 51\nipv6-icmp 58\nipv6-nonxt 59\nipv6-opts 60\neigrp 88\nospf 89\npim 103\nvrrp 112\n\
    l2tp 115\nsctp 132\nudplite 136\n";

/// The two tables. Files are read when the first name is looked up, so that expressions without names read none.
pub(crate) struct Names {
    services: OnceCell<String>,
    protocols: OnceCell<String>,
}

impl Names {
    /// The machine's.
    pub(crate) fn system() -> Self {
        Self { services: OnceCell::new(), protocols: OnceCell::new() }
    }

    /// Tables with this text.
    #[cfg(test)]
    pub(crate) fn of(services: &str, protocols: &str) -> Self {
        Self { services: OnceCell::from(services.to_owned()), protocols: OnceCell::from(protocols.to_owned()) }
    }

    /// A service's port, and the protocol where it is known for one protocol only.
    pub(crate) fn service(&self, name: &str) -> Option<(u32, Option<u32>)> {
        let system = self.services.get_or_init(|| read("/etc/services"));
        service(system, name).or_else(|| service(USUAL_SERVICES, name))
    }

    /// An IP protocol's number.
    pub(crate) fn protocol(&self, name: &str) -> Option<u32> {
        let system = self.protocols.get_or_init(|| read("/etc/protocols"));
        let number = |table| rows(table, name).next()?.parse().ok();
        number(system).or_else(|| number(USUAL_PROTOCOLS))
    }
}

/// A machine without the file has no names of its own; that is no error.
fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn service(table: &str, name: &str) -> Option<(u32, Option<u32>)> {
    let found: Vec<(u32, u32)> = rows(table, name).filter_map(port).collect();
    let (first, protocol) = *found.first()?;
    let alone = found.iter().all(|(_, other)| *other == protocol);
    Some((first, alone.then_some(protocol)))
}

/// `53/udp`
fn port(text: &str) -> Option<(u32, u32)> {
    let (port, protocol) = text.split_once('/')?;
    let protocol = match protocol {
        "tcp" => TCP,
        "udp" => UDP,
        "sctp" => SCTP,
        _ => return None,
    };
    Some((port.parse::<u16>().ok()?.into(), protocol))
}

/// The second columns of the rows that have `name` as their first or as an alias.
fn rows<'a>(table: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    table.lines().filter(move |line| line.contains(name)).filter_map(move |line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let (first, value) = (words.next()?, words.next()?);
        (first == name || words.any(|alias| alias == name)).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let services =
            "# comment ssh\nwhois 43/tcp nicname # x\nboth 7/tcp\nboth 7/udp\nodd 5/ddp\ndiameter 3868/sctp\n";
        let names = Names::of(services, "ip 0 IP # internet\nfoo 200 FOO\n");
        let cases = [
            ("nicname", Some((43, Some(TCP)))),
            ("both", Some((7, None))),
            ("diameter", Some((3868, Some(SCTP)))),
            ("odd", None),
            ("comment", None),
            ("ssh", Some((22, Some(TCP)))),
            ("domain", Some((53, None))),
            ("nosuch", None),
        ];
        for (name, expected) in cases {
            assert_eq!(names.service(name), expected, "{name}");
        }
        assert_eq!((names.protocol("FOO"), names.protocol("vrrp"), names.protocol("x")), (Some(200), Some(112), None));
    }
}
