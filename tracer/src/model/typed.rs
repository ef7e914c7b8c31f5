//! A value in memory, read by its type.

/// What a piece of memory holds, by its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Typed {
    /// A number that is never negative.
    Number(u64),
    /// A number that may be negative.
    Signed(i64),
    /// True or false.
    Truth(bool),
    /// A floating-point number.
    Float(f64),
    /// A pointer: an address in the kernel.
    Address(u64),
    /// The value of an enum, by its name.
    Named(String, i64),
    /// Letters up to their end; foreign bytes.
    Text(Vec<u8>),
    /// Elements of an array.
    List(Vec<Typed>),
    /// Members of a struct or union; a nameless one has no name here either.
    Fields(Vec<(String, Typed)>),
    /// What its type does not tell, as it lies in memory.
    Bytes(Vec<u8>),
    /// In a sum: no numbers, and not the same in all of them.
    Differs,
}

impl Typed {
    /// Adds another value of the same type: its numbers to these.
    pub fn add(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Number(sum), Self::Number(more)) => *sum = sum.wrapping_add(*more),
            (Self::Signed(sum), Self::Signed(more)) => *sum = sum.wrapping_add(*more),
            (Self::Float(sum), Self::Float(more)) => *sum += more,
            (Self::List(sums), Self::List(more)) if sums.len() == more.len() => {
                sums.iter_mut().zip(more).for_each(|(sum, more)| sum.add(more));
            }
            (Self::Fields(sums), Self::Fields(more)) if sums.len() == more.len() => {
                sums.iter_mut().zip(more).for_each(|((_, sum), (_, more))| sum.add(more));
            }
            (mine, theirs) if mine == theirs => {}
            _ => *self = Self::Differs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_added_and_the_rest_is_compared() {
        let value = |count, name: &str, flag| {
            let list = Typed::List(vec![Typed::Number(count), Typed::Signed(-1)]);
            Typed::Fields(vec![
                ("list".to_owned(), list),
                ("name".to_owned(), Typed::Text(name.into())),
                ("flag".to_owned(), Typed::Truth(flag)),
            ])
        };
        let mut sum = value(u64::MAX, "a", true);
        sum.add(&value(3, "b", true));
        let list = Typed::List(vec![Typed::Number(2), Typed::Signed(-2)]);
        let expected = Typed::Fields(vec![
            ("list".to_owned(), list),
            ("name".to_owned(), Typed::Differs),
            ("flag".to_owned(), Typed::Truth(true)),
        ]);
        assert_eq!(sum, expected);
    }
}
