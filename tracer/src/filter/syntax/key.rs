//! Conditions on what is not in the packet: a key, what it is compared with, and how; and `inner(…)`.

use super::arithmetic::relation;
use super::lexer::{Kind, Token};
use super::parser::{Parsed, Parser};
use super::{Node, NodeId, Primitive, Relation};
use crate::filter::error::{Error, Problem};
use crate::filter::graph::subject::MOST_LAYERS;
use crate::filter::keys::{Asked, Constant, Key, Operand};

impl<'a> Parser<'a> {
    /// `key [& mask] [relation] [operand]`, where the key's kind of operand allows it.
    pub(super) fn key(&mut self, key: &'static Key, first: Token<'a>) -> Result<Parsed, Error> {
        self.advance();
        let mut asked = Asked { subject: first.text, mask: None, relation: None, operand: None };
        if key.operand.is_number() && self.accept("&") {
            asked.mask = Some(self.key_number("a mask")?);
        }
        self.compare_key(key, &mut asked)?;
        if key.operand == Operand::Number && asked.operand.is_some() && asked.mask.is_none() && self.accept("/") {
            asked.mask = Some(self.key_number("a mask")?);
        }
        Ok(self.finish(Primitive::Key { key, asked }, first))
    }

    /// The comparison behind `(skb->mark & 0xf)`: parentheses that C needs, and that mean nothing here.
    pub(super) fn compare_group(&mut self, node: NodeId) -> Result<(), Error> {
        let Node::Primitive { primitive: Primitive::Key { key, asked }, place } = &self.tree.nodes[node] else {
            return Ok(());
        };
        let (key, mut asked, start) = (*key, *asked, place.start);
        if !key.operand.is_number() || asked.relation.is_some() || asked.operand.is_some() {
            return Ok(());
        }
        self.compare_key(key, &mut asked)?;
        let place = start..self.end();
        self.tree.nodes[node] = Node::Primitive { primitive: Primitive::Key { key, asked }, place };
        Ok(())
    }

    fn compare_key(&mut self, key: &Key, asked: &mut Asked<'a>) -> Result<(), Error> {
        let token = self.peek();
        let found = relation(token.text).filter(|_| token.kind == Kind::Sign);
        if found.is_some_and(|found| !key.operand.is_number() && !is_equality(found)) {
            return Err(self.unexpected("`==` or `!=`"));
        }
        if found.is_some() {
            self.advance();
        }
        asked.relation = found;
        let (next, wanted) = (self.peek(), key.wanted);
        asked.operand = match (key.operand, next.kind) {
            (Operand::Text, Kind::Text) => Some(self.key_name()),
            (Operand::Text, _) => return Err(self.unexpected(wanted)),
            (Operand::Name, _) if is_name(next) => Some(self.key_name()),
            (Operand::Name, Kind::Number(_)) => Some(self.key_number(wanted)?),
            (Operand::Member, _) if found.is_some() && is_name(next) => Some(self.key_name()),
            (Operand::Name | Operand::Member, _) if found.is_none() => None,
            (Operand::Number, _) if found.is_none() && asked.mask.is_some() => None,
            _ => Some(self.key_number(wanted)?),
        };
        Ok(())
    }

    fn key_name(&mut self) -> Constant<'a> {
        Constant { text: self.advance().text, number: None, negative: false }
    }

    /// A number of up to 64 bits with its sign.
    fn key_number(&mut self, wanted: &str) -> Result<Constant<'a>, Error> {
        let negative = self.accept("-");
        let token = self.peek();
        let digits = matches!(token.kind, Kind::Mac(_)) && token.text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits && !matches!(token.kind, Kind::Number(_) | Kind::Long(_)) {
            return Err(self.unexpected(wanted));
        }
        self.advance();
        let number = match token.kind {
            Kind::Number(number) => Some(u64::from(number)),
            Kind::Long(number) => Some(number),
            // Twelve digits look like a link-layer address.
            _ => token.text.parse().ok(),
        };
        Ok(Constant { text: token.text, number, negative })
    }

    /// `inner(…)`
    pub(super) fn inner(&mut self) -> Result<Parsed, Error> {
        let word = self.advance();
        if !self.peek().is("(") {
            return Err(self.unexpected("`(` and a condition on the packet inside"));
        }
        if self.layers == MOST_LAYERS {
            let problem = Problem::TooLarge(format!("more than {MOST_LAYERS} packets inside of each other"));
            return Err(self.error(problem, word.place()));
        }
        self.open()?;
        self.layers += 1;
        let before = self.inherited.take();
        self.push(Node::Enter);
        let inner = self.whole_condition()?;
        self.close(")")?;
        let depth = self.layers;
        self.layers -= 1;
        self.inherited = before;
        Ok(Parsed::Condition(self.push(Node::Inner { inner, depth })))
    }
}

fn is_equality(relation: Relation) -> bool {
    matches!(relation, Relation::Equal | Relation::NotEqual)
}

fn is_name(token: Token<'_>) -> bool {
    let joins = ["and", "or", "not"].iter().any(|word| token.is(word));
    matches!(token.kind, Kind::Word | Kind::Escaped) && !joins
}
