//! A journey in reading order: what each branch did stands where it began, in one piece.

use super::Journey;

/// One thing to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// A branch begins, `depth` branches below the first.
    Begin {
        /// Index into the journey's strands.
        strand: usize,
        /// How deep it is nested.
        depth: usize,
    },
    /// A hop.
    Hop {
        /// Index into the journey's hops.
        hop: usize,
    },
    /// A branch has no more hops, and those that began of it have ended.
    End {
        /// Index into the journey's strands.
        strand: usize,
        /// How deep it is nested.
        depth: usize,
    },
}

/// What is shown of one branch.
#[derive(Clone, Debug, Default)]
struct Own {
    hops: Vec<usize>,
    /// Branches made from it, and how many of its hops come before.
    made: Vec<(usize, usize)>,
}

impl Journey {
    /// Hops in reading order, with the beginnings and ends of branches between.
    pub fn outline(&self) -> Vec<Item> {
        let (own, roots) = self.tree();
        let mut items = Vec::with_capacity(self.hops.len() + 2 * self.strands.len());
        for root in roots {
            walk(&own, root, &mut items);
        }
        items
    }

    fn tree(&self) -> (Vec<Own>, Vec<usize>) {
        let mut own = vec![Own::default(); self.strands.len()];
        for (index, hop) in self.hops.iter().enumerate() {
            if let Some(own) = self.strand(hop.branch).and_then(|strand| own.get_mut(strand)) {
                own.hops.push(index);
            }
        }
        let mut roots = Vec::new();
        for (index, strand) in self.strands.iter().enumerate() {
            // A parent has a smaller number, so no branch is its own ancestor.
            match strand.parent.and_then(|parent| self.strand(parent)) {
                Some(parent) => {
                    let first = || own[index].hops.first().map(|hop| self.hops[*hop].time);
                    let began = strand.began.map(|(time, _)| time).or_else(first).unwrap_or(u64::MAX);
                    let after = own[parent].hops.partition_point(|hop| self.hops[*hop].time <= began);
                    own[parent].made.push((index, after));
                }
                None => roots.push(index),
            }
        }
        for own in &mut own {
            own.made.sort_by_key(|(_, after)| *after);
        }
        (own, roots)
    }
}

/// Where the walk is in a branch.
struct Frame {
    strand: usize,
    hop: usize,
    made: usize,
}

/// Without recursion: a file may claim branches of branches without end.
fn walk(own: &[Own], root: usize, items: &mut Vec<Item>) {
    let mut stack = Vec::new();
    enter(root, &mut stack, items);
    while let Some(depth) = stack.len().checked_sub(1) {
        let frame = &mut stack[depth];
        let branch = &own[frame.strand];
        match (branch.made.get(frame.made), branch.hops.get(frame.hop)) {
            (Some((made, after)), _) if *after <= frame.hop => {
                frame.made += 1;
                enter(*made, &mut stack, items);
            }
            (_, Some(hop)) => {
                frame.hop += 1;
                items.push(Item::Hop { hop: *hop });
            }
            _ => {
                items.push(Item::End { strand: frame.strand, depth });
                stack.pop();
            }
        }
    }
}

fn enter(strand: usize, stack: &mut Vec<Frame>, items: &mut Vec<Item>) {
    items.push(Item::Begin { strand, depth: stack.len() });
    stack.push(Frame { strand, hop: 0, made: 0 });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::testing::{Script, journeys};

    #[test]
    fn branches_stand_where_they_began() {
        let mut script = Script::default();
        script.hit(1, 1, 1, "a");
        script.branch(2, 1, 4, 1);
        script.hit(3, 1, 1, "b");
        script.hit(4, 1, 4, "x");
        script.branch(5, 1, 6, 4);
        script.hit(6, 1, 6, "y");
        script.hit(7, 1, 4, "x");
        script.hit(8, 1, 9, "lost its parent");
        let journey = &journeys(&script)[0];
        let text: String = journey
            .outline()
            .iter()
            .map(|item| match item {
                Item::Begin { strand, depth } => format!("{depth}({} ", journey.strands[*strand].number),
                Item::Hop { hop } => format!("{} ", journey.hops[*hop].time),
                Item::End { .. } => ") ".to_owned(),
            })
            .collect();
        assert_eq!(text, "0(1 1 1(4 4 2(6 6 ) 7 ) 3 ) 0(9 8 ) ");
    }

    #[test]
    fn a_chain_of_thousands_of_branches() {
        let mut script = Script::default();
        script.hit(0, 1, 1, "a");
        for branch in 2..4000 {
            script.branch(1, 1, branch, branch - 1);
        }
        assert_eq!(journeys(&script)[0].outline().len(), 2 * 3999 + 1);
    }
}
