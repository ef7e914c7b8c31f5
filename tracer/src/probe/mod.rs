//! Which functions and tracepoints see packets, which of them can be probed, and in which order to attach.
//!
//! A function is found by its prototype in BTF and taken if the kernel lists it as traceable. Nothing is attached here
//! and no privilege is asked for beyond reading the kernel's lists, which `kernel` does.

mod addresses;
pub mod lifecycle;
mod listing;
mod modules;
pub mod others;
mod plan;
mod scan;
mod select;
mod signature;
mod tracepoints;

use std::{fmt, sync::Arc, thread};

use crate::{
    kernel::{Root, btf::Btf, functions},
    model,
};
pub use addresses::AddressIndex;
pub use modules::{Error, Modules};
pub use plan::Plan;
pub use select::Selection;
pub use tracepoints::{Tracepoint, tracepoints};

/// A function with a packet among its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Name.
    pub name: String,
    /// Module that holds it; `None` for the kernel itself.
    pub module: Option<String>,
    /// Where to attach; 0 if only the name is known. [`AddressIndex`] says why it may differ from the address in an event.
    pub address: u64,
    /// Which argument the packet is, from 1, as registers count them.
    pub position: u8,
    /// That argument is `struct sk_buff **`.
    pub double: bool,
    /// The argument after it is an `enum skb_drop_reason`.
    pub takes_reason: bool,
    /// Whether it can be probed.
    pub status: Status,
}

/// Whether a function can be probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It can.
    Traceable,
    /// It cannot.
    Refused(Refusal),
}

/// Why a function cannot be probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The kernel does not list it.
    Unlisted,
    /// The kernel lists only what the compiler made of it, whose arguments may be others.
    Variant(String),
    /// The kernel forbids kprobes on it.
    Blacklisted,
    /// The packet comes too late among the arguments.
    Position(u8),
    /// The packet is passed on the stack.
    OnStack,
    /// Several functions share the name and take the packet at different places.
    Ambiguous,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// All functions with a packet, by module and name; several of one name where the kernel has several.
    pub functions: Vec<Function>,
    /// Where it was looked up what can be traced.
    pub source: Source,
    /// What could not be read, and what follows from it.
    pub notes: Vec<String>,
}

/// What the answer to "can it be traced?" rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The kernel's list with addresses (6.5+).
    ListWithAddresses,
    /// The kernel's list of names.
    List,
    /// Symbols alone: attaching may fail for some.
    Symbols,
    /// Nothing: no function can be told to be traceable.
    Nothing,
}

/// Finds the functions of the kernel and of the chosen modules.
pub fn discover(root: &Root, vmlinux: &Arc<Btf>, modules: &Modules) -> Result<Discovery, Error> {
    let chosen = modules.names(root)?;
    let opened = functions::open(root);
    let needs_symbols = !opened.as_ref().is_ok_and(|list| list.has_addresses);
    thread::scope(|scope| {
        // The kernel takes its time to write the list; types and symbols are read meanwhile.
        let list = scope.spawn(|| opened?.read());
        let mut notes = Vec::new();
        let candidates = scan::all(root, vmlinux, &chosen, &mut notes);
        let symbols = needs_symbols.then(|| listing::symbols(root, &candidates));
        let list = list.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok(listing::judge(root, candidates, list, symbols, notes))
    })
}

impl Function {
    /// As events refer to it.
    pub fn probe(&self) -> model::Probe {
        model::Probe {
            name: self.name.clone(),
            module: self.module.clone(),
            address: self.address,
            takes_reason: self.takes_reason,
        }
    }

    /// It can be probed.
    pub fn is_traceable(&self) -> bool {
        self.status == Status::Traceable
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlisted => out.write_str("the kernel does not list it as traceable"),
            Self::Variant(name) => write!(out, "the compiler made `{name}` of it"),
            Self::Blacklisted => out.write_str("the kernel forbids kprobes on it"),
            Self::Position(position) => write!(out, "its packet is argument {position}, beyond the fifth"),
            Self::OnStack => out.write_str("its packet is passed on the stack"),
            Self::Ambiguous => out.write_str("functions of this name differ in where they take the packet"),
        }
    }
}
