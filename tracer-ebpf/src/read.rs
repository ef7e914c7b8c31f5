//! Reading kernel memory: direct loads where the kernel allows them, `bpf_probe_read_kernel` elsewhere.
//!
//! `bpf_rdonly_cast` (6.2) turns any number into a pointer that may be read without a helper call; a fault reads as 0.
//! The kfunc's id is only known at load, so the call is a placeholder that the loader patches, and the other branch is
//! dropped by the verifier since `SETTINGS.window` is frozen. Both ways give 0 for what cannot be read.

use core::ffi::c_void;

use aya_ebpf::{bindings::pt_regs, helpers::generated::bpf_probe_read_kernel};
use tracer_common::config::ABSENT;

use crate::maps::OFFSETS;

/// Helper number that stands for the call of `bpf_rdonly_cast` until the loader patches it.
const RDONLY_CAST: usize = 0x7f01;
/// Helper number that stands for the number of this instance of the program (a tracepoint's index): the loader makes it a
/// constant, or has `bpf_get_attach_cookie` tell the number that a link was made with.
const INSTANCE: usize = 0x7f02;

/// Where the kernel's half of the address space begins: with five levels of page tables (x86-64, LA57), the larger one.
const KERNEL_HALF: u64 = 0xff00_0000_0000_0000;

/// What `proc_alloc_inum` hands out (fs/proc/generic.c: from `PROC_DYNAMIC_FIRST` on), and below it the fixed inodes of the
/// initial namespaces since 6.17 (`PROC_NET_INIT_INO`).
const NAMESPACE_INODES: core::ops::Range<u32> = 0xefff_ff00..0xf800_0000;

/// A setting of this run: a frozen constant to the verifier.
macro_rules! setting {
    ($field:ident) => {
        $crate::read::frozen(&$crate::maps::SETTINGS.$field)
    };
}

/// The member of a kernel struct at `$base`, or 0 where this kernel has no such member.
macro_rules! member {
    ($base:expr, $field:ident) => {
        $crate::read::at($base, $crate::read::frozen(&$crate::maps::OFFSETS.$field))
    };
}

pub(crate) use {member, setting};

/// A global as user space left it, not as it stands in the object.
#[inline(always)]
pub fn frozen<T: Copy>(global: &T) -> T {
    // SAFETY: a reference is valid for a read.
    unsafe { core::ptr::from_ref(global).read_volatile() }
}

/// The value at `offset` from `base`; 0 where the offset is [`ABSENT`] or the memory cannot be read.
#[inline(always)]
pub fn at<T: Copy + Default>(base: u64, offset: u32) -> T {
    if offset == ABSENT { T::default() } else { peek(base + u64::from(offset)) }
}

/// The value at `address`; 0 where that cannot be read.
#[inline(always)]
pub fn peek<T: Copy + Default>(address: u64) -> T {
    let window = setting!(window);
    if window == 0 {
        let mut value = T::default();
        // The helper fills the value with zeros where it cannot read. Its answer is not looked at: a branch at each read
        // would double what the verifier has to check.
        // SAFETY: the helper checks the address, and the value has room for what is asked.
        unsafe { bpf_probe_read_kernel((&raw mut value).cast(), size_of::<T>() as u32, address as *const c_void) };
        return value;
    }
    // SAFETY: see the module's head: the loader turns this into a call of the kfunc, whose result may be read freely.
    unsafe {
        let cast: unsafe extern "C" fn(u64, u32) -> *const u8 = core::mem::transmute(RDONLY_CAST);
        cast(address, window).cast::<T>().read_volatile()
    }
}

/// The number of this instance of the program, which has `context`.
#[inline(always)]
pub fn instance(context: *mut c_void) -> u64 {
    // SAFETY: the loader replaces the call by a move of the constant, or by that of a helper which takes the context.
    unsafe {
        let number: unsafe extern "C" fn(*mut c_void) -> u64 = core::mem::transmute(INSTANCE);
        number(context)
    }
}

/// Who called a probed function, if the run asks for it: at its entry the return address is on top of the stack.
#[inline(always)]
pub fn return_address(registers: *const pt_regs) -> u64 {
    if setting!(want_caller) == 0 {
        return 0;
    }
    // SAFETY: the context of a kprobe is a `pt_regs`, which the program may read.
    peek(unsafe { (*registers).rsp })
}

/// Looks like a pointer into the kernel.
#[inline(always)]
pub fn is_kernel_pointer(address: u64) -> bool {
    address >= KERNEL_HALF
}

/// Protocol of the VLAN tag that the kernel keeps outside of the packet's bytes, host order; 0 where it keeps none.
#[inline(always)]
pub fn kept_tag_protocol(skb: u64) -> u16 {
    let mask = frozen(&OFFSETS.skb_vlan_present_mask) as u8;
    let present: u8 = member!(skb, skb_vlan_present);
    if mask != 0 && present & mask == 0 {
        return 0;
    }
    let protocol: u16 = member!(skb, skb_vlan_proto);
    u16::from_be(protocol)
}

/// The device that a packet is at.
#[derive(Clone, Copy)]
pub struct Device {
    /// Its `net_device`; 0 where the packet has none.
    pub address: u64,
    /// Inode of its namespace.
    pub netns: u32,
}

/// `skb->dev`, if it is a device: the member shares its place with queue bookkeeping (`dev_scratch`, `rbnode`), so it is
/// believed only when it leads to a network namespace.
#[inline(always)]
pub fn device(skb: u64) -> Device {
    let address: u64 = member!(skb, skb_dev);
    if is_kernel_pointer(address) {
        let netns = namespace(member!(address, dev_net));
        if netns != 0 {
            return Device { address, netns };
        }
    }
    Device { address: 0, netns: 0 }
}

/// Inode number of the namespace `net`, or 0 if it is none: two pointers on, garbage hardly ever looks like one.
#[inline(always)]
pub fn namespace(net: u64) -> u32 {
    if !is_kernel_pointer(net) {
        return 0;
    }
    let inode: u32 = member!(net, net_inum);
    if NAMESPACE_INODES.contains(&inode) { inode } else { 0 }
}

/// Inode of the namespace that a packet is in: its device's, else its socket's.
#[inline(always)]
pub fn packet_namespace(skb: u64, device: Device) -> u32 {
    if device.netns != 0 {
        return device.netns;
    }
    let sock: u64 = member!(skb, skb_sk);
    if is_kernel_pointer(sock) { namespace(member!(sock, sock_net)) } else { 0 }
}
