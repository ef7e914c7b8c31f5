//! Member chains: anything that can be reached from the `sk_buff`, by the kernel's own description of its types.

use tracer_common::{config, predicate::alu};

use super::{Asked, Constant, Context, Key, Operand};
use crate::filter::error::{Problem, abridged};
use crate::filter::graph::set::Set;
use crate::filter::graph::subject::{Condition, Place, Step, Subject};
use crate::filter::syntax::Relation;
use crate::kernel::btf::{Chain, ValueKind};

pub(crate) static KEY: Key = Key {
    name: "skb->…",
    about: "a member of the sk_buff, or of what it points to; alone it means: not 0. A number, or the name of one in an enum",
    examples: &[
        "skb->dev->ifindex == 2",
        "skb->mark & 0xf != 0",
        "skb->sk",
        "skb->sk->__sk_common.skc_state == TCP_ESTABLISHED",
    ],
    operand: Operand::Member,
    wanted: "a number, or the name of one",
    condition,
};

/// A 64-bit value's ranges, ascending.
type Ranges = Vec<(u64, u64)>;

fn condition(asked: &Asked<'_>, context: &mut Context<'_>) -> Result<Condition, Problem> {
    let relation = asked.relation.unwrap_or(Relation::NotEqual);
    let answer = context.environment.chain(asked.subject);
    let Some(chain) = context.known(answer.map(|chain| chain.map(Some)), None)? else {
        return unresolved(asked, relation, context);
    };
    let mut constant = 0;
    if let Some(operand) = asked.operand {
        constant = value(&operand, asked.subject, context)?;
    }
    let number = context.chain(asked.subject, chain.config())?;
    let member = Member { chain, number, mask: mask(asked)? };
    match member.chain.kind {
        ValueKind::BigEndian => member.compare_swapped(relation, constant),
        _ => member.compare(relation, constant),
    }
}

/// Something that may be anything stands for a chain that nobody knows yet.
fn unresolved(asked: &Asked<'_>, relation: Relation, context: &mut Context<'_>) -> Result<Condition, Problem> {
    mask(asked)?;
    let none = config::Chain { offsets: [0; config::CHAIN_HOPS], hops: 0, size: 0 };
    let number = context.chain(asked.subject, none)?;
    Ok(Condition::within(Place::chain(number, false), relation.set(1)))
}

fn mask(asked: &Asked<'_>) -> Result<Option<u64>, Problem> {
    match asked.mask {
        Some(Constant { negative: true, text, .. }) => {
            Err(Problem::Number(format!("a mask has no sign, as `-{}` has", abridged(text))))
        }
        mask => Ok(mask.and_then(|mask| mask.number)),
    }
}

fn value(operand: &Constant<'_>, chain: &str, context: &mut Context<'_>) -> Result<i128, Problem> {
    match operand.number {
        Some(number) if operand.negative => Ok(-i128::from(number)),
        Some(number) => Ok(number.into()),
        None => {
            let answer = context.environment.constant(chain, operand.text);
            context.known(answer, 0).map(i128::from)
        }
    }
}

/// A chain with its number in the program, and the bits of its value that count.
struct Member {
    chain: Chain,
    number: usize,
    mask: Option<u64>,
}

impl Member {
    /// All bits of the value.
    fn all(&self) -> u64 {
        u64::MAX >> (64 - self.chain.width.clamp(1, 64))
    }

    /// Smallest and largest value. A masked one has no sign.
    fn limits(&self) -> (i128, i128) {
        let all = i128::from(self.all());
        match (self.chain.kind, self.mask) {
            (ValueKind::Signed, None) => (-(all >> 1) - 1, all >> 1),
            _ => (0, all),
        }
    }

    fn check(&self, constant: i128) -> Result<(), Problem> {
        let (low, high) = self.limits();
        if (low..=high).contains(&constant) {
            return Ok(());
        }
        Err(Problem::Number(format!("its values go from {low} to {high}, so {constant} is out of range")))
    }

    /// The values that stand in a relation to the constant, as they lie in memory, before the shift of a bit-field. For `!=`
    /// the one that does not.
    fn ranges(&self, relation: Relation, constant: i128) -> Ranges {
        let (low, high) = self.limits();
        let ranges = match relation {
            Relation::Equal | Relation::NotEqual => vec![(constant, constant)],
            Relation::Less => vec![(low, constant - 1)],
            Relation::LessEqual => vec![(low, constant)],
            Relation::Greater => vec![(constant + 1, high)],
            Relation::GreaterEqual => vec![(constant, high)],
        };
        // Negative numbers lie above the others.
        let split = ranges.into_iter().flat_map(|(low, high)| [(low.max(0), high), (low, high.min(-1))]);
        let bits = |value: i128| value as u64 & self.all();
        split.filter(|(low, high)| low <= high).map(|(low, high)| (bits(low), bits(high))).collect()
    }

    fn compare(&self, relation: Relation, constant: i128) -> Result<Condition, Problem> {
        self.check(constant)?;
        let shift = self.chain.shift.min(63);
        let mask = (self.mask.unwrap_or(u64::MAX) & self.all()) << shift;
        let ranges = self.ranges(relation, constant).into_iter().map(|(low, high)| (low << shift, high << shift));
        let within = self.within(mask, ranges.collect());
        Ok(if relation == Relation::NotEqual { within.not() } else { within })
    }

    /// The bits in `mask` make a number in one of the ranges: by halves, the upper one first.
    fn within(&self, mask: u64, ranges: Ranges) -> Condition {
        let [upper, lower] = [true, false].map(|upper| Place::chain(self.number, upper));
        let (upper_mask, lower_mask) = ((mask >> 32) as u32, mask as u32);
        if upper_mask == 0 {
            // Bounds above the mask are never reached.
            let clamped = ranges.into_iter().filter(|(low, _)| low >> 32 == 0);
            let ranges = clamped.map(|(low, high)| (low as u32, high.min(u32::MAX.into()) as u32));
            // What is read has zeros above: a mask that keeps all of it says nothing.
            let read = u64::MAX >> (64 - 8 * self.chain.size.clamp(1, 8));
            let lower_mask = if mask == read { u32::MAX } else { lower_mask };
            return Condition::masked(lower, lower_mask, Set::of(ranges.collect()));
        }
        let above = |low, high| Condition::masked(upper, upper_mask, Set::range(low, high));
        let below = |low, high| Condition::masked(lower, lower_mask, Set::range(low, high));
        let way = |(low, high): (u64, u64)| {
            let (first, last) = ((low >> 32) as u32, (high >> 32) as u32);
            let (start, end) = (low as u32, high as u32);
            if first == last {
                return above(first, first).and(below(start, end));
            }
            // Where all lower halves go with an upper one, they are not asked for.
            let whole_first = if start == 0 { first } else { first + 1 };
            let whole_last = if end == u32::MAX { last } else { last - 1 };
            let mut ways = Vec::new();
            if whole_first <= whole_last {
                ways.push(above(whole_first, whole_last));
            }
            if start != 0 {
                ways.push(above(first, first).and(below(start, u32::MAX)));
            }
            if end != u32::MAX {
                ways.push(above(last, last).and(below(0, end)));
            }
            Condition::Any(ways)
        };
        Condition::Any(ranges.into_iter().map(way).collect())
    }

    /// A number in network order, whose bytes lie the other way round.
    fn compare_swapped(&self, relation: Relation, constant: i128) -> Result<Condition, Problem> {
        self.check(constant)?;
        let bytes = self.chain.size;
        let swap = |value: u64| value.swap_bytes() >> (64 - 8 * bytes.clamp(1, 8));
        let mask = self.mask.unwrap_or(u64::MAX) & self.all();
        match relation {
            Relation::Equal | Relation::NotEqual => {
                let constant = swap(constant as u64);
                let equal = self.within(swap(mask), vec![(constant, constant)]);
                Ok(if relation == Relation::Equal { equal } else { equal.not() })
            }
            _ if bytes > 4 => Err(Problem::Senseless(
                "a number of 64 bits in network order can only be compared with `==` and `!=`".to_owned(),
            )),
            _ => {
                let steps = swapped(Place::chain(self.number, false), bytes, mask as u32);
                Ok(Condition::Test(Subject::Computed { steps, register: 0 }, relation.set(constant as u32)))
            }
        }
    }
}

/// Puts the bytes of a number in the other order, in register 0, and keeps the bits in `mask`.
fn swapped(place: Place, bytes: u32, mask: u32) -> Vec<Step> {
    let with = |operator, value, to| [Step::Set { value, to: 2 }, Step::Calculate { operator, to, from: 2 }];
    let mut steps = vec![Step::Set { value: 0, to: 0 }];
    for byte in 0..bytes {
        steps.push(Step::Load { place, to: 1 });
        steps.extend(with(alu::SHR, 8 * byte, 1));
        steps.extend(with(alu::AND, 0xff, 1));
        steps.extend(with(alu::SHL, 8 * (bytes - 1 - byte), 1));
        steps.push(Step::Calculate { operator: alu::OR, to: 0, from: 1 });
    }
    steps.extend(with(alu::AND, mask, 0));
    steps
}
