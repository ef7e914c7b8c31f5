//! Two private network namespaces joined by a veth pair.
//!
//! They have no name and no file: only this process holds them, so the kernel takes them away when it ends, however it
//! ends. Nothing outside of them is touched.

use std::{
    fs::File,
    io,
    net::{IpAddr, Ipv4Addr},
    os::fd::{AsFd as _, AsRawFd as _, OwnedFd},
    os::unix::fs::MetadataExt as _,
    thread,
};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::{AddressAttribute, AddressMessage},
    link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage},
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use nix::{
    net::if_::if_nametoindex,
    sched::{CloneFlags, setns, unshare},
};

/// Addresses of the two ends, from the block for benchmarks (RFC 2544), which no network routes.
pub(super) const ADDRESSES: [Ipv4Addr; 2] = [Ipv4Addr::new(198, 18, 77, 1), Ipv4Addr::new(198, 18, 77, 2)];
/// Interfaces of the two ends.
const INTERFACES: [&str; 2] = ["demo-a", "demo-b"];
const PREFIX: u8 = 24;

/// A network namespace that lives as long as this value.
pub(super) struct Namespace {
    handle: OwnedFd,
    /// Its inode, by which the kernel's structures name it.
    pub(super) inode: u32,
}

impl Namespace {
    fn new() -> io::Result<Self> {
        let handle = on_a_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            File::open("/proc/thread-self/ns/net")
        })?;
        let inode = handle.metadata()?.ino() as u32;
        Ok(Self { handle: handle.into(), inode })
    }

    /// Runs `work` inside, on a thread of its own.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let handle = self.handle.try_clone()?;
        on_a_thread(move || {
            setns(handle.as_fd(), CloneFlags::CLONE_NEWNET)?;
            work()
        })
    }
}

/// Two namespaces with a cable between them.
pub(super) struct Pair {
    /// Where packets are sent.
    pub(super) sender: Namespace,
    /// Where they arrive.
    pub(super) receiver: Namespace,
}

impl Pair {
    /// Makes both, the cable, its addresses, and waits until it carries packets.
    pub(super) fn new() -> io::Result<Self> {
        let (sender, receiver) = (Namespace::new()?, Namespace::new()?);
        let other = receiver.handle.try_clone()?;
        sender.run(move || {
            let netlink = Netlink::open()?;
            netlink.create(RouteNetlinkMessage::NewLink(veth(&other)))?;
            netlink.bring_up(INTERFACES[0], ADDRESSES[0])
        })?;
        receiver.run(|| Netlink::open()?.bring_up(INTERFACES[1], ADDRESSES[1]))?;
        Ok(Self { sender, receiver })
    }
}

fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    thread::spawn(work).join().map_err(|_| io::Error::other("a thread of the demo ended early"))?
}

fn veth(other: &OwnedFd) -> LinkMessage {
    let mut peer = LinkMessage::default();
    peer.attributes.push(LinkAttribute::IfName(INTERFACES[1].to_owned()));
    peer.attributes.push(LinkAttribute::NetNsFd(other.as_raw_fd()));
    let mut link = LinkMessage::default();
    link.attributes.push(LinkAttribute::IfName(INTERFACES[0].to_owned()));
    link.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Veth),
        LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
    ]));
    link
}

/// A route-netlink socket of the namespace it was opened in.
struct Netlink(Socket);

impl Netlink {
    fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self(socket))
    }

    fn create(&self, message: RouteNetlinkMessage) -> io::Result<()> {
        self.request(message, NLM_F_CREATE | NLM_F_EXCL)
    }

    fn bring_up(&self, interface: &str, address: Ipv4Addr) -> io::Result<()> {
        let index = if_nametoindex(interface)?;
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.prefix_len = PREFIX;
        message.header.index = index;
        message.attributes.push(AddressAttribute::Local(IpAddr::V4(address)));
        message.attributes.push(AddressAttribute::Address(IpAddr::V4(address)));
        self.create(RouteNetlinkMessage::NewAddress(message))?;
        let mut link = LinkMessage::default();
        link.header.index = index;
        link.header.flags = LinkFlags::Up;
        link.header.change_mask = LinkFlags::Up;
        self.request(RouteNetlinkMessage::SetLink(link), 0)
    }

    /// Sends a request and waits for the kernel's word on it.
    fn request(&self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        let mut packet = NetlinkMessage::new(NetlinkHeader::default(), NetlinkPayload::from(message));
        packet.header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        packet.finalize();
        let mut bytes = vec![0; packet.buffer_len()];
        packet.serialize(&mut bytes);
        self.0.send(&bytes, 0)?;
        let (answer, _) = self.0.recv_from_full()?;
        let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer).map_err(io::Error::other)?;
        match answer.payload {
            NetlinkPayload::Error(error) if error.code.is_some() => Err(error.to_io()),
            _ => Ok(()),
        }
    }
}
