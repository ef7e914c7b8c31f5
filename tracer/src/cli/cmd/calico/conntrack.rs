//! `skbtrail calico conntrack`: connections, streamed, for there may be half a million.

use std::process::ExitCode;

use crate::{
    cli::{
        dataplane::{Where, newest, note_losses},
        failure::Failure,
        show::{Paper, show_long},
    },
    inspect::{
        dataplane::Found,
        maps::decode::{
            Entry,
            calico::conntrack::{MAP, decoded, raw, read, text},
        },
    },
    model::calico::{Connection, ConnectionKind},
    view::{dump, escape},
};

/// Arguments of `calico conntrack`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(hide = true, value_parser = ["dump"])]
    dump: Option<String>,
    /// Every entry as it is stored, with what was counted; without, a line for each connection
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    at: Where,
}

pub(super) fn run(args: &Args, ipv6: bool) -> Result<ExitCode, Failure> {
    show_long(&args.at.show, |_, paper| print(args, &newest(&MAP, &args.at, Some(ipv6))?, paper))
}

fn print(args: &Args, found: &Found, paper: &mut Paper) -> Result<(), Failure> {
    let now = found.map.subject("", None).now;
    let mut entries = found.map.entries()?;
    let mut misfits = 0;
    while let Some(entry) = entries.next_entry()? {
        match read(&Entry { key: entry.key, value: entry.value.raw() }, found.version) {
            Ok(connection) => write(args, &connection, now, &mut paper.text),
            Err(_) => misfits += 1,
        }
        paper.turn()?;
    }
    note_losses(found, entries.vanished(), misfits);
    Ok(())
}

fn write(args: &Args, connection: &Connection, now: u64, out: &mut String) {
    if args.at.show.json {
        return dump::json(&decoded(connection, now), out);
    }
    let line = match text(connection, now) {
        Some(line) if !args.raw => line,
        // The forward half of a translated connection says nothing that the other does not.
        None if !args.raw && matches!(connection.kind, ConnectionKind::Forward { .. }) => return,
        _ => raw(connection, now),
    };
    escape(line.as_bytes(), out);
    out.push('\n');
}
