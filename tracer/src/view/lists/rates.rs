//! How often programs ran lately, rather than since they were loaded: for a screen, which looks again and again.

use std::{collections::HashMap, time::Instant};

use crate::{
    model::attachment::Runs,
    view::{
        duration,
        phrase::thousands,
        table::{Cell, Column, Table},
    },
};

/// Programs that are remembered.
const MOST: usize = 16_384;

/// Runs of programs at an earlier look.
#[derive(Debug, Default)]
pub struct RunRates {
    before: Option<(Instant, HashMap<u64, Runs>)>,
}

impl RunRates {
    /// Puts runs a second and the time of one beside what was counted in all, which is left to scripts then. `id` is the column
    /// that has the ids of programs. A program that was not there at the look before has no rate yet.
    pub fn apply(&mut self, table: &mut Table, id: &str, now: Instant) {
        let place = |key: &str| table.columns.iter().position(|column| column.key == key);
        let (Some(id), Some(count), Some(time)) = (place(id), place("run_cnt"), place("run_time_ns")) else { return };
        let number = |cells: &[Cell], place: usize| cells.get(place).and_then(|cell| cell.as_json().as_u64());
        let runs = |cells: &Vec<Cell>| {
            let runs = Runs { count: number(cells, count)?, time: number(cells, time)? };
            Some((number(cells, id)?, runs))
        };
        let found: Vec<Option<(u64, Runs)>> = table.rows.iter().map(runs).collect();
        if found.iter().any(Option::is_some) {
            for (cells, found) in table.rows.iter_mut().zip(&found) {
                let lately = found.and_then(|(id, runs)| self.lately(id, runs, now));
                let counted = if found.is_some() { Cell::none() } else { Cell::nothing() };
                let [rate, each] = lately.unwrap_or([counted.clone(), counted]);
                cells.insert(count, each);
                cells.insert(count, rate);
            }
            for key in ["run_cnt", "run_time_ns", "ns_per_run"] {
                if let Some(column) = table.columns.iter_mut().find(|column| column.key == key) {
                    column.title = "";
                }
            }
            table.columns.insert(count, Column::number("recent_ns_per_run", "A RUN"));
            table.columns.insert(count, Column::number("runs_per_second", "RUN/s"));
        }
        self.before = Some((now, found.into_iter().flatten().take(MOST).collect()));
    }

    fn lately(&self, id: u64, runs: Runs, now: Instant) -> Option<[Cell; 2]> {
        let (at, before) = self.before.as_ref()?;
        let before = before.get(&id)?;
        let seconds = now.checked_duration_since(*at)?.as_secs_f64();
        let (count, time) = (runs.count.checked_sub(before.count)?, runs.time.checked_sub(before.time)?);
        if seconds <= 0.0 {
            return None;
        }
        let rate = count as f64 / seconds;
        let shown = if rate > 0.0 && rate < 10.0 { format!("{rate:.1}") } else { thousands(rate.round() as u64) };
        let each = time.checked_div(count).map_or_else(Cell::none, |each| {
            let mut text = String::new();
            duration::write(each, &mut text);
            Cell::number(each).shown(text)
        });
        Some([Cell::json(rate).shown(shown), each])
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn table(rows: &[(u64, Option<Runs>)]) -> Table {
        let columns = [
            Column::number("id", "ID"),
            Column::number("run_cnt", "RUNS").optional(),
            Column::number("run_time_ns", "TIME").optional(),
        ];
        let mut table = Table::new("prog", columns);
        for (id, runs) in rows {
            let cell = |value: Option<u64>| value.map_or_else(Cell::nothing, Cell::number);
            table.push([Cell::number(*id), cell(runs.map(|runs| runs.count)), cell(runs.map(|runs| runs.time))]);
        }
        table
    }

    fn shown(table: &Table) -> Vec<String> {
        let visible = |(place, _): &(usize, &Cell)| !table.columns[*place].title.is_empty();
        let row = |cells: &Vec<Cell>| {
            let texts = cells.iter().enumerate().filter(visible).map(|(_, cell)| cell.as_text());
            texts.collect::<Vec<_>>().join(" ")
        };
        table.rows.iter().map(row).collect()
    }

    #[test]
    fn what_ran_since_the_last_look() {
        let (mut rates, now) = (RunRates::default(), Instant::now());
        let runs = |count, time| Some(Runs { count, time });
        let mut first = table(&[(7, runs(100, 30_000)), (8, runs(0, 0))]);
        rates.apply(&mut first, "id", now);
        assert_eq!(shown(&first), ["7 - -", "8 - -"]);
        let mut second = table(&[(7, runs(2_500, 750_000)), (8, runs(0, 0)), (9, runs(4, 4)), (10, None)]);
        rates.apply(&mut second, "id", now + Duration::from_secs(2));
        assert_eq!(shown(&second), ["7 1.2k 300 ns", "8 0 -", "9 - -", "10  "]);
        // Scripts get both.
        assert_eq!(second.rows[0][3].as_json(), 2_500);
        // A program that took the id of another one.
        let mut third = table(&[(7, runs(3, 900))]);
        rates.apply(&mut third, "id", now + Duration::from_secs(4));
        assert_eq!(shown(&third), ["7 - -"]);
    }

    #[test]
    fn nothing_is_claimed_where_runs_are_not_counted() {
        let mut before = table(&[(7, None)]);
        RunRates::default().apply(&mut before, "id", Instant::now());
        assert_eq!(before, table(&[(7, None)]));
    }
}
