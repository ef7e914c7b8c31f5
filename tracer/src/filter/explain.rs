//! A program in readable form: one line a test, and what it amounts to.

use std::fmt::Write;

use tracer_common::{
    event::kind,
    predicate::{ACCEPT, Node, Program, REJECT, alu, base, field, op},
};

use super::Compiled;
use super::keys::Bound;

/// The nodes of a filter's program, one a line, and a last line that counts them.
pub fn explain(filter: &Compiled) -> String {
    Explanation { bound: &filter.bound }.program(&filter.program)
}

/// Knows what a program refers to by number.
struct Explanation<'a> {
    bound: &'a Bound,
}

impl Explanation<'_> {
    fn program(&self, program: &Program) -> String {
        let nodes = &program.nodes[..(program.count as usize).min(program.nodes.len())];
        let mut text = String::new();
        for (index, node) in nodes.iter().enumerate() {
            let targets = if branches(node) {
                format!("{} else {}", target(node.on_true), target(node.on_false))
            } else {
                target(node.on_true)
            };
            let _ = writeln!(text, "{index:>3}  {:<40} {targets}", self.operation(node));
        }
        let tests = nodes.iter().filter(|node| branches(node)).count();
        let steps = longest_way(nodes, program.entry);
        let _ = match target_end(program.entry as u16) {
            Some(end) if nodes.is_empty() => writeln!(text, "every packet: {end}"),
            _ => writeln!(text, "{tests} tests in {} nodes, at most {steps} nodes for a packet", nodes.len()),
        };
        text
    }

    fn operation(&self, node: &Node) -> String {
        let (to, from) = (node.registers & 7, node.registers >> 4 & 7);
        match node.op {
            op::TEST => self.test(node),
            op::TEST_REGISTER => comparison(&format!("r{to}"), node, 0),
            op::LOAD => format!("r{to} = {}", self.place(node)),
            op::LOAD_INDEXED => format!("r{to} = {} + r{from}", self.place(node)),
            op::SET => format!("r{to} = {}", node.low),
            op::ALU => format!("r{to} {}= r{from}", operator(node.low)),
            op::GREATER => format!("r{to} > r{from}"),
            op::LAYER if node.offset == 0 => "turn back to the outermost packet".to_owned(),
            op::LAYER => "turn to the packet inside".to_owned(),
            other => format!("unknown operation {other}"),
        }
    }

    fn test(&self, node: &Node) -> String {
        if node.on_true == node.on_false {
            return format!("{} is there", self.place(node));
        }
        match (base::kind(node.base), node.offset) {
            (base::FIELD, field::FUNCTIONS) if node.low == node.high => {
                let bit = node.mask.trailing_zeros() as usize;
                let name = self.bound.functions.get(bit).map_or("?", |(pattern, _)| pattern);
                format!("func {}= {name}", if node.low == 0 { "!" } else { "" })
            }
            (base::FIELD, field::KIND) if (node.low, node.high) == (kind::DROP.into(), kind::DROP.into()) => {
                "the hit is a drop".to_owned()
            }
            (base::FIELD, field::IFNAME..field::COUNT) if node.mask == u32::MAX => {
                format!("{} = {}", self.place(node), letters(node.low, node.high))
            }
            _ => comparison(
                &self.place(node),
                node,
                if is_number(node) { 0 } else { 32 - 8 * u32::from(node.width & 7) },
            ),
        }
    }

    fn place(&self, node: &Node) -> String {
        let name = match base::kind(node.base) {
            base::FIELD => field_name(node.offset),
            base::LINK => "link",
            base::NETWORK => "network",
            base::CHAIN => {
                let chain = self.bound.chains.get(node.offset as usize / 2).map_or("?", |(text, _)| text);
                return format!("{chain}{}", if node.offset % 2 == 1 { " >> 32" } else { "" });
            }
            _ => "transport",
        };
        let behind = match base::tags(node.base) {
            0 => String::new(),
            tags => format!("@{tags}"),
        };
        match node.offset {
            offset @ field::IFNAME..field::COUNT if is_number(node) => {
                let first = if offset < field::COMM { field::IFNAME } else { field::COMM };
                format!("{name}[{}:4]", 4 * (offset - first))
            }
            _ if is_number(node) => format!("{name}{behind}"),
            offset => format!("{name}{behind}[{}:{}]", offset as i32, node.width),
        }
    }
}

/// Letters of a name: the ones that a range of numbers has in common.
fn letters(low: u32, high: u32) -> String {
    let common = ((low ^ high).leading_zeros() / 8) as usize;
    let bytes = &low.to_be_bytes()[..common];
    format!("\"{}\"{}", bytes.escape_ascii(), if common < 4 && !bytes.ends_with(&[0]) { "…" } else { "" })
}

fn branches(node: &Node) -> bool {
    let can =
        matches!(node.op, op::TEST | op::TEST_REGISTER | op::GREATER) || (node.op == op::LAYER && node.offset != 0);
    can && node.on_true != node.on_false
}

/// `network[12:4] = 0xa000001`
fn comparison(subject: &str, node: &Node, shift: u32) -> String {
    let shift = shift & 31;
    let largest = u32::MAX >> shift;
    let (mask, low, high) = (node.mask >> shift, node.low >> shift, node.high >> shift);
    let masked = if mask == largest { subject.to_owned() } else { format!("{subject} & {mask:#x}") };
    match (low, high) {
        (low, high) if low == high => format!("{masked} = {low:#x}"),
        (low, high) if high >= largest => format!("{masked} >= {low:#x}"),
        (0, high) => format!("{masked} <= {high:#x}"),
        (low, high) => format!("{masked} in {low:#x}-{high:#x}"),
    }
}

fn is_number(node: &Node) -> bool {
    base::is_number(node.base)
}

fn field_name(number: u32) -> &'static str {
    match number {
        field::NETNS => "netns",
        field::IFINDEX => "ifindex",
        field::MARK => "mark",
        field::PID => "pid",
        field::LENGTH => "len",
        field::PROTOCOL => "protocol",
        field::VLAN => "vlan",
        field::KIND => "kind",
        field::REASON => "reason",
        field::FUNCTIONS => "functions",
        field::IFNAME..field::COMM => "ifname",
        field::COMM..field::COUNT => "comm",
        _ => "unknown field",
    }
}

fn operator(number: u32) -> &'static str {
    match number {
        alu::ADD => "+",
        alu::SUB => "-",
        alu::MUL => "*",
        alu::DIV => "/",
        alu::MOD => "%",
        alu::AND => "&",
        alu::OR => "|",
        alu::XOR => "^",
        alu::SHL => "<<",
        _ => ">>",
    }
}

fn target(number: u16) -> String {
    target_end(number).map_or_else(|| number.to_string(), str::to_owned)
}

fn target_end(number: u16) -> Option<&'static str> {
    match number {
        ACCEPT => Some("match"),
        REJECT => Some("no match"),
        _ => None,
    }
}

/// Most nodes that one packet can take. Targets lie ahead, so the last node is looked at first.
fn longest_way(nodes: &[Node], entry: u32) -> usize {
    let mut longest = vec![0; nodes.len()];
    for (index, node) in nodes.iter().enumerate().rev() {
        let behind = |target: u16| longest.get(usize::from(target)).copied().unwrap_or(0);
        longest[index] = 1 + behind(node.on_true).max(behind(node.on_false));
    }
    longest.get(entry as usize).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::{Request, compile};
    use super::*;

    fn explained(expression: &str) -> String {
        let request = Request { expression, mark: Some((5, 0xff)), ..Request::default() };
        explain(&compile(&request).expect("a sound expression"))
    }

    #[test]
    fn text() {
        let text = "  0  mark & 0xff = 0x5                        1 else no match\n  \
              1  protocol = 0x800                         2 else no match\n  \
              2  network[9:1] = 0x6                       3 else no match\n  \
              3  network[6:2] & 0x1fff = 0x0              4 else no match\n  \
              4  transport[13:1] & 0x2 = 0x0              no match else match\n\
            5 tests in 5 nodes, at most 5 nodes for a packet\n";
        assert_eq!(explained("tcp[tcpflags] & tcp-syn != 0"), text);
        let text = "  0  mark & 0xff = 0x5                        1 else no match\n  \
              1  vlan & 0x80000fff = 0x80000007           2 else no match\n  \
              2  protocol@1 = 0x800                       3 else no match\n  \
              3  r0 = network@1[0:1]                      4\n  \
              4  r1 = network@1[1:1]                      5\n  \
              5  r0 > r1                                  match else no match\n\
            4 tests in 6 nodes, at most 6 nodes for a packet\n";
        assert_eq!(explained("vlan 7 and ip[0] > ip[1]"), text);
        let text = "  0  mark & 0xff = 0x5                        1 else no match\n  \
              1  func != ip_(rcv|output)                  no match else 2\n  \
              2  ifname[0:4] = \"veth\"                     3 else 4\n  \
              3  ifname[4:4] = \"\\x00\"                     no match else 4\n  \
              4  protocol = 0x800                         5 else no match\n  \
              5  network[9:1] = 0x11                      6 else no match\n  \
              6  turn to the packet inside                7 else no match\n  \
              7  protocol = 0x806                         8 else no match\n  \
              8  turn back to the outermost packet        9\n  \
              9  network[8:1] = 0x1                       no match else match\n\
            9 tests in 10 nodes, at most 10 nodes for a packet\n";
        let expression = "ip proto 17 and inner(arp) and ip[8] != 1 and func ip_(rcv|output) and ifname != veth";
        assert_eq!(explained(expression), text);
        let compiled = compile(&Request::default()).expect("an empty expression");
        assert_eq!(explain(&compiled), "every packet: match\n");
    }
}
