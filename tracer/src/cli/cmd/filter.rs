//! `skbtrail filter EXPRESSION`: what a filter compiles to, so that a user sees what is looked at, and how much of it.

use std::{io::Write, process::ExitCode};

use crate::{cli::Failure, filter};

/// Arguments of `filter`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  skbtrail filter host 10.0.0.7 and tcp port 443")]
pub struct Args {
    /// Expression, in the language of pcap-filter(7)
    #[arg(value_name = "EXPRESSION", required = true, allow_negative_numbers = true)]
    expression: Vec<String>,
}

/// Prints the program, a test a line.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<ExitCode, Failure> {
    let expression = args.expression.join(" ");
    let request = filter::Request { expression: &expression, ..filter::Request::default() };
    let compiled = filter::compile(&request).map_err(Failure::usage)?;
    out.write_all(filter::explain(&compiled.program).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
