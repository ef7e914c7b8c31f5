use super::super::testing::Builder;
use super::*;

fn kernel() -> Btf {
    let mut builder = Builder::new();
    let unsigned = builder.int("unsigned int", 4);
    let signed = builder.int_with("int", 4, 1, 0, 32);
    let byte = builder.int("unsigned char", 1);
    let boolean = builder.int_with("_Bool", 1, 4, 0, 8);
    let half = builder.int("unsigned short", 2);
    let big = builder.typedef("__be16", half);
    let octets = builder.array(byte, 48);
    let device =
        builder.structure("net_device", 64, &[("ifindex", signed, 64), ("mtu", unsigned, 96), ("up", boolean, 128)]);
    let device_pointer = builder.pointer(device);
    let group = builder.bit_fields("", 8, &[("pkt_type", byte, 0, 3), ("late", byte, 14, 4)]);
    builder.structure(
        "sk_buff",
        232,
        &[
            ("dev", device_pointer, 128),
            ("mark", unsigned, 192),
            ("protocol", big, 224),
            ("cb", octets, 320),
            ("", group, 800),
        ],
    );
    builder.build()
}

fn check(chain: &str, expected: &str) {
    let shown = match kernel().chain(chain) {
        Ok(Chain { offsets, size, shift, width, kind }) => {
            format!("{offsets:?} {size} bytes, bits {shift}+{width}, {kind:?}")
        }
        Err(error) => error.to_string(),
    };
    assert_eq!(shown, expected, "{chain}");
}

#[test]
fn chains_resolve_to_offsets() {
    check("skb->mark", "[24] 4 bytes, bits 0+32, Unsigned");
    check("skb->dev", "[16] 8 bytes, bits 0+64, Pointer");
    check("skb->dev->ifindex", "[16, 8] 4 bytes, bits 0+32, Signed");
    check("skb->dev->up", "[16, 16] 1 bytes, bits 0+8, Bool");
    check("skb->protocol", "[28] 2 bytes, bits 0+16, BigEndian");
    check("skb->cb[7]", "[47] 1 bytes, bits 0+8, Unsigned");
    check("skb->pkt_type", "[100] 1 bytes, bits 0+3, Unsigned");
    check("skb->late", "[100] 4 bytes, bits 14+4, Unsigned");
}

#[test]
fn mistakes_are_named() {
    check("skb->dev->ifndex", "`struct net_device` has no member `ifndex`, did you mean `ifindex`?");
    check("skb->dev->wholly_else", "`struct net_device` has no member `wholly_else`");
    check("skb.mark", "in `skb.mark`: a chain starts with `skb->`");
    check("", "in ``: a chain starts with `skb->`");
    check("skb->dev.mtu", "in `skb->dev.mtu`: a pointer is before `.mtu`, use `->`");
    check("skb->mark->x", "in `skb->mark->x`: what is before `->` is no pointer");
    check("skb->cb", "in `skb->cb`: it ends at `array`, not at a number or a pointer");
    check("skb->cb[48]", "in `skb->cb[48]`: `[48]` is not within the 48 elements");
    check("skb->mark[0]", "in `skb->mark[0]`: what is before `[` is no array");
    check("skb->mark+1", "in `skb->mark+1`: `->`, `.` or `[number]` is expected before `+1`");
    check("skb->", "in `skb->`: a name is expected at the end");
    check("skb->-1", "in `skb->-1`: a name is expected before `-1`");
}

#[test]
fn too_many_hops_are_refused() {
    let mut builder = Builder::new();
    let me = 2;
    builder.pointer(me);
    builder.structure("sk_buff", 8, &[("next", me - 1, 0)]);
    let btf = builder.build();
    let chain = |hops| format!("skb{}", "->next".repeat(hops));
    assert_eq!(btf.chain(&chain(8)).unwrap().config().hops, 8);
    assert!(btf.chain(&chain(9)).unwrap_err().to_string().ends_with("more than 7 pointers to follow"));
}

#[test]
fn values_are_cut_out_of_what_was_read() {
    let check = |chain: &str, raw: u64, expected: &str| {
        assert_eq!(kernel().chain(chain).unwrap().decode(raw).to_string(), expected, "{chain}");
    };
    check("skb->mark", 0xffff_ffff, "4294967295");
    check("skb->dev->ifindex", 0xffff_ffff, "-1");
    check("skb->dev->up", 1, "true");
    check("skb->dev", 0xffff_8880_1234_5678, "0xffff888012345678");
    check("skb->protocol", 0x0008, "2048");
    check("skb->pkt_type", 0b1111_1011, "3");
    check("skb->late", 0b101 << 14 | 0x3fff, "5");
}
