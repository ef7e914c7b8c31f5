//! What this kernel and this process can do for tracing.
//!
//! Everything is worked out from files, nothing is tried: an attempt may still fail, and then its error counts. Each
//! answer is a [`Support`]: what is lacking comes with what is done instead and what the user can do about it.

mod checks;
mod process;
mod release;

use super::{Root, btf::Btf};
use checks::Known;
use process::Process;
pub use release::Release;

/// Since then BPF memory counts for the cgroup, not for the process's locked memory.
const NO_MEMORY_LOCK: Release = Release::of(5, 11);

/// Whether something works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Support {
    /// It does.
    Yes,
    /// It does not.
    No(Lack),
    /// The machine does not say; in one sentence, why.
    Unknown(String),
}

/// Something that does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// What is missing.
    pub why: String,
    /// What follows from it.
    pub instead: &'static str,
    /// What the user can do.
    pub remedy: &'static str,
}

/// All answers.
#[derive(Clone, Debug)]
pub struct Features {
    /// The running kernel.
    pub release: Release,
    /// It is new enough for any tracing.
    pub new_enough: Support,
    /// It describes its types.
    pub btf: Support,
    /// Raw tracepoints with typed arguments.
    pub tracepoints: Support,
    /// One probe for one function.
    pub kprobes: Support,
    /// One link for many functions.
    pub fprobe: Support,
    /// The list of traceable functions can be read.
    pub tracefs: Support,
    /// Packets can be followed: programs at the entry and the end of chosen functions.
    pub following: Support,
    /// Fields can be read by direct loads.
    pub direct_loads: Support,
    /// Addresses of symbols can be seen.
    pub symbols: Support,
    /// Headers can be read wherever they lie in a packet.
    pub fragments: Support,
    /// Lockdown leaves reading kernel memory allowed.
    pub lockdown: Support,
    /// This process may load and attach.
    pub capabilities: Support,
    /// Memory for maps and programs can be had.
    pub memory_lock: Support,
}

impl Support {
    /// It works for certain.
    pub fn is_yes(&self) -> bool {
        matches!(self, Self::Yes)
    }

    /// It fails for certain.
    pub fn lack(&self) -> Option<&Lack> {
        if let Self::No(lack) = self { Some(lack) } else { None }
    }

    fn no(why: impl Into<String>, instead: &'static str, remedy: &'static str) -> Self {
        Self::No(Lack { why: why.into(), instead, remedy })
    }

    fn when(works: bool, why: &str, instead: &'static str, remedy: &'static str) -> Self {
        if works { Self::Yes } else { Self::no(why, instead, remedy) }
    }
}

impl Features {
    /// Looks everything up; `btf` is the kernel's if it could be read.
    pub fn read(root: &Root, btf: Option<&Btf>) -> Self {
        let release = Release::read(root);
        let process = Process::read(root);
        let known = btf.map(Known::find);
        Self {
            new_enough: checks::new_enough(&release),
            btf: checks::types(btf),
            tracepoints: checks::tracepoints(known),
            kprobes: checks::kprobes(root, known),
            fprobe: checks::fprobe(root, known),
            tracefs: checks::tracefs(root),
            following: checks::following(known),
            direct_loads: checks::direct_loads(known),
            symbols: checks::symbols(root, &process),
            fragments: checks::fragments(root),
            lockdown: checks::lockdown(root),
            capabilities: process.capabilities(),
            memory_lock: process.memory_lock(&release),
            release,
        }
    }

    /// What no backend works without and is lacking.
    pub fn blockers(&self) -> Vec<&Lack> {
        let needed =
            [&self.new_enough, &self.btf, &self.lockdown, &self.capabilities, &self.memory_lock, &self.tracepoints];
        needed.into_iter().filter_map(Support::lack).collect()
    }
}

#[cfg(test)]
mod tests;
