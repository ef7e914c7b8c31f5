//! What the kernel says of an open descriptor in `/proc/PID/fdinfo`, the only place that tells what a process holds.

use super::sys::Object;
use crate::model::{ProgramKind, map::Takes};

/// What a descriptor stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) object: Object,
    pub(super) id: u32,
    /// The program of a link.
    pub(super) program: Option<u32>,
    /// `memlock` of a map or program, bytes.
    pub(super) memory: Option<u64>,
    /// User space can no longer write to the map.
    pub(super) frozen: bool,
    /// What a map of programs takes.
    pub(super) takes: Option<Takes>,
}

/// Reads the text of a descriptor's file; `None` if it is no BPF object.
pub(super) fn held(text: &str) -> Option<Held> {
    let field = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().parse().ok()
    };
    let id = |name: &str| field(name).and_then(|id| u32::try_from(id).ok());
    let program = id("prog_id");
    // A link names its program, and a map may name programs too.
    let (object, number) = match (id("link_id"), id("map_id")) {
        (Some(link), _) => (Object::Link, link),
        (None, Some(map)) => (Object::Map, map),
        (None, None) => (Object::Program, program?),
    };
    Some(Held {
        object,
        id: number,
        program: if object == Object::Link { program } else { None },
        memory: field("memlock"),
        frozen: field("frozen") == Some(1),
        takes: id("owner_prog_type")
            .map(|kind| Takes { kind: ProgramKind(kind), native: field("owner_jited") == Some(1) }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart() {
        let link = "pos:\t0\nflags:\t02\nlink_type:\ttcx\nlink_id:\t7\nprog_tag:\t5bc4\nprog_id:\t31\nifindex:\t2\n";
        let map = "pos:\t0\nmap_type:\t1\nkey_size:\t4\nmemlock:\t8064\nmap_id:\t5\nfrozen:\t1\nowner_prog_type:\t3\nowner_jited:\t1\n";
        let program = "pos:\t0\nprog_type:\t3\nprog_jited:\t1\nmemlock:\t4096\nprog_id:\t31\n";
        let of = |text| held(text).map(|held| (held.object, held.id, held.program, held.memory, held.frozen));
        assert_eq!(of(link), Some((Object::Link, 7, Some(31), None, false)));
        assert_eq!(of(map), Some((Object::Map, 5, None, Some(8064), true)));
        assert_eq!(of(program), Some((Object::Program, 31, None, Some(4096), false)));
        assert_eq!(held(map).unwrap().takes, Some(Takes { kind: ProgramKind(3), native: true }));
        assert_eq!(held(program).unwrap().takes, None);
        assert_eq!(of("pos:\t0\nmap_id:\t99999999999\n"), None);
        assert_eq!(of(""), None);
    }
}
