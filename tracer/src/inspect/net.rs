//! Network namespaces with all that is attached in them, and how their interfaces belong together.

use std::{
    collections::HashMap,
    fs::File,
    io,
    os::fd::{AsFd as _, AsRawFd as _},
};

use super::{
    Error,
    attach::{self, Scene},
    interfaces::{self, Link, Qdisc},
    links::Links,
    netlink::{Attributes, Netlink, attribute, u32_at},
    owners::comm,
    pods::Pods,
    programs::Names,
};
use crate::{
    kernel::{
        Root,
        netns::{self, Netns, Place},
    },
    model::{
        Attachment, Interface, NetnsRow, Process,
        attachment::{Drops, Peer, Section},
    },
};

const RTM_GETNSID: u16 = 90;
/// Processes of a namespace that are named.
const NAMED: usize = 3;

/// Which namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// That of this process.
    Own,
    /// One.
    One(Netns),
    /// All that can be found.
    All,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Net {
    /// The namespaces asked for, by their numbers.
    pub namespaces: Vec<NetnsRow>,
    /// At hooks of netfilter, where the kernel does not tell the namespace.
    pub elsewhere: Vec<Attachment>,
}

/// Looks at namespaces.
pub fn read(root: &Root, which: &Which) -> Result<Net, Error> {
    let wanted = match which {
        Which::Own => Some(netns::place(root, None)?),
        Which::One(netns) => Some(netns::place(root, Some(netns))?),
        Which::All => None,
    };
    let links = Links::read()?;
    let mut names = Names::counting(root);
    let mut look = |_: &Place, file: &File| namespace(file, &links, &mut names);
    let places = wanted.map_or_else(|| netns::places(root), |place| vec![place]);
    let mut seen = Seen::default();
    let mut rows = Vec::new();
    let pods = Pods::read(root);
    for (place, result) in places.iter().zip(netns::visit(root, &places, &mut look)) {
        let mut row = described(root, &pods, place);
        match result {
            // Nothing else was asked for.
            Err(error) if *which != Which::All => return Err(error.into()),
            Err(error) => row.notes.push(error.to_string()),
            Ok(Err(error)) => row.notes.push(format!("its interfaces cannot be listed: {error}")),
            Ok(Ok(found)) => {
                row.attachments = found.attachments;
                row.notes.extend(found.notes);
                seen.insert(place.netns.inode, found.links, found.qdiscs);
            }
        }
        rows.push(row);
    }
    if *which != Which::All && seen.has_foreign_peers() {
        let others: Vec<Place> =
            netns::places(root).into_iter().filter(|place| !seen.knows(place.netns.inode)).collect();
        let found = netns::visit(root, &others, |_, _| interfaces::links(&mut Netlink::route()?));
        for (place, links) in others.iter().zip(found) {
            if let Ok(Ok(links)) = links {
                seen.insert(place.netns.inode, links, Vec::new());
            }
            seen.label(&described(root, &pods, place));
        }
    }
    for row in &rows {
        seen.label(row);
    }
    seen.number(root, &rows);
    for row in &mut rows {
        row.interfaces = seen.interfaces(row);
    }
    let elsewhere = elsewhere(&links, &rows, &mut names);
    Ok(Net { namespaces: rows, elsewhere })
}

struct Found {
    links: Vec<Link>,
    qdiscs: Vec<Qdisc>,
    attachments: Vec<Attachment>,
    notes: Vec<String>,
}

/// Looks around in the namespace that this thread is in.
fn namespace(file: &File, links: &Links, names: &mut Names) -> io::Result<Found> {
    let mut netlink = Netlink::route()?;
    let mut notes = Vec::new();
    let interfaces = interfaces::links(&mut netlink)?;
    let qdiscs = interfaces::qdiscs(&mut netlink).unwrap_or_else(|error| {
        notes.push(format!("its queueing disciplines cannot be listed: {error}"));
        Vec::new()
    });
    let mut scene =
        Scene { netlink: &mut netlink, netns: file.as_fd(), interfaces: &interfaces, qdiscs: &qdiscs, links };
    let attachments = attach::all(&mut scene, names, &mut notes);
    Ok(Found { links: interfaces, qdiscs, attachments, notes })
}

fn described(root: &Root, pods: &Pods, place: &Place) -> NetnsRow {
    let process = |&pid: &u32| Process { pid, comm: comm(root, pid) };
    // Threads of the kernel, which have no arguments, would only say that it is the first namespace.
    let is_program =
        |pid: &&u32| root.read(format!("/proc/{pid}/cmdline")).is_ok_and(|arguments| !arguments.is_empty());
    let programs: Vec<u32> = place.processes.iter().filter(is_program).take(NAMED).copied().collect();
    NetnsRow {
        inode: place.netns.inode,
        names: place.names.clone(),
        container: programs.iter().find_map(|&pid| pods.of_process(root, pid)),
        processes: programs.iter().map(process).collect(),
        process_count: place.processes.len(),
        attachments: Vec::new(),
        interfaces: Vec::new(),
        notes: Vec::new(),
    }
}

/// Links of netfilter that no namespace owned up to.
fn elsewhere(links: &Links, rows: &[NetnsRow], names: &mut Names) -> Vec<Attachment> {
    let found = |id: u32| rows.iter().flat_map(|row| &row.attachments).any(|one| one.link == Some(id));
    let told = rows.iter().all(|row| !row.notes.iter().any(|note| note.starts_with("netfilter")));
    let missing = links.netfilter.iter().filter(|link| !told && !found(link.id)).map(attach::netfilter);
    missing
        .map(|mut one| {
            attach::know(&mut one, names);
            one
        })
        .collect()
}

/// The interfaces of all namespaces that were looked at.
#[derive(Default)]
struct Seen {
    links: HashMap<u32, (Vec<Link>, Vec<Qdisc>)>,
    labels: HashMap<u32, String>,
    /// By namespace and its own count of others: their numbers.
    numbers: HashMap<(u32, i32), u32>,
}

impl Seen {
    fn insert(&mut self, inode: u32, links: Vec<Link>, qdiscs: Vec<Qdisc>) {
        self.links.insert(inode, (links, qdiscs));
    }

    fn label(&mut self, row: &NetnsRow) {
        if let Some(label) = row.label() {
            self.labels.insert(row.inode, label);
        }
    }

    fn knows(&self, inode: u32) -> bool {
        self.links.contains_key(&inode)
    }

    fn has_foreign_peers(&self) -> bool {
        self.links.values().flat_map(|(links, _)| links).any(|link| link.peer_netns.is_some())
    }

    /// Finds which namespaces the counts of `rows` mean: the candidates of each peer are asked about, which are few.
    fn number(&mut self, root: &Root, rows: &[NetnsRow]) {
        let own = netns::own(root).map_or(0, |own| own.inode);
        let mut questions: HashMap<u32, Vec<u32>> = HashMap::new();
        let mut by_index: HashMap<(u32, u32), Vec<u32>> = HashMap::new();
        for (&inode, (links, _)) in &self.links {
            for link in links {
                by_index.entry((link.device.index, link.peer.unwrap_or_default())).or_default().push(inode);
            }
        }
        for row in rows {
            let Some((links, _)) = self.links.get(&row.inode) else { continue };
            let wanted = questions.entry(row.inode).or_default();
            for link in links.iter().filter(|link| link.peer_netns.is_some()) {
                let peer = link.peer.unwrap_or_default();
                // A pair's ends name each other. What lies on another device (macvlan, VLAN) is not named back: that is the
                // host's mostly, which is where this process is.
                let ends = by_index.get(&(peer, link.device.index)).into_iter().flatten().copied();
                wanted.extend(ends.chain([own]).filter(|&inode| inode != row.inode));
            }
            wanted.sort_unstable();
            wanted.dedup();
        }
        questions.retain(|_, wanted| !wanted.is_empty());
        self.ask(root, &questions);
    }

    /// Asks each namespace by which number it knows others.
    fn ask(&mut self, root: &Root, questions: &HashMap<u32, Vec<u32>>) {
        if questions.is_empty() {
            return;
        }
        let all = netns::places(root);
        let needed: Vec<Place> = all.iter().filter(|place| self.knows(place.netns.inode)).cloned().collect();
        let files: HashMap<u32, File> =
            needed.iter().filter_map(|place| Some((place.netns.inode, netns::file(root, &place.netns)?))).collect();
        let asking: Vec<Place> =
            needed.into_iter().filter(|place| questions.contains_key(&place.netns.inode)).collect();
        let answers = netns::visit(root, &asking, |place, _| {
            let mut netlink = Netlink::route()?;
            let mut answers = Vec::new();
            for &other in questions.get(&place.netns.inode).into_iter().flatten() {
                let Some(file) = files.get(&other) else { continue };
                if let Some(number) = number_of(&mut netlink, file)? {
                    answers.push((number, other));
                }
            }
            io::Result::Ok(answers)
        });
        for (place, answers) in asking.iter().zip(answers) {
            for (number, other) in answers.ok().and_then(Result::ok).into_iter().flatten() {
                self.numbers.insert((place.netns.inode, number), other);
            }
        }
    }

    fn interfaces(&self, row: &NetnsRow) -> Vec<Interface> {
        let Some((links, qdiscs)) = self.links.get(&row.inode) else { return Vec::new() };
        let interface = |link: &Link| Interface {
            device: link.device.clone(),
            kind: link.kind.clone(),
            up: link.up,
            peer: self.peer(row.inode, link),
            drops: drops(row, link.device.index, qdiscs),
        };
        links.iter().map(interface).collect()
    }

    fn peer(&self, here: u32, link: &Link) -> Option<Peer> {
        let index = link.peer.filter(|&peer| peer != link.device.index || link.peer_netns.is_some())?;
        let elsewhere = link.peer_netns.is_some();
        let there = link.peer_netns.map(|number| self.numbers.get(&(here, number)).copied());
        let netns = there.flatten();
        let links = self.links.get(&there.map_or(Some(here), |there| there)?);
        let name = links.and_then(|(links, _)| links.iter().find(|other| other.device.index == index));
        Some(Peer {
            index,
            name: name.map(|other| other.device.name.clone()),
            netns,
            elsewhere,
            netns_name: netns.and_then(|netns| self.labels.get(&netns).cloned()),
        })
    }
}

/// `NETNSA_NSID` of the namespace behind `file`, if the one at hand has one for it.
fn number_of(netlink: &mut Netlink, file: &File) -> io::Result<Option<i32>> {
    const NSID: u16 = 1;
    const FD: u16 = 3;
    /// Bytes of `struct rtgenmsg`, filled up.
    const HEAD: usize = 4;
    let mut body = vec![0; HEAD];
    attribute(FD, &file.as_raw_fd().to_ne_bytes(), &mut body);
    let number = netlink.ask(RTM_GETNSID, &body, |answer| {
        u32_at(Attributes::after(answer, HEAD).get(NSID)?, 0).map(u32::cast_signed)
    })?;
    Ok(number.filter(|&number| number >= 0))
}

fn drops(row: &NetnsRow, device: u32, qdiscs: &[Qdisc]) -> Drops {
    let at_ends = qdiscs.iter().find(|qdisc| qdisc.device == device && qdisc.is_at_ends());
    let has_others = row.attachments.iter().any(|one| {
        one.section == Section::Tc
            && one.device.as_ref().is_some_and(|own| own.index == device)
            && (one.hook.starts_with("tcx") || one.hook.starts_with("netkit"))
    });
    match at_ends.and_then(|qdisc| qdisc.drops) {
        // clsact counts what its own filters drop.
        Some(drops) => Drops::Counted { clsact: drops, others: has_others },
        None if has_others => Drops::NotCounted,
        None => Drops::None,
    }
}
