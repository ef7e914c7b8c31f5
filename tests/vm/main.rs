//! The kernel tests: one binary, two roles. On the host it builds a small root file system and boots a
//! kernel in QEMU; in the guest, where it is pid 1, it runs the cases and says how they went.
//!
//! It must not need root, a network or KVM on the host, and must not touch the host's own kernel: whatever a
//! case traces, drops or loads happens in the guest. It downloads nothing; `tests/run` does that.
//!
//! ```text
//! vm [--kernel 6.12]… [--icount] [--smp N] [--deadline SECONDS] [CASE…]   boot and run the cases
//! vm bench [VERSION [SHORT NAME…]]                                        the cost table, under instruction counting
//! vm list                                                                 the cases, one line each
//! ```

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test runner's report goes to the terminal, a guest's to its serial line"
)]

mod bench;
mod bpf;
mod bpftool;
mod cases;
mod cpio;
#[path = "../maps/fixture.rs"]
mod fixture;
mod guest;
mod holdings;
mod image;
mod inspected;
mod journeys;
mod maps;
mod net;
mod packet_ring;
mod qemu;
mod recorder;
mod tracer;
mod types;
mod witness;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::cases::CASES;
use crate::qemu::Machine;

/// Kernels of a run that names none.
const KERNELS: &[&str] = &["6.1", "6.12", "7.2"];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if std::process::id() == 1 {
        return guest::init(&args);
    }
    match dispatch(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("vm: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<bool> {
    match args.first().map(String::as_str) {
        Some("guest") => Ok(guest::run_all(&args[1..])),
        Some("guest-case") => guest::run_one(&args[1..]),
        Some("guest-bench") => bench::run(&args[1..]),
        Some("bench") => {
            let version = args.get(1).map_or("6.12", String::as_str);
            let wanted = args.get(2..).unwrap_or_default();
            qemu::boot(&Machine::counting(version), &[&["guest-bench".to_owned()], wanted].concat())
        }
        Some("list") => {
            for case in CASES {
                println!("{:<24} {}", case.name, case.about);
            }
            Ok(true)
        }
        _ => run_matrix(&Host::parse(args)?),
    }
}

/// What the host was asked for.
struct Host {
    kernels: Vec<String>,
    cases: Vec<String>,
    icount: bool,
    smp: Option<u32>,
    deadline: Option<u64>,
}

impl Host {
    fn parse(args: &[String]) -> Result<Self> {
        let mut host = Self { kernels: Vec::new(), cases: Vec::new(), icount: false, smp: None, deadline: None };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("`{arg}` needs a value"));
            match arg.as_str() {
                "--kernel" => host.kernels.push(value()?.clone()),
                "--icount" => host.icount = true,
                "--smp" => host.smp = Some(value()?.parse().context("`--smp` needs a number")?),
                "--deadline" => {
                    host.deadline = Some(value()?.parse().context("`--deadline` needs seconds")?);
                }
                flag if flag.starts_with('-') => bail!("unknown flag `{flag}`"),
                case if CASES.iter().any(|known| known.name == case) => {
                    host.cases.push(case.to_owned());
                }
                case => bail!("no case is called `{case}`; `vm list` names them"),
            }
        }
        if host.kernels.is_empty() {
            host.kernels = KERNELS.iter().map(|&version| version.to_owned()).collect();
        }
        Ok(host)
    }

    fn machine(&self, version: &str) -> Machine {
        let mut machine = if self.icount { Machine::counting(version) } else { Machine::new(version) };
        machine.smp = self.smp.unwrap_or(machine.smp);
        machine.deadline = self.deadline.map_or(machine.deadline, std::time::Duration::from_secs);
        machine
    }
}

/// One kernel after the other: two cores are too few for two machines.
fn run_matrix(host: &Host) -> Result<bool> {
    // One word for all cases: the kernel hands 32 words at most to the first process.
    let role = ["guest".to_owned(), host.cases.join(",")];
    let mut good = true;
    for version in &host.kernels {
        good &= qemu::boot(&host.machine(version), &role)?;
    }
    Ok(good)
}
