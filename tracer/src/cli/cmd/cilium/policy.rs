//! `cilium policy`: each endpoint's rules.

use std::process::ExitCode;

use anyhow::anyhow;

use super::{
    args::Policy,
    find,
    list::{self, Known},
};
use crate::{
    cli::{
        colour,
        failure::Failure,
        show::{Paper, show_long},
    },
    view::Style,
};

/// What the tool says of a policy without rules.
const EMPTY: &str = "Policy stats empty. Perhaps the policy enforcement is disabled?\n";

/// Lists the rules of one endpoint or of all.
pub(super) fn run(args: &Policy) -> Result<ExitCode, Failure> {
    let style = colour::style(args.show.color);
    show_long(&args.show, |round, paper| {
        let cilium = find(&args.place, round.since.is_none())?;
        let answers = cilium.policies(&cilium.policy_stats()?);
        let mut maps = list::known(&cilium, "policy", answers)?;
        if let Some(endpoint) = args.endpoint() {
            maps.retain(|(found, _)| number(found.label()) == Some(endpoint));
            if maps.is_empty() {
                return Err(Failure::Run(anyhow!(
                    "the endpoint {endpoint} has no policy map on this node; `skbtrail cilium endpoint list` names those that are here"
                )));
            }
        }
        match (args.show.json, args.endpoint()) {
            (true, _) => list::json(&maps, paper),
            (false, Some(_)) => one(&maps[0], style, paper),
            (false, None) => all(&maps, style, paper),
        }
    })
}

/// The endpoint that a map belongs to.
fn number(label: &str) -> Option<u16> {
    label.rsplit('_').next()?.parse().ok()
}

fn one(map: &Known<'_>, style: Style, paper: &mut Paper) -> Result<(), Failure> {
    if list::table(std::slice::from_ref(map), true, style, paper)? {
        paper.text.push_str(EMPTY);
    }
    Ok(())
}

fn all(maps: &[Known<'_>], style: Style, paper: &mut Paper) -> Result<(), Failure> {
    for map in maps {
        let (found, _) = map;
        let endpoint = number(found.label()).map_or_else(|| "?".to_owned(), |number| number.to_string());
        let path = found.path.as_deref().map_or_else(|| "-".to_owned(), |path| path.display().to_string());
        paper.text.extend(["Endpoint ID: ", &endpoint, "\nPath: ", &path, "\n\n"]);
        one(map, style, paper)?;
        paper.text.push_str("\n\n");
    }
    Ok(())
}
