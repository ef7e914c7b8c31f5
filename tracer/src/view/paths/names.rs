//! Names of what stands on a path, and paths by names alone, as two runs are compared by.

use std::collections::BTreeSet;

use super::{
    super::{
        journey::word,
        number,
        packets::{self, Signs},
        returned,
    },
    Profile,
};
use crate::{
    model::{ChangeKind, EventKind, ProbeId},
    track::{Histogram, Path, Role, Side, Step, Stop, Way},
};

/// `ip_rcv`, `tc_filter(TC_ACT_SHOT)`, `skb:kfree_skb(NETFILTER_DROP at …)`, `+ copy`, `delivered`.
pub(super) fn step(profile: &Profile<'_>, step: &Step, out: &mut String) {
    write(profile, step, true, out);
}

/// The same without the place of a drop, which the end of the path says.
pub(super) fn short_step(profile: &Profile<'_>, step: &Step, out: &mut String) {
    write(profile, step, false, out);
}

fn write(profile: &Profile<'_>, step: &Step, with_place: bool, out: &mut String) {
    match step {
        Step::Hop { probe, value, dropped_at, .. } => {
            let context = profile.context;
            context.write_probe(*probe, out);
            let place = (*dropped_at != 0 && with_place).then_some(*dropped_at);
            if value.is_none() && place.is_none() {
                return;
            }
            out.push('(');
            match step.kind() {
                Some(kind @ (EventKind::Tc | EventKind::Xdp)) => returned::write(kind, value.unwrap_or(0), out),
                _ => context.write_drop(*value, place, out),
            }
            out.push(')');
        }
        Step::Branch { how, .. } => {
            out.push_str("+ ");
            out.push_str(branch(*how));
        }
        Step::End(_) => {}
    }
}

/// What a branch is.
pub(super) fn branch(how: Option<ChangeKind>) -> &'static str {
    match how {
        Some(ChangeKind::Copied) => "copy",
        Some(ChangeKind::Fragment) => "fragment",
        Some(ChangeKind::Split) => "split",
        Some(ChangeKind::Merged) => "merged",
        Some(ChangeKind::Stack | ChangeKind::Ended) | None => "branch",
    }
}

/// The devices and namespaces of its first branch, and how many more branches there are.
pub fn way(profile: &Profile<'_>, path: &Path, signs: &Signs, out: &mut String) {
    let is_branch = |step: &Step| matches!(step, Step::Branch { .. });
    let steps = path.steps.iter().zip(&path.places);
    let hops = steps.take_while(|(step, _)| matches!(step, Step::Hop { .. }));
    packets::way::write(&profile.words(), hops.map(|(_, place)| (place.netns, place.device)), signs, out);
    let branches = path.steps.iter().filter(|step| is_branch(step)).count();
    if branches > 0 {
        out.push(' ');
        out.push_str(signs.branch);
        number::decimal(branches as u64, out);
    }
}

/// `dropped: NETFILTER_DROP at nft_do_chain+0x1c2`
pub fn end(profile: &Profile<'_>, path: &Path, out: &mut String) {
    out.push_str(word(path.verdict));
    out.push_str(": ");
    profile.words().verdict(path.verdict, path.ended_at.as_ref(), out);
}

/// One path by names.
pub fn one_side(profile: &Profile<'_>, path: &Path) -> Side {
    Side { ways: vec![by_names(profile, path)], ..Side::default() }
}

/// The paths by names. What gives the memory back is left out: it is no part of the way.
pub fn side(profile: &Profile<'_>) -> Side {
    let ways = profile.paths.by_packets().into_iter().map(|path| by_names(profile, path)).collect();
    Side { ways, probes: probes(profile), ..Side::default() }
}

/// What could report.
fn probes(profile: &Profile<'_>) -> BTreeSet<String> {
    (0..profile.context.probes.len()).map(|number| probe(profile, ProbeId(number as u32))).collect()
}

fn by_names(profile: &Profile<'_>, path: &Path) -> Way {
    let mut text = String::new();
    end(profile, path, &mut text);
    Way { packets: path.packets, stops: stops(profile, path), end: text, total: path.total.clone() }
}

fn stops(profile: &Profile<'_>, path: &Path) -> Vec<Stop> {
    let on_the_way = |(step, _): &(&Step, _)| !is_end_of_life(profile, step);
    let mut steps: Vec<_> = path.steps.iter().zip(&path.gaps).filter(on_the_way).collect();
    // That it was dropped, the end says.
    steps.pop_if(|(step, _)| step.kind() == Some(EventKind::Drop));
    let stop = |(found, gap): (&Step, &Histogram)| {
        let mut name = String::new();
        step(profile, found, &mut name);
        let probe = match found {
            Step::Hop { probe, .. } => Some(self::probe(profile, *probe)),
            Step::Branch { .. } | Step::End(_) => None,
        };
        Stop { name, probe, gap: gap.clone() }
    };
    steps.into_iter().map(stop).collect()
}

fn probe(profile: &Profile<'_>, probe: ProbeId) -> String {
    let mut name = String::new();
    profile.context.write_probe(probe, &mut name);
    name
}

fn is_end_of_life(profile: &Profile<'_>, step: &Step) -> bool {
    match step {
        Step::End(_) => true,
        Step::Branch { .. } => false,
        Step::Hop { probe, .. } => {
            let role = profile.context.probes.get(probe.0 as usize).map_or(Role::Plain, |probe| Role::of(&probe.name));
            let gives_back = matches!(role, Role::Release | Role::Last | Role::Freeing | Role::Consume);
            gives_back && step.kind() != Some(EventKind::Drop)
        }
    }
}

/// Appends a share as `96.1 %`.
pub fn percent(share: f64, out: &mut String) {
    let tenths = (share * 1000.0).round() as u64;
    number::decimal(tenths / 10, out);
    out.push('.');
    number::decimal(tenths % 10, out);
    out.push_str(" %");
}
