//! The flags of a service in words (`ServiceFlags.String`).

const EXTERNAL_IP: u16 = 1;
const NODE_PORT: u16 = 1 << 1;
const EXTERNAL_LOCAL: u16 = 1 << 2;
const HOST_PORT: u16 = 1 << 3;
const AFFINITY: u16 = 1 << 4;
const LOAD_BALANCER: u16 = 1 << 5;
const ROUTABLE: u16 = 1 << 6;
const SOURCE_RANGE: u16 = 1 << 7;
const LOCAL_REDIRECT: u16 = 1 << 8;
const NAT_46_64: u16 = 1 << 9;
const L7: u16 = 1 << 10;
const LOOPBACK: u16 = 1 << 11;
const INTERNAL_LOCAL: u16 = 1 << 12;
const TWO_SCOPES: u16 = 1 << 13;
/// Of slots quarantined, of services with source ranges that the ranges are what is denied.
const QUARANTINED_OR_DENY: u16 = 1 << 14;
const DSR: u16 = 1 << 15;

/// ClusterIP, NodePort and so on.
pub(super) fn kind(flags: u16) -> &'static str {
    let kinds = [
        (EXTERNAL_IP, "ExternalIPs"),
        (NODE_PORT, "NodePort"),
        (LOAD_BALANCER, "LoadBalancer"),
        (HOST_PORT, "HostPort"),
        (LOCAL_REDIRECT, "LocalRedirect"),
    ];
    kinds.into_iter().find(|(bit, _)| flags & bit != 0).map_or("ClusterIP", |(_, name)| name)
}

pub(super) fn is_l7(flags: u16) -> bool {
    flags & L7 != 0
}

/// As the tool prints them.
pub(super) fn text(flags: u16, minor: u16) -> String {
    names(flags, minor).join(", ")
}

/// What the release prints of them, the kind of service first.
pub(super) fn names(flags: u16, minor: u16) -> Vec<&'static str> {
    let has = |bit| flags & bit != 0;
    let denies = minor >= 17 && has(SOURCE_RANGE) && has(QUARANTINED_OR_DENY);
    let loopback = if minor >= 18 && kind(flags) != "HostPort" { "delegate-if-local" } else { "loopback" };
    let words = [
        (has(EXTERNAL_LOCAL), "Local"),
        (minor >= 14 && has(INTERNAL_LOCAL), "InternalLocal"),
        (minor >= 14 && has(TWO_SCOPES), "two-scopes"),
        (has(AFFINITY), "sessionAffinity"),
        (!has(ROUTABLE), "non-routable"),
        (has(SOURCE_RANGE), "check source-range"),
        (denies, "deny"),
        (has(NAT_46_64), "46x64"),
        (has(L7), "l7-load-balancer"),
        (minor >= 13 && has(LOOPBACK), loopback),
        (minor >= 17 && !denies && has(QUARANTINED_OR_DENY), "quarantined"),
        (minor >= 17 && has(DSR), "dsr"),
    ];
    std::iter::once(kind(flags)).chain(words.into_iter().filter(|(is, _)| *is).map(|(_, word)| word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_release_says_what_it_knows() {
        let cases = [
            (0, 18, "ClusterIP, non-routable"),
            (0x62, 18, "NodePort"),
            (0x60, 12, "LoadBalancer"),
            (0x7044, 12, "ClusterIP, Local"),
            (0x3044, 14, "ClusterIP, Local, InternalLocal, two-scopes"),
            (0x40c0, 16, "ClusterIP, check source-range"),
            (0x40c0, 17, "ClusterIP, check source-range, deny"),
            (0xc040, 17, "ClusterIP, quarantined, dsr"),
            (0x0840, 12, "ClusterIP"),
            (0x0840, 17, "ClusterIP, loopback"),
            (0x0840, 18, "ClusterIP, delegate-if-local"),
            (0x0848, 18, "HostPort, loopback"),
            (0x0750, 18, "LocalRedirect, sessionAffinity, 46x64, l7-load-balancer"),
        ];
        for (flags, minor, expected) in cases {
            assert_eq!(text(flags, minor), expected, "{flags:#x} of 1.{minor}");
        }
    }
}
