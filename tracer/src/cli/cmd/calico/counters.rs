//! `skbtrail calico counters`: what the programs of each interface count; with `--watch`, what moves and how fast.

use std::{collections::BTreeMap, process::ExitCode, time::Duration};

use nix::net::if_::if_nameindex;

use crate::{
    cli::{
        dataplane::{Where, newest, note_losses},
        failure::Failure,
        show::{Paper, show, show_long},
    },
    inspect::maps::decode::calico::{
        counters::{COUNTERS, KEYS, hook_name, name, read_counters},
        interfaces::{STATES, read_state},
    },
    model::{
        Decoded,
        calico::{Counters, Hook},
    },
    view::{
        Tone, boxes, dump, escape,
        table::{Cell, Column, Table},
    },
};

/// Arguments of `calico counters`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(hide = true, value_parser = ["dump"])]
    dump: Option<String>,
    /// Only those of this interface
    #[arg(long, value_name = "NAME")]
    iface: Option<String>,
    #[command(flatten)]
    at: Where,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    if args.at.show.watch.is_none() || args.at.show.json {
        return show_long(&args.at.show, |_, paper| print(args, paper));
    }
    let mut before = BTreeMap::new();
    show(&args.at.show, |round| {
        let now = gather(args)?;
        let table = moving(&now, &before, round.since);
        before = now;
        Ok(vec![table])
    })
}

/// Counters by the interface's name and hook.
type All = BTreeMap<(String, u32), BTreeMap<Hook, Vec<u64>>>;

fn gather(args: &Args) -> Result<All, Failure> {
    let found = newest(&COUNTERS, &args.at, None)?;
    let counted = found.rows(read_counters)?;
    note_losses(&found, counted.vanished, 0);
    if let Some(error) = counted.cut {
        return Err(error.into());
    }
    let names = names(args);
    let mut all = All::new();
    for Counters { ifindex, hook, values } in counted.rows {
        let name = names.get(&ifindex).cloned().unwrap_or_else(|| format!("if{ifindex}"));
        all.entry((name, ifindex)).or_default().insert(hook, values);
    }
    if let Some(wanted) = &args.iface {
        all.retain(|(name, _), _| name == wanted);
        if all.is_empty() {
            return Err(Failure::usage(anyhow::anyhow!("nothing is counted for an interface `{wanted}`")));
        }
    }
    Ok(all)
}

/// Names of interfaces by index: of this network namespace, and of those that Calico names.
fn names(args: &Args) -> BTreeMap<u32, String> {
    let mut names = BTreeMap::new();
    let found = crate::inspect::dataplane::search(&STATES, &args.at.bpffs, None).unwrap_or_default().found;
    let states = found.first().and_then(|found| found.rows(read_state).ok());
    for state in states.map(|states| states.rows).unwrap_or_default() {
        names.insert(state.ifindex, String::from_utf8_lossy(&state.name).into_owned());
    }
    // Where the kernel's list cannot be had, Calico's own names and numbers remain.
    for device in if_nameindex().iter().flatten() {
        names.insert(device.index(), device.name().to_string_lossy().into_owned());
    }
    names
}

fn print(args: &Args, paper: &mut Paper) -> Result<(), Failure> {
    for ((interface, ifindex), hooks) in gather(args)? {
        if args.at.show.json {
            for (hook, values) in hooks {
                let row = Decoded::new([]).with("interface", interface.clone()).with("ifindex", ifindex);
                let row = row.with("hook", hook_name(hook));
                dump::json(
                    &KEYS.iter().zip(values).fold(row, |row, (key, value)| row.with(key, value)),
                    &mut paper.text,
                );
            }
        } else {
            boxed(&interface, &hooks, &mut paper.text);
        }
        paper.turn()?;
    }
    Ok(())
}

/// The tool's box: a row for each counter, in the order of its category and name.
fn boxed(interface: &str, hooks: &BTreeMap<Hook, Vec<u64>>, out: &mut String) {
    let count = hooks.values().map(Vec::len).max().unwrap_or_default();
    let value = |hook, number: usize| hooks.get(&hook).and_then(|values| values.get(number)).copied();
    let mut numbers: Vec<usize> = (0..count).collect();
    numbers.sort_by_key(|&number| name(number));
    let mut rows = Vec::new();
    for number in numbers {
        let (category, title) = name(number);
        let values = [Hook::Ingress, Hook::Egress, Hook::Xdp].map(|hook| value(hook, number));
        if category == "Reserved" && values.iter().flatten().all(|value| *value == 0) {
            continue;
        }
        let shown = values.map(|value| value.map_or_else(|| "N/A".to_owned(), |value| value.to_string()));
        rows.push([category.to_owned(), title.to_owned()].into_iter().chain(shown).collect());
    }
    boxes::write(&["CATEGORY", "TYPE", "INGRESS", "EGRESS", "XDP"], &rows, out);
    out.push_str("dumped ");
    escape(interface.as_bytes(), out);
    out.push_str(" counters.\n");
}

/// Counters that are not 0, and how fast they move.
fn moving(now: &All, before: &All, since: Option<Duration>) -> Table {
    let columns = [
        Column::text("interface", "INTERFACE"),
        Column::text("hook", "HOOK"),
        Column::text("counter", "COUNTER"),
        Column::number("total", "TOTAL"),
        Column::number("per_second", "PER SECOND"),
    ];
    let mut table = Table::new("", columns).or_else("nothing has been counted yet");
    for (interface, hooks) in now {
        for (hook, values) in hooks {
            let old = before.get(interface).and_then(|hooks| hooks.get(hook));
            for (number, &value) in values.iter().enumerate().filter(|(_, value)| **value != 0) {
                let (category, title) = name(number);
                let tone = if category == "Dropped" { Tone::Drop } else { Tone::Plain };
                let gained = old.and_then(|old| old.get(number)).map(|old| value.saturating_sub(*old));
                let rate = gained.zip(since).map(|(gained, since)| gained as f64 / since.as_secs_f64());
                table.push([
                    Cell::text(&interface.0),
                    Cell::text(hook_name(*hook)),
                    Cell::text(format!("{category} {title}")).toned(tone),
                    Cell::number(value),
                    rate.map_or_else(Cell::none, |rate| Cell::json(rate).shown(format!("{rate:.1}"))),
                ]);
            }
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_without_an_entry_has_no_numbers() {
        let mut values = vec![0_u64; 14];
        (values[0], values[4]) = (27, 3);
        let hooks = BTreeMap::from([(Hook::Ingress, values)]);
        let mut out = String::new();
        boxed("eth0", &hooks, &mut out);
        assert!(out.contains("| Total    | packets                     |      27 | N/A    | N/A |"), "{out}");
        assert!(out.contains("| Dropped  | by policy                   |       3 | N/A    | N/A |"), "{out}");
        assert!(out.ends_with("dumped eth0 counters.\n"));
    }

    #[test]
    fn speed_needs_a_round_before() {
        let all = |total| All::from([(("eth0".to_owned(), 2), BTreeMap::from([(Hook::Egress, vec![total])]))]);
        let text = |table: &Table| table.rows[0].iter().map(|cell| cell.as_text().to_owned()).collect::<Vec<_>>();
        assert_eq!(text(&moving(&all(30), &All::new(), None)), ["eth0", "egress", "Total packets", "30", "-"]);
        let second = moving(&all(50), &all(30), Some(Duration::from_secs(2)));
        assert_eq!(text(&second)[3..], ["50", "10.0"]);
    }
}
