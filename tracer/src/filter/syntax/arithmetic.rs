//! Arithmetic and comparisons.
//!
//! Precedence, weakest first: `|`, `&`, `<< >>`, `+ -`, `* /`, unary `-`. libpcap gives `%` and `^` none at all, so that
//! they bind stronger than everything on their left and weaker than everything on their right: `2 * 7 % 4 + 1` is
//! `2 * (7 % (4 + 1))`. So it is here.

use std::ops::Range;

use super::lexer::Kind;
use super::parser::{Parsed, Parser};
use super::words::{self, Protocol};
use super::{Node, Operator, Primitive, Relation, Value, ValueId};
use crate::filter::error::{Error, Problem};

const VALUE: &str = "a number, `len` or packet bytes such as `ip[0]`";

/// An operator whose right side is not complete yet.
#[derive(Clone, Copy)]
enum Pending {
    Negate,
    Binary(Operator),
}

impl Parser<'_> {
    /// A value that starts at `start`, of which `first` may be read already, and the comparison behind it, if there is
    /// one.
    pub(super) fn comparison(&mut self, first: Option<ValueId>, start: usize) -> Result<Parsed, Error> {
        let left = self.arithmetic(first)?;
        let Some(relation) = relation(self.peek().text).filter(|_| self.peek().kind == Kind::Sign) else {
            return Ok(Parsed::Value(left, start..self.end()));
        };
        self.advance();
        let right = self.arithmetic(None)?;
        self.inherited = None;
        let primitive = Primitive::Relation { left, relation, right };
        let place: Range<usize> = start..self.end();
        Ok(Parsed::Condition(self.push(Node::Primitive { primitive, place })))
    }

    fn arithmetic(&mut self, first: Option<ValueId>) -> Result<ValueId, Error> {
        let mut pending = Vec::new();
        let mut values = Vec::new();
        let mut operand = first;
        loop {
            let value = match operand.take() {
                Some(value) => value,
                None => self.signed_operand(&mut pending)?,
            };
            values.push(value);
            let Some(next) = operator(self.peek().text).filter(|_| self.peek().kind == Kind::Sign) else { break };
            self.advance();
            while pending.last().is_some_and(|last| binds_before(*last, next)) {
                self.apply(&mut pending, &mut values)?;
            }
            pending.push(Pending::Binary(next));
        }
        while !pending.is_empty() {
            self.apply(&mut pending, &mut values)?;
        }
        values.pop().ok_or_else(|| self.unexpected(VALUE))
    }

    fn signed_operand(&mut self, pending: &mut Vec<Pending>) -> Result<ValueId, Error> {
        while self.accept("-") {
            pending.push(Pending::Negate);
        }
        let token = self.peek();
        match token.kind {
            Kind::Number(number) => {
                self.advance();
                self.push_value(Value::Number(number))
            }
            Kind::Sign if token.is("(") => {
                self.open()?;
                let value = self.arithmetic(None)?;
                self.close(")")?;
                Ok(value)
            }
            Kind::Word => self.named_operand(token.text),
            _ => Err(self.unexpected(VALUE)),
        }
    }

    fn named_operand(&mut self, word: &str) -> Result<ValueId, Error> {
        if let Some(protocol) = words::find(words::PROTOCOLS, word).filter(|_| self.peek_at(1).is("[")) {
            self.advance();
            return self.load(protocol);
        }
        if !matches!(word, "len" | "length") {
            return Err(self.unexpected(VALUE));
        }
        self.advance();
        self.push_value(Value::Length)
    }

    /// `[index]` or `[index:width]`
    fn load(&mut self, protocol: Protocol) -> Result<ValueId, Error> {
        self.open()?;
        let index = self.arithmetic(None)?;
        let width = if self.accept(":") { self.width()? } else { 1 };
        self.close("]")?;
        self.push_value(Value::Load { protocol, index, width })
    }

    fn width(&mut self) -> Result<u8, Error> {
        let token = self.peek();
        match token.kind {
            Kind::Number(width @ (1 | 2 | 4)) => {
                self.advance();
                Ok(width as u8)
            }
            Kind::Number(width) => {
                let problem = Problem::Number(format!("{width} bytes cannot be loaded at once"));
                Err(self.error(problem, token.place()).expecting("1, 2 or 4"))
            }
            _ => Err(self.unexpected("a number of bytes: 1, 2 or 4")),
        }
    }

    fn apply(&mut self, pending: &mut Vec<Pending>, values: &mut Vec<ValueId>) -> Result<(), Error> {
        let (Some(operator), Some(right)) = (pending.pop(), values.pop()) else { return Ok(()) };
        let value = match (operator, values.last().copied()) {
            (Pending::Binary(operator), Some(left)) => {
                values.pop();
                Value::Binary { operator, left, right }
            }
            _ => Value::Negate(right),
        };
        values.push(self.push_value(value)?);
        Ok(())
    }
}

/// Whether `left` is calculated before an operator that follows its right side.
fn binds_before(left: Pending, next: Operator) -> bool {
    let rank = match left {
        Pending::Negate => Some(6),
        Pending::Binary(operator) => rank(operator),
    };
    rank.zip(self::rank(next)).is_some_and(|(left, next)| left >= next)
}

fn rank(operator: Operator) -> Option<u8> {
    match operator {
        Operator::Or => Some(1),
        Operator::And => Some(2),
        Operator::ShiftLeft | Operator::ShiftRight => Some(3),
        Operator::Add | Operator::Subtract => Some(4),
        Operator::Multiply | Operator::Divide => Some(5),
        Operator::Remainder | Operator::Xor => None,
    }
}

fn operator(sign: &str) -> Option<Operator> {
    Some(match sign {
        "+" => Operator::Add,
        "-" => Operator::Subtract,
        "*" => Operator::Multiply,
        "/" => Operator::Divide,
        "%" => Operator::Remainder,
        "&" => Operator::And,
        "|" => Operator::Or,
        "^" => Operator::Xor,
        "<<" => Operator::ShiftLeft,
        ">>" => Operator::ShiftRight,
        _ => return None,
    })
}

pub(super) fn relation(sign: &str) -> Option<Relation> {
    Some(match sign {
        "=" | "==" => Relation::Equal,
        "!=" => Relation::NotEqual,
        "<" => Relation::Less,
        "<=" => Relation::LessEqual,
        ">" => Relation::Greater,
        ">=" => Relation::GreaterEqual,
        _ => return None,
    })
}
