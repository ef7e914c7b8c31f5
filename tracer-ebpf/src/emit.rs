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
    extra, fragment,
    frame::Frame,
    hit::Hit,
    maps::{EVENTS, count, found},
    packet::{self, NOWHERE, Packet},
    read::{Device, device, kept_tag_protocol, member, packet_namespace, setting},
    unwritten,
};

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
    send(
        // SAFETY: `send` hands memory for what is filled.
        |event| unsafe { fill(event, hit, device) },
        // SAFETY: as above.
        |extra| unsafe { extra::fill(extra, hit) },
    );
}

/// Sends the hit of a packet at XDP.
#[inline(never)]
pub fn emit_frame(hit: &Hit, frame: &Frame) {
    send(
        // SAFETY: `send` hands memory for what is filled.
        |event| unsafe { fill_all_of_frame(event, hit, frame) },
        // SAFETY: as above.
        |extra| unsafe { extra::fill_frame(extra, hit, frame) },
    );
}

/// Counts a hit and sends what the run asks for.
#[inline(always)]
fn send(fill: impl Fn(*mut Event), fill_extra: impl Fn(*mut Extra)) {
    count(counter::SEEN);
    if setting!(want_extra) == 0 {
        if let Some(mut entry) = EVENTS.reserve_untyped::<Event>(0) {
            fill(entry.as_mut_ptr());
            entry.submit(u64::from(BPF_RB_NO_WAKEUP));
            return;
        }
    } else if let Some(mut entry) = EVENTS.reserve_untyped::<Full>(0) {
        let record = entry.as_mut_ptr();
        // SAFETY: the entry is memory for one event and its extra.
        unsafe {
            fill(&raw mut (*record).event);
            (*record).event.flags |= flags::EXTRA;
            fill_extra(&raw mut (*record).extra);
        }
        entry.submit(u64::from(BPF_RB_NO_WAKEUP));
        return;
    }
    count(counter::RING_FULL);
}

#[inline(always)]
unsafe fn fill(event: *mut Event, hit: &Hit, device: Device) {
    // SAFETY: the caller hands memory for one event; every field is written.
    unsafe {
        fill_hit(event, hit);
        fill_packet(event, hit.skb);
        fill_device(event, packet_namespace(hit.skb, device), device);
        fill_headers(event, hit);
        if hit.kind != kind::TRACEPOINT {
            (*event).flags |= flags::ARGUMENT;
        }
        (*event).flags |= hit.flags;
    }
}

#[inline(always)]
unsafe fn fill_hit(event: *mut Event, hit: &Hit) {
    // SAFETY: as for `fill`.
    unsafe {
        (*event).time = bpf_ktime_get_ns();
        (*event).skb = hit.skb;
        (*event).journey = hit.journey;
        (*event).kind = hit.kind;
        (*event).caller = hit.caller;
        (*event).func = hit.func;
        (*event).pid = (bpf_get_current_pid_tgid() >> 32) as u32;
        (*event).cpu = bpf_get_smp_processor_id() as u16;
        (*event).argument = hit.argument;
        (*event).branch = hit.branch;
        (*event).parent = hit.parent;
        (*event).generation = hit.generation;
        (*event).hook = hit.hook;
        (*event).reserved = [0; 2];
        bpf_get_current_comm((&raw mut (*event).comm).cast(), 16);
    }
}

#[inline(always)]
unsafe fn fill_all_of_frame(event: *mut Event, hit: &Hit, frame: &Frame) {
    let (network, protocol) = frame.behind_tags();
    // SAFETY: as for `fill`.
    unsafe {
        fill_hit(event, hit);
        (*event).mark = 0;
        (*event).len = frame.length() as u32;
        (*event).protocol = protocol as u16;
        (*event).packet_type = 0;
        (*event).vlan_proto = 0;
        (*event).vlan_tci = 0;
        (*event).header_len = 0;
        (*event).flags = flags::ARGUMENT | hit.flags;
        fill_device(event, frame.device.netns, frame.device);
        copy_headers(event, frame.start + u64::from(network), frame.end);
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
unsafe fn fill_device(event: *mut Event, netns: u32, device: Device) {
    // SAFETY: as for `fill`.
    unsafe {
        (*event).netns = netns;
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
unsafe fn fill_headers(event: *mut Event, hit: &Hit) {
    let packet = Packet::locate(hit.skb, 0);
    // SAFETY: as for `fill`.
    unsafe {
        (*event).header_len = 0;
        if hit.is(found::BLANK) {
            return;
        }
        if packet.network != NOWHERE {
            if copy_headers(event, packet.network, packet.end) {
                complete_headers(event, hit, &packet);
            } else {
                copy_fragment(event, &packet);
            }
        } else if unwritten::tuple((&raw mut (*event).headers).cast(), hit.skb) {
            (*event).header_len = size_of::<SocketTuple>() as u16;
            (*event).flags |= flags::SOCKET;
        }
    }
}

/// Puts what will be written where it is known, and leaves out the rest of what is not written yet.
#[inline(always)]
unsafe fn complete_headers(event: *mut Event, hit: &Hit, packet: &Packet) {
    // SAFETY: as for `fill`; the headers' places are theirs.
    unsafe {
        let headers = (&raw mut (*event).headers).cast::<u8>();
        let is_four = *headers >> 4 == 4;
        if unwritten::is_late(packet) {
            let place = if is_four { headers.add(2) } else { headers.add(4) };
            let length = unwritten::length(packet, is_four) as u16;
            place.cast::<u16>().write_unaligned(length.to_be());
        }
        if hit.is(found::TRANSPORT_TO_COME) {
            let behind = packet::network_length(*headers) as u16;
            if (*event).header_len >= behind {
                (*event).header_len = behind;
                if let Some((source, destination)) = unwritten::coming_ports(packet) {
                    let ports = [source.to_be(), destination.to_be()];
                    headers.add(usize::from(behind)).cast::<[u16; 2]>().write_unaligned(ports);
                    (*event).header_len += size_of_val(&ports) as u16;
                }
            }
        }
    }
}

/// Copies headers of which none lies in the linear part, if they can be reached.
#[inline(always)]
unsafe fn copy_fragment(event: *mut Event, packet: &Packet) {
    let Some(into) = packet.network.checked_sub(packet.end) else { return };
    let mut left = 0;
    let address = fragment::find(packet.skb, packet.head, into, &mut left);
    if address != 0 {
        // SAFETY: as for `fill`.
        unsafe { copy_headers(event, address, address + left) };
    }
}

/// Copies the headers that begin at `network`; false where there are none.
#[inline(always)]
unsafe fn copy_headers(event: *mut Event, network: u64, end: u64) -> bool {
    if network >= end {
        return false;
    }
    let available = end - network;
    let length = if available > HEADER_BYTES as u64 { HEADER_BYTES as u64 } else { available };
    // SAFETY: as for `fill`; the length is bounded.
    unsafe {
        if bpf_probe_read_kernel((&raw mut (*event).headers).cast(), length as u32, network as *const c_void) != 0 {
            return false;
        }
        (*event).header_len = length as u16;
        (*event).flags |= flags::NETWORK;
    }
    true
}
