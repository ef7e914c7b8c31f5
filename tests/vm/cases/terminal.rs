//! The terminal view over a running kernel, on a real terminal: it is there before all is attached and can be left then, packets
//! appear, another filter takes hold at once, a drop is named with its stack, drops are counted whatever the filter, and the shell
//! gets its terminal back with an account of every hit.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use super::Case;
use crate::guest::Guest;
use crate::net::{Pair, sh};

pub(crate) const CASE: Case = Case {
    name: "terminal",
    about: "the live view in tmux: a ping, another filter by `/`, a drop, drops beside the filter, the end",
    min_kernel: (5, 17),
    seconds: 900,
    run,
};

/// How long the screen may take to show something; single kprobes on 6.1 take a minute on a slow host.
const PATIENCE: Duration = Duration::from_secs(280);

fn run(_: &Guest) -> Result<()> {
    let pair = Pair::new()?;
    let terminal = Terminal::open()?;
    // It can be left before all is attached.
    terminal.keys("'skbtrail' Enter")?;
    terminal.wait("LIVE")?;
    terminal.keys("q")?;
    terminal.wait_for_prompt()?;
    terminal.keys("'echo \"first $?\"' Enter")?;
    let screen = terminal.wait("first 0")?;
    ensure!(!screen.contains("VERDICT"), "the view is still there:\n{screen}");
    terminal.keys("'clear' Enter")?;

    // As by sudo: files are to be the caller's.
    let started = Instant::now();
    terminal.keys("'SUDO_UID=65534 SUDO_GID=65534 skbtrail icmp' Enter")?;
    terminal.wait("LIVE")?;
    let seen = started.elapsed();
    terminal.wait("VERDICT")?;
    terminal.wait(" functions")?;
    println!("the view is there after {seen:.1?}, all is attached after {:.1?}", started.elapsed());
    pair.ping(2)?;
    terminal.wait("icmp ech")?;
    terminal.wait("delivered")?;

    terminal.keys("/ C-u 'udp port 7302' Enter")?;
    terminal.wait("filter in force")?;
    let pings = rows(&terminal.screen()?, "icmp");
    ensure!(pings > 0, "the pings are gone");
    pair.ping(2)?;
    pair.a.udp_send("10.77.0.2", 7302, "hello")?;
    let screen = terminal.wait("DROPPED NO_SOCKET")?;
    ensure!(rows(&screen, "icmp") == pings, "the pings after the swap are shown, {pings} were before:\n{screen}");

    // Its path has the stack, though none was asked for.
    terminal.keys("g D Enter")?;
    terminal.wait("ip_protocol_deliver_rcu+0x")?;
    terminal.keys("Escape")?;
    // A key right behind would make it another one: Alt with that key.
    terminal.wait("VERDICT")?;

    // Drops are those of the machine: these are none of what the filter asks for.
    terminal.keys("4")?;
    terminal.wait("all of this machine")?;
    let before = drops(&terminal.screen()?);
    for port in [7401, 7402, 7403] {
        pair.a.udp_send("10.77.0.2", port, "hello")?;
    }
    let counted = |screen: &str| drops(screen) >= before + 3;
    terminal.wait_until("three more drops", counted)?;
    // The packets that the trace has are shown first.
    terminal.keys("1")?;
    let screen = terminal.wait("VERDICT")?;
    ensure!(!screen.contains("7401"), "the filter asks for another port:\n{screen}");

    terminal.keys("q")?;
    terminal.wait("seen ")?;
    terminal.wait_for_prompt()?;
    terminal.keys("'echo \"status $?\"' Enter")?;
    let screen = terminal.wait("status 0")?;
    ensure!(screen.contains("lost 0") && !screen.contains("VERDICT"), "this is not what it leaves behind:\n{screen}");
    Ok(())
}

/// Rows of packets that hold a word: they begin with a time, or with the mark of the one at hand.
fn rows(screen: &str, word: &str) -> usize {
    let begins_with_time =
        |line: &&str| line.trim_start_matches(['▶', '>', ' ']).starts_with(|c: char| c.is_ascii_digit());
    screen.lines().filter(begins_with_time).filter(|line| line.contains(':') && line.contains(word)).count()
}

/// Drops for which no socket was there: the column after the rate.
fn drops(screen: &str) -> u64 {
    let total = |line: &str| {
        let words: Vec<&str> = line.trim_start_matches(['▶', '>', ' ']).split_whitespace().collect();
        (words.first() == Some(&"NO_SOCKET")).then(|| words.get(4)?.parse::<u64>().ok()).flatten()
    };
    screen.lines().filter_map(total).sum()
}

/// A shell on a screen of tmux.
struct Terminal {
    /// What tmux is to be told to find it.
    server: &'static str,
}

impl Terminal {
    fn open() -> Result<Self> {
        let terminal = Self { server: "skbtrail" };
        terminal.tmux("-f /dev/null new-session -d -x 110 -y 40 -s t bash --norc")?;
        terminal.wait("#")?;
        Ok(terminal)
    }

    fn tmux(&self, arguments: &str) -> Result<String> {
        sh(&format!("tmux -L {} {arguments}", self.server))
    }

    /// Types text, or presses keys that tmux has a name for.
    fn keys(&self, keys: &str) -> Result<()> {
        self.tmux(&format!("send-keys -t t {keys}")).map(drop)
    }

    fn screen(&self) -> Result<String> {
        self.tmux("capture-pane -p -t t")
    }

    /// Waits until the screen holds a text.
    fn wait(&self, text: &str) -> Result<String> {
        self.wait_until(text, |screen| screen.contains(text))
    }

    /// Waits until the shell asks for the next command: what is typed before is typed to the program.
    fn wait_for_prompt(&self) -> Result<String> {
        let asks = |screen: &str| screen.trim_end().lines().last().is_some_and(|line| line.trim_end().ends_with('#'));
        self.wait_until("a prompt", asks)
    }

    /// The same of anything that can be seen; `what` says it to people.
    fn wait_until(&self, what: &str, seen: impl Fn(&str) -> bool) -> Result<String> {
        let started = Instant::now();
        loop {
            let screen = self.screen()?;
            if seen(&screen) {
                return Ok(screen);
            }
            ensure!(started.elapsed() < PATIENCE, "`{what}` does not appear:\n{screen}");
            sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Where it has not come about there is nothing to end.
        let _ = self.tmux("kill-server");
    }
}
