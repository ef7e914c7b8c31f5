//! A summary as text. All names in it are foreign.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};

use super::summary::Summary;
use crate::{record::reader::Missing, view::escape};

/// Lines of each list, unless all are asked for.
const LINES: usize = 10;

/// Writing to a string cannot fail.
pub(super) fn text(summary: &Summary, all: bool) -> String {
    let mut out = String::new();
    let start = &summary.start;
    let mut line = |title: &str, value: &str| {
        let mut harmless = String::new();
        escape(value.as_bytes(), &mut harmless);
        let _ = writeln!(out, "{title:<10}  {harmless}");
    };
    line("file", &format!("{}, {} bytes", summary.path.display(), summary.bytes));
    line("machine", &format!("{}, Linux {}", start.host, start.kernel));
    line("made by", &format!("{}, {}, {} probes", start.application, start.backend, start.probes));
    line("command", &start.command.join(" "));
    line("filter", if start.filter.is_empty() { "none" } else { &start.filter });
    line("time", &time(summary));
    line("hits", &hits(summary));
    line("counts", &summary.counts.as_ref().map_or("none are recorded".to_owned(), ToString::to_string));
    line("missing", &missing(&summary.missing));
    let most = if all { usize::MAX } else { LINES };
    list("drops", &summary.drops, most, &mut out);
    list("functions", &summary.functions, most, &mut out);
    let interfaces: Vec<_> = summary.interfaces.iter().map(|entry| (interface(entry), entry.2)).collect();
    list("interfaces", &interfaces, most, &mut out);
    out
}

fn time(summary: &Summary) -> String {
    let Some((first, last)) = summary.span else { return "no hit".to_owned() };
    let zone = TimeZone::system();
    let show = |time: i64, form: &str| {
        let time = Timestamp::from_nanosecond(time.into()).unwrap_or_default().to_zoned(zone.clone());
        time.strftime(form).to_string()
    };
    let seconds = summary.duration() as f64 / 1e9;
    format!("{} to {}, {seconds:.3} s", show(first, "%Y-%m-%d %H:%M:%S%.3f"), show(last, "%H:%M:%S%.3f"))
}

fn hits(summary: &Summary) -> String {
    let mut text = summary.hits.to_string();
    if summary.packets > 0 {
        let _ = write!(text, " of {} packets that begin here", summary.packets);
    }
    if summary.changes > 0 {
        let _ = write!(text, ", {} changes", summary.changes);
    }
    text
}

fn missing(missing: &Missing) -> String {
    let faults = missing.faults();
    if faults.is_empty() { "nothing".to_owned() } else { faults.join("; ") }
}

fn interface((interface, namespace, _): &(super::summary::Interface, Option<String>, u64)) -> String {
    let netns = match (interface.netns, namespace) {
        (None, _) => "unknown netns".to_owned(),
        (Some(inode), None) => format!("netns {inode}"),
        (Some(inode), Some(name)) => format!("netns {name}:{inode}"),
    };
    match interface.ifindex {
        None => format!("no device, {netns}"),
        Some(index) => format!("{}:{index}, {netns}", String::from_utf8_lossy(interface.name().bytes())),
    }
}

fn list(title: &str, rows: &[(String, u64)], most: usize, out: &mut String) {
    for (number, (name, count)) in rows.iter().take(most).enumerate() {
        let title = if number == 0 { title } else { "" };
        let _ = write!(out, "{title:<10}  {count:>10} ");
        escape(name.as_bytes(), out);
        out.push('\n');
    }
    if rows.is_empty() {
        let _ = writeln!(out, "{title:<10}  none");
    }
    if rows.len() > most {
        let _ = writeln!(out, "{:<10}  and {} more (--all)", "", rows.len() - most);
    }
}
