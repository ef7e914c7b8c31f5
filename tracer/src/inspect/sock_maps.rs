//! Programs that are run for the sockets of a map (sk_msg, sk_skb).

use std::os::fd::AsFd as _;

use super::{
    Error,
    links::Links,
    maps,
    programs::Names,
    sys::{self, Target},
};
use crate::model::{MapKind, SockMapRow};

/// Hooks by number (`enum bpf_attach_type`), with bpftool's names.
const HOOKS: [(u32, &str); 4] =
    [(7, "sk_msg_verdict"), (4, "sk_skb_stream_parser"), (5, "sk_skb_stream_verdict"), (38, "sk_skb_verdict")];

/// What is attached to any map of sockets. Kernels before 5.19 do not tell.
pub fn rows() -> Result<Vec<SockMapRow>, Error> {
    let links = Links::read()?;
    let mut names = Names::default();
    let mut rows = Vec::new();
    for map in maps::all()? {
        let map = map?;
        if !matches!(map.info.kind, MapKind::SOCKMAP | MapKind::SOCKHASH) {
            continue;
        }
        for (number, hook) in HOOKS {
            let failed = |error| Error::asking("asking for programs of a map of sockets", "CAP_NET_ADMIN", error);
            let attached = match sys::query(Target::File(map.as_fd()), number, 0, false) {
                // This map has no place for such a program, or a verdict of the other kind (of streams, of all) is in it.
                Err(error) if matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EBUSY)) => continue,
                result => result.map_err(failed)?,
            };
            rows.extend(attached.programs.into_iter().map(|program| SockMapRow {
                map: map.info.id,
                map_name: map.info.name.bytes().to_vec(),
                hook,
                program,
                name: names.of(program).unwrap_or_default(),
                link: links.of_map(map.info.id, number, program),
            }));
        }
    }
    Ok(rows)
}
