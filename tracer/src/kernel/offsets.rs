//! Byte offsets of the members that the kernel side reads.

use bytemuck::Zeroable as _;
use tracer_common::config::{ABSENT, FRAGMENT_BYTES, Offsets, PAGE_STRUCT_BYTES};

use super::btf::{Btf, Kind, TypeId};

/// Struct of plain bytes that addresses are cast to for direct loads, and its size.
const WINDOW: (&str, u64) = ("in6_addr", 16);
/// The kernel function that makes direct loads possible, since 6.2.
const CAST: &str = "bpf_rdonly_cast";

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// [`ABSENT`] stands for a member that this kernel does not have.
    pub offsets: Offsets,
    /// Those members, with why: what depends on them is not shown.
    pub missing: Vec<String>,
}

/// What direct loads need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectLoads {
    /// The kernel function `bpf_rdonly_cast`.
    pub kfunc: TypeId,
    /// The struct of plain bytes to cast to.
    pub window: TypeId,
}

/// Types for direct loads; `None` before 6.2.
pub fn direct_loads(btf: &Btf) -> Option<DirectLoads> {
    let found = btf.find_each(&[(Kind::Function, CAST), (Kind::Struct, WINDOW.0)]);
    let (kfunc, window) = (found[0]?, found[1]?);
    (btf.size_of(window) == Some(WINDOW.1)).then_some(DirectLoads { kfunc, window })
}

/// `SMP_CACHE_BYTES` of x86-64.
const CACHE_LINE: u32 = 64;

/// Looks up every member of [`Offsets`].
pub fn read(btf: &Btf) -> Found {
    let structs = Structs::find(btf);
    let mut offsets = Offsets::zeroed();
    let mut missing = Vec::new();
    for (place, member) in members(&mut offsets) {
        *place = structs.offset(btf, &member).unwrap_or_else(|why| {
            missing.push(why);
            ABSENT
        });
    }
    // Only kernels before 6.2 have the first of these, and only those with classifiers the second.
    (offsets.skb_vlan_present, offsets.skb_vlan_present_mask) = structs.bit(btf, "vlan_present");
    (offsets.skb_at_ingress, offsets.skb_at_ingress_mask) = structs.bit(btf, "tc_at_ingress");
    let behind = |bytes| offsets.skb_protocol.checked_add(bytes);
    let together = behind(4) == Some(offsets.skb_network_header) && behind(6) == Some(offsets.skb_mac_header);
    offsets.headers_together = together.into();
    fragments(btf, &mut offsets);
    pieces_at_xdp(btf, &mut offsets);
    Found { offsets, missing }
}

/// Where the pieces of a packet behind its linear part are listed. Without, they are not looked into; that is said where a
/// filter asks for them.
fn fragments(btf: &Btf, offsets: &mut Offsets) {
    let places = [
        &mut offsets.fragment_count,
        &mut offsets.fragment_page,
        &mut offsets.fragment_length,
        &mut offsets.fragment_offset,
    ];
    let found = fragment_members(btf).unwrap_or([ABSENT; 4]);
    for (place, found) in places.into_iter().zip(found) {
        *place = found;
    }
}

/// `skb_frag_t` is a struct of its own since 6.9 (commit 21d2e6737c97), and was a `struct bio_vec` before.
fn fragment_members(btf: &Btf) -> Option<[u32; 4]> {
    let names = ["skb_shared_info", "page", "skb_frag", "bio_vec"];
    let found = btf.find_each(&names.map(|name| (Kind::Struct, name)));
    let (shared, page) = (found[0]?, found[1]?);
    let (piece, members) = match (found[2], found[3]) {
        (Some(own), _) => (own, ["netmem", "len", "offset"]),
        (None, Some(vector)) => (vector, ["bv_page", "bv_len", "bv_offset"]),
        _ => return None,
    };
    let sizes = [(page, PAGE_STRUCT_BYTES), (piece, u64::from(FRAGMENT_BYTES))];
    if sizes.iter().any(|(of, bytes)| btf.size_of(*of) != Some(*bytes)) {
        return None;
    }
    let place = |of, path| btf.member(of, path).ok()?.byte_offset();
    let list = place(shared, "frags")?;
    let [page, length, offset] = members.map(|member| place(piece, member));
    Some([place(shared, "nr_frags")?, list + page?, list + length?, list + offset?])
}

/// Frames at XDP are of one piece before 5.18 (commit 2e88d4ff0301).
fn pieces_at_xdp(btf: &Btf, offsets: &mut Offsets) {
    let places = [&mut offsets.xdp_flags, &mut offsets.xdp_frame_bytes, &mut offsets.xdp_pieces_from_end];
    let found = members_of_pieces(btf).unwrap_or([ABSENT; 3]);
    for (place, found) in places.into_iter().zip(found) {
        *place = found;
    }
}

/// `xdp_data_hard_end`: the `skb_shared_info`, rounded up to cache lines (`SKB_DATA_ALIGN`), ends the frame.
fn members_of_pieces(btf: &Btf) -> Option<[u32; 3]> {
    let found = btf.find_each(&["xdp_buff", "skb_shared_info"].map(|name| (Kind::Struct, name)));
    let (frame, shared) = (found[0]?, found[1]?);
    let place = |of, path| btf.member(of, path).ok()?.byte_offset();
    let end = u32::try_from(btf.size_of(shared)?).ok()?.next_multiple_of(CACHE_LINE);
    let pieces = place(shared, "xdp_frags_size")?;
    Some([place(frame, "flags")?, place(frame, "frame_sz")?, end.checked_sub(pieces)?])
}

/// A member to look for: its path, and the bytes that the kernel side reads there.
struct Wanted {
    parent: &'static str,
    path: &'static str,
    size: Size,
}

enum Size {
    Bytes(u64),
    /// A bit-field that starts at a byte.
    BitField,
}

/// Which member each offset is, with the size that the kernel side takes for granted.
#[rustfmt::skip]
fn members(offsets: &mut Offsets) -> [(&mut u32, Wanted); 42] {
    let skb = |path, bytes| Wanted { parent: "sk_buff", path, size: Size::Bytes(bytes) };
    let dev = |path, bytes| Wanted { parent: "net_device", path, size: Size::Bytes(bytes) };
    let net = |path, bytes| Wanted { parent: "net", path, size: Size::Bytes(bytes) };
    let sock = |path, bytes| Wanted { parent: "sock", path, size: Size::Bytes(bytes) };
    let xdp = |path, bytes| Wanted { parent: "xdp_buff", path, size: Size::Bytes(bytes) };
    [
        (&mut offsets.skb_dev, skb("dev", 8)),
        (&mut offsets.skb_sk, skb("sk", 8)),
        (&mut offsets.skb_dst, skb("_skb_refdst", 8)),
        (&mut offsets.skb_len, skb("len", 4)),
        (&mut offsets.skb_mark, skb("mark", 4)),
        (&mut offsets.skb_protocol, skb("protocol", 2)),
        (&mut offsets.skb_head, skb("head", 8)),
        (&mut offsets.skb_data, skb("data", 8)),
        (&mut offsets.skb_tail, skb("tail", 4)),
        (&mut offsets.skb_end, skb("end", 4)),
        (&mut offsets.skb_mac_header, skb("mac_header", 2)),
        (&mut offsets.skb_network_header, skb("network_header", 2)),
        (&mut offsets.skb_transport_header, skb("transport_header", 2)),
        (&mut offsets.skb_vlan_tci, skb("vlan_tci", 2)),
        (&mut offsets.skb_vlan_proto, skb("vlan_proto", 2)),
        (&mut offsets.skb_pkt_type, Wanted { parent: "sk_buff", path: "pkt_type", size: Size::BitField }),
        (&mut offsets.task_stack, Wanted { parent: "task_struct", path: "stack", size: Size::Bytes(8) }),
        (&mut offsets.dev_net, dev("nd_net.net", 8)),
        (&mut offsets.dev_ifindex, dev("ifindex", 4)),
        (&mut offsets.dev_mtu, dev("mtu", 4)),
        (&mut offsets.dev_name, dev("name", 16)),
        (&mut offsets.net_inum, net("ns.inum", 4)),
        (&mut offsets.sock_net, sock("__sk_common.skc_net.net", 8)),
        (&mut offsets.sock_family, sock("__sk_common.skc_family", 2)),
        (&mut offsets.sock_state, sock("__sk_common.skc_state", 1)),
        (&mut offsets.sock_source, sock("__sk_common.skc_rcv_saddr", 4)),
        (&mut offsets.sock_destination, sock("__sk_common.skc_daddr", 4)),
        (&mut offsets.sock_source6, sock("__sk_common.skc_v6_rcv_saddr", 16)),
        (&mut offsets.sock_destination6, sock("__sk_common.skc_v6_daddr", 16)),
        (&mut offsets.sock_source_port, sock("__sk_common.skc_num", 2)),
        (&mut offsets.sock_destination_port, sock("__sk_common.skc_dport", 2)),
        (&mut offsets.sock_protocol, sock("sk_protocol", 2)),
        (&mut offsets.dev_type, dev("type", 2)),
        (&mut offsets.dev_xdp_state, dev("xdp_state", 48)),
        (&mut offsets.xdp_data, xdp("data", 8)),
        (&mut offsets.xdp_data_end, xdp("data_end", 8)),
        (&mut offsets.xdp_data_hard_start, xdp("data_hard_start", 8)),
        (&mut offsets.xdp_rxq, xdp("rxq", 8)),
        (&mut offsets.rxq_dev, Wanted { parent: "xdp_rxq_info", path: "dev", size: Size::Bytes(8) }),
        (&mut offsets.flow4_destination, Wanted { parent: "flowi4", path: "uli.ports.dport", size: Size::Bytes(2) }),
        (&mut offsets.flow6_destination, Wanted { parent: "flowi6", path: "uli.ports.dport", size: Size::Bytes(2) }),
        (&mut offsets.napi_skb, Wanted { parent: "napi_struct", path: "skb", size: Size::Bytes(8) }),
    ]
}

/// The structs with members to look for, found in one pass.
struct Structs([(&'static str, Option<TypeId>); 10]);

impl Structs {
    fn find(btf: &Btf) -> Self {
        let names = [
            "sk_buff",
            "net_device",
            "net",
            "sock",
            "task_struct",
            "xdp_buff",
            "xdp_rxq_info",
            "flowi4",
            "flowi6",
            "napi_struct",
        ];
        let found = btf.find_each(&names.map(|name| (Kind::Struct, name)));
        let mut found = found.into_iter();
        Self(names.map(|name| (name, found.next().flatten())))
    }

    /// Byte and mask of a bit of the `sk_buff`.
    fn bit(&self, btf: &Btf, member: &str) -> (u32, u32) {
        let field = self.0[0].1.and_then(|id| btf.member(id, member).ok());
        field.map_or((ABSENT, 0), |field| (field.bit_offset / 8, 1 << (field.bit_offset % 8)))
    }

    /// The offset, or a sentence why there is none.
    fn offset(&self, btf: &Btf, wanted: &Wanted) -> Result<u32, String> {
        let Wanted { parent, path, size } = wanted;
        let of = self.0.iter().find(|(name, _)| name == parent).and_then(|(_, id)| *id);
        let of = of.ok_or_else(|| format!("{parent}.{path}: this kernel has no `struct {parent}`"))?;
        let field = btf.member(of, path).map_err(|error| format!("{parent}.{path}: {error}"))?;
        match size {
            Size::BitField if field.bit_size > 0 && field.bit_offset.is_multiple_of(8) => Ok(field.bit_offset / 8),
            Size::Bytes(bytes) if btf.size_of(field.type_id) == Some(*bytes) => {
                field.byte_offset().ok_or_else(|| format!("{parent}.{path}: it is a bit-field here"))
            }
            _ => Err(format!("{parent}.{path}: it has another size here")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::btf::testing::Builder;
    use super::*;

    #[test]
    fn found_members_have_offsets_and_the_rest_is_named() {
        let mut builder = Builder::new();
        let word = builder.int("unsigned int", 4);
        let byte = builder.int("unsigned char", 1);
        let pointer = builder.pointer(0);
        let headers = builder.bit_fields("", 8, &[("pkt_type", byte, 8, 3), ("mark", word, 32, 0)]);
        builder.structure("sk_buff", 64, &[("dev", pointer, 128), ("len", byte, 192), ("", headers, 256)]);
        let found = read(&builder.build());
        assert_eq!(found.offsets.skb_dev, 16);
        assert_eq!(found.offsets.skb_pkt_type, 33);
        assert_eq!(found.offsets.skb_mark, 36);
        assert_eq!(found.offsets.skb_len, ABSENT);
        assert_eq!(found.offsets.dev_mtu, ABSENT);
        assert!(found.missing.contains(&"sk_buff.len: it has another size here".to_owned()));
        assert!(found.missing.contains(&"net_device.mtu: this kernel has no `struct net_device`".to_owned()));
        assert_eq!(found.missing.len(), 39);
    }

    #[test]
    fn direct_loads_need_the_function_and_a_window_of_the_right_size() {
        let check = |function: &str, size: u32, expected: bool| {
            let mut builder = Builder::new();
            builder.structure("in6_addr", size, &[]);
            builder.function(function, &[]);
            assert_eq!(direct_loads(&builder.build()).is_some(), expected);
        };
        check("bpf_rdonly_cast", 16, true);
        check("bpf_rdonly_cast", 8, false);
        check("bpf_rdonly_casts", 16, false);
    }
}
