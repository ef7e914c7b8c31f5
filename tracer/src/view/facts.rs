//! What is known beside the packet, in words and for scripts: of its addresses, of the service it goes to, of the programs at
//! its device.

use std::net::IpAddr;

use super::{Object, escape, flow, number};
use crate::{
    inspect::Facts,
    model::{AddressFacts, Flow, ProgramAt, ServiceFacts, Transport},
};

/// Backends of a service that text names.
const BACKENDS: usize = 4;

/// Calls `line` with a line for each end of a flow of which something is known: `10.0.0.1 is pod shop/cart, identity 263`.
pub(crate) fn ends(facts: &dyn Facts, found: &Flow, mut line: impl FnMut(&str)) {
    let mut text = String::new();
    for address in [found.source, found.destination] {
        let known = facts.address(address);
        if !known.is_empty() {
            text.clear();
            flow::write_address(address, &mut text);
            text.push_str(" is ");
            write_address(&known, &mut text);
            line(&text);
        }
    }
    if let Some(service) = service(facts, found) {
        text.clear();
        flow::write_destination(found, &mut text);
        text.push_str(" is ");
        write_service(&service, &mut text);
        line(&text);
    }
}

/// Appends `programs: tcx/ingress cil_from_netdev(123), clsact/egress x(4)`; nothing where there is none.
pub(crate) fn programs(programs: &[ProgramAt], out: &mut String) {
    for (place, program) in programs.iter().enumerate() {
        out.push_str(if place == 0 { "programs: " } else { ", " });
        escape(program.hook.as_bytes(), out);
        out.push(' ');
        escape(&program.name, out);
        if let Some(id) = program.id {
            out.push('(');
            number::decimal(id, out);
            out.push(')');
        }
    }
}

/// Adds `source`, `destination` and `service`, as far as they are known.
pub(super) fn ends_json(facts: &dyn Facts, flow: &Flow, object: &mut Object<'_>) {
    for (key, address) in [("source", flow.source), ("destination", flow.destination)] {
        let known = facts.address(address);
        if !known.is_empty() {
            object.object(key, |inner| address_json(&known, inner));
        }
    }
    if let Some(service) = service(facts, flow) {
        object.object("service", |inner| service_json(&service, inner));
    }
}

/// Adds `programs`, if there are some.
pub(super) fn programs_json(programs: &[ProgramAt], object: &mut Object<'_>) {
    if programs.is_empty() {
        return;
    }
    object.objects("programs", programs, |program, inner| {
        inner.foreign("hook", program.hook.as_bytes());
        inner.foreign("prog_name", &program.name);
        if let Some(id) = program.id {
            inner.number("prog_id", id);
        }
    });
}

fn service(facts: &dyn Facts, flow: &Flow) -> Option<ServiceFacts> {
    match flow.transport {
        Transport::Ports { destination, .. } => facts.service(flow.destination, destination, flow.protocol),
        _ => None,
    }
}

fn write_address(known: &AddressFacts, out: &mut String) {
    let start = out.len();
    if let Some(owner) = &known.owner {
        escape(owner.as_bytes(), out);
    }
    if let Some(route) = &known.route {
        out.push_str(if out.len() == start { "" } else { ", " });
        escape(route.as_bytes(), out);
        out.push_str(" of Calico's");
    }
    for (place, wanted) in known.stands_for.iter().take(BACKENDS).enumerate() {
        out.push_str(match (place, out.len() == start) {
            (0, true) => "a sidecar of Merbridge's, standing for ",
            (0, false) => ", a sidecar of Merbridge's, standing for ",
            _ => ", ",
        });
        write_backend((wanted.ip(), wanted.port()), out);
    }
    if known.stands_for.len() > BACKENDS {
        out.push_str(" and ");
        number::decimal((known.stands_for.len() - BACKENDS) as u64, out);
        out.push_str(" more");
    }
    for (word, value) in [("identity ", known.identity), ("endpoint ", known.endpoint.map(u32::from))] {
        if let Some(value) = value {
            out.push_str(if out.len() == start { "" } else { ", " });
            out.push_str(word);
            number::decimal(value, out);
        }
    }
}

fn address_json(known: &AddressFacts, object: &mut Object<'_>) {
    if let Some(owner) = &known.owner {
        object.foreign("owner", owner.as_bytes());
    }
    if let Some(route) = &known.route {
        object.foreign("calico_route", route.as_bytes());
    }
    if !known.stands_for.is_empty() {
        object.list("merbridge_stands_for", &known.stands_for, |wanted, out| {
            write_backend((wanted.ip(), wanted.port()), out);
        });
    }
    if let Some(identity) = known.identity {
        object.number("identity", identity);
    }
    if let Some(endpoint) = known.endpoint {
        object.number("endpoint", endpoint);
    }
}

/// `service ClusterIP -> 10.0.1.4:53, 10.0.1.5:53 and 3 more`
fn write_service(service: &ServiceFacts, out: &mut String) {
    out.push_str("service");
    if !service.kind.is_empty() {
        out.push(' ');
        escape(service.kind.as_bytes(), out);
    }
    out.push_str(match service.dataplane {
        "calico" => " of Calico",
        "balancing" => " of Balancing",
        // Its kinds are those that everybody knows.
        _ => "",
    });
    if service.backends.is_empty() && service.more == 0 {
        out.push_str(" without a backend");
        return;
    }
    out.push_str(" -> ");
    for (place, backend) in service.backends.iter().take(BACKENDS).enumerate() {
        out.push_str(if place == 0 { "" } else { ", " });
        write_backend(*backend, out);
    }
    let more = service.backends.len().saturating_sub(BACKENDS) as u64 + service.more;
    if more > 0 {
        out.push_str(" and ");
        number::decimal(more, out);
        out.push_str(" more");
    }
}

fn service_json(service: &ServiceFacts, object: &mut Object<'_>) {
    object.foreign("dataplane", service.dataplane.as_bytes());
    object.foreign("kind", service.kind.as_bytes());
    object.list("backends", &service.backends, |backend, out| write_backend(*backend, out));
    if service.more > 0 {
        object.number("more", service.more);
    }
}

fn write_backend((address, port): (IpAddr, u16), out: &mut String) {
    flow::write_end(address, Some(port), out);
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// A machine with one pod, one service and one program.
    pub(in crate::view) struct Few;

    impl Facts for Few {
        fn address(&self, address: IpAddr) -> AddressFacts {
            match address.to_string().as_str() {
                "10.77.0.1" | "10.0.0.1" => AddressFacts {
                    owner: Some("pod shop/cart\x1b".to_owned()),
                    identity: Some(26_328),
                    endpoint: Some(45),
                    ..AddressFacts::default()
                },
                "10.77.0.2" => AddressFacts { identity: Some(2), ..AddressFacts::default() },
                _ => AddressFacts::default(),
            }
        }

        fn service(&self, address: IpAddr, port: u16, protocol: u8) -> Option<ServiceFacts> {
            let backend = |last: u8| (IpAddr::from([10, 0, 0, last]), 53);
            let known = [("10.77.0.2", 8080, 6), ("10.0.0.2", 53, 17)];
            known.contains(&(address.to_string().as_str(), port, protocol)).then(|| ServiceFacts {
                dataplane: "cilium",
                kind: "ClusterIP".to_owned(),
                backends: (1..=5).map(backend).collect(),
                more: 2,
            })
        }

        fn netns(&self, inode: u32) -> Option<String> {
            (inode == 2).then(|| "late\x1b".to_owned())
        }

        fn programs(&self, netns: Option<u32>, ifindex: u32) -> Vec<ProgramAt> {
            let program = ProgramAt { hook: "tcx/ingress".to_owned(), name: b"cil\x07".to_vec(), id: Some(7) };
            if netns.is_some() && ifindex == 3 { vec![program] } else { Vec::new() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::{ECHO, SYN, headers};

    #[test]
    fn ends_and_services() {
        let lines = |packet: &[u8]| {
            let mut lines = Vec::new();
            ends(&testing::Few, &headers(0x800, packet).flow().unwrap(), |line| lines.push(line.to_owned()));
            lines
        };
        assert_eq!(
            lines(&SYN),
            [
                r"10.77.0.1 is pod shop/cart\x1b, identity 26328, endpoint 45",
                "10.77.0.2 is identity 2",
                "10.77.0.2:8080 is service ClusterIP -> 10.0.0.1:53, 10.0.0.2:53, 10.0.0.3:53, 10.0.0.4:53 and 3 more",
            ]
        );
        assert_eq!(lines(&ECHO).len(), 2);
    }

    #[test]
    fn a_service_without_backends_says_so() {
        let mut text = String::new();
        write_service(&ServiceFacts { kind: "NodePort".to_owned(), ..ServiceFacts::default() }, &mut text);
        assert_eq!(text, "service NodePort without a backend");
        text.clear();
        let backends = vec![(IpAddr::from([10, 0, 0, 1]), 53)];
        write_service(&ServiceFacts { dataplane: "calico", backends, ..ServiceFacts::default() }, &mut text);
        assert_eq!(text, "service of Calico -> 10.0.0.1:53");
    }

    #[test]
    fn addresses_that_calico_knows() {
        let mut text = String::new();
        let known = AddressFacts { route: Some("local workload".to_owned()), ..AddressFacts::default() };
        write_address(&known, &mut text);
        assert_eq!(text, "local workload of Calico's");
    }

    #[test]
    fn addresses_that_merbridge_makes_up() {
        let mut text = String::new();
        let stands_for = (1..=6).map(|last| ([10, 96, 0, last], 5000).into()).collect();
        write_address(&AddressFacts { stands_for, ..AddressFacts::default() }, &mut text);
        assert_eq!(
            text,
            "a sidecar of Merbridge's, standing for 10.96.0.1:5000, 10.96.0.2:5000, 10.96.0.3:5000, 10.96.0.4:5000 and 2 more"
        );
    }
}
