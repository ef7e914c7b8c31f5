//! `skbtrail doctor`: what this kernel and this user can do, and what to do about what they cannot.

use std::{io::Write, process::ExitCode};

use serde_json::json;

use crate::kernel::{
    Root, btf,
    features::{Features, Support},
};

/// Arguments of `doctor`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Reports; exit code 1 if nothing can be traced at all.
pub fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    report(&Root::system(), args, out)
}

/// One line of the report.
struct Check<'a> {
    /// Key in JSON.
    key: &'static str,
    name: &'static str,
    support: &'a Support,
}

fn report(root: &Root, args: Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let vmlinux = btf::vmlinux(root).ok();
    let features = Features::read(root, vmlinux.as_deref());
    if args.json {
        writeln!(out, "{}", object(&features))?;
    } else {
        text(&features, out)?;
    }
    Ok(if features.blockers().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn checks(features: &Features) -> [Check<'_>; 13] {
    let check = |key, name, support| Check { key, name, support };
    [
        check("new_enough", "new enough", &features.new_enough),
        check("btf", "BTF", &features.btf),
        check("tracepoints", "tracepoints", &features.tracepoints),
        check("kprobes", "kprobes", &features.kprobes),
        check("fprobe", "FPROBE", &features.fprobe),
        check("tracefs", "tracefs", &features.tracefs),
        check("lockdown", "lockdown", &features.lockdown),
        check("capabilities", "capabilities", &features.capabilities),
        check("memory_lock", "memory lock limit", &features.memory_lock),
        check("following", "following", &features.following),
        check("direct_loads", "direct loads", &features.direct_loads),
        check("symbols", "symbol addresses", &features.symbols),
        check("fragments", "fragments", &features.fragments),
    ]
}

/// What tracing will use.
fn backend(features: &Features) -> Option<&'static str> {
    if !features.blockers().is_empty() {
        None
    } else if features.fprobe.is_yes() {
        Some("kprobe-multi")
    } else if features.kprobes.is_yes() {
        Some("kprobe")
    } else {
        Some("tracepoint")
    }
}

fn text(features: &Features, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "{:19}{}", "kernel", features.release)?;
    for Check { name, support, .. } in checks(features) {
        match support {
            Support::Yes => writeln!(out, "{name:19}ok")?,
            Support::Unknown(why) => writeln!(out, "{name:19}not known: {why}")?,
            Support::No(lack) => {
                writeln!(out, "{name:19}{}", lack.why)?;
                writeln!(out, "{:19}  so: {}", "", lack.instead)?;
                writeln!(out, "{:19}  remedy: {}", "", lack.remedy)?;
            }
        }
    }
    let backend = backend(features);
    writeln!(out, "{:19}{}", "backend", backend.unwrap_or("none: nothing can be traced on this machine"))?;
    Ok(())
}

fn object(features: &Features) -> serde_json::Value {
    let mut object = json!({
        "kernel": features.release.to_string(),
        "backend": backend(features),
    });
    for Check { key, support, .. } in checks(features) {
        object[key] = match support {
            Support::Yes => json!({ "ok": true }),
            Support::Unknown(why) => json!({ "ok": null, "why": why }),
            Support::No(lack) => {
                json!({ "ok": false, "why": lack.why, "instead": lack.instead, "remedy": lack.remedy })
            }
        };
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_types_cannot_trace() {
        let root = Root::at("/nonexistent-root");
        let mut out = Vec::new();
        let code = report(&root, Args { json: false }, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::FAILURE));
        assert!(text.contains("BTF                `/sys/kernel/btf/vmlinux` cannot be read\n"), "{text}");
        assert!(text.contains("remedy: boot a kernel built with CONFIG_DEBUG_INFO_BTF=y\n"), "{text}");
        assert!(text.ends_with("backend            none: nothing can be traced on this machine\n"), "{text}");
    }

    #[test]
    fn json_says_the_same() {
        let root = Root::at("/nonexistent-root");
        let mut out = Vec::new();
        report(&root, Args { json: true }, &mut out).unwrap();
        let object: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(object["backend"], json!(null));
        assert_eq!(object["btf"]["ok"], json!(false));
        assert_eq!(object["capabilities"]["ok"], json!(null));
    }
}
