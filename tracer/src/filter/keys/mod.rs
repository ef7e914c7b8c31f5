//! Keys: what can be asked of a hit beside the bytes of its packet, in the same language as pcap-filter(7).
//!
//! A key is one file: its word, how it reads, and what it tests.

mod comm;
mod drop;
mod func;
mod ifname;
mod mark;
pub(crate) mod member;
mod netns;
mod pid;

use std::fmt;

use tracer_common::{
    config,
    predicate::{MAX_CHAINS, field},
};

use super::environment::{Environment, Unanswered};
use super::error::Problem;
use super::graph::set::Set;
use super::graph::subject::{Condition, Place};
use super::pattern;
use super::syntax::Relation;
use crate::probe::Selection;

/// Every key.
pub(crate) const KEYS: &[&Key] =
    &[&netns::KEY, &ifname::KEY, &mark::KEY, &pid::KEY, &comm::KEY, &func::KEY, &drop::KEY, &member::KEY];

/// Most sets of functions that one program can ask for: the bits of [`field::FUNCTIONS`].
pub(crate) const MOST_FUNCTIONS: usize = 8;

/// Most characters of an answer that a message repeats.
const LONGEST_ANSWER: usize = 240;

/// A key of the language.
pub(crate) struct Key {
    /// Its word.
    pub(crate) name: &'static str,
    /// What it asks.
    pub(crate) about: &'static str,
    /// Expressions with it.
    pub(crate) examples: &'static [&'static str],
    /// What it is compared with.
    pub(crate) operand: Operand,
    /// The same for messages.
    pub(crate) wanted: &'static str,
    /// What is tested.
    pub(crate) condition: fn(&Asked<'_>, &mut Context<'_>) -> Result<Condition, Problem>,
}

/// What a key is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    /// Any text up to a blank, or in quotes.
    Text,
    /// A name or a number; may be left out.
    Name,
    /// A number.
    Number,
    /// A number or the name of one; may be left out. The key itself is a chain of members.
    Member,
}

/// A key with what it was compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// The key as written; for [`Operand::Member`] the chain.
    pub(crate) subject: &'a str,
    pub(crate) mask: Option<Constant<'a>>,
    pub(crate) relation: Option<Relation>,
    pub(crate) operand: Option<Constant<'a>>,
}

/// What stands on the right of a comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constant<'a> {
    pub(crate) text: &'a str,
    /// Its value without the sign, if it is a number.
    pub(crate) number: Option<u64>,
    pub(crate) negative: bool,
}

/// What the conditions of keys are made from, and what they leave to be filled in.
pub(crate) struct Context<'a> {
    pub(crate) environment: &'a dyn Environment,
    pub(crate) bound: &'a mut Bound,
}

/// What a program refers to by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bound {
    /// Sets of functions, by their bit.
    pub(crate) functions: Vec<(String, Selection)>,
    /// Member chains, with their text.
    pub(crate) chains: Vec<(String, config::Chain)>,
    /// Something was accepted without being known.
    pub(crate) unresolved: bool,
}

/// The key with this word.
pub(crate) fn find(word: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == word && key.operand != Operand::Member).copied()
}

/// The condition of the key `ifname`.
pub(crate) fn interface_name(pattern: &str) -> Result<Condition, Problem> {
    pattern::matches(field::IFNAME, pattern)
}

/// The words of all keys.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter(|key| key.operand != Operand::Member).map(|key| key.name)
}

impl Operand {
    /// It can be masked, and asked whether it is less or more.
    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Number | Self::Member)
    }
}

impl Constant<'_> {
    /// As a number of 32 bits.
    fn number32(&self) -> Result<u32, Problem> {
        let number = self.number.filter(|number| !self.negative || *number == 0);
        number.and_then(|number| u32::try_from(number).ok()).ok_or_else(|| {
            let sign = if self.negative { "-" } else { "" };
            Problem::Number(format!(
                "`{sign}{}` is not a number from 0 to {}",
                super::error::abridged(self.text),
                u32::MAX
            ))
        })
    }
}

impl Asked<'_> {
    /// The text compared with. The syntax sees to it that there is one.
    fn text(&self) -> &str {
        self.operand.map_or("", |operand| operand.text)
    }

    /// The condition, or its opposite behind `!=`.
    fn signed(&self, condition: Condition) -> Condition {
        if self.relation == Some(Relation::NotEqual) { condition.not() } else { condition }
    }

    /// A comparison of a field that is a number of 32 bits.
    fn compare_field(&self, field: u32) -> Result<Condition, Problem> {
        let mask = self.mask.map_or(Ok(u32::MAX), |mask| mask.number32())?;
        let place = Place::field(field);
        let (relation, operand) = match self.operand {
            Some(operand) => (self.relation.unwrap_or(Relation::Equal), operand.number32()?),
            None => (Relation::NotEqual, 0),
        };
        if operand & !mask != 0 && matches!(relation, Relation::Equal) {
            return Err(Problem::Number(
                "it has bits set outside of its mask, so that no packet could have it".to_owned(),
            ));
        }
        Ok(Condition::masked(place, mask, relation.set(operand)))
    }
}

impl Context<'_> {
    /// Looks something up; where it may stay unknown, something that may be anything stands for it.
    fn known<T>(&mut self, answer: Result<Option<T>, Unanswered>, unknown: T) -> Result<T, Problem> {
        match answer {
            Ok(Some(known)) => Ok(known),
            Ok(None) => {
                self.bound.unresolved = true;
                Ok(unknown)
            }
            Err(Unanswered { mut sentence, denied }) => {
                // It may repeat what was typed.
                if let Some((end, _)) = sentence.char_indices().nth(LONGEST_ANSWER) {
                    sentence.truncate(end);
                    sentence.push('…');
                }
                Err(Problem::Unanswered { sentence, denied })
            }
        }
    }

    /// The number of a chain in the program.
    fn chain(&mut self, text: &str, chain: config::Chain) -> Result<usize, Problem> {
        let same =
            |other: &config::Chain| (other.offsets, other.hops, other.size) == (chain.offsets, chain.hops, chain.size);
        let chains = &mut self.bound.chains;
        // Without a kernel all chains look the same; then their text tells them apart.
        let found = chains.iter().position(|(known, other)| same(other) && (chain.hops != 0 || known == text));
        if let Some(number) = found {
            return Ok(number);
        }
        if chains.len() == MAX_CHAINS {
            return Err(Problem::TooLarge(format!("it has more than {MAX_CHAINS} different chains of members")));
        }
        chains.push((text.to_owned(), chain));
        Ok(chains.len() - 1)
    }

    /// The number of a set of functions in the program.
    fn functions(&mut self, pattern: &str) -> Result<usize, Problem> {
        let functions = &mut self.bound.functions;
        if let Some(number) = functions.iter().position(|(known, _)| known == pattern) {
            return Ok(number);
        }
        if functions.len() == MOST_FUNCTIONS {
            return Err(Problem::TooLarge(format!("it has more than {MOST_FUNCTIONS} different `func`")));
        }
        let selection = Selection::new(Some(pattern)).map_err(|error| Problem::Regex(regex_problem(&error)))?;
        functions.push((pattern.to_owned(), selection));
        Ok(functions.len() - 1)
    }
}

/// The last line of the library's message: the lines before repeat the expression.
fn regex_problem(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// The set of functions of a number holds the hit's.
fn in_functions(number: usize) -> Condition {
    let bit = 1 << number;
    Condition::masked(Place::field(field::FUNCTIONS), bit, Set::one(bit))
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}
