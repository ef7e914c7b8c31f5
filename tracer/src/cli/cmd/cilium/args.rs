//! Arguments of `cilium`.

use std::path::PathBuf;

use clap::Subcommand;

use crate::{cli::show::Show, inspect::maps::decode::cilium::OLDEST};

const EXAMPLES: &str = "\
Examples:
  skbtrail cilium ipcache list | grep 10.244.2.173
  skbtrail cilium endpoint list --json | jq 'select(.ifindex == 26)'
  skbtrail cilium metrics --watch            per second, the busiest first
  skbtrail cilium lb list                    services with their backends
  skbtrail cilium lb list --maglev           which share of a service each backend has
  skbtrail cilium policy get 1617            what the endpoint 1617 may send and receive
  skbtrail cilium ct list --release 1.17     laid out as that release has it

Text is what `cilium-dbg bpf … list` of the same release prints, in a stable order. \
The release is told from the maps as far as they differ.
A map that others write to is read entry by entry: each is whole and comes once; what is \
added or removed meanwhile may be listed or not. Reading takes root's rights.";

/// Arguments of `cilium`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, subcommand_value_name = "MAP", subcommand_help_heading = "Maps")]
pub struct Args {
    /// What to list
    #[command(subcommand)]
    pub(super) what: What,
}

/// Cilium's maps.
#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// Security identity and tunnel of each address
    Ipcache(List),
    /// Endpoints of this node
    Endpoint(List),
    /// Packets and bytes by reason; with --watch per second
    Metrics(List),
    /// Connections that are tracked
    Ct(Ct),
    /// Addresses and ports that are translated
    Nat(List),
    /// Services with their backends
    Lb(Lb),
    /// What endpoints may send and receive
    Policy(Policy),
    /// Numbers of the nodes
    #[command(alias = "nodeid")]
    Node(List),
    /// Nodes behind which addresses are (to 1.17)
    Tunnel(List),
    /// Identities that have proved who they are to each other
    Auth(List),
    /// Traffic that leaves by an egress gateway
    Egress(List),
    /// Ports of datagrams that come in fragments
    Frag(List),
    /// Tunnel endpoints outside the cluster
    Vtep(List),
    /// Segment routing over IPv6: routing tables, policies, segments
    Srv6(Srv6),
    /// The maps themselves, and as what they are read
    Maps(List),
}

/// Where Cilium's maps are.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Where")]
pub(super) struct Where {
    /// Folder with Cilium's pins, instead of /sys/fs/bpf/tc/globals; may be given several times
    #[arg(long, value_name = "FOLDER")]
    pub(super) pins: Vec<PathBuf>,
    /// Cilium's release, if the maps do not tell it
    #[arg(long, value_name = "1.N", value_parser = release)]
    pub(super) release: Option<u16>,
}

/// A map to list.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct List {
    /// As in `cilium-dbg bpf … list`; may be left out
    #[arg(value_parser = ["list", "ls"], hide = true)]
    verb: Option<String>,
    #[command(flatten)]
    pub(super) place: Where,
    #[command(flatten)]
    pub(super) show: Show,
}

/// Arguments of `cilium ct`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Ct {
    /// As in `cilium-dbg bpf ct list global`; may be left out
    #[arg(value_parser = ["list", "ls", "global"], hide = true, num_args = 0..=2)]
    verbs: Vec<String>,
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    show: Show,
}

impl Ct {
    pub(super) fn list(&self) -> List {
        List { verb: None, place: self.place.clone(), show: self.show.clone() }
    }
}

/// Arguments of `cilium lb`.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "which", multiple = false)]
pub(super) struct Lb {
    /// Services with the numbers of their backends
    #[arg(long, group = "which")]
    pub(super) frontends: bool,
    /// Backends
    #[arg(long, group = "which")]
    pub(super) backends: bool,
    /// Services by the number under which answers are translated back
    #[arg(long, group = "which")]
    pub(super) revnat: bool,
    /// From where services may be reached
    #[arg(long, group = "which")]
    pub(super) source_ranges: bool,
    /// Which client keeps which backend
    #[arg(long, group = "which")]
    pub(super) affinity: bool,
    /// Which backends a client may keep
    #[arg(long, group = "which")]
    pub(super) affinity_match: bool,
    /// Which share of a service's Maglev table each backend has
    #[arg(long, group = "which")]
    pub(super) maglev: bool,
    #[command(flatten)]
    pub(super) list: List,
}

/// Arguments of `cilium srv6`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Srv6 {
    /// What of it
    pub(super) what: Srv6Map,
    #[command(flatten)]
    pub(super) list: List,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Srv6Map {
    /// Which routing table packets of a pod belong to
    Vrf,
    /// By which segment packets of a table leave
    #[value(alias = "pol")]
    Policy,
    /// Which table a segment of this node leads to
    Sid,
}

/// Arguments of `cilium policy`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Policy {
    /// Number of an endpoint; all without
    #[arg(value_name = "ENDPOINT", num_args = 0..=2, value_parser = policy_word)]
    words: Vec<PolicyWord>,
    /// All, as without a number
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    pub(super) place: Where,
    #[command(flatten)]
    pub(super) show: Show,
}

impl Policy {
    /// The endpoint that is asked for.
    pub(super) fn endpoint(&self) -> Option<u16> {
        let words = self.words.iter().filter(|_| !self.all);
        words.copied().find_map(|word| match word {
            PolicyWord::Endpoint(number) => Some(number),
            PolicyWord::Verb => None,
        })
    }
}

#[derive(Clone, Copy, Debug)]
enum PolicyWord {
    /// `get`, as in `cilium-dbg bpf policy get`.
    Verb,
    Endpoint(u16),
}

fn policy_word(text: &str) -> Result<PolicyWord, String> {
    match text {
        "get" | "list" | "ls" => Ok(PolicyWord::Verb),
        _ => {
            text.parse().map(PolicyWord::Endpoint).map_err(|_| "expected the number of an endpoint, as 1617".to_owned())
        }
    }
}

/// The newest release of which anything is known.
const NEWEST: u16 = 20;

fn release(text: &str) -> Result<u16, String> {
    let error = || format!("expected a release from 1.{OLDEST} to 1.{NEWEST}, as 1.18");
    let rest = text.strip_prefix('v').unwrap_or(text).strip_prefix("1.").ok_or_else(error)?;
    let minor = rest.split('.').next().unwrap_or_default().parse().map_err(|_| error())?;
    if (OLDEST..=NEWEST).contains(&minor) { Ok(minor) } else { Err(error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_that_are_known() {
        assert_eq!(release("1.18"), Ok(18));
        assert_eq!(release("v1.12.19"), Ok(12));
        for wrong in ["1.11", "1.21", "18", "2.0", "1.x", ""] {
            assert_eq!(release(wrong), Err("expected a release from 1.12 to 1.20, as 1.18".to_owned()));
        }
    }
}
