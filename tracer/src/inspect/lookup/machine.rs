//! Devices with their programs, and who has which address, of all namespaces, as they are at one time.

use std::{
    collections::{HashMap, HashSet, hash_map},
    io,
    net::IpAddr,
};

use crate::{
    inspect::{
        Error,
        net::{self, Which},
        netlink::{Attributes, Netlink},
    },
    kernel::{
        Root,
        netns::{self, Place},
    },
    model::{Container, NetnsRow, ProgramAt, attachment::Section},
};

const RTM_GETADDR: u16 = 22;
/// Bytes of `struct ifaddrmsg`.
const IFADDRMSG: usize = 8;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
/// Place of `ifa_scope`, and the scopes from which on an address is that of many.
const SCOPE: usize = 3;
const LINK: u8 = 253;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Machine {
    /// `None` for an address that several namespaces have.
    owners: HashMap<IpAddr, Option<String>>,
    programs: HashMap<(u32, u32), Vec<ProgramAt>>,
    devices: HashSet<(u32, u32)>,
    /// Names of namespaces; empty where there is none.
    namespaces: HashMap<u32, String>,
}

impl Machine {
    /// Looks at all namespaces.
    pub(super) fn read(root: &Root) -> Result<Self, Error> {
        let mut machine = Self::default();
        let net = net::read(root, &Which::All)?;
        for row in &net.namespaces {
            machine.add_devices(row);
        }
        let host = netns::resolve(root, "pid:1").map_or(0, |host| host.inode);
        let places = netns::places(root);
        let found = netns::visit(root, &places, |_, _| addresses());
        for (place, addresses) in places.iter().zip(found) {
            let row = net.namespaces.iter().find(|row| row.inode == place.netns.inode);
            let owner = owner(place, row, host);
            machine.namespaces.insert(place.netns.inode, name(place, row).unwrap_or_default());
            // One that has gone meanwhile has no addresses.
            for address in addresses.ok().and_then(Result::ok).into_iter().flatten() {
                machine.add_owner(address, &owner);
            }
        }
        Ok(machine)
    }

    /// Who has the address, if it is one alone.
    pub(super) fn owner(&self, address: IpAddr) -> Option<&String> {
        self.owners.get(&address)?.as_ref()
    }

    /// The programs at a device; `None` for a device that was not there.
    pub(super) fn programs(&self, device: (u32, u32)) -> Option<&[ProgramAt]> {
        self.devices.contains(&device).then(|| self.programs.get(&device).map_or(&[][..], Vec::as_slice))
    }

    /// What a namespace goes by, empty where that is nothing; `None` for one that was not there.
    pub(super) fn netns(&self, inode: u32) -> Option<&str> {
        self.namespaces.get(&inode).map(String::as_str)
    }

    fn add_devices(&mut self, row: &NetnsRow) {
        self.devices.extend(row.interfaces.iter().map(|interface| (row.inode, interface.device.index)));
        for one in &row.attachments {
            let Some(device) = &one.device else { continue };
            let hook = match one.section {
                Section::Xdp => format!("xdp/{}", one.hook),
                Section::Tc => one.hook.clone(),
                _ => continue,
            };
            let program = ProgramAt { hook, name: one.name.clone(), id: one.program };
            self.programs.entry((row.inode, device.index)).or_default().push(program);
        }
    }

    fn add_owner(&mut self, address: IpAddr, owner: &str) {
        match self.owners.entry(address) {
            hash_map::Entry::Vacant(free) => drop(free.insert(Some(owner.to_owned()))),
            hash_map::Entry::Occupied(mut taken) if taken.get().as_deref() != Some(owner) => drop(taken.insert(None)),
            hash_map::Entry::Occupied(_) => {}
        }
    }
}

/// `host`, `pod shop/cart`, `netns web`: the pod before the name, which Kubernetes makes up.
fn owner(place: &Place, row: Option<&NetnsRow>, host: u32) -> String {
    let inode = place.netns.inode;
    let container = row.and_then(|row| row.container.as_ref());
    match (container, place.names.first()) {
        _ if inode == host => "host".to_owned(),
        (Some(container), _) => container.label(),
        (None, Some(name)) => format!("netns {name}"),
        (None, None) => format!("netns {inode}"),
    }
}

/// `web`, or `pod shop/cart` where it is a container's, whose own names are made up.
fn name(place: &Place, row: Option<&NetnsRow>) -> Option<String> {
    let container = row.and_then(|row| row.container.as_ref()).map(Container::label);
    container.or_else(|| place.names.first().cloned())
}

/// Addresses of the namespace at hand that are its own alone: none of the loopback, none of a link.
fn addresses() -> io::Result<Vec<IpAddr>> {
    let mut netlink = Netlink::route()?;
    netlink.dump(RTM_GETADDR, &[0; IFADDRMSG], |found: &mut Vec<IpAddr>, body| found.extend(address(body)))
}

fn address(body: &[u8]) -> Option<IpAddr> {
    let attributes = Attributes::after(body, IFADDRMSG);
    let value = attributes.get(IFA_LOCAL).or_else(|| attributes.get(IFA_ADDRESS))?;
    if *body.get(SCOPE)? >= LINK {
        return None;
    }
    let v4 = || <[u8; 4]>::try_from(value).map(IpAddr::from);
    v4().or_else(|_| <[u8; 16]>::try_from(value).map(IpAddr::from)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::netns::Netns;

    #[test]
    fn an_address_of_many_is_nobodys() {
        let mut machine = Machine::default();
        let [one, two]: [IpAddr; 2] = ["10.0.0.1", "fd00::1"].map(|text| text.parse().unwrap());
        for (address, owner) in [(one, "netns a"), (two, "netns a"), (two, "netns a"), (one, "netns b")] {
            machine.add_owner(address, owner);
        }
        assert_eq!(machine.owner(one), None);
        assert_eq!(machine.owner(two).map(String::as_str), Some("netns a"));
    }

    #[test]
    fn owners_are_called_by_what_people_know() {
        let place = |names: &[&str]| Place {
            netns: Netns { inode: 7, path: None },
            names: names.iter().map(ToString::to_string).collect(),
            processes: Vec::new(),
        };
        assert_eq!(owner(&place(&["web"]), None, 7), "host");
        assert_eq!(owner(&place(&["web"]), None, 1), "netns web");
        assert_eq!(owner(&place(&[]), None, 1), "netns 7");
    }

    #[test]
    fn addresses_of_links_and_of_the_loopback_are_left_out() {
        let message = |scope: u8, kind: u8| [2, 24, 0, scope, 1, 0, 0, 0, 8, 0, kind, 0, 10, 0, 0, 1];
        assert_eq!(address(&message(0, 2)), Some(IpAddr::from([10, 0, 0, 1])));
        assert_eq!(address(&message(0, 1)), Some(IpAddr::from([10, 0, 0, 1])));
        assert_eq!(address(&message(254, 2)), None);
        assert_eq!(address(&message(0, 3)), None);
        for length in 0..message(0, 2).len() {
            assert_eq!(address(&message(0, 2)[..length]), None);
        }
    }
}
