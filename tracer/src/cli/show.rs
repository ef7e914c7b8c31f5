//! What the commands that look at the machine have in common: tables as text or as JSON lines, once or again and again.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal as _, Write},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;

use super::{args::ColorWhen, colour, failure::Failure, signals::Stop};
use crate::view::{Style, Table, table};

/// Lines on a terminal that is wider than anybody reads, and in a pipe.
const WIDTH: usize = 80;
/// Between two looks for a signal, while waiting for the next round.
const PATIENCE: Duration = Duration::from_millis(50);

/// How to print, and how often.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct Show {
    /// Print JSON, an object a line
    #[arg(long)]
    pub json: bool,
    /// Print again every SECONDS (2 without a number) until Ctrl-C; on a terminal in place
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "2", value_parser = seconds)]
    pub watch: Option<Duration>,
    /// When to colour text
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = ColorWhen::Auto)]
    pub color: ColorWhen,
}

/// Seconds as they are typed.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let error = || "expected seconds, from 0.1 to 86400".to_owned();
    let seconds = text.parse::<f64>().map_err(|_| error())?;
    if (0.1..=86_400.0).contains(&seconds) { Ok(Duration::from_secs_f64(seconds)) } else { Err(error()) }
}

/// One round of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Round {
    /// Time since the last round was gathered; `None` in the first.
    pub(crate) since: Option<Duration>,
}

/// Gathers tables and prints them, once or as often as `--watch` says. What a round has to know of the one before (for
/// differences) `gather` keeps for itself.
pub(crate) fn show(
    args: &Show,
    mut gather: impl FnMut(Round) -> Result<Vec<Table>, Failure>,
) -> Result<ExitCode, Failure> {
    let printer = Printer::new(args);
    let Some(pause) = args.watch else {
        printer.print(&gather(Round { since: None })?)?;
        return Ok(ExitCode::SUCCESS);
    };
    repeat(pause, |round| {
        let tables = gather(round)?;
        Ok(printer.print_again(&tables, round.since.is_none())?)
    })
}

/// The same for what may be too long for a table: `gather` appends text, and lets go of it with [`Paper::turn`] now and then.
pub(crate) fn show_long(
    args: &Show,
    mut gather: impl FnMut(Round, &mut Paper) -> Result<(), Failure>,
) -> Result<ExitCode, Failure> {
    let printer = Printer::new(args);
    let Some(pause) = args.watch else {
        let mut paper = Paper { text: String::new(), is_let_go: true, cut: false };
        let outcome = gather(Round { since: None }, &mut paper);
        // What was read before something failed is kept.
        write(&paper.text)?;
        outcome?;
        return Ok(if paper.cut { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    };
    repeat(pause, |round| {
        let mut paper = Paper { text: String::new(), is_let_go: args.json || !printer.terminal, cut: false };
        gather(round, &mut paper)?;
        Ok(printer.print_text(&paper.text, round.since.is_none())?)
    })
}

/// Text on its way to stdout.
pub(crate) struct Paper {
    /// What is not printed yet.
    pub(crate) text: String,
    /// Where it is drawn in place, all of it is needed at once.
    is_let_go: bool,
    /// Something could not be read to its end, which has been said.
    pub(crate) cut: bool,
}

impl Paper {
    /// Prints what there is, once it is worth a call.
    pub(crate) fn turn(&mut self) -> anyhow::Result<()> {
        const CHUNK: usize = 64 << 10;
        if self.is_let_go && self.text.len() >= CHUNK {
            write(&self.text)?;
            self.text.clear();
        }
        Ok(())
    }
}

/// Runs a round, and again after each pause, until a signal.
fn repeat(pause: Duration, mut run: impl FnMut(Round) -> Result<(), Failure>) -> Result<ExitCode, Failure> {
    let stop = Stop::install().context("failed to catch signals")?;
    let mut since: Option<Instant> = None;
    while !stop.requested() {
        let now = Instant::now();
        run(Round { since: since.map(|before| now - before) })?;
        since = Some(now);
        while !stop.requested() && now.elapsed() < pause {
            thread::sleep(PATIENCE.min(pause.saturating_sub(now.elapsed())));
        }
    }
    Ok(stop.exit_code())
}

/// Where rounds are printed, and how.
pub(crate) struct Printer {
    json: bool,
    style: Style,
    terminal: bool,
}

impl Printer {
    pub(crate) fn new(args: &Show) -> Self {
        Self { json: args.json, style: colour::style(args.color), terminal: io::stdout().is_terminal() }
    }

    pub(crate) fn print(&self, tables: &[Table]) -> anyhow::Result<()> {
        write(&self.text(tables))
    }

    /// In place on a terminal; in a pipe with an empty line between rounds.
    pub(crate) fn print_again(&self, tables: &[Table], first: bool) -> anyhow::Result<()> {
        self.print_text(&self.text(tables), first)
    }

    fn print_text(&self, text: &str, first: bool) -> anyhow::Result<()> {
        if self.json || !self.terminal {
            let gap = if first || self.json { "" } else { "\n" };
            return write(&format!("{gap}{text}"));
        }
        let rows = terminal_size::terminal_size().map_or(24, |(_, height)| usize::from(height.0)).max(3);
        write(&format!("\x1b[H\x1b[J{}", fitting(text, rows - 1)))
    }

    /// Rounds are printed over one another.
    pub(crate) fn in_place(&self) -> bool {
        self.terminal && !self.json
    }

    /// The whole of the last round, over the one before.
    pub(crate) fn print_last(&self, tables: &[Table]) -> anyhow::Result<()> {
        let clear = if self.in_place() { "\x1b[H\x1b[J" } else { "" };
        write(&format!("{clear}{}", self.text(tables)))
    }

    fn text(&self, tables: &[Table]) -> String {
        let mut out = String::new();
        for (place, one) in tables.iter().enumerate() {
            if self.json {
                table::json(one, &mut out);
                continue;
            }
            if place > 0 {
                out.push('\n');
            }
            table::text(one, self.style, Some(width(self.terminal)), &mut out);
        }
        out
    }
}

/// Columns that text should fit into.
pub(crate) fn width(terminal: bool) -> usize {
    match terminal_size::terminal_size() {
        Some((width, _)) if terminal => usize::from(width.0).max(WIDTH / 2),
        _ => WIDTH,
    }
}

/// The lines that fit, and how many do not.
fn fitting(text: &str, lines: usize) -> String {
    let count = text.lines().count();
    if count <= lines {
        return text.to_owned();
    }
    let mut shown: String = text.split_inclusive('\n').take(lines - 1).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(shown, "… {} more lines; in a pipe all are shown", count - (lines - 1));
    shown
}

fn write(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("failed to write to stdout")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        assert_eq!(fitting("a\nb\n", 2), "a\nb\n");
        assert_eq!(fitting("a\nb\nc\nd\n", 3), "a\nb\n… 2 more lines; in a pipe all are shown\n");
    }

    #[test]
    fn seconds_are_bounded() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for wrong in ["0", "-1", "x", "nan", "1e9", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
