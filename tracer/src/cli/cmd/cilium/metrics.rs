//! `cilium metrics`: counters, and with `--watch` how fast they rise.

use std::{cmp::Reverse, collections::HashMap, process::ExitCode, time::Duration};

use super::{args::List, find, list};
use crate::{
    cli::{failure::Failure, show::show},
    inspect::{
        cilium::Cilium,
        maps::decode::{
            Entry,
            cilium::metrics::{Map as Metrics, Metric},
        },
    },
    view::table::{Cell, Column, Table},
};

/// Lists the counters.
pub(super) fn run(args: &List) -> Result<ExitCode, Failure> {
    if args.show.watch.is_none() {
        return list::run(args, &["metrics"]);
    }
    let mut before = HashMap::new();
    show(&args.show, |round| {
        let cilium = find(&args.place, round.since.is_none())?;
        let now = read(&cilium)?;
        let table = table(&now, &before, round.since, cilium.minor >= 16);
        before = now;
        Ok(vec![table])
    })
}

/// Counters by the bytes of their keys.
type Counters = HashMap<Vec<u8>, Metric>;

fn read(cilium: &Cilium) -> Result<Counters, Failure> {
    let mut counters = Counters::new();
    for (found, _) in list::known(cilium, "metrics", cilium.of(&Metrics).collect())? {
        let mut entries = found.map.entries()?;
        while let Some(entry) = entries.next_entry()? {
            let metric = Metric::read(&Entry { key: entry.key, value: entry.value.raw() }, cilium.minor)?;
            counters.insert(entry.key.to_vec(), metric);
        }
    }
    Ok(counters)
}

/// Packets and bytes per second.
type Rates = Option<(f64, f64)>;

/// How fast a counter rose; nothing for the first round, and where it fell because it was made anew.
fn rates(metric: &Metric, before: Option<&Metric>, since: Option<Duration>) -> Rates {
    let seconds = since?.as_secs_f64();
    let (packets, bytes) = before.map_or((0, 0), |before| (before.packets, before.bytes));
    let risen = (metric.packets.checked_sub(packets)?, metric.bytes.checked_sub(bytes)?);
    (seconds > 0.0).then(|| (risen.0 as f64 / seconds, risen.1 as f64 / seconds))
}

fn table(now: &Counters, before: &Counters, since: Option<Duration>, has_places: bool) -> Table {
    let mut columns = vec![
        Column::text("reason", "REASON").wrapping(),
        Column::text("direction", "DIRECTION"),
        Column::number("packets_per_s", "PACKETS/s"),
        Column::number("bytes_per_s", "BYTES/s"),
        Column::number("packets", "PACKETS"),
        Column::number("bytes", "BYTES"),
    ];
    if has_places {
        columns.extend([Column::number("line", "LINE"), Column::text("file", "FILE")]);
    }
    columns.extend([Column::hidden("reason_code"), Column::hidden("drop")]);
    let mut rows: Vec<(Rates, &Metric)> =
        now.iter().map(|(key, metric)| (rates(metric, before.get(key), since), metric)).collect();
    rows.sort_by_key(|(rates, metric)| {
        let packets = rates.map_or(0, |(packets, _)| (packets * 1000.0) as u64);
        (Reverse(packets), metric.reason.clone(), metric.direction, metric.place.clone())
    });
    let mut table = Table::new("", columns).or_else("there are no entries");
    for (rates, metric) in rows {
        table.push(cells(rates, metric));
    }
    table
}

fn cells(rates: Rates, metric: &Metric) -> Vec<Cell> {
    let rate =
        |value: Option<f64>| value.map_or_else(Cell::none, |value| Cell::json(value).shown(format!("{value:.1}")));
    let mut cells = vec![
        Cell::text(&metric.reason),
        Cell::text(metric.direction.to_lowercase()).shown(metric.direction),
        rate(rates.map(|(packets, _)| packets)),
        rate(rates.map(|(_, bytes)| bytes)),
        Cell::number(metric.packets),
        Cell::number(metric.bytes),
    ];
    if let Some((line, file)) = &metric.place {
        cells.extend([Cell::number(*line), Cell::text(file)]);
    }
    cells.extend([Cell::number(metric.code), Cell::json(metric.is_drop())]);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{Style, table};

    fn counter(code: u8, packets: u64, bytes: u64) -> (Vec<u8>, Metric) {
        let reason = if code == 0 { "Success" } else { "Policy denied" }.to_owned();
        let place = Some((35, "encap.h".to_owned()));
        (vec![code], Metric { code, reason, direction: "EGRESS", packets, bytes, place })
    }

    #[test]
    fn the_busiest_come_first_and_a_new_map_has_no_rate() {
        let before = Counters::from([counter(0, 10, 1000), counter(133, 900, 90_000)]);
        let now = Counters::from([counter(0, 30, 3000), counter(133, 5, 500)]);
        let mut out = String::new();
        table::text(&table(&now, &before, Some(Duration::from_secs(4)), true), Style::Plain, None, &mut out);
        let expected = "\
REASON         DIRECTION  PACKETS/s  BYTES/s  PACKETS  BYTES  LINE  FILE
Success        EGRESS           5.0    500.0       30   3000    35  encap.h
Policy denied  EGRESS             -        -        5    500    35  encap.h
";
        assert_eq!(out, expected);
        out.clear();
        table::json(&table(&now, &before, Some(Duration::from_secs(4)), true), &mut out);
        let first = r#"{"reason":"Success","direction":"egress","packets_per_s":5.0,"bytes_per_s":500.0,"packets":30,"bytes":3000,"line":35,"file":"encap.h","reason_code":0,"drop":false}"#;
        assert_eq!(out.lines().next(), Some(first));
    }

    #[test]
    fn the_first_round_has_no_rates() {
        let now = Counters::from([counter(0, 30, 3000)]);
        let (_, metric) = counter(0, 30, 3000);
        assert_eq!(rates(&metric, None, None), None);
        let mut out = String::new();
        table::text(&table(&now, &Counters::new(), None, true), Style::Plain, None, &mut out);
        assert!(out.contains("Success  EGRESS             -        -       30   3000"), "{out}");
    }
}
