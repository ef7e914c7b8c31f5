//! Primitives: qualifiers and their operands, and the words that stand for themselves.

use super::lexer::{Kind, Token};
use super::parser::{Parsed, Parser};
use super::words::{self, Direction, Protocol, What};
use super::{Node, NodeId, Operand, Primitive, Qualifiers};
use crate::filter::error::{Error, Problem, abridged};
use crate::filter::keys;

const OPERAND: &str = "an address, a number or a name";
const PRIMITIVE: &str = "a condition such as `host`, `port`, `tcp` or `ip[…]`";

impl<'a> Parser<'a> {
    /// A condition without `and`, `or`, `not`, or a value.
    pub(super) fn primitive(&mut self) -> Result<Parsed, Error> {
        let token = self.peek();
        match token.kind {
            Kind::Sign if token.is("(") => self.group(),
            Kind::Number(_) => self.comparison(None, token.start),
            Kind::Sign if token.is("-") => self.comparison(None, token.start),
            Kind::Word => self.word(token),
            Kind::Chain => self.key(&keys::member::KEY, token),
            Kind::Dotted | Kind::Inet6(_) | Kind::Mac(_) | Kind::Escaped => self.bare_operand(token),
            Kind::Sign | Kind::Text | Kind::Long(_) | Kind::End => Err(self.unexpected(PRIMITIVE)),
        }
    }

    fn word(&mut self, token: Token<'a>) -> Result<Parsed, Error> {
        let word = token.text;
        if direction(word).is_some() || words::find(words::KINDS, word).is_some() {
            return self.qualified(None);
        }
        if let Some(protocol) = words::find(words::PROTOCOLS, word) {
            return self.protocol(protocol, token);
        }
        if matches!(word, "len" | "length") {
            return self.comparison(None, token.start);
        }
        if let Some(key) = keys::find(word) {
            return self.key(key, token);
        }
        if word == "inner" {
            return self.inner();
        }
        if let Some(reason) = words::find(words::REFUSED, word) {
            return Err(self.error(Problem::Unsupported { word: word.to_owned(), reason }, token.place()));
        }
        match self.standalone(word)? {
            Some(primitive) => Ok(self.finish(primitive, token)),
            None => self.bare_operand(token),
        }
    }

    /// A protocol word, and what may follow it.
    fn protocol(&mut self, protocol: Protocol, token: Token<'a>) -> Result<Parsed, Error> {
        let following = self.peek_at(1);
        if following.is("[") {
            return self.comparison(None, token.start);
        }
        if following.kind == Kind::Word {
            let qualifies = direction(following.text).is_some() || words::find(words::KINDS, following.text).is_some();
            if qualifies || following.is("gateway") {
                self.advance();
                return self.qualified(Some(protocol));
            }
        }
        self.advance();
        let primitive = match following {
            _ if following.is("broadcast") => Primitive::Broadcast(Some(protocol)),
            _ if following.is("multicast") => Primitive::Multicast(Some(protocol)),
            _ => return Ok(self.finish(Primitive::Protocol(protocol), token)),
        };
        self.advance();
        Ok(self.finish(primitive, token))
    }

    /// Words that need no qualifier. The word itself is not read yet; nothing is, where it is none of them.
    fn standalone(&mut self, word: &str) -> Result<Option<Primitive<'a>>, Error> {
        let known = ["broadcast", "multicast", "less", "greater", "vlan", "mpls", "pppoed", "pppoes", "llc"];
        if !known.contains(&word) {
            return Ok(None);
        }
        self.advance();
        Ok(Some(match word {
            "broadcast" => Primitive::Broadcast(None),
            "multicast" => Primitive::Multicast(None),
            "less" => Primitive::Less(self.number("a length in bytes")?),
            "greater" => Primitive::Greater(self.number("a length in bytes")?),
            "vlan" => Primitive::Vlan(self.optional_number()?),
            "mpls" => Primitive::Mpls(self.optional_number()?),
            "pppoed" => Primitive::PppoeDiscovery,
            "pppoes" => Primitive::PppoeSession(self.optional_number()?),
            _ => Primitive::Llc(self.frame_type()),
        }))
    }

    fn number(&mut self, expected: &str) -> Result<u32, Error> {
        let Kind::Number(number) = self.peek().kind else { return Err(self.unexpected(expected)) };
        self.advance();
        Ok(number)
    }

    /// A number, perhaps in parentheses, or nothing.
    fn optional_number(&mut self) -> Result<Option<u32>, Error> {
        let mut parentheses = 0;
        while self.peek_at(parentheses).is("(") {
            parentheses += 1;
        }
        if !matches!(self.peek_at(parentheses).kind, Kind::Number(_)) {
            return Ok(None);
        }
        for _ in 0..parentheses {
            self.open()?;
        }
        let number = self.number("a number")?;
        for _ in 0..parentheses {
            self.close(")")?;
        }
        Ok(Some(number))
    }

    /// The word behind `llc`, unless it joins conditions.
    fn frame_type(&mut self) -> Option<&'a str> {
        let token = self.peek();
        let named = matches!(token.kind, Kind::Word | Kind::Escaped) && !token.is("and") && !token.is("or");
        named.then(|| self.advance().text)
    }

    /// `src or dst`, `net` and the like, up to the operand.
    fn qualified(&mut self, protocol: Option<Protocol>) -> Result<Parsed, Error> {
        let direction = self.direction();
        let token = self.peek();
        let kind = if token.kind == Kind::Word { words::find(words::KINDS, token.text) } else { None };
        if token.is("gateway") {
            let reason = words::find(words::REFUSED, "gateway").unwrap_or_default();
            return Err(self.error(Problem::Unsupported { word: "gateway".to_owned(), reason }, token.place()));
        }
        if direction.is_some() && matches!(kind, Some(What::Protocol | What::ProtocolChain)) {
            return Err(self.unexpected("`host`, `net`, `port`, `portrange` or an address"));
        }
        if kind.is_some() {
            self.advance();
        }
        let qualifiers = Qualifiers { protocol, direction, what: kind.unwrap_or(What::Default) };
        self.operands(qualifiers).map(Parsed::Condition)
    }

    /// `src`, `dst`, or both joined by `and` or `or`.
    fn direction(&mut self) -> Option<Direction> {
        let first = direction(self.peek().text).filter(|_| self.peek().kind == Kind::Word)?;
        self.advance();
        let (join, second) = (self.peek(), self.peek_at(1));
        let other = direction(second.text).filter(|other| second.kind == Kind::Word && *other != first);
        let joined = match join {
            _ if join.is("or") || join.is("||") => Direction::Either,
            _ if join.is("and") || join.is("&&") => Direction::Both,
            _ => return Some(first),
        };
        if other.is_none() {
            return Some(first);
        }
        self.advance();
        self.advance();
        Some(joined)
    }

    /// One operand, negated or not, or several in parentheses.
    fn operands(&mut self, qualifiers: Qualifiers) -> Result<NodeId, Error> {
        let negated = self.accept_negations();
        let node = if self.peek().is("(") { self.operand_group(qualifiers)? } else { self.operand_node(qualifiers)? };
        self.inherited = Some(qualifiers);
        Ok(if negated { self.push(Node::Not(node)) } else { node })
    }

    fn operand_group(&mut self, qualifiers: Qualifiers) -> Result<NodeId, Error> {
        self.open()?;
        let mut left = self.operands(qualifiers)?;
        while let Some(join) = self.accept_join() {
            let right = self.operands(qualifiers)?;
            left = self.push(join(left, right));
        }
        self.close(")")?;
        Ok(left)
    }

    fn operand_node(&mut self, qualifiers: Qualifiers) -> Result<NodeId, Error> {
        let start = self.peek().start;
        let operand = self.operand(qualifiers)?;
        let primitive = Primitive::Qualified { qualifiers, operand };
        Ok(self.push(Node::Primitive { primitive, place: start..self.end() }))
    }

    fn operand(&mut self, qualifiers: Qualifiers) -> Result<Operand<'a>, Error> {
        let token = self.peek();
        let operand = match token.kind {
            Kind::Number(number) => Operand::Number(number),
            Kind::Mac(address) => Operand::Mac(address),
            Kind::Escaped => Operand::Name(token.text),
            Kind::Word if qualifiers.what == What::Protocol || !is_keyword(token.text) => Operand::Name(token.text),
            Kind::Dotted => return self.inet4(),
            Kind::Inet6(_) => return self.inet6(),
            Kind::Word | Kind::Sign | Kind::Text | Kind::Chain | Kind::Long(_) | Kind::End => {
                return Err(self.unexpected(OPERAND));
            }
        };
        self.advance();
        if self.peek().is("/") && matches!(operand, Operand::Number(_)) {
            return Err(match qualifiers.what {
                What::Port | What::PortRange => self.protocol_behind(token),
                _ => self.unexpected("at least two bytes of the address before `/`, as in `10.0/8`"),
            });
        }
        Ok(operand)
    }

    /// `port 80/tcp`, as others write it.
    fn protocol_behind(&self, port: Token<'a>) -> Error {
        let protocol = self.peek_at(1).text;
        let known = ["tcp", "udp", "sctp"].into_iter().find(|known| *known == protocol).unwrap_or("tcp");
        let sentence = format!("a port's protocol stands before it: `{known} port {}`", abridged(port.text));
        self.error(Problem::Senseless(sentence), port.start..self.peek().end)
    }

    /// An operand without qualifiers of its own.
    fn bare_operand(&mut self, token: Token<'a>) -> Result<Parsed, Error> {
        match self.inherited {
            Some(qualifiers) => self.operand_node(qualifiers).map(Parsed::Condition),
            None if token.kind == Kind::Escaped && is_keyword(token.text) => {
                let sentence = format!(
                    "`{0}` in quotes or behind a backslash is a name; the condition is `{0}` without",
                    token.text
                );
                Err(self.error(Problem::Senseless(sentence), token.place()))
            }
            None if token.kind == Kind::Word || token.kind == Kind::Escaped => Err(self.unexpected(PRIMITIVE)),
            None => Err(self.unexpected("`host`, `net`, `src`, … before an address")),
        }
    }

    pub(super) fn finish(&mut self, primitive: Primitive<'a>, first: Token<'a>) -> Parsed {
        self.inherited = None;
        let place = first.start..self.end();
        Parsed::Condition(self.push(Node::Primitive { primitive, place }))
    }
}

fn direction(word: &str) -> Option<Direction> {
    match word {
        "src" => Some(Direction::Source),
        "dst" => Some(Direction::Destination),
        _ => None,
    }
}

fn is_keyword(word: &str) -> bool {
    words::OTHERS.contains(&word)
        || words::find(words::PROTOCOLS, word).is_some()
        || words::find(words::KINDS, word).is_some()
}
