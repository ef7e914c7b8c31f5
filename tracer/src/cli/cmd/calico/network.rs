//! `skbtrail calico routes` and `ipsets`: sorted, and grouped by set.

use std::{fmt::Write as _, process::ExitCode};

use crate::{
    cli::{
        dataplane::{Where, newest, print_row, taken},
        failure::Failure,
        show::{Paper, show_long},
    },
    inspect::maps::decode::calico::node::{IP_SETS, ROUTES, member, member_text, read_member, read_route, route},
    model::calico::Member,
};

/// By address, a shorter prefix before a longer one.
pub(super) fn routes(at: &Where, ipv6: bool) -> Result<ExitCode, Failure> {
    show_long(&at.show, |_, paper| {
        let found = newest(&ROUTES, at, Some(ipv6))?;
        let mut all = taken(&found, found.rows(read_route)?, paper);
        all.sort_unstable_by_key(|route| (route.network, route.bits));
        for row in all.iter().map(route) {
            print_row(&row, &at.show, paper)?;
        }
        Ok(())
    })
}

/// By set, members in the order of their texts, as the tool has them.
pub(super) fn ip_sets(at: &Where, ipv6: bool) -> Result<ExitCode, Failure> {
    show_long(&at.show, |_, paper| {
        let found = newest(&IP_SETS, at, Some(ipv6))?;
        let mut all = taken(&found, found.rows(read_member)?, paper);
        all.sort_by_cached_key(|member| (member.set, member_text(member)));
        if at.show.json {
            for row in all.iter().map(member) {
                print_row(&row, &at.show, paper)?;
            }
        } else {
            groups(&all, paper)?;
        }
        Ok(())
    })
}

fn groups(members: &[Member], paper: &mut Paper) -> anyhow::Result<()> {
    for set in members.chunk_by(|one, next| one.set == next.set) {
        // Writing to a string cannot fail.
        let _ = writeln!(paper.text, "IP set {:#x}", set[0].set);
        for member in set {
            let _ = writeln!(paper.text, "   {}", member_text(member));
            paper.turn()?;
        }
        paper.text.push('\n');
    }
    if members.is_empty() {
        paper.text.push_str("No IP sets found.\n");
    }
    Ok(())
}
