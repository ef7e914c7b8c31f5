//! A program in readable form: one line a test, and what it amounts to.

use std::fmt::Write;

use tracer_common::predicate::{ACCEPT, Node, Program, REJECT, alu, base, field, op};

/// The nodes of `program`, one a line, and a last line that counts them.
pub fn explain(program: &Program) -> String {
    let nodes = &program.nodes[..(program.count as usize).min(program.nodes.len())];
    let mut text = String::new();
    for (index, node) in nodes.iter().enumerate() {
        let targets = if branches(node) {
            format!("{} else {}", target(node.on_true), target(node.on_false))
        } else {
            target(node.on_true)
        };
        let _ = writeln!(text, "{index:>3}  {:<40} {targets}", operation(node));
    }
    let tests = nodes.iter().filter(|node| branches(node)).count();
    let steps = longest_way(nodes, program.entry);
    let _ = match target_end(program.entry as u16) {
        Some(end) if nodes.is_empty() => writeln!(text, "every packet: {end}"),
        _ => writeln!(text, "{tests} tests in {} nodes, at most {steps} nodes for a packet", nodes.len()),
    };
    text
}

fn branches(node: &Node) -> bool {
    matches!(node.op, op::TEST | op::TEST_REGISTER | op::GREATER) && node.on_true != node.on_false
}

fn operation(node: &Node) -> String {
    let (to, from) = (node.registers & 7, node.registers >> 4 & 7);
    match node.op {
        op::TEST => comparison(&place(node), node, if is_field(node) { 0 } else { 32 - 8 * u32::from(node.width & 7) }),
        op::TEST_REGISTER => comparison(&format!("r{to}"), node, 0),
        op::LOAD => format!("r{to} = {}", place(node)),
        op::LOAD_INDEXED => format!("r{to} = {} + r{from}", place(node)),
        op::SET => format!("r{to} = {}", node.low),
        op::ALU => format!("r{to} {}= r{from}", operator(node.low)),
        op::GREATER => format!("r{to} > r{from}"),
        other => format!("unknown operation {other}"),
    }
}

/// `network[12:4] = 0xa000001`
fn comparison(subject: &str, node: &Node, shift: u32) -> String {
    let shift = shift & 31;
    let largest = u32::MAX >> shift;
    let (mask, low, high) = (node.mask >> shift, node.low >> shift, node.high >> shift);
    let masked = if mask == largest { subject.to_owned() } else { format!("{subject} & {mask:#x}") };
    match (low, high) {
        _ if node.on_true == node.on_false => format!("{subject} is there"),
        (low, high) if low == high => format!("{masked} = {low:#x}"),
        (low, high) if high >= largest => format!("{masked} >= {low:#x}"),
        (0, high) => format!("{masked} <= {high:#x}"),
        (low, high) => format!("{masked} in {low:#x}-{high:#x}"),
    }
}

fn is_field(node: &Node) -> bool {
    base::kind(node.base) == base::FIELD
}

fn place(node: &Node) -> String {
    let name = match base::kind(node.base) {
        base::FIELD => field_name(node.offset),
        base::LINK => "link",
        base::NETWORK => "network",
        _ => "transport",
    };
    let behind = match base::tags(node.base) {
        0 => String::new(),
        tags => format!("@{tags}"),
    };
    if is_field(node) {
        return format!("{name}{behind}");
    }
    format!("{name}{behind}[{}:{}]", node.offset as i32, node.width)
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
        explain(&compile(&request).expect("a sound expression").program)
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
        assert_eq!(explain(&Program::constant(ACCEPT)), "every packet: match\n");
    }
}
