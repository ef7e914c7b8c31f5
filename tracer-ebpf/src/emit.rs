//! Sends a hit to user space. Every hit that gets here is counted as seen, and either sent or counted as lost.

use core::ffi::c_void;

use aya_ebpf::{
    bindings::BPF_RB_NO_WAKEUP,
    helpers::{
        bpf_get_current_pid_tgid, bpf_get_smp_processor_id, bpf_ktime_get_ns,
        generated::{bpf_get_current_comm, bpf_probe_read_kernel},
    },
};
use tracer_common::{
    config::counter,
    event::{Event, Extra, HEADER_BYTES, SocketTuple, flags, kind},
};

use crate::{
    extra,
    maps::{EVENTS, count},
    packet::{NOWHERE, Packet},
    read::{Device, device, is_kernel_pointer, kept_tag_protocol, member, packet_namespace, setting},
};

const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const AF_NETLINK: u16 = 16;
/// Socket states without the rest of `struct sock` behind `sock_common` (`TCP_TIME_WAIT`, `TCP_NEW_SYN_RECV`).
const MINI_SOCKETS: [u8; 2] = [6, 12];
const IPPROTO_TCP: u16 = 6;

/// A hit of a probe, before anything else is read.
pub struct Hit {
    /// The program's context.
    pub context: *mut c_void,
    /// Address of the `sk_buff`.
    pub skb: u64,
    /// Address of the function, or number of the tracepoint.
    pub func: u64,
    /// Who called the function, or place of a drop.
    pub caller: u64,
    /// The argument behind the `sk_buff`.
    pub argument: u32,
    /// One of [`kind`].
    pub kind: u8,
}

/// An event with all that a run can ask for.
#[repr(C)]
struct Full {
    event: Event,
    extra: Extra,
}

/// Sends the hit.
#[inline(never)]
pub fn emit(hit: &Hit) {
    let device = device(hit.skb);
    if is_own(hit, device) {
        count(counter::OWN);
        return;
    }
    count(counter::SEEN);
    if setting!(want_extra) == 0 {
        if let Some(mut entry) = EVENTS.reserve_untyped::<Event>(0) {
            // SAFETY: the entry is memory for one event.
            unsafe { fill(entry.as_mut_ptr(), hit, device) };
            entry.submit(u64::from(BPF_RB_NO_WAKEUP));
            return;
        }
    } else if let Some(mut entry) = EVENTS.reserve_untyped::<Full>(0) {
        let full = entry.as_mut_ptr();
        // SAFETY: the entry is memory for one event and its extra.
        unsafe {
            fill(&raw mut (*full).event, hit, device);
            (*full).event.flags |= flags::EXTRA;
            extra::fill(&raw mut (*full).extra, hit);
        }
        entry.submit(u64::from(BPF_RB_NO_WAKEUP));
        return;
    }
    count(counter::RING_FULL);
}

/// The tracer's own netlink and unix-socket buffers. What merely interrupts the tracer has a device, an internet socket or
/// a network header.
#[inline(always)]
fn is_own(hit: &Hit, device: Device) -> bool {
    if (bpf_get_current_pid_tgid() >> 32) as u32 != setting!(own_pid) || device.address != 0 {
        return false;
    }
    let sock: u64 = member!(hit.skb, skb_sk);
    if !is_kernel_pointer(sock) {
        let network: u16 = member!(hit.skb, skb_network_header);
        return network == 0;
    }
    let family: u16 = member!(sock, sock_family);
    family == AF_UNIX || family == AF_NETLINK
}

#[inline(always)]
unsafe fn fill(event: *mut Event, hit: &Hit, device: Device) {
    // SAFETY: the caller hands memory for one event; every field is written.
    unsafe {
        (*event).time = bpf_ktime_get_ns();
        (*event).skb = hit.skb;
        (*event).journey = 0;
        (*event).kind = hit.kind;
        (*event).caller = hit.caller;
        (*event).func = hit.func;
        (*event).pid = (bpf_get_current_pid_tgid() >> 32) as u32;
        (*event).cpu = bpf_get_smp_processor_id() as u16;
        (*event).argument = hit.argument;
        (*event).branch = 0;
        (*event).parent = 0;
        (*event).generation = 0;
        (*event).reserved = [0; 3];
        bpf_get_current_comm((&raw mut (*event).comm).cast(), 16);
        fill_packet(event, hit.skb);
        fill_device(event, hit.skb, device);
        fill_headers(event, hit.skb);
        if hit.kind != kind::TRACEPOINT {
            (*event).flags |= flags::ARGUMENT;
        }
    }
}

#[inline(always)]
unsafe fn fill_packet(event: *mut Event, skb: u64) {
    // SAFETY: as for `fill`.
    unsafe {
        (*event).mark = member!(skb, skb_mark);
        (*event).len = member!(skb, skb_len);
        let protocol: u16 = member!(skb, skb_protocol);
        (*event).protocol = u16::from_be(protocol);
        let packet_type: u8 = member!(skb, skb_pkt_type);
        (*event).packet_type = packet_type & 7;
        let vlan_proto = kept_tag_protocol(skb);
        (*event).vlan_proto = vlan_proto;
        (*event).vlan_tci = member!(skb, skb_vlan_tci);
        (*event).flags = if vlan_proto == 0 { 0 } else { flags::VLAN };
    }
}

#[inline(always)]
unsafe fn fill_device(event: *mut Event, skb: u64, device: Device) {
    // SAFETY: as for `fill`.
    unsafe {
        (*event).netns = packet_namespace(skb, device);
        if device.address == 0 {
            (*event).ifindex = 0;
            (*event).mtu = 0;
            (*event).ifname = [0; 16];
            return;
        }
        (*event).flags |= flags::DEVICE;
        (*event).ifindex = member!(device.address, dev_ifindex);
        (*event).mtu = member!(device.address, dev_mtu);
        let name: [u64; 2] = [member!(device.address, dev_name), member!(device.address + 8, dev_name)];
        (*event).ifname = core::mem::transmute::<[u64; 2], [u8; 16]>(name);
    }
}

#[inline(always)]
unsafe fn fill_headers(event: *mut Event, skb: u64) {
    let packet = Packet::locate(skb, 0);
    let network = packet.network;
    // SAFETY: as for `fill`.
    unsafe {
        (*event).header_len = 0;
        if network != NOWHERE && network < packet.end {
            let available = packet.end - network;
            let length = if available > HEADER_BYTES as u64 { HEADER_BYTES as u64 } else { available };
            if bpf_probe_read_kernel((&raw mut (*event).headers).cast(), length as u32, network as *const c_void) == 0 {
                (*event).header_len = length as u16;
                (*event).flags |= flags::NETWORK;
                return;
            }
        }
        if network == NOWHERE && socket_tuple((&raw mut (*event).headers).cast(), skb) {
            (*event).header_len = size_of::<SocketTuple>() as u16;
            (*event).flags |= flags::SOCKET;
        }
    }
}

/// The flow as the socket of an outgoing packet knows it.
#[inline(always)]
unsafe fn socket_tuple(tuple: *mut SocketTuple, skb: u64) -> bool {
    let sock: u64 = member!(skb, skb_sk);
    if !is_kernel_pointer(sock) {
        return false;
    }
    let family: u16 = member!(sock, sock_family);
    if family != AF_INET && family != AF_INET6 {
        return false;
    }
    // SAFETY: as for `fill`.
    unsafe {
        let (source, destination): ([u64; 2], [u64; 2]) = if family == AF_INET {
            let source: u32 = member!(sock, sock_source);
            let destination: u32 = member!(sock, sock_destination);
            ([u64::from(source), 0], [u64::from(destination), 0])
        } else {
            (
                [member!(sock, sock_source6), member!(sock + 8, sock_source6)],
                [member!(sock, sock_destination6), member!(sock + 8, sock_destination6)],
            )
        };
        (*tuple).source = core::mem::transmute::<[u64; 2], [u8; 16]>(source);
        (*tuple).destination = core::mem::transmute::<[u64; 2], [u8; 16]>(destination);
        (*tuple).source_port = member!(sock, sock_source_port);
        let port: u16 = member!(sock, sock_destination_port);
        (*tuple).destination_port = u16::from_be(port);
        (*tuple).family = family;
        let state: u8 = member!(sock, sock_state);
        let protocol: u16 = member!(sock, sock_protocol);
        (*tuple).protocol = if MINI_SOCKETS.contains(&state) { IPPROTO_TCP } else { protocol };
    }
    true
}
