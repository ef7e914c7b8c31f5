//! `cilium policy`: each endpoint's rules.

use std::{io::Write, process::ExitCode};

use anyhow::anyhow;

use super::{
    args::Policy,
    find,
    list::{self, Known},
};
use crate::{
    cli::{colour, failure::Failure},
    view::Style,
};

/// What the tool says of a policy without rules.
const EMPTY: &str = "Policy stats empty. Perhaps the policy enforcement is disabled?\n";

/// Lists the rules of one endpoint or of all.
pub(super) fn run(args: &Policy) -> Result<ExitCode, Failure> {
    let style = colour::style(args.show.color);
    list::rounds(&args.show, |first, out| {
        let cilium = find(&args.place, first)?;
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
            (true, _) => list::json(&maps, out),
            (false, Some(_)) => one(&maps[0], style, out),
            (false, None) => all(&maps, style, out),
        }
    })
}

/// The endpoint that a map belongs to.
fn number(label: &str) -> Option<u16> {
    label.rsplit('_').next()?.parse().ok()
}

fn one(map: &Known<'_>, style: Style, out: &mut dyn Write) -> Result<(), Failure> {
    if list::table(std::slice::from_ref(map), true, style, out)? {
        list::write(out, EMPTY)?;
    }
    Ok(())
}

fn all(maps: &[Known<'_>], style: Style, out: &mut dyn Write) -> Result<(), Failure> {
    for map in maps {
        let (found, _) = map;
        let endpoint = number(found.label()).map_or_else(|| "?".to_owned(), |number| number.to_string());
        let path = found.path.as_deref().map_or_else(|| "-".to_owned(), |path| path.display().to_string());
        list::write(out, &format!("Endpoint ID: {endpoint}\nPath: {path}\n\n"))?;
        one(map, style, out)?;
        list::write(out, "\n\n")?;
    }
    Ok(())
}
