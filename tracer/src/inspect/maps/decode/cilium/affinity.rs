//! `cilium_lb4_affinity`, `cilium_lb6_affinity`: which client keeps which backend. `cilium_lb_affinity_match`: which backends
//! a client may keep.

use super::version;
use crate::{
    inspect::maps::decode::{
        Entry, Misfit,
        versions::{Version, Versions},
    },
    model::{Decoded, Form},
};

/// Clients with their backends.
pub static CLIENTS: Versions = Versions {
    dataplane: "cilium",
    name: "affinity",
    titles: &["CLIENT", "REVNAT_ID", "BACKEND ID", "LAST USED"],
    form: Form::Columns,
    known: &[
        version!("cilium_lb4_affinity", LRU_HASH, 16, 16, false),
        version!("cilium_lb6_affinity", LRU_HASH, 24, 16, true),
    ],
    is_common_name: false,
    row: |entry, version, _| client(entry, version).map(Some),
};

/// Backends of services whose clients keep theirs.
pub static MATCHES: Versions = Versions {
    dataplane: "cilium",
    name: "affinity-match",
    titles: &["BACKEND ID", "REVNAT_ID"],
    form: Form::Columns,
    known: &[version!("cilium_lb_affinity_match", HASH, 8, 1, false)],
    is_common_name: false,
    row: |entry, version, _| {
        let (key, _) = version.sized(entry)?;
        let (backend, id) = (key.u32(0), key.be16(4));
        let row = Decoded::new([backend.to_string(), id.to_string()]);
        Ok(Some(row.with("backend_id", backend).with("rev_nat", id)))
    },
};

/// `struct lb4_affinity_key`, `struct lb6_affinity_key`, `struct lb_affinity_val`. A client on this node is known by the
/// cookie of its network namespace, one elsewhere by its address. By which clock it was last used is the agent's choice.
fn client(entry: &Entry<'_>, version: &Version) -> Result<Decoded, Misfit> {
    let (key, value) = version.sized(entry)?;
    let after = if version.is_ipv6 { 16 } else { 8 };
    let has_cookie = key.u8(after + 2) & 1 != 0;
    let (cookie, address) = (key.u64(0), key.address(0, version.is_ipv6));
    let text = if has_cookie { format!("netns cookie {cookie}") } else { address.to_string() };
    let (id, last_used, backend) = (key.be16(after), value.u64(0), value.u32(8));
    let row = Decoded::new([text, id.to_string(), backend.to_string(), last_used.to_string()])
        .with("client", (!has_cookie).then(|| address.to_string()))
        .with("netns_cookie", has_cookie.then_some(cookie));
    Ok(row.with("rev_nat", id).with("backend_id", backend).with("last_used", last_used))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::maps::decode::{
        kind,
        testing::{decode, fields, subject},
    };

    #[test]
    fn clients_here_and_elsewhere() {
        let map = subject("cilium_lb4_affinity", kind::LRU_HASH, 16, 16);
        let value = "7b00000000000000 09000000 00000000";
        let elsewhere = decode(&CLIENTS, &map, "0a000005 00000000 0102 00 00 00000000", value);
        assert_eq!(elsewhere.cells, ["10.0.0.5", "258", "9", "123"]);
        let here = decode(&CLIENTS, &map, "0110000000000000 0102 01 00 00000000", value);
        assert_eq!(here.cells[0], "netns cookie 4097");
        assert_eq!(fields(&here), "client=- netns_cookie=4097 rev_nat=258 backend_id=9 last_used=123");
        let map = subject("cilium_lb6_affinity", kind::LRU_HASH, 24, 16);
        let key = "fd000000000000000000000000000005 0001 00 00 00000000";
        assert_eq!(decode(&CLIENTS, &map, key, value).cells[..2], ["fd00::5", "1"]);
    }

    #[test]
    fn backends_that_may_be_kept() {
        let map = subject("cilium_lb_affinity_match", kind::HASH, 8, 1);
        assert_eq!(decode(&MATCHES, &map, "09000000 0102 0000", "00").cells, ["9", "258"]);
    }
}
