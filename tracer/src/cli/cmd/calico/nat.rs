//! `skbtrail calico nat`: services with their backends, who keeps which backend, Maglev tables.

use std::{collections::BTreeMap, fmt::Write as _, process::ExitCode};

use super::list;
use crate::{
    cli::{
        dataplane::{Where, newest, print_row, taken},
        failure::Failure,
        show::{Paper, show_long},
    },
    inspect::maps::decode::calico::nat::{
        AFFINITY, BACKENDS, FRONTENDS, MAGLEV, affinity, frontend, read_affinity, read_backend, read_frontend,
    },
    model::{
        Datum,
        calico::{Backend, Frontend},
    },
    view::dump,
};

/// Arguments of `calico nat`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What of it: both tables joined, one of them, who keeps which backend, or Maglev tables
    #[arg(default_value = "dump")]
    what: What,
    #[command(flatten)]
    at: Where,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    /// Services with their backends
    Dump,
    /// What clients send to
    Front,
    /// What stands behind
    Back,
    /// Which client keeps which backend
    #[value(alias = "affinity")]
    Aff,
    /// Tables of services that choose by Maglev hashing
    Maglev,
}

pub(super) fn run(args: &Args, ipv6: bool) -> Result<ExitCode, Failure> {
    let at = &args.at;
    match args.what {
        What::Dump => show_long(&at.show, |_, paper| joined(at, ipv6, paper)),
        What::Front => list(&FRONTENDS, at, Some(ipv6)),
        What::Back => list(&BACKENDS, at, Some(ipv6)),
        What::Aff => show_long(&at.show, |_, paper| affinities(at, ipv6, paper)),
        What::Maglev => list(&MAGLEV, at, Some(ipv6)),
    }
}

fn joined(at: &Where, ipv6: bool, paper: &mut Paper) -> Result<(), Failure> {
    let front = newest(&FRONTENDS, at, Some(ipv6))?;
    let back = newest(&BACKENDS, at, Some(ipv6))?;
    let mut services = taken(&front, front.rows(read_frontend)?, paper);
    let backends = taken(&back, back.rows(read_backend)?, paper);
    // The tool's own order is Go's: any.
    services.sort_unstable_by_key(|service| (service.address, service.protocol, service.source));
    let backends: Backends = backends.into_iter().map(|backend| ((backend.id, backend.ordinal), backend)).collect();
    for service in &services {
        if at.show.json {
            object(service, &backends, &mut paper.text);
        } else {
            block(service, &backends, &mut paper.text);
        }
        paper.turn()?;
    }
    Ok(())
}

type Backends = BTreeMap<(u32, u32), Backend>;

/// The backends of a service that there are. Its count is a foreign number: nothing runs for as long as it says.
fn of<'a>(service: &Frontend, backends: &'a Backends) -> impl Iterator<Item = &'a Backend> {
    backends.range((service.id, 0)..(service.id, expected(service))).map(|(_, backend)| backend)
}

/// How many there should be.
fn expected(service: &Frontend) -> u32 {
    if service.count == Frontend::BLACK_HOLE { 0 } else { service.count }
}

fn block(service: &Frontend, backends: &Backends, out: &mut String) {
    dump::line(&frontend(service), out);
    let mut next = 0;
    for backend in of(service, backends) {
        missing(service.id, next, backend.ordinal, out);
        // Writing to a string cannot fail.
        let _ = writeln!(out, "\t{}:{}\t {}", service.id, backend.ordinal, backend.address);
        next = backend.ordinal + 1;
    }
    missing(service.id, next, expected(service), out);
}

/// Backends from `first` to before `end`: a line for each, unless they are too many to be told one by one.
fn missing(id: u32, first: u32, end: u32, out: &mut String) {
    const MOST: u32 = 16;
    if end.saturating_sub(first) > MOST {
        let _ = writeln!(out, "\t{id}:{first} to {id}:{}\t are missing", end - 1);
        return;
    }
    for ordinal in first..end {
        let _ = writeln!(out, "\t{id}:{ordinal}\t is missing");
    }
}

fn object(service: &Frontend, backends: &Backends, out: &mut String) {
    let found: Vec<String> = of(service, backends).map(|backend| backend.address.to_string()).collect();
    let missing = u64::from(expected(service)) - found.len() as u64;
    dump::json(&frontend(service).with("backends", Datum::texts(found)).with("missing_backends", missing), out);
}

/// By service and client, as the tool of later releases sorts them.
fn affinities(at: &Where, ipv6: bool, paper: &mut Paper) -> Result<(), Failure> {
    let found = newest(&AFFINITY, at, Some(ipv6))?;
    let mut all = taken(&found, found.rows(read_affinity)?, paper);
    all.sort_unstable_by_key(|entry| (entry.service, entry.client));
    for row in all.iter().map(affinity) {
        print_row(&row, &at.show, paper)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(count: u32, ordinals: &[u32], expected: &str, json: &str) {
        let address = "10.96.0.1:443".parse().unwrap();
        let source = ("0.0.0.0".parse().unwrap(), 0);
        let service = Frontend { address, protocol: 6, source, id: 7, count, local: 0, affinity: 0, flags: 0 };
        let address = "172.18.0.2:6443".parse().unwrap();
        let all = ordinals.iter().map(|&ordinal| ((7, ordinal), Backend { id: 7, ordinal, address })).collect();
        let (mut text, mut object_text) = (String::new(), String::new());
        block(&service, &all, &mut text);
        object(&service, &all, &mut object_text);
        assert_eq!(text.split_once('\n').unwrap().1, expected);
        assert!(object_text.contains(json), "{object_text}");
    }

    #[test]
    fn backends_that_are_missing_are_said_to_be() {
        check(1, &[0], "\t7:0\t 172.18.0.2:6443\n", "\"backends\":[\"172.18.0.2:6443\"],\"missing_backends\":0");
        check(
            3,
            &[1, 3],
            "\t7:0\t is missing\n\t7:1\t 172.18.0.2:6443\n\t7:2\t is missing\n",
            "\"missing_backends\":2",
        );
        check(Frontend::BLACK_HOLE, &[0], "", "\"backends\":[],\"missing_backends\":0");
        check(4_000_000_000, &[], "\t7:0 to 7:3999999999\t are missing\n", "\"missing_backends\":4000000000");
    }
}
