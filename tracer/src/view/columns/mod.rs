//! The columns: each a file of its own with its name, help, text and JSON, and one line in [`COLUMNS`].

mod caller;
mod context;
mod cpu;
mod drop;
mod filter;
mod func;
mod iface;
mod journey;
mod len;
mod mark;
mod metadata;
mod mtu;
mod netns;
mod netns_name;
mod packet;
mod pkt_type;
mod process;
mod program;
mod proto;
mod skb;
mod stack;
mod time;
pub(super) mod tuple;

use super::{Context, Object, Row, Tone};
pub(super) use time::write_moment;
pub(super) use tuple::{write_arp, write_tuple};

/// Every column, in the order of their keys in JSON. Text, JSON, `--columns` and completion read this list.
pub static COLUMNS: &[&dyn Column] = &[
    &time::Time,
    &skb::Skb,
    &journey::Journey,
    &filter::Filter,
    &cpu::Cpu,
    &process::Process,
    &func::Func,
    &program::Program,
    &netns::Netns,
    &netns_name::NetnsName,
    &iface::Iface,
    &mark::Mark,
    &proto::Proto,
    &mtu::Mtu,
    &len::Len,
    &pkt_type::PktType,
    &tuple::Tuple,
    &drop::Drop,
    &caller::Caller,
    &stack::Stack,
    &metadata::Metadata,
    &packet::Packet,
    &context::Known,
];

/// One thing that is shown about an event.
pub trait Column: Sync {
    /// Name in `--columns`.
    fn name(&self) -> &'static str;

    /// One line of help.
    fn help(&self) -> &'static str;

    /// Title above the column.
    fn header(&self) -> &'static str;

    /// Letters that nearly every value fits in. Fixed before the first row; a longer value pushes only its own row.
    fn width(&self, context: &Context<'_>) -> usize;

    /// Side that values stand on.
    fn align(&self) -> Align {
        Align::Left
    }

    /// Where the text goes.
    fn place(&self) -> Place {
        Place::Cell
    }

    /// Colour of the text.
    fn tone(&self, _row: &Row<'_>) -> Tone {
        Tone::Plain
    }

    /// Appends the text; nothing where the event does not say.
    fn text(&self, row: &Row<'_>, out: &mut String);

    /// Adds the keys of this column; none where the event does not say.
    fn json(&self, row: &Row<'_>, object: &mut Object<'_>);
}

/// Side of a column that values stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers that are compared.
    Right,
}

/// Where the text of a column goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Into the row.
    Cell,
    /// Below it: whole lines, newlines included, indented by [`INDENT`].
    Below,
}

/// Indentation of lines below a row.
pub const INDENT: &str = "    ";

/// The column of that name.
pub fn find(name: &str) -> Option<&'static dyn Column> {
    COLUMNS.iter().copied().find(|column| column.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_in_the_list() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/src/view/columns");
        let mut files: Vec<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|file| file != "mod.rs")
            .collect();
        files.sort();
        let mut listed: Vec<String> =
            COLUMNS.iter().map(|column| format!("{}.rs", column.name().replace('-', "_"))).collect();
        listed.sort();
        assert_eq!(listed, files);
    }
}
