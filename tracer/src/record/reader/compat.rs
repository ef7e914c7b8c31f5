//! Versions of the format that are read, oldest first, each with what turns its hops into today's.

use super::hops::Hops;
use crate::record::format::frame::Header;

/// Makes today's hops of the content of a frame of one version; `None` where it contradicts itself.
type Read = fn(&Header, Vec<u8>) -> Option<Hops>;

/// A new version of the format adds a line, and a recording of it under `tests/fixtures`. An older version stays as long as
/// there may be recordings of it.
const VERSIONS: &[(u16, Read)] = &[(1, Hops::new)];

/// The version is one of those.
pub(super) fn is_known(version: u16) -> bool {
    VERSIONS.iter().any(|(known, _)| *known == version)
}

/// The hops of a frame.
pub(super) fn hops(header: &Header, content: Vec<u8>) -> Option<Hops> {
    let (_, read) = VERSIONS.iter().find(|(known, _)| *known == header.version)?;
    read(header, content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::format::VERSION;

    #[test]
    fn what_is_written_is_read() {
        assert!(is_known(VERSION));
        assert!(!is_known(VERSION + 1));
        assert!(VERSIONS.is_sorted_by_key(|(version, _)| *version));
    }
}
