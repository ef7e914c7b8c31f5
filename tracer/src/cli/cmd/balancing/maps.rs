//! `skbtrail balancing show`: maps as `inspect showMapData` prints them.

use std::{fmt::Write as _, process::ExitCode};

use crate::{
    cli::{
        dataplane::{Where, find, newest, print, taken},
        failure::Failure,
        say::say,
        show::{Paper, show_long},
    },
    inspect::{
        dataplane::Found,
        maps::decode::{
            balancing::{
                nat_type_name,
                records::{AFFINITY, FLOWS, NAT_RECORDS},
                services::{
                    BACKENDS, NODE_ADDRESSES, NODE_PROXIES, SERVICES, SETTINGS, backend, read_backend, read_service,
                    service,
                },
            },
            versions::{Circumstances, Versions},
        },
    },
    model::{Decoded, balancing::NatType},
    view::escape,
};

/// Which maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Map {
    /// All of them, in the tool's order
    All,
    /// Which client keeps which backend
    Affinity,
    /// Where sockets wanted to go
    #[value(alias = "natRecord")]
    NatRecord,
    /// What is translated
    Service,
    /// To what
    Backend,
    /// Addresses of nodes
    #[value(alias = "nodeIp")]
    NodeIp,
    /// Where nodes' proxies are reached
    #[value(alias = "nodeProxyIp")]
    NodeProxyIp,
    /// Settings
    Configure,
    /// How often destinations were redirected lately (it is not pinned)
    Flows,
}

impl Map {
    fn versions(self) -> &'static Versions {
        match self {
            Self::Affinity => &AFFINITY,
            Self::NatRecord => &NAT_RECORDS,
            Self::Service | Self::All => &SERVICES,
            Self::Backend => &BACKENDS,
            Self::NodeIp => &NODE_ADDRESSES,
            Self::NodeProxyIp => &NODE_PROXIES,
            Self::Configure => &SETTINGS,
            Self::Flows => &FLOWS,
        }
    }
}

const ALL: [Map; 7] =
    [Map::Affinity, Map::NatRecord, Map::Service, Map::Backend, Map::NodeIp, Map::NodeProxyIp, Map::Configure];

pub(super) fn run(map: Map, at: &Where) -> Result<ExitCode, Failure> {
    show_long(&at.show, |_, paper| {
        if map != Map::All {
            return one(map, &newest(map.versions(), at, None)?, at, paper);
        }
        let mut count = 0;
        for map in ALL {
            match find(map.versions(), at, None)? {
                Some(found) => {
                    count += 1;
                    one(map, &found, at, paper)?;
                }
                None => say(format_args!("there is no `{}`", map.versions().known[0].name)),
            }
        }
        if count == 0 {
            // Says where it was looked for.
            newest(&SERVICES, at, None)?;
        }
        Ok(())
    })
}

fn one(map: Map, found: &Found, at: &Where, paper: &mut Paper) -> Result<(), Failure> {
    if at.show.json {
        return print(map.versions(), found, &at.show, paper);
    }
    let name = found.version.name;
    let rule = "-".repeat(30);
    // Writing to a string cannot fail.
    let _ = writeln!(paper.text, "{rule}\nmap  {name} (id {})", found.map.info.id);
    let count = match map {
        Map::Service => {
            let rows = taken(found, found.rows(read_service)?, paper);
            let rows: Vec<_> = rows.iter().map(|row| (row.nat_type, service(row))).collect();
            groups(&rows, paper)?
        }
        Map::Backend => {
            let mut rows = taken(found, found.rows(read_backend)?, paper);
            rows.sort_unstable_by_key(|row| (row.id, row.port, row.protocol, row.scope, row.order));
            let rows: Vec<_> = rows.iter().map(|row| (row.nat_type, backend(row))).collect();
            groups(&rows, paper)?
        }
        _ => plain(map, found, paper)?,
    };
    let _ = writeln!(paper.text, "end map {name}: total items: {count} \n{rule}\n");
    paper.turn()?;
    Ok(())
}

/// Entries in groups by what they belong to, as the tool has them.
fn groups(rows: &[(NatType, Decoded)], paper: &mut Paper) -> anyhow::Result<usize> {
    let mut kinds = vec![NatType::Service, NatType::LocalRedirect, NatType::Balancing];
    for (kind, _) in rows {
        // Of a later release: shown like the others, not left out.
        if !kinds.contains(kind) {
            kinds.push(*kind);
        }
    }
    for kind in kinds {
        let title = match kind {
            NatType::Service => "Service".to_owned(),
            NatType::LocalRedirect => "LocalRedirect".to_owned(),
            NatType::Balancing => "Balancing".to_owned(),
            NatType::Unknown(_) => nat_type_name(kind),
        };
        let _ = writeln!(paper.text, "\n{title} Entries: ");
        let mut count = 0;
        for (_, row) in rows.iter().filter(|(of, _)| *of == kind) {
            pair(count, row, ", ", "     ", &mut paper.text);
            count += 1;
            paper.turn()?;
        }
        let _ = writeln!(paper.text, "account:  {count}");
    }
    paper.text.push('\n');
    Ok(rows.len())
}

/// Entries one after the other, in the kernel's order.
fn plain(map: Map, found: &Found, paper: &mut Paper) -> Result<usize, Failure> {
    let versions = map.versions();
    let at = Circumstances { now: found.map.subject("", None).now, release: None };
    let rows = taken(found, found.rows(|entry, version| (versions.row)(entry, version, at))?, paper);
    let mut count = 0;
    // A place of the array without a setting in it says nothing.
    for row in rows.iter().flatten() {
        match row.cells.as_slice() {
            [one] => {
                escape(one.as_bytes(), &mut paper.text);
                paper.text.push('\n');
            }
            _ => pair(count, row, "", "      ", &mut paper.text),
        }
        count += 1;
        paper.turn()?;
    }
    Ok(count)
}

/// Key and value, a line each.
fn pair(number: usize, row: &Decoded, comma: &str, indent: &str, out: &mut String) {
    let [key, value, ..] = row.cells.as_slice() else { return };
    let _ = writeln!(out, "[{number}]: key={key}{comma}\n{indent}value={value}");
}
