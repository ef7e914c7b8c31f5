//! The command line from outside: bad usage gets one clear sentence and exit code 2, before anything is attached.

use std::{
    fs::OpenOptions,
    process::{Command, Output},
};

fn skbtrail(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skbtrail"));
    command.args(args).env("NO_COLOR", "1");
    command
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Arguments, and what the message must hold.
const BAD_USAGE: &[(&[&str], &[&str])] = &[
    (&["trace", "--no-such-flag"], &["unexpected argument", "--no-such-flag"]),
    (&["trase"], &["unrecognized subcommand", "trace"]),
    (&["trace", "hots 1.1.1.1"], &["hots 1.1.1.1", "^", "host"]),
    (&["trace", "tcp", "port"], &["tcp port", "^"]),
    (&["trace", "--filter-netns", "/no/such/namespace"], &["/no/such/namespace"]),
    (&["trace", "--filter-netns", "no-such-namespace"], &["no-such-namespace"]),
    (&["trace", "--filter-netns", "./no-such-namespace"], &["failed to open `./no-such-namespace`", "lsns"]),
    (&["trace", "--filter-netns", "inode:many"], &["inode:many"]),
    (&["trace", "--filter-netns", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")], &["Cargo.toml", "namespace"]),
    (&["trace", "--filter-ifname", "loo"], &["loo", "`lo`"]),
    (&["trace", "--filter-mark", "red"], &["red", "mark"]),
    (&["trace", "--filter-mark", "1/2/3"], &["1/2/3", "mark"]),
    (&["trace", "--filter-func", "ip_(rcv"], &["--filter-func", "ip_(rcv"]),
    (&["trace", "--backend", "kprobe-mutli"], &["kprobe-mutli", "did you mean `kprobe-multi`"]),
    (&["trace", "--columns", "skb,funk"], &["funk", "func"]),
    (&["trace", "--timestamp", "noon"], &["noon", "relative"]),
    (&["trace", "--ring-size", "3"], &["--ring-size", "power of two"]),
    (&["trace", "--output-packet=1000"], &["--output-packet", "256"]),
    (&["trace", "--output-file-max-size", "99999999999999999999"], &["--output-file-max-size", "too large"]),
    (&["trace", "--output-limit-lines", "-1"], &["-1"]),
    (&["trace", "--group", "--columns", "skb"], &["--group", "--columns", "cannot be used with"]),
    (&["paths", "hots 1.1.1.1"], &["hots 1.1.1.1", "^", "host"]),
    (&["paths", "--folded=bytes"], &["bytes", "packets", "time"]),
    (&["paths", "--folded", "--output-json"], &["--folded", "--output-json", "cannot be used with"]),
    (&["paths", "--packets", "-1"], &["-1"]),
    (&["paths", "--backend", "kprobe-mutli"], &["kprobe-mutli", "did you mean `kprobe-multi`"]),
    (&["filter"], &["EXPRESSION"]),
    (&["filter", "tcp prot 80"], &["\n  tcp prot 80\n      ^^^^\n"]),
    (
        &["filter", "ip proto \\udp and tcp prot 80"],
        &["\n  ip proto \\udp and tcp prot 80\n                        ^^^^\n"],
    ),
    (&["filter", "ip", "--print"], &["--pcap"]),
    (&["filter", "ip", "--pcap", "-", "--limit", "0"], &["--limit"]),
    (&["filter", "tcp prot 80", "--pcap", "/no/such/file"], &["\n  tcp prot 80\n      ^^^^\n"]),
    (&["filter", "ifnane eth0"], &["did you mean `ifname`", "\n  ifnane eth0\n  ^^^^^^\n"]),
    (&["filter", "netns no-such-namespace"], &["no network namespace is called `no-such-namespace`", "^^^"]),
    (&["filter", "comm sixteen-letters-"], &["at most 15 bytes"]),
    (&["filter", "skb->"], &["skb->"]),
    (&["trace", "drop NO_SOCKET and hots 1.1.1.1"], &["did you mean `host`"]),
    (&["trace", "--filter-ifname", "e*0"], &["`*` can only stand at the end"]),
    (&["trace", "--filter-skb-expr", "skb->mark =="], &["skb->mark ==", "^"]),
    (&["trace", "--filter-skb-expr", "skb->mark == 4294967296000000000000"], &["larger than 64 bits"]),
    (&["trace", "--filter-tunnel-pcap-l2", "tcp prot 80"], &["\n  tcp prot 80\n      ^^^^\n"]),
    (&["trace", "--filter-tunnel-pcap-l3", "inner(inner(inner(ip)))"], &["more than 3 packets inside"]),
    (&["demo", "--backend", "uprobe"], &["uprobe", "tracepoint"]),
    (&["functions", "ip_(rcv"], &["ip_(rcv"]),
    (&["calico"], &["conntrack", "status"]),
    (&["calico", "nat", "frnot"], &["frnot", "front"]),
    (&["calico", "routes", "dumb"], &["dumb", "dump"]),
    (&["calico", "log", "--all", "--summary"], &["--all", "--summary", "cannot be used with"]),
    (&["calico", "log", "/no/such/file"], &["failed to open `/no/such/file`"]),
    (&["calico", "counters", "--watch=0"], &["expected seconds"]),
    (&["merbridge", "redirects", "helloworld"], &["helloworld"]),
    (&["balancing", "trace", "service", "default/kube-dns"], &["default/kube-dns", "ADDRESS:PORT"]),
    (&["balancing", "show", "map_servise"], &["map_servise"]),
];

#[test]
fn bad_usage_is_one_sentence_and_exit_code_2() {
    for (args, expected) in BAD_USAGE {
        let output = skbtrail(args);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {message}");
        assert!(output.stdout.is_empty(), "{args:?} wrote to stdout");
        for part in *expected {
            assert!(message.contains(part), "{args:?}: `{part}` is not in: {message}");
        }
        assert!(!message.contains("panicked"), "{args:?}: {message}");
    }
}

/// Names come from elsewhere: what is in them must not reach the terminal.
#[test]
fn messages_do_not_steer_the_terminal() {
    for args in [["--filter-netns", "\x1b[31mx"], ["--filter-ifname", "\x1b[31mx"], ["--backend", "\x1b[31mx"]] {
        let message = stderr(&skbtrail(&[&["trace"], &args[..]].concat()));
        assert!(message.contains("\\x1b[31mx") && !message.contains('\x1b'), "{message:?}");
    }
}

#[test]
fn a_filter_is_explained() {
    let output = skbtrail(&["filter", "ip", "and", "tcp port 80"]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success() && stderr(&output).is_empty(), "{output:?}");
    assert!(text.starts_with("  0  protocol = 0x800 "), "{text}");
    assert!(text.contains("= 0x50 ") && text.lines().last().unwrap().contains("tests in"), "{text}");
}

/// Keys need no privileges to be explained.
#[test]
fn keys_are_explained() {
    let output = skbtrail(&["filter", "tcp and ifname veth* and inner(arp) and drop 3 and func ip_.*"]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success() && stderr(&output).is_empty(), "{output:?}");
    for part in [
        "  0  the hit is a drop ",
        "reason = 0x3",
        "func != ip_.*",
        "ifname[0:4] = \"veth\"",
        "turn to the packet inside",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
}

#[test]
fn help_names_exit_codes_and_examples() {
    let output = skbtrail(&["--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    for part in ["Exit codes", "Examples", "trace", "paths", "demo", "doctor", "functions"] {
        assert!(help.contains(part), "no {part}");
    }
    let trace = String::from_utf8(skbtrail(&["trace", "--help"]).stdout).unwrap();
    for flag in [
        "--filter-netns",
        "--filter-ifname",
        "--filter-mark",
        "--filter-skb-expr",
        "--filter-tunnel-pcap-l2",
        "--filter-tunnel-pcap-l3",
        "--filter-func",
        "mark & 0xff == 3",
        "inner(tcp port 443)",
        "--kmods",
        "--backend",
        "--output-json",
        "--output-stack",
        "--output-skb-metadata",
        "--timestamp",
        "--output-file",
        "--group",
    ] {
        assert!(trace.contains(flag), "no {flag}");
    }
    let paths = String::from_utf8(skbtrail(&["paths", "--help"]).stdout).unwrap();
    for flag in ["--folded", "--duration", "--packets", "--by-device", "--filter-netns", "Examples"] {
        assert!(paths.contains(flag), "no {flag}");
    }
}

#[test]
fn completions_and_manual_name_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let output = skbtrail(&["completions", shell]);
        assert!(output.status.success());
        assert!(String::from_utf8(output.stdout).unwrap().contains("filter-netns"), "{shell}");
    }
    let manual = String::from_utf8(skbtrail(&["man"]).stdout).unwrap();
    assert!(manual.starts_with(".ie") || manual.contains(".TH skbtrail"), "{manual}");
    assert!(manual.contains("filter\\-netns"));
}

#[test]
fn the_sample_needs_no_privileges() {
    let output = skbtrail(&["demo", "--sample"]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success());
    assert!(stderr(&output).contains("sample"));
    assert!(text.contains("NO_SOCKET") && text.contains("7001") && text.contains("7002"), "{text}");
}

/// Nobody hears what is said, but the data gets through.
#[test]
fn a_full_stderr_is_no_failure() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command(&["demo", "--sample"]).stderr(full).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().contains("NO_SOCKET"));
}

/// The line that Calico's troubleshooting page explains, and what is made of it.
#[test]
fn calicos_log_from_a_file_and_from_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace.txt");
    let log = "# tracer: nop\n     <...>-84582 [000] .Ns1  6851.690474: 0: ens192---E: Final result=ALLOW (-1). Program execution \
               time: 7366ns\n a\x1b[31m-1 [001] .... 7.000000: bpf_trace_printk: eth0------------I: Final result=DENY (4)\n";
    std::fs::write(&file, log).unwrap();
    let expected = "  6851.690474 ens192          egress  4 ALLOW the next program decides, ran 7366 ns\n     7.000000 eth0            \
                    ingress 4 DENY  by policy\n";
    let output = skbtrail(&["calico", "log", file.to_str().unwrap()]);
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stdout).as_ref()), (Some(0), expected));
    assert_eq!(stderr(&output), "skbtrail: 2 lines of Calico's programs, 1 of others\n");
    let mut reader = command(&["calico", "log", "--json", "-"]);
    let output = reader.stdin(std::fs::File::open(&file).unwrap()).output().unwrap();
    let rows = String::from_utf8(output.stdout).unwrap();
    let last: serde_json::Value = serde_json::from_str(rows.lines().next_back().unwrap()).unwrap();
    assert_eq!((last["task"].as_str(), last["reason"].as_str()), (Some("a\\x1b[31m"), Some("by policy")));
}
