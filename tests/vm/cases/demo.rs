//! `skbtrail demo` shows one packet delivered and one dropped, ends by itself and leaves nothing: no namespace, no
//! program, also when it is killed. Without privileges it shows the sample and says so.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::holdings::Holdings;
use crate::net::sh;

pub(crate) const CASE: Case = Case {
    name: "demo",
    about: "`skbtrail demo`: one packet delivered, one dropped, nothing left, also after kill -9",
    min_kernel: (5, 17),
    seconds: 200,
    run,
};

/// The kernel takes namespaces apart in the background.
const GONE_WITHIN: Duration = Duration::from_secs(10);
const LIMIT: &str = "/proc/sys/user/max_net_namespaces";

fn run(_: &Guest) -> Result<()> {
    let before = Holdings::at_rest()?;
    shows_both(&["demo", "--backend", "tracepoint"]).context("tracepoint")?;
    no_namespace_left().context("tracepoint")?;
    killed("made two private namespaces")?;
    no_namespace_left().context("killed")?;
    shows_both(&["demo"]).context("the best backend")?;
    no_namespace_left().context("the best backend")?;
    sample()?;
    before.restored()
}

fn demo(args: &[&str]) -> Result<Output> {
    Command::new("skbtrail").args(args).output().context("failed to run skbtrail")
}

fn shows_both(args: &[&str]) -> Result<()> {
    let run = demo(args)?;
    let (stdout, stderr) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    ensure!(run.status.success(), "{}: {stderr}", run.status);
    let packets: Vec<&str> = stdout.split("\n\n").filter(|block| !block.trim().is_empty()).collect();
    ensure!(packets.len() == 2, "{} packets: {stdout}", packets.len());
    let verdict = |block: &str| block.trim_end().lines().next_back().unwrap_or_default().to_owned();
    ensure!(packets[0].contains(":7001") && verdict(packets[0]).contains("delivered: "), "{stdout}");
    ensure!(packets[1].contains(":7002") && verdict(packets[1]).contains("dropped after"), "{stdout}");
    // What a function tells, no tracepoint does.
    let by_function = args.contains(&"tracepoint") || packets[0].contains("delivered after");
    ensure!(by_function, "{stdout}");
    let drop = verdict(packets[1]);
    ensure!(drop.contains(": NO_SOCKET at ") && drop.contains("udp") && drop.contains("_rcv+0x"), "{drop}");
    // Both sides are on the way, by name.
    for block in &packets {
        ensure!(block.contains("netns sender") && block.contains("netns receiver"), "{block}");
    }
    ensure!(stderr.contains("lost 0"), "{stderr}");
    Ok(())
}

/// Killed as soon as it says so.
fn killed(when: &str) -> Result<()> {
    let mut demo = Command::new("skbtrail").arg("demo").stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let said = BufReader::new(demo.stderr.take().context("stderr is piped")?);
    let reached = said.lines().map_while(Result::ok).any(|line| line.contains(when));
    sleep(Duration::from_millis(500));
    demo.kill()?;
    demo.wait()?;
    ensure!(reached, "the demo never said `{when}`");
    Ok(())
}

/// Where only one may exist, one can be made.
fn no_namespace_left() -> Result<()> {
    let limit = std::fs::read_to_string(LIMIT)?;
    std::fs::write(LIMIT, "1")?;
    let start = Instant::now();
    let mut made = sh("ip netns add one");
    while made.is_err() && start.elapsed() < GONE_WITHIN {
        sleep(Duration::from_millis(100));
        made = sh("ip netns add one");
    }
    std::fs::write(LIMIT, limit)?;
    sh("ip -all netns delete")?;
    made.map(drop).context("a namespace of the demo is still there")
}

fn sample() -> Result<()> {
    let user = ["--reuid=65534", "--regid=65534", "--clear-groups", "skbtrail", "demo"];
    let run = Command::new("setpriv").args(user).output()?;
    let (stdout, stderr) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    ensure!(run.status.success(), "{}: {stderr}", run.status);
    ensure!(stderr.contains("CAP_BPF") && stderr.contains("sample"), "{stderr}");
    ensure!(stdout.contains("delivered") && stdout.contains("NO_SOCKET at "), "{stdout}");
    Ok(())
}
