//! Maps whose releases differ by name and sizes alone: a table says it all.

use super::{Decoder, Entry, Layout, Misfit, Recognition, Subject};
use crate::model::{Decoded, Form};

/// A kind of map, with all layouts that it ever had.
pub struct Versions {
    /// As [`Decoder::dataplane`].
    pub dataplane: &'static str,
    /// As [`Decoder::name`].
    pub name: &'static str,
    /// As [`Layout::titles`].
    pub titles: &'static [&'static str],
    /// As [`Layout::form`].
    pub form: Form,
    /// The layouts, the newest first.
    pub known: &'static [Version],
    /// Its name is one that anybody's map may have: only a pin of that name tells, and other sizes are somebody else's.
    pub is_common_name: bool,
    /// Reads an entry.
    pub row: fn(&Entry<'_>, &Version, Circumstances) -> Result<Option<Decoded>, Misfit>,
}

/// What a row depends on beside the entry and its layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// As [`Subject::now`].
    pub now: u64,
    /// As [`Subject::release`].
    pub release: Option<(u16, u16)>,
}

/// A layout.
#[derive(Debug, PartialEq, Eq)]
pub struct Version {
    /// The map's whole name.
    pub name: &'static str,
    /// Where it is pinned, below `/sys/fs/bpf`.
    pub pin: &'static str,
    /// `enum bpf_map_type`.
    pub kind: u32,
    /// Bytes of a key.
    pub key: u32,
    /// Bytes of a value, of one CPU.
    pub value: u32,
    /// What else tells it apart from its neighbours, where anything does.
    pub is_ipv6: bool,
}

impl Version {
    /// The layout of a map that is pinned there under its name.
    pub const fn pinned(pin: &'static str, kind: u32, key: u32, value: u32, is_ipv6: bool) -> Self {
        Self { name: last(pin), pin, kind, key, value, is_ipv6 }
    }

    /// Key and value of an entry, if they are as long as they should be.
    pub fn sized<'a>(&self, entry: &Entry<'a>) -> Result<(super::Bytes<'a>, super::Bytes<'a>), Misfit> {
        entry.sized(self.key as usize, self.value as usize)
    }
}

/// A layout of a map that is pinned where Cilium and Calico pin all of theirs.
macro_rules! in_globals {
    ($name:literal, $kind:ident, $key:literal, $value:literal, $ipv6:literal) => {
        $crate::inspect::maps::decode::versions::Version::pinned(
            concat!("tc/globals/", $name),
            $crate::inspect::maps::decode::kind::$kind,
            $key,
            $value,
            $ipv6,
        )
    };
}
pub(super) use in_globals;

/// What stands behind the last slash.
const fn last(path: &'static str) -> &'static str {
    let bytes = path.as_bytes();
    let mut at = bytes.len();
    while at > 0 && bytes[at - 1] != b'/' {
        at -= 1;
    }
    path.split_at(at).1
}

impl Versions {
    /// The layout of a map: `None` for a map of something else, a sentence for one with unknown sizes.
    pub fn of(&self, map: &Subject<'_>) -> Option<Result<&'static Version, String>> {
        if self.is_common_name && map.pin.is_none() {
            return None;
        }
        let mut called = self.known.iter().filter(|version| map.is_called(version.name)).peekable();
        called.peek()?;
        let fitting = called.find(|version| (version.kind, version.key, version.value) == map.shape());
        match (fitting, map.misfit()) {
            (Some(version), _) => Some(Ok(version)),
            (None, Recognition::Unknown(why)) if !self.is_common_name => Some(Err(why)),
            _ => None,
        }
    }
}

impl Decoder for Versions {
    fn dataplane(&self) -> &'static str {
        self.dataplane
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn versions(&self) -> Option<&Versions> {
        Some(self)
    }

    fn recognise(&self, map: &Subject<'_>) -> Recognition {
        match self.of(map) {
            None => Recognition::Other,
            Some(Err(why)) => Recognition::Unknown(why),
            Some(Ok(version)) => {
                let circumstances = Circumstances { now: map.now, release: map.release };
                let Self { titles, form, row, .. } = *self;
                Recognition::known(One { titles, form, row, version, circumstances })
            }
        }
    }
}

struct One {
    titles: &'static [&'static str],
    form: Form,
    row: fn(&Entry<'_>, &Version, Circumstances) -> Result<Option<Decoded>, Misfit>,
    version: &'static Version,
    circumstances: Circumstances,
}

impl Layout for One {
    fn titles(&self) -> &'static [&'static str] {
        self.titles
    }

    fn form(&self) -> Form {
        self.form
    }

    fn row(&self, entry: &Entry<'_>) -> Result<Option<Decoded>, Misfit> {
        (self.row)(entry, self.version, self.circumstances)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::inspect::maps::decode::{DECODERS, kind, merbridge::pods, testing::subject};

    fn all() -> Vec<&'static Versions> {
        let all: Vec<_> = DECODERS.iter().copied().flatten().filter_map(|decoder| decoder.versions()).collect();
        assert!(all.len() > 32);
        all
    }

    /// Bytes of a value as the kernel hands it over, for three CPUs where there is one for each.
    fn handed_over(version: &Version) -> usize {
        match version.kind {
            kind::PERCPU_HASH | kind::PERCPU_ARRAY => version.value.next_multiple_of(8) as usize * 3,
            kind::SOCKHASH => 0,
            _ => version.value as usize,
        }
    }

    proptest! {
        /// Foreign bytes of the right length are decoded, those of any other refused; nothing panics.
        #[test]
        fn any_bytes(seed in proptest::collection::vec(any::<u8>(), 0..500), key in 0_usize..60, value in 0_usize..500) {
            for versions in all() {
                for version in versions.known {
                    let map = subject(version.name, version.kind, version.key as usize, version.value as usize);
                    let Recognition::Known(layout) = versions.recognise(&map) else { panic!("{version:?}") };
                    let of = |length: usize| -> Vec<u8> {
                        seed.iter().copied().chain(std::iter::repeat(0xff)).take(length).collect()
                    };
                    let (right_key, right_value) = (of(version.key as usize), of(handed_over(version)));
                    let row = layout.row(&Entry { key: &right_key, value: &right_value });
                    let cells = row.expect("the right sizes").map(|row| row.cells.len());
                    prop_assert!(cells.is_none_or(|cells| cells == layout.titles().len().max(1)), "{:?}", version);
                    if key != version.key as usize {
                        let answer = layout.row(&Entry { key: &of(key), value: &of(value) });
                        prop_assert!(answer.is_err(), "{:?}", version);
                    }
                }
            }
        }
    }

    #[test]
    fn no_two_kinds_of_map_have_a_name_in_common() {
        let mut names: Vec<(&str, &str)> =
            all().into_iter().flat_map(|all| all.known.iter().map(|version| (version.name, all.name))).collect();
        names.sort_unstable();
        names.dedup();
        for pair in names.windows(2) {
            assert!(pair[0].0 != pair[1].0, "{pair:?}");
        }
    }

    #[test]
    fn a_common_name_alone_says_nothing() {
        let mut map = subject("settings", kind::HASH, 4, 16);
        assert!(pods::SETTINGS.of(&map).is_some_and(|answer| answer.is_ok()));
        map.value_size = 8;
        assert!(pods::SETTINGS.of(&map).is_none(), "somebody else's");
        map.value_size = 16;
        map.pin = None;
        assert!(pods::SETTINGS.of(&map).is_none(), "not pinned");
    }
}
