//! Functions with a packet, from BTF.

use std::sync::Arc;

use super::{
    Refusal, lifecycle,
    signature::{Classes, LAST_POSITION, Signature},
};
use crate::kernel::{
    Root,
    btf::{self, Btf, Kind},
};

/// A function with a packet; whether it is traceable is not known yet.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) name: String,
    pub(super) module: Option<String>,
    pub(super) signature: Signature,
    /// Several functions of that name in that module differ.
    pub(super) ambiguous: bool,
}

/// Candidates of the kernel and of the modules named, each module's sorted by name.
pub(super) fn all(root: &Root, vmlinux: &Arc<Btf>, modules: &[String], notes: &mut Vec<String>) -> Vec<Candidate> {
    let mut classes = Classes::new(vmlinux);
    let mut candidates = of(vmlinux, None, &mut classes);
    for name in modules {
        match btf::module(root, name, vmlinux) {
            Ok(module) => {
                classes.forget_module();
                candidates.append(&mut of(&module, Some(name), &mut classes));
            }
            Err(error) => notes.push(format!("functions of module {name} are not known: {error}")),
        }
    }
    candidates
}

/// The kernel's build writes each name once for a module or the kernel, and since 6.3 leaves it out if functions of that
/// name differ in their parameters (`--skip_encoding_btf_inconsistent_proto`). Should a name come twice, it must agree.
fn of(btf: &Btf, module: Option<&str>, classes: &mut Classes) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = btf
        .own_types(Kind::Function)
        .filter_map(|(_, of)| {
            let name = btf.name(of);
            if lifecycle::takes_none(name) {
                return None;
            }
            let passed_over = usize::from(lifecycle::makes_its_first(name));
            let signature = classes.signature(btf, btf.parameters(of), passed_over)?;
            is_identifier(name).then(|| Candidate {
                name: name.to_owned(),
                module: module.map(str::to_owned),
                signature,
                ambiguous: false,
            })
        })
        .collect();
    candidates.sort_by(|left, right| left.name.cmp(&right.name));
    candidates.dedup_by(|next, first| {
        let same = next.name == first.name;
        first.ambiguous |= same && next.signature != first.signature;
        same
    });
    candidates
}

impl Candidate {
    /// Why its signature alone forbids probing it.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        match self.signature.position {
            _ if self.ambiguous => Some(Refusal::Ambiguous),
            None => Some(Refusal::OnStack),
            Some(position) if position > LAST_POSITION => Some(Refusal::Position(position)),
            Some(_) => None,
        }
    }
}

/// Names reach the terminal and the kernel: anything but a C identifier is no function.
fn is_identifier(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::btf::testing::Builder;

    #[test]
    fn functions_with_a_packet_are_found() {
        let mut builder = Builder::new();
        let int = builder.int("int", 4);
        let packet = builder.structure("sk_buff", 232, &[]);
        let pointer = builder.pointer(packet);
        builder.function("ip_rcv", &[("skb", pointer)]);
        builder.function("consume", &[("n", int)]);
        builder.function("__copy_skb_header", &[("new", pointer), ("old", pointer)]);
        builder.function("twice", &[("skb", pointer)]);
        builder.function("twice", &[("n", int), ("skb", pointer)]);
        builder.function("bad\x1bname", &[("skb", pointer)]);
        let btf = builder.build();
        let candidates = of(&btf, None, &mut Classes::new(&btf));
        let shown: Vec<_> = candidates.iter().map(|one| (one.name.as_str(), one.refusal())).collect();
        assert_eq!(shown, [("__copy_skb_header", None), ("ip_rcv", None), ("twice", Some(Refusal::Ambiguous))]);
        assert_eq!(candidates[0].signature.position, Some(2), "the new one is no packet yet");
    }
}
