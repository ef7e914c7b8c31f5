//! Relations between packet bytes and numbers.

use tracer_common::predicate::{alu, base, calculate};

use super::guard::{Origin, origin};
use super::registers::Registers;
use super::{Meaning, ethertype, length_field};
use crate::filter::error::Problem;
use crate::filter::graph::set::Set;
use crate::filter::graph::subject::{Condition, Place, Subject};
use crate::filter::syntax::{Operator, Protocol, Relation, Value, ValueId};

impl Meaning<'_> {
    pub(super) fn relation(&self, left: ValueId, relation: Relation, right: ValueId) -> Result<Condition, Problem> {
        let mut members = Vec::new();
        self.guards(left, &mut members)?;
        self.guards(right, &mut members)?;
        let ipv4 = members.contains(&self.layers.ethertype(ethertype::IP)?);
        let values = Values { meaning: self, ipv4 };
        members.push(values.relation(left, relation, right)?);
        Ok(Condition::All(members))
    }
}

/// Makes conditions and calculations of values.
struct Values<'a> {
    meaning: &'a Meaning<'a>,
    /// Guards make sure that it is an IPv4 packet.
    ipv4: bool,
}

/// A value as simple as it can be had.
enum Simple {
    Number(u32),
    Bytes(Place, u32),
    Other,
}

impl Values<'_> {
    fn relation(&self, left: ValueId, relation: Relation, right: ValueId) -> Result<Condition, Problem> {
        match (self.simple(left)?, self.simple(right)?) {
            (Simple::Number(left), Simple::Number(right)) => {
                Ok(Condition::Constant(relation.set(right).contains(left)))
            }
            (Simple::Bytes(place, mask), Simple::Number(number)) => {
                Ok(Condition::masked(place, mask, relation.set(number)))
            }
            (Simple::Number(number), Simple::Bytes(place, mask)) => {
                Ok(Condition::masked(place, mask, mirrored(relation).set(number)))
            }
            (Simple::Other, Simple::Number(number)) => self.compare_with(left, relation.set(number)),
            (Simple::Number(number), Simple::Other) => self.compare_with(right, mirrored(relation).set(number)),
            _ => self.compare(left, relation, right),
        }
    }

    fn compare_with(&self, value: ValueId, set: Set) -> Result<Condition, Problem> {
        let mut registers = Registers::default();
        let register = self.compute(value, &mut registers)?;
        Ok(Condition::Test(Subject::Computed { steps: registers.steps, register }, set))
    }

    fn compare(&self, left: ValueId, relation: Relation, right: ValueId) -> Result<Condition, Problem> {
        let mut registers = Registers::default();
        let left = self.compute(left, &mut registers)?;
        let right = self.compute(right, &mut registers)?;
        if matches!(relation, Relation::Equal | Relation::NotEqual) {
            let register = registers.calculate(alu::XOR, left, right);
            let equal = Condition::Test(Subject::Computed { steps: registers.steps, register }, Set::one(0));
            return Ok(if relation == Relation::Equal { equal } else { equal.not() });
        }
        let (greater, less) = match relation {
            Relation::Greater | Relation::LessEqual => (left, right),
            _ => (right, left),
        };
        let is_greater = Condition::Test(Subject::Greater { steps: registers.steps, greater, less }, Set::one(1));
        let negated = matches!(relation, Relation::LessEqual | Relation::GreaterEqual);
        Ok(if negated { is_greater.not() } else { is_greater })
    }

    /// Numbers are calculated here, and a mask on loaded bytes becomes part of their test.
    fn simple(&self, value: ValueId) -> Result<Simple, Problem> {
        Ok(match self.meaning.tree.values[value] {
            Value::Number(number) => Simple::Number(number),
            Value::Length => Simple::Bytes(length_field(), u32::MAX),
            Value::Negate(inner) => match self.simple(inner)? {
                Simple::Number(number) => Simple::Number(0u32.wrapping_sub(number)),
                _ => Simple::Other,
            },
            Value::Load { protocol, index, width } => match self.simple(index)? {
                Simple::Number(offset) => {
                    self.place(protocol, offset, width)?.map_or(Simple::Other, |place| Simple::Bytes(place, u32::MAX))
                }
                _ => Simple::Other,
            },
            Value::Binary { operator, left, right } => {
                self.check(operator, right)?;
                match (self.simple(left)?, self.simple(right)?) {
                    (Simple::Number(left), Simple::Number(right)) => {
                        calculate(number(operator), left, right).map_or(Simple::Other, Simple::Number)
                    }
                    (Simple::Bytes(place, mask), Simple::Number(with))
                    | (Simple::Number(with), Simple::Bytes(place, mask))
                        if operator == Operator::And =>
                    {
                        Simple::Bytes(place, mask & with)
                    }
                    _ => Simple::Other,
                }
            }
        })
    }

    /// Operations that could never give a result.
    fn check(&self, operator: Operator, right: ValueId) -> Result<(), Problem> {
        let Value::Number(right) = self.meaning.tree.values[right] else { return Ok(()) };
        match operator {
            Operator::Divide | Operator::Remainder if right == 0 => Err(Problem::Number("division by zero".to_owned())),
            Operator::ShiftLeft | Operator::ShiftRight if right > 31 => {
                Err(Problem::Number("a shift by more than 31 bits leaves nothing".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Calculates a value in the register that is returned.
    fn compute(&self, value: ValueId, registers: &mut Registers) -> Result<u8, Problem> {
        match self.simple(value)? {
            Simple::Number(number) => return registers.set(number),
            Simple::Bytes(place, u32::MAX) => return registers.load(place),
            Simple::Bytes(place, mask) => {
                let left = registers.load(place)?;
                let right = registers.set(mask)?;
                return Ok(registers.calculate(alu::AND, left, right));
            }
            Simple::Other => {}
        }
        match self.meaning.tree.values[value] {
            Value::Number(number) => registers.set(number),
            Value::Length => registers.load(length_field()),
            Value::Negate(inner) => {
                let zero = registers.set(0)?;
                let inner = self.compute(inner, registers)?;
                Ok(registers.calculate(alu::SUB, zero, inner))
            }
            Value::Binary { operator, left, right } => {
                let left = self.compute(left, registers)?;
                let right = self.compute(right, registers)?;
                Ok(registers.calculate(number(operator), left, right))
            }
            Value::Load { protocol, index, width } => self.load(protocol, index, width, registers),
        }
    }

    fn load(&self, protocol: Protocol, index: ValueId, width: u8, registers: &mut Registers) -> Result<u8, Problem> {
        let place = self.place(protocol, 0, width)?;
        // A negative index reaches back into the IP header, which nothing but a calculation can do.
        let place = place.filter(|place| base::kind(place.base) != base::TRANSPORT || self.is_bounded(index));
        let index = self.compute(index, registers)?;
        if let Some(place) = place {
            return Ok(registers.load_indexed(place, index));
        }
        let length = registers.ip_header_length(&self.meaning.layers)?;
        let index = registers.calculate(alu::ADD, index, length);
        Ok(registers.load_indexed(self.meaning.layers.network(0, width), index))
    }

    /// Whether a value is surely too small to be taken for a negative number.
    fn is_bounded(&self, value: ValueId) -> bool {
        match self.meaning.tree.values[value] {
            Value::Number(number) => number <= 0xffff,
            Value::Load { width, .. } => width <= 2,
            Value::Binary { operator: Operator::ShiftRight, left, .. } => self.is_bounded(left),
            Value::Binary { operator: Operator::Add, left, right } => self.is_bounded(left) && self.is_bounded(right),
            Value::Binary { operator: Operator::And, left, right } => self.is_bounded(left) || self.is_bounded(right),
            Value::Length | Value::Negate(_) | Value::Binary { .. } => false,
        }
    }

    /// The place of bytes of a protocol; none where it takes a calculation.
    fn place(&self, protocol: Protocol, offset: u32, width: u8) -> Result<Option<Place>, Problem> {
        let layers = &self.meaning.layers;
        Ok(match origin(protocol)? {
            Origin::Link => Some(layers.link(offset, width)),
            Origin::Network => Some(layers.network(offset, width)),
            Origin::Ip6 => Some(layers.network(offset.wrapping_add(40), width)),
            Origin::Ip => layers.transport(offset, width).filter(|_| self.ipv4),
        })
    }
}

/// The relation with its sides swapped.
fn mirrored(relation: Relation) -> Relation {
    match relation {
        Relation::Less => Relation::Greater,
        Relation::LessEqual => Relation::GreaterEqual,
        Relation::Greater => Relation::Less,
        Relation::GreaterEqual => Relation::LessEqual,
        Relation::Equal | Relation::NotEqual => relation,
    }
}

fn number(operator: Operator) -> u32 {
    match operator {
        Operator::Add => alu::ADD,
        Operator::Subtract => alu::SUB,
        Operator::Multiply => alu::MUL,
        Operator::Divide => alu::DIV,
        Operator::Remainder => alu::MOD,
        Operator::And => alu::AND,
        Operator::Or => alu::OR,
        Operator::Xor => alu::XOR,
        Operator::ShiftLeft => alu::SHL,
        Operator::ShiftRight => alu::SHR,
    }
}
