//! kube-proxy: its process, its rules in nftables (where iptables of today puts them too) and in IPVS.

use crate::{
    inspect::{
        netlink::{Attributes, Netlink, text},
        owners::{comm, processes},
    },
    kernel::Root,
};

/// `NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN`
const GET_CHAIN: u16 = 10 << 8 | 4;
/// Bytes of a `struct nfgenmsg`.
const HEAD: usize = 4;
const NFTA_CHAIN_TABLE: u16 = 1;
const NFTA_CHAIN_NAME: u16 = 3;
/// The table of kube-proxy's mode `nftables`.
const OWN_TABLE: &str = "kube-proxy";
/// Chains that only kube-proxy makes; `KUBE-FIREWALL` and `KUBE-KUBELET-CANARY` are the kubelet's.
const CHAINS: [&str; 5] = ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-SVC-", "KUBE-SEP-", "KUBE-PROXY-"];
/// Lines at the head of `/proc/net/ip_vs`.
const IPVS_HEAD: usize = 3;

/// What was seen of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KubeProxy {
    /// Its processes.
    pub processes: Vec<u32>,
    /// Its chains in nftables, with their tables.
    pub chains: Vec<String>,
    /// Virtual services of IPVS.
    pub ipvs: usize,
    /// What could not be looked at.
    pub unknown: Vec<String>,
}

impl KubeProxy {
    /// Looks for it in this network namespace.
    pub fn read(root: &Root) -> Self {
        let mut found = Self {
            processes: processes(root).into_iter().filter(|pid| comm(root, *pid) == b"kube-proxy").collect(),
            ..Self::default()
        };
        match chains() {
            Ok(chains) => {
                found.chains = chains.into_iter().filter(|(table, chain)| is_its(table, chain)).map(shown).collect();
            }
            // The kernel has no nftables, so there is nothing in them.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP)) => {}
            Err(error) => found.unknown.push(format!("nftables could not be read: {error}")),
        }
        for (file, what) in [("/proc/net/ip_tables_names", "iptables"), ("/proc/net/ip6_tables_names", "ip6tables")] {
            if root.text(file).is_ok_and(|names| names.lines().any(|name| name == "nat")) {
                found.unknown.push(format!(
                    "the older {what} have a table `nat`, which is not looked into: {what}-legacy-save -t nat | grep KUBE-SERVICES"
                ));
            }
        }
        let services = root.text("/proc/net/ip_vs").unwrap_or_default();
        let is_service = |line: &&str| matches!(line.split(' ').next(), Some("TCP" | "UDP" | "SCTP" | "FWM"));
        found.ipvs = services.lines().skip(IPVS_HEAD).filter(is_service).count();
        found
    }

    /// It has rules.
    pub fn rules(&self) -> bool {
        !self.chains.is_empty() || self.ipvs > 0
    }
}

/// Tables and chains of nftables, all families.
fn chains() -> std::io::Result<Vec<(String, String)>> {
    Netlink::netfilter()?.dump(GET_CHAIN, &[0; HEAD], |found: &mut Vec<_>, body| {
        let attributes = Attributes::after(body, HEAD);
        let name = |kind| attributes.get(kind).map(|name| String::from_utf8_lossy(text(name)).into_owned());
        found.extend(name(NFTA_CHAIN_TABLE).zip(name(NFTA_CHAIN_NAME)));
    })
}

fn is_its(table: &str, chain: &str) -> bool {
    table == OWN_TABLE || CHAINS.iter().any(|start| chain.starts_with(start))
}

fn shown((table, chain): (String, String)) -> String {
    format!("{table} {chain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kubelets_chains_are_not_its() {
        assert!(is_its("nat", "KUBE-SERVICES") && is_its("nat", "KUBE-SVC-ABC") && is_its("kube-proxy", "services"));
        assert!(
            !is_its("nat", "KUBE-KUBELET-CANARY") && !is_its("filter", "KUBE-FIREWALL") && !is_its("nat", "PREROUTING")
        );
    }

    #[test]
    fn processes_and_virtual_services() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::at(folder.path());
        let write = |path: &str, text: &str| {
            let path = root.path(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("/proc/7/comm", "kube-proxy\n");
        write("/proc/8/comm", "kube-proxy-x\n");
        write("/proc/net/ip_tables_names", "filter\nnat\n");
        write(
            "/proc/net/ip_vs",
            "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port\n\
             TCP  0A600001:01BB rr\n  -> AC120002:192B Masq 1 0 0\n",
        );
        let found = KubeProxy::read(&root);
        assert_eq!((found.processes, found.ipvs), (vec![7], 1));
        assert!(found.unknown.iter().any(|note| note.contains("iptables-legacy-save")), "{:?}", found.unknown);
    }
}
