//! Folded stacks: `ip_rcv;nf_hook_slow;dropped:_NETFILTER_DROP 37`, a line for each path, as flame graph tools read them.

use super::{super::number, Profile, names};
use crate::track::Step;

/// What a line is weighed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Packets: a line for each path.
    Packets,
    /// Nanoseconds of all packets together: a line for each hop, with the time until the next one.
    Time,
}

/// Appends the stacks.
pub fn folded(profile: &Profile<'_>, weight: Weight, out: &mut Vec<u8>) {
    let mut text = String::new();
    for path in profile.paths.by_packets() {
        let mut stack = String::new();
        for (step, gap) in path.steps.iter().zip(&path.gaps) {
            if weight == Weight::Time && !stack.is_empty() && gap.sum() > 0 {
                line(&stack, gap.sum(), &mut text);
            }
            let mut frame = String::new();
            match step {
                Step::End(_) => names::end(profile, path, &mut frame),
                step => names::step(profile, step, &mut frame),
            }
            if !stack.is_empty() {
                stack.push(';');
            }
            stack.extend(frame.chars().map(plain));
        }
        if weight == Weight::Packets {
            line(&stack, path.packets, &mut text);
        }
    }
    out.extend_from_slice(text.as_bytes());
}

/// A semicolon ends a frame, and some tools take the first blank for the end of the stack.
fn plain(letter: char) -> char {
    match letter {
        ';' => ':',
        ' ' => '_',
        letter => letter,
    }
}

fn line(stack: &str, weight: u64, out: &mut String) {
    out.push_str(stack);
    out.push(' ');
    number::decimal(weight, out);
    out.push('\n');
}
