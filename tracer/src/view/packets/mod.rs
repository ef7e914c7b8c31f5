//! Columns of lists of packets, a file each: what stands in one line for a whole journey.
//!
//! To add one: a file here and a line in [`PACKET_COLUMNS`]. A column appends text; how wide it is on a screen, what goes where
//! there is no room and how it is coloured is for whoever draws.

mod flow;
mod hops;
mod length;
mod packet;
mod process;
mod time;
mod took;
mod verdict;
pub(in crate::view) mod way;

use super::Story;

/// A column, to be shown and to sort by.
pub trait PacketColumn: Sync {
    /// As settings name it.
    fn name(&self) -> &'static str;

    /// What stands above it.
    fn title(&self) -> &'static str;

    /// What it says, for help texts.
    fn help(&self) -> &'static str;

    /// Letters that it takes at least and at best.
    fn width(&self) -> (u16, u16);

    /// Which columns stay where there is no room for all: those with a low number.
    fn rank(&self) -> u8;

    /// Appends the text.
    fn write(&self, story: &Story<'_>, signs: &Signs, out: &mut String);

    /// What sorting compares.
    fn order(&self, story: &Story<'_>) -> u128;

    /// Numbers stand to the right.
    fn is_number(&self) -> bool {
        false
    }

    /// What is left out in the middle, rather than at the end, where the text is too long.
    fn keeps_end(&self) -> bool {
        false
    }
}

/// All columns, in the order in which they stand.
pub const PACKET_COLUMNS: &[&dyn PacketColumn] = &[
    &time::Time,
    &packet::Packet,
    &flow::Flow,
    &process::Process,
    &way::Way,
    &length::Length,
    &hops::Hops,
    &took::Took,
    &verdict::Verdict,
];

/// Those that are shown unless a user wants others.
pub const STANDARD: &[&str] = &["time", "packet", "flow", "way", "hops", "took", "verdict"];

/// The column of this name.
pub fn find(name: &str) -> Option<&'static dyn PacketColumn> {
    PACKET_COLUMNS.iter().copied().find(|column| column.name() == name)
}

/// Signs that not every terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signs {
    /// From source to destination.
    pub arrow: &'static str,
    /// From one place of the way to the next.
    pub way: &'static str,
    /// The way ends here.
    pub stop: &'static str,
    /// It has branches.
    pub branch: &'static str,
    /// Something is left out.
    pub more: &'static str,
}

impl Signs {
    /// For terminals with Unicode.
    pub const UNICODE: Self = Self { arrow: "→", way: "▸", stop: "✗", branch: "├", more: "…" };
    /// For all others.
    pub const ASCII: Self = Self { arrow: "->", way: ">", stop: "X", branch: "+", more: "~" };
}

/// Text as a number that sorts alike, as far as its first letters tell.
fn text_order(text: &str) -> u128 {
    let mut bytes = [0; 16];
    for (place, byte) in bytes.iter_mut().zip(text.bytes()) {
        *place = byte.to_ascii_lowercase();
    }
    u128::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_columns_exist() {
        assert!(STANDARD.iter().all(|name| find(name).is_some()));
    }

    #[test]
    fn texts_sort_as_letters_do() {
        let mut names = ["veth1", "", "Eth0", "eth", "lo"];
        names.sort_by_key(|name| text_order(name));
        assert_eq!(names, ["", "eth", "Eth0", "lo", "veth1"]);
    }
}
