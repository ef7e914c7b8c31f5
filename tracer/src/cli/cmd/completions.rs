//! `skbtrail completions SHELL` and `skbtrail man`: made from the argument definitions, so they cannot fall behind.

use std::{io::Write, process::ExitCode};

use clap::CommandFactory as _;

use crate::cli::args::Args;

/// Writes a completion script.
pub fn completions(shell: clap_complete::Shell, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "skbtrail", &mut script);
    out.write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// Of the manual page.
const FILES: &str = r#".SH FILES
.TP
.I ~/.config/skbtrail/config.toml
Settings of the view (below $XDG_CONFIG_HOME where that is set): theme, ascii, mouse, columns, filter, and a table [keys] of
actions with their keys. One setting a line; one that is wrong is named with its line and ignored. skbtrail reads it where it
shows a view, and nowhere else.
.PP
.nf
theme = "dark"
columns = ["time", "flow", "way", "verdict"]
filter = "not port 22"
[keys]
next-drop = ["D", "ctrl-n"]
.fi
"#;

/// Writes the manual page: the program's, then a section for each command.
pub fn man(out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut command = Args::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(out)?;
    for subcommand in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        let page = clap_mangen::Man::new(subcommand.clone());
        writeln!(out, ".SH COMMAND {}", subcommand.get_name().to_uppercase())?;
        page.render_synopsis_section(out)?;
        page.render_description_section(out)?;
        page.render_options_section(out)?;
    }
    out.write_all(FILES.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
