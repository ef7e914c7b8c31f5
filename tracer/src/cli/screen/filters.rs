//! Who compiles the filters that are typed.

use std::{collections::HashMap, fs};

use crate::{
    cli::{args::What, settings},
    feed::{Names, Recorded, System},
    filter::{self, Compiled},
    kernel::{Root, netns},
    tui::state::Filters,
};

/// On this machine, together with the flags that are spellings of a filter.
pub(super) struct LiveFilters<'a> {
    pub(super) root: &'a Root,
    pub(super) system: &'a System<'a>,
    pub(super) what: &'a What,
    pub(super) names: &'a Names,
}

/// In a recording.
pub(super) struct RecordedFilters<'a> {
    pub(super) names: &'a Names,
}

impl Filters for LiveFilters<'_> {
    fn compile(&self, text: &str) -> Result<Compiled, filter::Error> {
        settings::other_filter(self.root, self.system, text, self.what)
    }

    fn compile_display(&self, text: &str) -> Result<Compiled, filter::Error> {
        // Some may have been made since the start.
        let mut namespaces = netns::names(self.root);
        namespaces.extend(self.names.namespaces.iter().map(|(inode, name)| (*inode, name.clone())));
        compile(text, &namespaces, &self.names.reasons)
    }

    fn names(&self, key: &str) -> Vec<String> {
        let entries = |path: &str| {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
        };
        match key {
            "ifname" => entries("/sys/class/net"),
            "netns" => entries("/run/netns"),
            _ => Vec::new(),
        }
    }
}

impl Filters for RecordedFilters<'_> {
    fn compile(&self, text: &str) -> Result<Compiled, filter::Error> {
        compile(text, &self.names.namespaces, &self.names.reasons)
    }

    fn compile_display(&self, text: &str) -> Result<Compiled, filter::Error> {
        compile(text, &self.names.namespaces, &self.names.reasons)
    }

    fn names(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
}

fn compile(
    text: &str,
    namespaces: &HashMap<u32, String>,
    reasons: &HashMap<u32, String>,
) -> Result<Compiled, filter::Error> {
    let environment = Recorded { namespaces, reasons };
    filter::compile(&filter::Request { expression: text, environment: &environment, ..filter::Request::default() })
}
