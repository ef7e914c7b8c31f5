//! Namespaces, links, rules and traffic for the cases, made with the ordinary tools.
//!
//! It must not know the program under test, and whatever it makes goes when its owner goes out of scope.

use std::fmt::Write as _;
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// A server that has been started listens by then.
const SOON: Duration = Duration::from_secs(20);

/// Runs a shell line; its output, or an error with what it said.
pub(crate) fn sh(line: &str) -> Result<String> {
    let output = output(line)?;
    ensure!(output.status.success(), "`{line}` failed: {}", complaint(&output));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn output(line: &str) -> Result<Output> {
    let mut shell = Command::new("bash");
    shell.args(["-o", "pipefail", "-c", line]).output().with_context(|| format!("failed to run `{line}`"))
}

fn complaint(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let stdout = String::from_utf8_lossy(&output.stdout);
    if let Some(last) = stdout.trim().lines().last() {
        let _ = write!(text, " {last}");
    }
    format!("{} {text}", output.status)
}

/// A network namespace, deleted on drop with everything in it.
pub(crate) struct Namespace {
    pub(crate) name: String,
}

impl Namespace {
    pub(crate) fn new(name: &str) -> Result<Self> {
        sh(&format!("ip netns add {name}"))?;
        let namespace = Self { name: name.to_owned() };
        namespace.sh("ip link set lo up")?;
        Ok(namespace)
    }

    /// A shell line inside.
    pub(crate) fn sh(&self, line: &str) -> Result<String> {
        sh(&self.inside(line))
    }

    /// The same, as a line for `sh`, to be put in the background or joined with others.
    pub(crate) fn inside(&self, line: &str) -> String {
        format!("ip netns exec {} bash -c '{}'", self.name, line.replace('\'', r"'\''"))
    }

    pub(crate) fn path(&self) -> String {
        format!("/run/netns/{}", self.name)
    }

    /// The number that events carry.
    pub(crate) fn inode(&self) -> Result<u64> {
        Self::inode_of(&self.name)
    }

    /// That of the namespace of a name.
    pub(crate) fn inode_of(name: &str) -> Result<u64> {
        use std::os::unix::fs::MetadataExt;
        let path = format!("/run/netns/{name}");
        Ok(std::fs::metadata(&path).with_context(|| format!("failed to look at `{path}`"))?.ino())
    }

    pub(crate) fn ifindex(&self, device: &str) -> Result<u64> {
        let text = self.sh(&format!("cat /sys/class/net/{device}/ifindex"))?;
        text.trim().parse().context("no interface number")
    }

    /// A whole nft script, such as `add table ip t; add chain ip t in { type filter hook input priority 0; }; …`.
    pub(crate) fn nft(&self, script: &str) -> Result<()> {
        self.sh(&format!("nft '{script}'")).map(drop)
    }

    pub(crate) fn iptables(&self, rule: &str) -> Result<()> {
        self.sh(&format!("iptables -w {rule}")).map(drop)
    }

    pub(crate) fn ip6tables(&self, rule: &str) -> Result<()> {
        self.sh(&format!("ip6tables -w {rule}")).map(drop)
    }

    /// A VLAN device `device.id`, up, with an address.
    pub(crate) fn vlan(&self, device: &str, id: u16, address: &str) -> Result<()> {
        self.sh(&format!(
            "ip link add link {device} name {device}.{id} type vlan id {id} &&
             ip addr add {address} dev {device}.{id} && ip link set {device}.{id} up"
        ))
        .map(drop)
    }

    /// Echo requests, a fifth of a second apart; an error unless every one is answered.
    pub(crate) fn ping(&self, to: &str, count: u32) -> Result<()> {
        let said = self.sh(&format!("ping -n -i 0.2 -W 5 -c {count} {to}"))?;
        ensure!(said.contains(&format!(" {count} received")), "ping {to}: {said}");
        Ok(())
    }

    /// Echo requests of which no answer is wanted.
    pub(crate) fn ping_unanswered(&self, to: &str, count: u32) -> Result<()> {
        let run = output(&self.inside(&format!("ping -n -i 0.2 -W 1 -c {count} {to}")))?;
        let said = String::from_utf8_lossy(&run.stdout);
        ensure!(!run.status.success() && said.contains(" 0 received"), "ping {to} was answered: {said}");
        Ok(())
    }

    /// True if a connection came about.
    pub(crate) fn tcp_connect(&self, to: &str, port: u16, seconds: u32) -> Result<bool> {
        Ok(output(&self.inside(&format!("nc -n -z -w {seconds} {to} {port}")))?.status.success())
    }

    /// One datagram.
    pub(crate) fn udp_send(&self, to: &str, port: u16, text: &str) -> Result<()> {
        self.sh(&format!("echo -n {text} | nc -n -u -q 0 -w 1 {to} {port}")).map(drop)
    }

    /// Waits until a shell line inside succeeds.
    pub(crate) fn until(&self, line: &str) -> Result<()> {
        let start = Instant::now();
        while !output(&self.inside(line))?.status.success() {
            ensure!(start.elapsed() < SOON, "`{line}` does not come true within {SOON:?}");
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// A listener that stays until the guard goes.
    pub(crate) fn listen(&self, arguments: &str) -> Result<Background> {
        let listener = Background::start(&self.inside(&format!("exec nc -n -k -l {arguments}")))?;
        let port = arguments.split_whitespace().next_back().unwrap_or_default().to_owned();
        self.until(&format!("ss -Hlntu sport = :{port} | grep -q {port}"))?;
        Ok(listener)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = sh(&format!("ip netns delete {}", self.name));
    }
}

/// A process that is ended when this goes.
pub(crate) struct Background(std::process::Child);

impl Background {
    pub(crate) fn start(line: &str) -> Result<Self> {
        use std::process::Stdio;
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("exec {line}")]).stdin(Stdio::null()).stdout(Stdio::null());
        Ok(Self(shell.spawn().with_context(|| format!("failed to start `{line}`"))?))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A BPF program that returns a constant, pinned until this goes.
pub(crate) struct Pinned(String);

impl Pinned {
    /// `kind` is `xdp` or `tc`.
    pub(crate) fn new(kind: &str, verdict: i32) -> Result<Self> {
        // Not below /sys, which is another one for `ip netns exec` and `ip -n`.
        sh("mkdir -p /run/bpf && { mountpoint -q /run/bpf || mount -t bpf bpf /run/bpf; }")?;
        let path = format!("/run/bpf/{kind}{verdict}");
        sh(&format!("constant {kind} {verdict} {path}"))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &str {
        &self.0
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Two namespaces joined by a veth: `va` 10.77.0.1 fd77::1 in `a`, `vb` 10.77.0.2 fd77::2 in `b`.
pub(crate) struct Pair {
    pub(crate) a: Namespace,
    pub(crate) b: Namespace,
}

impl Pair {
    pub(crate) const A4: &str = "10.77.0.1";
    pub(crate) const B4: &str = "10.77.0.2";
    pub(crate) const A6: &str = "fd77::1";
    pub(crate) const B6: &str = "fd77::2";

    pub(crate) fn new() -> Result<Self> {
        let pair = Self { a: Namespace::new("a")?, b: Namespace::new("b")? };
        sh("ip link add va netns a type veth peer name vb netns b")?;
        pair.a.sh(&address("va", Self::A4, Self::A6))?;
        pair.b.sh(&address("vb", Self::B4, Self::B6))?;
        Ok(pair)
    }

    /// a pings b; every echo request must be answered.
    pub(crate) fn ping(&self, count: u32) -> Result<()> {
        self.a.ping(Self::B4, count)
    }

    pub(crate) fn ping6(&self, count: u32) -> Result<()> {
        self.a.ping(Self::B6, count)
    }
}

/// `nodad`: an address that is still being checked would not answer for a second.
fn address(device: &str, v4: &str, v6: &str) -> String {
    format!("ip addr add {v4}/24 dev {device} && ip addr add {v6}/64 dev {device} nodad && ip link set {device} up")
}

/// Two namespaces and a router between them: `va` 10.71.0.1 fd71::1 in `a`, `ra` 10.71.0.254 fd71::fe and `rb` 10.72.0.254
/// fd72::fe in `r`, `vb` 10.72.0.1 fd72::1 in `b`.
pub(crate) struct Router {
    pub(crate) a: Namespace,
    pub(crate) r: Namespace,
    pub(crate) b: Namespace,
}

impl Router {
    pub(crate) const A4: &str = "10.71.0.1";
    pub(crate) const A6: &str = "fd71::1";
    pub(crate) const B4: &str = "10.72.0.1";
    pub(crate) const B6: &str = "fd72::1";

    pub(crate) fn new() -> Result<Self> {
        let router = Self { a: Namespace::new("a")?, r: Namespace::new("r")?, b: Namespace::new("b")? };
        sh(
            "ip link add va netns a type veth peer name ra netns r && ip link add vb netns b type veth peer name rb netns r",
        )?;
        let defaults =
            |v4: &str, v6: &str| format!("ip route add default via {v4} && ip -6 route add default via {v6}");
        router.r.sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")?;
        router.r.sh(&address("ra", "10.71.0.254", "fd71::fe"))?;
        router.r.sh(&address("rb", "10.72.0.254", "fd72::fe"))?;
        router.a.sh(&address("va", Self::A4, Self::A6))?;
        router.b.sh(&address("vb", Self::B4, Self::B6))?;
        router.a.sh(&defaults("10.71.0.254", "fd71::fe"))?;
        router.b.sh(&defaults("10.72.0.254", "fd72::fe"))?;
        // Neighbours that are known cost the packets under test no queueing.
        router.a.ping(Self::B4, 1)?;
        router.a.ping(Self::B6, 1)?;
        Ok(router)
    }
}
