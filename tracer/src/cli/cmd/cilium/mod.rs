//! `skbtrail cilium`: Cilium's maps, as its own tool lists them.

mod args;
mod list;
mod maglev;
mod maps;
mod metrics;
mod policy;

use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use nix::time::{ClockId, clock_gettime};

pub use args::Args;
use args::{Lb, Srv6Map, What, Where};

use crate::{
    cli::{failure::Failure, say::say},
    inspect::cilium::{Cilium, FOLDERS, Wanted},
    kernel::Root,
};

/// Lists what is asked for.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    match &args.what {
        What::Ipcache(list) => list::run(list, &["ipcache"]),
        What::Endpoint(list) => list::run(list, &["endpoint"]),
        What::Metrics(list) => metrics::run(list),
        What::Ct(ct) => list::run(&ct.list(), &["ct"]),
        What::Nat(list) => list::run(list, &["nat"]),
        What::Lb(lb) if lb.maglev => maglev::run(&lb.list),
        What::Lb(lb) => list::run(&lb.list, services(lb)),
        What::Policy(policy) => policy::run(policy),
        What::Node(list) => list::run(list, &["node"]),
        What::Tunnel(list) => list::run(list, &["tunnel"]),
        What::Auth(list) => list::run(list, &["auth"]),
        What::Egress(list) => list::run(list, &["egress"]),
        What::Frag(list) => list::run(list, &["frag"]),
        What::Vtep(list) => list::run(list, &["vtep"]),
        What::Srv6(srv6) => list::run(&srv6.list, segments(srv6.what)),
        What::Maps(maps) => maps::run(maps),
    }
}

/// The decoder of what is asked for; of services with their backends there is no name of its own.
fn services(lb: &Lb) -> &'static [&'static str] {
    let kinds: [(bool, &'static [&'static str]); 6] = [
        (lb.frontends, &["services"]),
        (lb.backends, &["backends"]),
        (lb.revnat, &["reverse"]),
        (lb.source_ranges, &["source-ranges"]),
        (lb.affinity, &["affinity"]),
        (lb.affinity_match, &["affinity-match"]),
    ];
    let chosen = kinds.into_iter().find(|(is_meant, _)| *is_meant);
    chosen.map_or(&[list::SERVICES_WITH_BACKENDS], |(_, names)| names)
}

fn segments(what: Srv6Map) -> &'static [&'static str] {
    match what {
        Srv6Map::Vrf => &["srv6-vrf"],
        Srv6Map::Policy => &["srv6-policy"],
        Srv6Map::Sid => &["srv6-sid"],
    }
}

/// Opens Cilium's maps, and says as which release they are read if they do not tell.
fn find(place: &Where, first: bool) -> Result<Cilium, Failure> {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).context("failed to read the clock")?;
    let now = u64::try_from(now.tv_sec()).unwrap_or_default() * 1_000_000_000 + now.tv_nsec() as u64;
    let wanted = Wanted { folders: place.pins.clone(), minor: place.release, now };
    let cilium = Cilium::find(&Root::system(), &wanted)?;
    if cilium.is_empty() {
        let (folders, text) = if place.pins.is_empty() {
            (FOLDERS.join("` or `"), ", and none is loaded; does Cilium run on this node? --pins names another folder")
        } else {
            (place.pins.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join("` or `"), "")
        };
        return Err(Failure::Run(anyhow!("no map of Cilium is pinned in `{folders}`{text}")));
    }
    let releases = cilium.releases;
    if first && place.release.is_none() && releases.oldest != releases.newest {
        say(format_args!(
            "by its maps this is Cilium 1.{} to 1.{}; it is read as 1.{} (--release 1.N says otherwise)",
            releases.oldest, releases.newest, cilium.minor
        ));
    }
    Ok(cilium)
}
