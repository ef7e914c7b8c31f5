//! The real program on a real terminal, that of tmux: it starts, takes keys and other sizes, and gives the terminal back whatever
//! ends it. `tests/run` installs tmux.

use std::{
    process::{Command, Output},
    time::{Duration, Instant},
};

use super::view::fixture;

/// How long the screen may take to show something, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A tmux server of its own, with one shell on one screen.
struct Terminal {
    server: String,
    home: tempfile::TempDir,
}

impl Terminal {
    fn open(name: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let terminal = Self { server: format!("skbtrail-test-{name}-{}", std::process::id()), home };
        let shell = format!(
            "env -i PATH=/usr/bin:/bin HOME={} LANG=C.UTF-8 PS1='shell$ ' TERM=screen sh",
            terminal.home.path().display()
        );
        terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", "-s", "t", &shell]);
        terminal.wait("shell$");
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> Output {
        let output = Command::new("tmux").arg("-L").arg(&self.server).args(arguments).output();
        let output = output.expect("tmux is there: `tests/run` installs it, so does `apt-get install tmux`");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// Types text, or presses a key that tmux has a name for.
    fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys", "-t", "t"], keys].concat());
    }

    /// Gives the view another size, and waits until it has taken it: a key that comes at the same time may wait for the next
    /// one, as crossterm reads either.
    fn resize(&self, columns: usize, rows: usize) {
        self.tmux(&["resize-window", "-t", "t", "-x", &columns.to_string(), "-y", &rows.to_string()]);
        let started = Instant::now();
        loop {
            let screen = self.screen();
            let header = screen.lines().next().unwrap_or_default();
            // It reaches to the right edge, and ends with what was lost.
            if header.ends_with("lost 0") && header.chars().count() + 2 >= columns {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "not {columns} columns wide:\n{screen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn screen(&self) -> String {
        String::from_utf8_lossy(&self.tmux(&["capture-pane", "-p", "-t", "t"]).stdout).into_owned()
    }

    /// Waits until the screen holds a text.
    fn wait(&self, text: &str) -> String {
        let started = Instant::now();
        loop {
            let screen = self.screen();
            if screen.contains(text) {
                return screen;
            }
            assert!(started.elapsed() < PATIENCE, "`{text}` does not appear:\n{screen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn start(&self) {
        let program = assert_cmd::cargo::cargo_bin!("skbtrail");
        self.keys(&[&format!("{} replay {}", program.display(), fixture("6.12-path.pcapng").display()), "Enter"]);
        self.wait("REPLAY");
        self.wait("VERDICT");
    }

    /// The shell has the terminal again: what is typed shows and works, and the view is gone.
    fn is_given_back(&self) {
        self.wait("shell$");
        // What is typed before the program has ended is typed to it.
        let started = Instant::now();
        while self.find_process().is_some_and(|process| process.runs) {
            assert!(started.elapsed() < PATIENCE, "it does not end:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(50));
        }
        self.keys(&["echo $((6 * 7))-given", "Enter"]);
        let screen = self.wait("42-given");
        assert!(screen.contains("echo $((6 * 7))-given") && !screen.contains("VERDICT"), "{screen}");
        let modes = self.tmux(&["display-message", "-p", "-t", "t", "#{alternate_on}#{mouse_any_flag}#{cursor_flag}"]);
        assert_eq!(String::from_utf8_lossy(&modes.stdout).trim(), "001");
    }

    fn process(&self) -> String {
        self.find_process().expect("the program is below the shell").id
    }

    fn find_process(&self) -> Option<Process> {
        let found = Command::new("ps").args(["-eo", "pid=,ppid=,comm=,stat="]).output().unwrap();
        let shell = self.tmux(&["display-message", "-p", "-t", "t", "#{pane_pid}"]);
        let shell = String::from_utf8_lossy(&shell.stdout).trim().to_owned();
        let text = String::from_utf8_lossy(&found.stdout).into_owned();
        let of_shell = |line: &&str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.get(1) == Some(&shell.as_str()) && words.get(2) == Some(&"skbtrail")
        };
        let words: Vec<&str> = text.lines().find(of_shell)?.split_whitespace().collect();
        Some(Process { id: words[0].to_owned(), runs: !words[3].starts_with(['T', 'Z']) })
    }
}

/// The program below the shell.
struct Process {
    id: String,
    /// It has not been stopped.
    runs: bool,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = Command::new("tmux").args(["-L", &self.server, "kill-server"]).output();
    }
}

#[test]
fn it_takes_keys_and_other_sizes_and_quits() {
    let terminal = Terminal::open("keys");
    terminal.start();
    terminal.keys(&["g", "D", "Enter"]);
    terminal.wait("NETFILTER_DROP");
    terminal.resize(160, 50);
    terminal.keys(&["4"]);
    assert!(terminal.wait("LAST FLOW").lines().any(|line| line.chars().count() > 120));
    terminal.resize(60, 12);
    terminal.keys(&["1"]);
    terminal.wait("NO_SOCKET");
    terminal.resize(100, 30);
    // What has written over the screen is gone when all is drawn anew.
    terminal.keys(&["C-l", "2"]);
    terminal.wait("5 packets on 5 paths");
    terminal.keys(&["q"]);
    terminal.is_given_back();
}

#[test]
fn signals_give_the_terminal_back() {
    let terminal = Terminal::open("signals");
    for signal in ["-TERM", "-HUP", "-INT"] {
        terminal.start();
        let killed = Command::new("kill").args([signal, &terminal.process()]).status().unwrap();
        assert!(killed.success());
        terminal.is_given_back();
        terminal.keys(&["clear", "Enter"]);
    }
}

#[test]
fn it_stops_and_goes_on() {
    let terminal = Terminal::open("stop");
    terminal.start();
    terminal.keys(&["C-z"]);
    terminal.is_given_back();
    terminal.keys(&["fg", "Enter"]);
    terminal.wait("VERDICT");
    terminal.keys(&["3"]);
    terminal.wait("PER PACKET");
    terminal.keys(&["q"]);
    terminal.is_given_back();
}
