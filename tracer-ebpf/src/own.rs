//! Tells the tracer's own buffers from what it is to show.

use aya_ebpf::helpers::bpf_get_current_pid_tgid;

use crate::read::{device, is_kernel_pointer, member, setting};

const AF_UNIX: u16 = 1;
const AF_NETLINK: u16 = 16;

/// The tracer's own netlink and unix-socket buffers. What merely interrupts the tracer has a device, an internet socket or
/// a network header.
#[inline(always)]
pub fn is_own(skb: u64) -> bool {
    if (bpf_get_current_pid_tgid() >> 32) as u32 != setting!(own_pid) || device(skb).address != 0 {
        return false;
    }
    let sock: u64 = member!(skb, skb_sk);
    if !is_kernel_pointer(sock) {
        let network: u16 = member!(skb, skb_network_header);
        return network == 0;
    }
    let family: u16 = member!(sock, sock_family);
    family == AF_UNIX || family == AF_NETLINK
}
