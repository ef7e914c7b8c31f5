//! The short form of a program ([`tracer_common::looks`]): which of its tests the kernel side can make from words that are at hand.

use tracer_common::{
    looks::{BEHIND_BYTES, Look, Looks, MAX_LOOKS, family, late, place, target, wanted},
    predicate::{ACCEPT, Node, Program, base, field, op},
};

/// EtherTypes of the families, in the order of [`family`].
const ETHERTYPES: [u32; family::COUNT] = [0x0800, 0x86dd];
/// What the slow way completes while a packet is being made, likewise.
const LATE: [u32; family::COUNT] = [late::IPV4, late::IPV6];

/// The tables of a program whose nodes are written.
pub(super) fn tables(program: &Program) -> [Looks; family::COUNT] {
    [family::IPV4, family::IPV6].map(|family| Table::new(program, family).write())
}

/// Where a way leads to, in terms of nodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    End(u8),
    Node(usize),
}

/// A table on its way.
struct Table<'a> {
    program: &'a Program,
    family: usize,
    /// By node that becomes a look: its number.
    numbers: Vec<Option<u8>>,
    /// By node: what follows the network header is asked before, or by it.
    behind: Vec<bool>,
}

impl<'a> Table<'a> {
    fn new(program: &'a Program, family: usize) -> Self {
        let count = program.count as usize;
        let mut table = Self { program, family, numbers: vec![None; count], behind: vec![false; count] };
        let mut reached = vec![false; count];
        let mut used = 0;
        if let Next::Node(first) = table.resolve(program.entry) {
            reached[first] = true;
        }
        // Nodes lead to later ones only.
        for index in 0..count {
            if !reached[index] || usize::from(used) >= MAX_LOOKS {
                continue;
            }
            table.numbers[index] = Some(used);
            used += 1;
            let node = &program.nodes[index];
            table.behind[index] |= node.base == base::TRANSPORT;
            for next in [node.on_true, node.on_false] {
                if let Next::Node(next) = table.resolve(next.into()) {
                    reached[next] = true;
                    table.behind[next] |= table.behind[index];
                }
            }
        }
        table
    }

    /// Goes on to the next node that has to be looked at.
    fn resolve(&self, mut next: u32) -> Next {
        loop {
            let Some(node) = self.program.nodes.get(next as usize) else {
                return Next::End(if next == u32::from(ACCEPT) { target::ACCEPT } else { target::REJECT });
            };
            if node.op == op::TEST && node.base == base::FIELD && node.offset == field::PROTOCOL {
                next = node.branch(ETHERTYPES[self.family]);
            } else if self.place(node).is_some() {
                return Next::Node(next as usize);
            } else {
                return Next::End(target::OPEN);
            }
        }
    }

    /// Where a look finds what a node tests, if that is at hand.
    fn place(&self, node: &Node) -> Option<(u8, u32)> {
        let late = node.base == base::NETWORK && late::touches(LATE[self.family], node.offset, u32::from(node.width));
        if node.op != op::TEST || late { None } else { place(self.family, node.base, node.offset, node.width.into()) }
    }

    fn target(&self, next: u32) -> u8 {
        match self.resolve(next) {
            Next::End(end) => end,
            Next::Node(index) => match self.numbers[index] {
                Some(number) if self.behind[index] => number | target::NEEDS_BEHIND,
                Some(number) => number,
                None => target::OPEN,
            },
        }
    }

    fn write(&self) -> Looks {
        let mut looks = Looks::constant(self.target(self.program.entry));
        for (node, number) in self.program.nodes.iter().zip(&self.numbers) {
            let (Some(number), Some((word, shift))) = (number, self.place(node)) else { continue };
            looks.looks[usize::from(*number)] = Look {
                word,
                reserved: 0,
                next: [node.on_true, node.on_false].map(|next| self.target(next.into())),
                mask: node.mask >> shift,
                low: node.low >> shift,
                span: node.high.wrapping_sub(node.low) >> shift,
            };
            match (node.base, node.offset) {
                (base::FIELD, field::NETNS) => looks.fields |= wanted::NETNS,
                (base::FIELD, field::MARK) => looks.fields |= wanted::MARK,
                (base::TRANSPORT, offset) => {
                    let bytes = (offset + u32::from(node.width)).next_multiple_of(BEHIND_BYTES / 2);
                    looks.behind_bytes = looks.behind_bytes.max(bytes as u8);
                }
                _ => {}
            }
        }
        looks
    }
}
