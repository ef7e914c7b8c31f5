//! Names of what BPF programs return.

use super::number;
use crate::model::EventKind;

/// `enum xdp_action` of Linux, from 0 on.
const XDP: [&str; 5] = ["XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT"];
/// `TC_ACT_*` of Linux (`uapi/linux/pkt_cls.h`), from 0 on. Those of tcx and netkit (`TCX_PASS` 0, `TCX_DROP` 2, `TCX_REDIRECT`
/// 7, likewise `NETKIT_*`) mean the same by other names; the kernel does not tell which hook has called a program.
const TC: [&str; 9] = [
    "TC_ACT_OK",
    "TC_ACT_RECLASSIFY",
    "TC_ACT_SHOT",
    "TC_ACT_PIPE",
    "TC_ACT_STOLEN",
    "TC_ACT_QUEUED",
    "TC_ACT_REPEAT",
    "TC_ACT_REDIRECT",
    "TC_ACT_TRAP",
];
/// -1: the next program decides.
const UNSPEC: u32 = u32::MAX;

/// Appends the name, or the number if it has none.
pub(crate) fn write(kind: EventKind, value: u32, out: &mut String) {
    let names: &[&str] = if kind == EventKind::Xdp { &XDP } else { &TC };
    match names.get(value as usize) {
        Some(name) => out.push_str(name),
        None if value == UNSPEC && kind == EventKind::Tc => out.push_str("TC_ACT_UNSPEC"),
        None => {
            // What a program of tc returns may be negative.
            let negative = kind == EventKind::Tc && (value as i32) < 0;
            out.push_str(if negative { "-" } else { "" });
            number::decimal(if negative { value.wrapping_neg() } else { value }, out);
        }
    }
}

/// The program gave the packet up.
pub(crate) fn is_drop(kind: EventKind, value: u32) -> bool {
    match kind {
        EventKind::Tc => value == 2,
        EventKind::Xdp => value <= 1,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let cases = [
            (EventKind::Xdp, 1, "XDP_DROP"),
            (EventKind::Xdp, u32::MAX, "4294967295"),
            (EventKind::Tc, 2, "TC_ACT_SHOT"),
            (EventKind::Tc, u32::MAX, "TC_ACT_UNSPEC"),
            (EventKind::Tc, 99, "99"),
        ];
        for (kind, value, expected) in cases {
            let mut out = String::new();
            write(kind, value, &mut out);
            assert_eq!(out, expected);
        }
    }
}
