//! Byte order of a file or a section.

/// Which byte of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    pub(super) fn i64(self, bytes: [u8; 8]) -> i64 {
        match self {
            Self::Little => i64::from_le_bytes(bytes),
            Self::Big => i64::from_be_bytes(bytes),
        }
    }

    /// The number at `start`; none beyond the end.
    pub(super) fn word(self, bytes: &[u8], start: usize) -> Option<u32> {
        bytes.get(start..)?.first_chunk().map(|word| self.u32(*word))
    }

    /// Overwrites the number at `start`, if it is there.
    pub(super) fn put_word(self, bytes: &mut [u8], start: usize, value: u32) {
        let value = match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        };
        if let Some(word) = bytes.get_mut(start..).and_then(<[u8]>::first_chunk_mut) {
            *word = value;
        }
    }
}
