//! `skbtrail balancing trace`: what belongs to an address, from five maps.

use std::{fmt::Write as _, process::ExitCode};

use serde_json::json;

use crate::{
    cli::{
        dataplane::{Where, newest, rows, taken},
        failure::Failure,
        show::{Paper, show_long},
    },
    inspect::{
        balancing::{Tables, Target, Traced},
        dataplane::Found,
        maps::decode::{
            balancing::{
                nat_type_name, protocol_name,
                records::{AFFINITY, NAT_RECORDS, read_affinity, read_nat_record},
                services::{
                    BACKENDS, NODE_ADDRESSES, NODE_PROXIES, SERVICES, mode_name, read_backend, read_node_address,
                    read_node_proxy, read_service,
                },
            },
            words::go_duration,
        },
    },
    model::balancing::{NatType, Service},
};

pub(super) fn run(kind: NatType, target: Target, at: &Where) -> Result<ExitCode, Failure> {
    let mut found_any = true;
    let code = show_long(&at.show, |_, paper| {
        let services = newest(&SERVICES, at, None)?;
        let now = services.map.subject("", None).now;
        let tables = read(&services, at, paper)?;
        let traced = tables.trace(kind, target);
        found_any = !traced.is_empty();
        for one in &traced {
            if at.show.json {
                paper.text.push_str(&object(one, &tables, now));
            } else {
                block(one, &tables, now, &mut paper.text);
            }
            paper.turn()?;
        }
        if traced.is_empty() && !at.show.json {
            let _ = writeln!(paper.text, "nothing of that kind ({}) is translated there", nat_type_name(kind));
        }
        Ok(())
    })?;
    Ok(if found_any { code } else { ExitCode::FAILURE })
}

fn read(services: &Found, at: &Where, paper: &mut Paper) -> Result<Tables, Failure> {
    Ok(Tables {
        services: taken(services, services.rows(read_service)?, paper),
        backends: rows(&BACKENDS, at, read_backend, paper)?,
        affinity: rows(&AFFINITY, at, read_affinity, paper)?,
        records: rows(&NAT_RECORDS, at, read_nat_record, paper)?,
        nodes: rows(&NODE_ADDRESSES, at, read_node_address, paper)?,
        proxies: rows(&NODE_PROXIES, at, read_node_proxy, paper)?.into_iter().collect(),
    })
}

/// What is translated, as people write it.
fn address(service: &Service) -> String {
    let protocol = protocol_name(service.protocol);
    match *service.address.ip() {
        Service::ANY_NODE => format!("port {} of every node/{protocol}", service.address.port()),
        _ => format!("{}/{protocol}", service.address),
    }
}

fn block(traced: &Traced, tables: &Tables, now: u64, out: &mut String) {
    let Traced { service, backends, missing, clients, sockets } = traced;
    let kept = match service.affinity {
        0 => "clients keep no backend".to_owned(),
        seconds => format!("clients keep their backend for {seconds} s"),
    };
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "{} {}: id {}, {}, {} backends ({} local), {kept}{}",
        nat_type_name(service.nat_type),
        address(service),
        service.id,
        mode_name(service.mode),
        service.backends,
        service.local_backends,
        rules(service)
    );
    for backend in backends {
        let place = if backend.order < service.local_backends { "local" } else { "remote" };
        let node = match tables.proxies.get(&backend.node) {
            Some(proxy) => format!("node {} (proxy {proxy})", backend.node),
            None => format!("node {}", backend.node),
        };
        let _ = writeln!(out, "  backend {} -> {} {place}, {node}", backend.order, backend.pod);
    }
    if *missing > 0 {
        let _ = writeln!(
            out,
            "  {missing} of {} backends are missing: connections that they fall to fail",
            service.backends
        );
    }
    for entry in clients {
        let age = go_duration(now.cast_signed().saturating_sub(entry.time.cast_signed()));
        let _ = writeln!(out, "  client netns cookie {} keeps {} (last used {age} ago)", entry.client, entry.nat);
    }
    for record in sockets {
        let known = backends.iter().any(|backend| backend.pod == record.nat);
        let stale = if known { "" } else { ", which is no backend (any more)" };
        let _ = writeln!(out, "  socket {} went to {}{stale}", record.socket, record.nat);
    }
}

/// Restrictions, in words.
fn rules(service: &Service) -> String {
    let mut words = String::new();
    for (bit, text) in
        [(1, ", local backends only for clients outside"), (2, ", local backends only for clients inside")]
    {
        if service.service_flags & bit != 0 {
            words.push_str(text);
        }
    }
    if service.redirect_flags & 1 != 0 {
        words.push_str(", the service itself where no local backend is");
    }
    words
}

fn object(traced: &Traced, tables: &Tables, now: u64) -> String {
    let Traced { service, backends, missing, clients, sockets } = traced;
    let backends: Vec<_> = backends
        .iter()
        .map(|backend| {
            json!({
                "order": backend.order,
                "pod": backend.pod.to_string(),
                "node": backend.node,
                "node_proxy": tables.proxies.get(&backend.node).map(ToString::to_string),
                "node_port": backend.node_port,
                "local": backend.order < service.local_backends,
            })
        })
        .collect();
    let clients: Vec<_> = clients
        .iter()
        .map(|entry| {
            json!({
                "netns_cookie": entry.client,
                "original": entry.original.to_string(),
                "backend": entry.nat.to_string(),
                "last_used_ns_ago": now.saturating_sub(entry.time),
            })
        })
        .collect();
    let sockets: Vec<_> = sockets
        .iter()
        .map(|record| {
            json!({
                "socket_cookie": record.socket,
                "original": record.original.to_string(),
                "nat": record.nat.to_string(),
            })
        })
        .collect();
    let object = json!({
        "nat_type": nat_type_name(service.nat_type),
        "address": service.address.to_string(),
        "protocol": protocol_name(service.protocol),
        "service_id": service.id,
        "mode": mode_name(service.mode),
        "affinity_seconds": service.affinity,
        "count": service.backends,
        "local_count": service.local_backends,
        "missing_backends": missing,
        "backends": backends,
        "clients": clients,
        "sockets": sockets,
    });
    format!("{object}\n")
}
