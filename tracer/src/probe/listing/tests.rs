use std::{fs, sync::Arc};

use super::super::{Modules, discover};
use super::*;
use crate::kernel::btf::testing::Builder;

const LIST: &str = "/sys/kernel/tracing/available_filter_functions";
const LIST_WITH_ADDRESSES: &str = "/sys/kernel/tracing/available_filter_functions_addrs";
const SYMBOLS: &str = "/proc/kallsyms";
const BLACKLIST: &str = "/sys/kernel/debug/kprobes/blacklist";

/// What is found on a kernel whose functions `ip_rcv`, `run` and `late` and whose module's `br_dev` take a packet.
fn check(files: &[(&str, &str)], source: Source, expected: &[&str]) {
    let mut builder = Builder::new();
    let packet = builder.structure("sk_buff", 232, &[]);
    let pointer = builder.pointer(packet);
    let int = builder.int("int", 4);
    builder.function("ip_rcv", &[("skb", pointer)]);
    builder.function("run", &[("n", int), ("skb", pointer)]);
    let many: Vec<_> = [("n", int); 5].into_iter().chain([("skb", pointer)]).collect();
    builder.function("late", &many);
    let vmlinux = Arc::new(builder.build());
    let mut module = Builder::above(&vmlinux);
    module.function("br_dev", &[("skb", pointer)]);

    let directory = tempfile::tempdir().unwrap();
    let root = Root::at(directory.path());
    let write = |path: &str, bytes: &[u8]| {
        let path = root.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    write("/sys/kernel/btf/bridge", &module.bytes());
    for (path, text) in files {
        write(path, text.as_bytes());
    }
    let discovery = discover(&root, &vmlinux, &Modules::All).unwrap();
    let shown: Vec<String> = discovery
        .functions
        .iter()
        .map(|one| match &one.status {
            Status::Traceable => format!("{}@{:#x} {}", one.name, one.address, one.position),
            Status::Refused(why) => format!("{}: {why}", one.name),
        })
        .collect();
    assert_eq!(shown, expected, "{:?}", discovery.notes);
    assert_eq!(discovery.source, source);
}

const LATE: &str = "late: its packet is argument 6, beyond the fifth";

#[test]
fn the_list_decides_and_gives_addresses() {
    check(
        &[(
            LIST_WITH_ADDRESSES,
            "0xff10 ip_rcv\n0xff20 run\n0xff30 run\n0xff40 late\n0xff50 other\n0xff60 br_dev [bridge]\n",
        )],
        Source::ListWithAddresses,
        &["ip_rcv@0xff10 1", LATE, "run@0xff20 2", "run@0xff30 2", "br_dev@0xff60 1"],
    );
}

#[test]
fn a_list_of_names_takes_addresses_from_symbols() {
    check(
        &[
            (LIST, "ip_rcv\nrun\nrun\nbr_dev [bridge]\n"),
            (
                SYMBOLS,
                "ff10 T ip_rcv\nff20 t run\nff30 t run\nff38 d run\nff40 t run\t[veth]\nff60 t br_dev\t[bridge]\n",
            ),
        ],
        Source::List,
        &["ip_rcv@0xff10 1", LATE, "run@0xff20 2", "run@0xff30 2", "br_dev@0xff60 1"],
    );
}

#[test]
fn hidden_symbols_leave_names() {
    check(
        &[(LIST, "ip_rcv\nrun\nrun\n"), (SYMBOLS, "0 T ip_rcv\n0 t run\n")],
        Source::List,
        &["ip_rcv@0x0 1", LATE, "run@0x0 2", "br_dev: the kernel does not list it as traceable"],
    );
}

#[test]
fn refusals_say_why() {
    check(
        &[(LIST_WITH_ADDRESSES, "0xff10 ip_rcv\n0xff20 run.isra.0\n0xff60 br_dev\n"), (BLACKLIST, "0x1-0x2\tip_rcv\n")],
        Source::ListWithAddresses,
        &[
            "ip_rcv: the kernel forbids kprobes on it",
            LATE,
            "run: the compiler made `run.isra.0` of it",
            "br_dev: the kernel does not list it as traceable",
        ],
    );
}

#[test]
fn without_a_list_symbols_are_a_guess() {
    check(
        &[(SYMBOLS, "ff10 T ip_rcv\nff60 t br_dev\t[bridge]\n")],
        Source::Symbols,
        &["ip_rcv@0xff10 1", LATE, "run: the kernel does not list it as traceable", "br_dev@0xff60 1"],
    );
}

#[test]
fn without_anything_nothing_is_traceable() {
    let why = "the kernel does not list it as traceable";
    check(&[], Source::Nothing, &[&format!("ip_rcv: {why}"), LATE, &format!("run: {why}"), &format!("br_dev: {why}")]);
}
