//! Addresses, ports and protocol.

use std::net::IpAddr;

use super::{PacketColumn, Signs, Story};
use crate::{
    model::{self, Transport},
    view::flow,
};

pub(super) struct Flow;

impl PacketColumn for Flow {
    fn name(&self) -> &'static str {
        "flow"
    }

    fn title(&self) -> &'static str {
        "FLOW"
    }

    fn help(&self) -> &'static str {
        "addresses, ports and protocol, as they were first seen"
    }

    fn width(&self) -> (u16, u16) {
        (30, 46)
    }

    fn rank(&self) -> u8 {
        0
    }

    fn write(&self, story: &Story<'_>, signs: &Signs, out: &mut String) {
        match story.journey.title() {
            Some(look) if let Some(flow) = &look.flow => write(flow, signs, out),
            Some(look) if let Some(arp) = &look.arp => flow::write_arp(arp, out),
            _ => out.push_str("not known"),
        }
    }

    fn order(&self, story: &Story<'_>) -> u128 {
        let Some(flow) = story.journey.title().and_then(|look| look.flow) else { return u128::MAX };
        let address = match flow.source {
            IpAddr::V4(address) => u128::from(u32::from(address)) << 64,
            // Behind all of IPv4, without the last bits.
            IpAddr::V6(address) => 1 << 127 | u128::from(address) >> 1,
        };
        match (flow.source, flow.transport) {
            (IpAddr::V4(_), Transport::Ports { source, destination, .. }) => {
                address | u128::from(source) << 16 | u128::from(destination)
            }
            _ => address,
        }
    }
}

/// `10.0.0.1:37026 → 10.0.0.2:8080 tcp SYN`
fn write(found: &model::Flow, signs: &Signs, out: &mut String) {
    flow::write_source(found, out);
    out.push(' ');
    out.push_str(signs.arrow);
    out.push(' ');
    flow::write_destination(found, out);
    let mut text = String::new();
    flow::write_flow(found, true, &mut text);
    // What stands in parentheses behind the addresses.
    if let Some((_, protocol)) = text.rsplit_once('(') {
        out.push(' ');
        out.extend(protocol.trim_end_matches(')').chars().map(|letter| if letter == ':' { ' ' } else { letter }));
    }
}
