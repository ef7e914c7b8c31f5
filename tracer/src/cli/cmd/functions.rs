//! `skbtrail functions`: which functions see packets, and which of them can be probed.

use std::{
    io::{BufWriter, Write},
    process::ExitCode,
};

use anyhow::Context as _;
use serde_json::json;

use crate::{
    cli::say::say,
    kernel::{Root, btf, features::Features},
    probe::{self, Function, Modules, Selection, Status},
};

/// Arguments of `functions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Functions to list: a regular expression that matches the whole name
    #[arg(value_name = "REGEX")]
    pattern: Option<String>,
    /// Modules to look into, beside the kernel itself; all that are loaded without
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    kmods: Vec<String>,
    /// List those too that cannot be probed, with the reason
    #[arg(long)]
    all: bool,
    /// Print JSON, an object a line
    #[arg(long)]
    json: bool,
}

/// Lists the functions; exit code 1 if there is none.
pub fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    list(&Root::system(), args, &|note| say(note), out)
}

fn list(root: &Root, args: Args, say: &dyn Fn(&str), out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let selection = Selection::new(args.pattern.as_deref()).context("failed to read the regular expression")?;
    let modules = if args.kmods.is_empty() { Modules::All } else { Modules::Only(args.kmods) };
    let vmlinux = btf::vmlinux(root).context("failed to read the kernel's types")?;
    let discovery = probe::discover(root, &vmlinux, &modules)?;
    for note in notes(root, &vmlinux, &discovery.notes) {
        say(&note);
    }
    let listed: Vec<&Function> = discovery
        .functions
        .iter()
        .filter(|one| (args.all || one.is_traceable()) && selection.matches(&one.name))
        .collect();
    let mut out = BufWriter::new(out);
    if args.json {
        for function in &listed {
            writeln!(out, "{}", object(function))?;
        }
    } else if !listed.is_empty() {
        table(&listed, args.all, &mut out)?;
    }
    out.flush()?;
    Ok(if listed.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A list of functions on a kernel that cannot probe them would mislead.
fn notes(root: &Root, vmlinux: &btf::Btf, found: &[String]) -> Vec<String> {
    let features = Features::read(root, Some(vmlinux));
    let mut notes = found.to_vec();
    if let Some(lack) = features.kprobes.lack() {
        notes.push(format!("{}: {}", lack.why, lack.instead));
    }
    notes
}

fn table(listed: &[&Function], all: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let width = |of: fn(&Function) -> usize, title: &str| {
        listed.iter().map(|function| of(function)).max().unwrap_or_default().max(title.len())
    };
    let name = width(|function| function.name.len(), "FUNCTION");
    let module = width(|function| module(function).len(), "MODULE");
    writeln!(out, "{:name$}  {:module$}  ARGUMENT{}", "FUNCTION", "MODULE", if all { "   PROBE" } else { "" })?;
    for function in listed {
        write!(out, "{:name$}  {:module$}  ", function.name, self::module(function))?;
        if all {
            writeln!(out, "{:<8}   {}", argument(function), status(function))?;
        } else {
            writeln!(out, "{}", argument(function))?;
        }
    }
    Ok(())
}

fn module(function: &Function) -> &str {
    function.module.as_deref().unwrap_or("-")
}

fn argument(function: &Function) -> String {
    match (function.position, function.double) {
        (0, _) => "stack".to_owned(),
        (position, true) => format!("{position} (**)"),
        (position, false) => position.to_string(),
    }
}

fn status(function: &Function) -> String {
    match &function.status {
        Status::Traceable => "ok".to_owned(),
        Status::Refused(refusal) => refusal.to_string(),
    }
}

fn object(function: &Function) -> serde_json::Value {
    let refusal = match &function.status {
        Status::Traceable => None,
        Status::Refused(refusal) => Some(refusal.to_string()),
    };
    json!({
        "function": function.name,
        "module": function.module,
        "address": (function.address != 0).then(|| format!("{:#x}", function.address)),
        "argument": (function.position != 0).then_some(function.position),
        "double_pointer": function.double,
        "takes_reason": function.takes_reason,
        "traceable": function.is_traceable(),
        "refused_because": refusal,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{kernel::btf::testing::Builder, probe::Refusal};

    fn function(name: &str, position: u8, double: bool, status: Status) -> Function {
        Function { name: name.to_owned(), module: None, address: 16, position, double, takes_reason: false, status }
    }

    #[test]
    fn the_table_is_aligned() {
        let functions = [
            function("ip_rcv", 1, false, Status::Traceable),
            function("__netif_receive_skb_core", 1, true, Status::Refused(Refusal::Unlisted)),
        ];
        let mut out = Vec::new();
        table(&functions.iter().collect::<Vec<_>>(), true, &mut out).unwrap();
        let expected = "\
FUNCTION                  MODULE  ARGUMENT   PROBE
ip_rcv                    -       1          ok
__netif_receive_skb_core  -       1 (**)     the kernel does not list it as traceable
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn an_object_has_every_key() {
        let one = function("ip_rcv", 0, false, Status::Refused(Refusal::OnStack));
        let expected = r#"{"address":"0x10","argument":null,"double_pointer":false,"function":"ip_rcv","module":null,"refused_because":"its packet is passed on the stack","takes_reason":false,"traceable":false}"#;
        assert_eq!(object(&one).to_string(), expected);
    }

    #[test]
    fn the_list_comes_from_a_kernel() {
        let mut builder = Builder::new();
        let packet = builder.structure("sk_buff", 232, &[]);
        let pointer = builder.pointer(packet);
        builder.function("ip_rcv", &[("skb", pointer)]);
        builder.function("tcp_ack", &[("skb", pointer)]);
        let directory = tempfile::tempdir().unwrap();
        let root = Root::at(directory.path());
        let write = |path: &str, bytes: &[u8]| {
            let path = root.path(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        write("/sys/kernel/btf/vmlinux", &builder.bytes());
        write("/sys/kernel/tracing/available_filter_functions_addrs", b"0xff10 ip_rcv\n0xff20 tcp_ack\n");
        let args = Args { pattern: Some("tcp_.*".to_owned()), kmods: Vec::new(), all: false, json: false };
        let mut out = Vec::new();
        list(&root, args, &|_| (), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "FUNCTION  MODULE  ARGUMENT\ntcp_ack   -       1\n");
    }
}
