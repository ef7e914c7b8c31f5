//! Which columns a run shows: pwru's flags, or a list of names.

use super::Timestamp;
use super::columns::{COLUMNS, Column, find};

/// What `--output-meta` turns on and off.
const META: &[&str] = &["netns", "netns-name", "iface", "mark", "proto", "mtu", "len", "pkt-type"];

/// What was asked for. The default is what pwru shows without flags.
#[derive(Clone, Copy, Debug)]
pub struct Selection<'a> {
    /// `--columns`: names with commas between; takes the place of all choices below but the stack and the packet.
    pub columns: Option<&'a str>,
    /// `--output-meta`
    pub meta: bool,
    /// `--output-tuple`
    pub tuple: bool,
    /// `--output-netns-names`
    pub netns_names: bool,
    /// `--output-caller`
    pub caller: bool,
    /// `--output-skb-metadata` was given.
    pub metadata: bool,
    /// `--output-stack`
    pub stack: bool,
    /// `--output-packet`
    pub packet: bool,
    /// `--timestamp`
    pub timestamp: Timestamp,
}

impl Default for Selection<'_> {
    fn default() -> Self {
        Self {
            columns: None,
            meta: true,
            tuple: true,
            netns_names: false,
            caller: false,
            metadata: false,
            stack: false,
            packet: false,
            timestamp: Timestamp::None,
        }
    }
}

/// A name in `--columns` that no column has.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown column `{name}` (known: {})", known())]
pub struct UnknownColumn {
    name: String,
}

impl Selection<'_> {
    /// Columns of text, in the order they are shown.
    pub fn text(&self) -> Result<Vec<&'static dyn Column>, UnknownColumn> {
        let mut columns = match self.columns {
            Some(list) => parse(list)?,
            None => self.by_flags(),
        };
        for (wanted, name) in [(self.stack, "stack"), (self.packet, "packet")] {
            if wanted && !columns.iter().any(|column| column.name() == name) {
                columns.extend(find(name));
            }
        }
        Ok(columns)
    }

    /// Columns of JSON: all of them, unless a list or a flag narrows them.
    pub fn json(&self) -> Result<Vec<&'static dyn Column>, UnknownColumn> {
        if self.columns.is_some() {
            return self.text();
        }
        let shown = |name| (self.meta || !META.contains(&name)) && (self.tuple || name != "tuple");
        Ok(COLUMNS.iter().copied().filter(|column| shown(column.name())).collect())
    }

    fn by_flags(&self) -> Vec<&'static dyn Column> {
        let meta = self.meta;
        let choices = [
            (self.timestamp != Timestamp::None, "time"),
            (true, "skb"),
            (true, "cpu"),
            (true, "process"),
            (meta, "netns"),
            (meta && self.netns_names, "netns-name"),
            (meta, "mark"),
            (meta, "iface"),
            (meta, "proto"),
            (meta, "mtu"),
            (meta, "len"),
            (self.tuple, "tuple"),
            (true, "func"),
            (self.caller, "caller"),
            (self.metadata, "metadata"),
        ];
        choices.into_iter().filter(|(wanted, _)| *wanted).filter_map(|(_, name)| find(name)).collect()
    }
}

fn parse(list: &str) -> Result<Vec<&'static dyn Column>, UnknownColumn> {
    list.split(',')
        .map(str::trim)
        .map(|name| find(name).ok_or_else(|| UnknownColumn { name: name.to_owned() }))
        .collect()
}

fn known() -> String {
    COLUMNS.iter().map(|column| column.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(columns: Result<Vec<&'static dyn Column>, UnknownColumn>) -> String {
        match columns {
            Ok(columns) => columns.iter().map(|column| column.name()).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn text_follows_the_flags() {
        let default = Selection::default();
        let cases = [
            (default, "skb cpu process netns mark iface proto mtu len tuple func"),
            (Selection { meta: false, netns_names: true, ..default }, "skb cpu process tuple func"),
            (Selection { meta: false, tuple: false, ..default }, "skb cpu process func"),
            (
                Selection { timestamp: Timestamp::Current, netns_names: true, caller: true, metadata: true, ..default },
                "time skb cpu process netns netns-name mark iface proto mtu len tuple func caller metadata",
            ),
            (
                Selection { meta: false, stack: true, packet: true, ..default },
                "skb cpu process tuple func stack packet",
            ),
            (Selection { columns: Some("func, skb"), meta: false, stack: true, ..default }, "func skb stack"),
            (Selection { columns: Some("stack,func"), stack: true, ..default }, "stack func"),
        ];
        for (selection, expected) in cases {
            assert_eq!(names(selection.text()), expected);
        }
    }

    #[test]
    fn json_has_all_unless_narrowed() {
        let default = Selection::default();
        let all = "time skb journey filter cpu process func program netns netns-name iface mark proto mtu len pkt-type tuple \
                   drop caller stack metadata packet context";
        let cases = [
            (default, all),
            (
                Selection { meta: false, tuple: false, ..default },
                "time skb journey filter cpu process func program drop caller stack metadata packet context",
            ),
            (Selection { columns: Some("func,skb"), ..default }, "func skb"),
        ];
        for (selection, expected) in cases {
            assert_eq!(names(selection.json()), expected);
        }
    }

    #[test]
    fn unknown_names_are_told_with_the_known_ones() {
        for list in ["func,fnuc", "func,,skb", ""] {
            let error = names(Selection { columns: Some(list), ..Selection::default() }.text());
            assert!(error.starts_with("unknown column `") && error.contains("(known: time, skb, "), "{error}");
        }
    }
}
