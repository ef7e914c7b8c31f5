//! Conditions: `and`, `or`, `not`, parentheses, and which qualifiers a bare operand inherits.
//!
//! `and` and `or` bind equally and from the left, as in pcap-filter(7). A parenthesis may hold a condition or a number
//! (`(ip[0] & 15) * 4 > 20`), and which of them shows only behind it: hence [`Parsed`].

use std::ops::Range;

use super::lexer::{self, Kind, Token};
use super::words;
use super::{MAX_DEPTH, MAX_LENGTH, MAX_VALUES, Node, NodeId, Operand, Primitive, Qualifiers, Tree, Value, ValueId};
use crate::filter::error::{Error, Problem, abridged};

/// Parses a whole expression.
pub(crate) fn parse(expression: &str) -> Result<Tree<'_>, Error> {
    let mut parser = Parser::new(expression)?;
    parser.tree.root = parser.whole()?;
    Ok(parser.tree)
}

/// The same of an expression that speaks of the packet inside, as if `inner(…)` stood around it.
pub(crate) fn parse_inside(expression: &str) -> Result<Tree<'_>, Error> {
    let mut parser = Parser::new(expression)?;
    parser.push(Node::Enter);
    parser.layers = 1;
    if let Some(inner) = parser.whole()? {
        parser.tree.root = Some(parser.push(Node::Inner { inner, depth: 1 }));
    }
    Ok(parser.tree)
}

/// What turned out to stand at a place.
pub(super) enum Parsed {
    Condition(NodeId),
    /// A number or a calculation without a comparison, and where it stands.
    Value(ValueId, Range<usize>),
}

/// Reads tokens from left to right.
pub(super) struct Parser<'a> {
    expression: &'a str,
    tokens: Vec<Token<'a>>,
    next: usize,
    pub(super) tree: Tree<'a>,
    /// Qualifiers of the last operand, which a bare operand takes over (`port 80 or 443`).
    pub(super) inherited: Option<Qualifiers>,
    depth: usize,
    /// How many `inner` the text is inside of.
    pub(super) layers: u8,
}

impl<'a> Parser<'a> {
    fn new(expression: &'a str) -> Result<Self, Error> {
        if expression.len() > MAX_LENGTH {
            let problem = Problem::TooLarge(format!("{} bytes, at most {MAX_LENGTH} are taken", expression.len()));
            return Err(Error::new(problem, expression, 0..0));
        }
        let tokens = lexer::tokens(expression)?;
        Ok(Self { expression, tokens, next: 0, tree: Tree::default(), inherited: None, depth: 0, layers: 0 })
    }

    /// All that there is; none for an empty expression.
    fn whole(&mut self) -> Result<Option<NodeId>, Error> {
        if self.peek().kind == Kind::End {
            return Ok(None);
        }
        let root = self.whole_condition()?;
        match self.peek().kind {
            Kind::End => Ok(Some(root)),
            _ => Err(self.misspelled().unwrap_or_else(|| self.unexpected("`and`, `or` or the end"))),
        }
    }

    /// An expression that must be a condition.
    pub(super) fn whole_condition(&mut self) -> Result<NodeId, Error> {
        let whole = self.expression()?;
        self.condition(whole)
    }

    /// Terms joined by `and` and `or`.
    pub(super) fn expression(&mut self) -> Result<Parsed, Error> {
        let mut left = self.term()?;
        while let Some(join) = self.accept_join() {
            let first = self.condition(left)?;
            let second = self.term()?;
            let second = self.condition(second)?;
            left = Parsed::Condition(self.push(join(first, second)));
        }
        Ok(left)
    }

    fn term(&mut self) -> Result<Parsed, Error> {
        if !self.peek_negation() {
            return self.primitive();
        }
        let negated = self.accept_negations();
        let inner = self.primitive()?;
        let inner = self.condition(inner)?;
        Ok(Parsed::Condition(if negated { self.push(Node::Not(inner)) } else { inner }))
    }

    /// A condition or value in parentheses; a value may go on behind them.
    pub(super) fn group(&mut self) -> Result<Parsed, Error> {
        let before = self.inherited;
        let start = self.open()?.start;
        let inner = self.expression()?;
        self.close(")")?;
        match inner {
            Parsed::Condition(node) => {
                self.inherited = before;
                self.compare_group(node)?;
                Ok(inner)
            }
            Parsed::Value(value, _) => self.comparison(Some(value), start),
        }
    }

    /// Makes a condition of what was parsed: a bare number becomes an operand where qualifiers are inherited.
    fn condition(&mut self, parsed: Parsed) -> Result<NodeId, Error> {
        let (value, place) = match parsed {
            Parsed::Condition(node) => return Ok(node),
            Parsed::Value(value, place) => (value, place),
        };
        if let (Value::Number(number), Some(qualifiers)) = (self.tree.values[value], self.inherited) {
            let primitive = Primitive::Qualified { qualifiers, operand: Operand::Number(number) };
            return Ok(self.push(Node::Primitive { primitive, place }));
        }
        let found = &self.expression[place.clone()];
        let problem = Problem::Senseless(format!("`{}` is a number, not a condition", abridged(found)));
        Err(self.error(problem, place).expecting("a comparison (`=`, `!=`, `<`, …), or `port`, `host`, … before it"))
    }

    /// `and` or `or`, as the node it makes.
    pub(super) fn accept_join(&mut self) -> Option<fn(NodeId, NodeId) -> Node<'a>> {
        let token = self.peek();
        let join: fn(NodeId, NodeId) -> Node<'a> = match token {
            _ if token.is("and") || token.is("&&") => Node::And,
            _ if token.is("or") || token.is("||") => Node::Or,
            _ => return None,
        };
        self.next += 1;
        Some(join)
    }

    pub(super) fn peek_negation(&self) -> bool {
        self.peek().is("not") || self.peek().is("!")
    }

    /// Skips any number of `not`; whether what follows is negated.
    pub(super) fn accept_negations(&mut self) -> bool {
        let mut negated = false;
        while self.peek_negation() {
            negated = !negated;
            self.next += 1;
        }
        negated
    }

    pub(super) fn peek(&self) -> Token<'a> {
        self.peek_at(0)
    }

    /// The token `ahead` tokens further on; the end, where there are not that many.
    pub(super) fn peek_at(&self, ahead: usize) -> Token<'a> {
        self.tokens[(self.next + ahead).min(self.tokens.len() - 1)]
    }

    pub(super) fn advance(&mut self) -> Token<'a> {
        let token = self.peek();
        self.next += 1;
        token
    }

    pub(super) fn accept(&mut self, text: &str) -> bool {
        let found = self.peek().is(text);
        self.next += usize::from(found);
        found
    }

    /// Steps into a parenthesis or bracket.
    pub(super) fn open(&mut self) -> Result<Token<'a>, Error> {
        let token = self.advance();
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let problem = Problem::TooLarge(format!("parentheses nest more than {MAX_DEPTH} deep"));
            return Err(self.error(problem, token.place()));
        }
        Ok(token)
    }

    /// Steps out of it.
    pub(super) fn close(&mut self, sign: &str) -> Result<(), Error> {
        if !self.accept(sign) {
            return Err(self.unexpected(&format!("`{sign}`")));
        }
        self.depth -= 1;
        Ok(())
    }

    pub(super) fn push(&mut self, node: Node<'a>) -> NodeId {
        self.tree.nodes.push(node);
        self.tree.nodes.len() - 1
    }

    pub(super) fn push_value(&mut self, value: Value) -> Result<ValueId, Error> {
        if self.tree.values.len() >= MAX_VALUES {
            let problem = Problem::TooLarge(format!("more than {MAX_VALUES} numbers and operators"));
            return Err(self.error(problem, self.peek().place()));
        }
        self.tree.values.push(value);
        Ok(self.tree.values.len() - 1)
    }

    /// The expression from `start` to the end of the last token read.
    pub(super) fn text(&self, start: usize) -> &'a str {
        &self.expression[start..self.end()]
    }

    /// The end of the last token read.
    pub(super) fn end(&self) -> usize {
        self.tokens[self.next - 1].end
    }

    pub(super) fn error(&self, problem: Problem, place: Range<usize>) -> Error {
        Error::new(problem, self.expression, place)
    }

    /// A word that was taken for a name, though something stands behind it that cannot: `src hst 10.0.0.1`.
    fn misspelled(&self) -> Option<Error> {
        let word = self.tokens.get(self.next.checked_sub(1)?).filter(|token| token.kind == Kind::Word)?;
        let nearest = words::nearest(word.text)?;
        let error = self.error(Problem::Unexpected(word.describe()), word.place());
        Some(Error { nearest: Some(nearest), ..error })
    }

    /// The next token is not what can stand there.
    pub(super) fn unexpected(&self, expected: &str) -> Error {
        let token = self.peek();
        if let Kind::Long(_) = token.kind {
            let problem = Problem::Number(format!("`{}` is larger than 32 bits", abridged(token.text)));
            return self.error(problem, token.place());
        }
        let nearest = if token.kind == Kind::Word { words::nearest(token.text) } else { None };
        let error = self.error(Problem::Unexpected(token.describe()), token.place()).expecting(expected);
        Error { nearest, ..error }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Relation, Value};
    use super::*;
    use crate::filter::keys::Constant;

    /// The tree in full parentheses.
    fn show(tree: &Tree<'_>, node: NodeId) -> String {
        match &tree.nodes[node] {
            Node::And(left, right) => format!("({} and {})", show(tree, *left), show(tree, *right)),
            Node::Or(left, right) => format!("({} or {})", show(tree, *left), show(tree, *right)),
            Node::Not(inner) => format!("!{}", show(tree, *inner)),
            Node::Enter => "enter".to_owned(),
            Node::Inner { inner, depth } => format!("inner{depth}({})", show(tree, *inner)),
            Node::Primitive { primitive: Primitive::Key { key, asked }, .. } => {
                let constant =
                    |constant: &Constant<'_>| format!("{}{}", if constant.negative { "-" } else { "" }, constant.text);
                let mask = asked.mask.as_ref().map(|mask| format!(" & {}", constant(mask))).unwrap_or_default();
                let relation = asked.relation.map(|relation| format!(" {relation:?}")).unwrap_or_default();
                let operand = asked.operand.as_ref().map(|it| format!(" {}", constant(it))).unwrap_or_default();
                format!("{key:?} {}{mask}{relation}{operand}", asked.subject)
            }
            Node::Primitive { primitive: Primitive::Relation { left, relation, right }, .. } => {
                format!(
                    "{} {} {}",
                    value(tree, *left),
                    if *relation == Relation::Equal { "=" } else { "?" },
                    value(tree, *right)
                )
            }
            Node::Primitive { primitive: Primitive::Qualified { qualifiers, operand }, .. } => {
                let operand = match operand {
                    Operand::Number(number) => number.to_string(),
                    Operand::Name(name) => (*name).to_owned(),
                    Operand::Inet4 { address, mask, .. } => format!("{address:x}/{mask:x}"),
                    Operand::Inet6 { address, length, .. } => format!("{address}/{length}"),
                    Operand::Mac(address) => format!("{address:x?}"),
                };
                let Qualifiers { protocol, direction, what } = qualifiers;
                let words = [
                    protocol.map(|it| format!("{it:?}")),
                    direction.map(|it| format!("{it:?}")),
                    Some(format!("{what:?}")),
                ];
                format!("{} {operand}", words.into_iter().flatten().collect::<Vec<_>>().join(" "))
            }
            Node::Primitive { primitive, .. } => format!("{primitive:?}"),
        }
    }

    fn value(tree: &Tree<'_>, id: ValueId) -> String {
        match tree.values[id] {
            Value::Number(number) => number.to_string(),
            Value::Length => "len".to_owned(),
            Value::Load { protocol, index, width } => format!("{protocol:?}[{}:{width}]", value(tree, index)),
            Value::Negate(inner) => format!("-{}", value(tree, inner)),
            Value::Binary { operator, left, right } => {
                format!("({} {operator:?} {})", value(tree, left), value(tree, right))
            }
        }
    }

    fn parsed(expression: &str) -> String {
        match parse(expression) {
            Ok(tree) => tree.root.map_or_else(String::new, |root| show(&tree, root)),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn trees() {
        let cases = [
            ("", ""),
            ("  ", ""),
            ("port 80 or 443", "(Port 80 or Port 443)"),
            (
                "tcp dst port ssh or http and not 22",
                "((Tcp Destination Port ssh or Tcp Destination Port http) and !Tcp Destination Port 22)",
            ),
            ("src or dst net 10", "Either Net 10"),
            ("src and dst 10.1", "Both Default a010000/ffff0000"),
            ("dst && src host 10.1", "Both Host a010000/ffff0000"),
            ("net 10.1.0.0/16 || 10.2 mask 255.255", "(Net a010000/ffff0000 or Net a020000/ffff0000)"),
            ("host ::1 and ! fe80::1", "(Host ::1/128 and !Host fe80::1/128)"),
            ("host not (1.1 or not 2.2)", "!(Host 1010000/ffff0000 or !Host 2020000/ffff0000)"),
            ("port 80 or (443 or 22)", "(Port 80 or (Port 443 or Port 22))"),
            ("port 80 and (not host 10.1) or 443", "((Port 80 and !Host a010000/ffff0000) or Port 443)"),
            ("not not not (tcp)", "!Protocol(Tcp)"),
            ("proto \\tcp or 17", "(Protocol tcp or Protocol 17)"),
            ("ether host 1:2:3:4:5:6", "Link Host [1, 2, 3, 4, 5, 6]"),
            (
                "vlan (5) and vlan and mpls 7 and llc and llc ui",
                "((((Vlan(Some(5)) and Vlan(None)) and Mpls(Some(7))) and Llc(None)) and Llc(Some(\"ui\")))",
            ),
            ("ip broadcast or multicast", "(Broadcast(Some(Ip)) or Multicast(None))"),
            ("(ip[0] & 15) * 4 = len", "((Ip[0:1] And 15) Multiply 4) = len"),
            ("tcp[tcpflags] & (tcp-syn|tcp-fin) = tcp-syn", "(Tcp[13:1] And (2 Or 1)) = 2"),
            ("1 + 2 * 3 - 4 << 5 & 6 | 7 = 0", "(((((1 Add (2 Multiply 3)) Subtract 4) ShiftLeft 5) And 6) Or 7) = 0"),
            ("6 % 4 * 2 ^ 1 + 1 = - 5 % 2", "(6 Remainder (4 Multiply (2 Xor (1 Add 1)))) = -(5 Remainder 2)"),
            (
                "netns web and (ifname == e* or not comm != \"a b\")",
                "(netns netns web and (ifname ifname Equal e* or !comm comm NotEqual a b))",
            ),
            (
                "mark & 0xff == 3 or mark 5/7 or mark -1",
                "((mark mark & 0xff Equal 3 or mark mark & 7 5) or mark mark -1)",
            ),
            ("drop and drop X or drop != 5", "((drop drop and drop drop X) or drop drop NotEqual 5)"),
            ("skb->a.b[1] & 3 >= -5 or not skb->sk", "(skb->… skb->a.b[1] & 3 GreaterEqual -5 or !skb->… skb->sk)"),
            ("(skb->a & 3) = T and ((skb->b) < 1)", "(skb->… skb->a & 3 Equal T and skb->… skb->b Less 1)"),
            (
                "port 80 or inner(host 10.1 or inner(tcp) and 10.2)",
                "(Port 80 or inner1(((Host a010000/ffff0000 or inner2(Protocol(Tcp))) and Host a020000/ffff0000)))",
            ),
            ("not ip[ip[1:2]:4] = 5", "!Ip[Ip[1:2]:4] = 5"),
        ];
        for (expression, expected) in cases {
            assert_eq!(parsed(expression), expected, "{expression}");
        }
    }
}
