//! The committed eBPF object is what its sources build.

use std::{path::Path, process::Command};

/// `tracer-ebpf/rebuild --check` compares the bytes; this only needs the digest that it leaves beside the object.
#[test]
fn the_object_is_not_older_than_its_sources() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::new("tracer-ebpf/rebuild").arg("--sources").current_dir(&root).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let recorded = std::fs::read_to_string(root.join("assets/skbtrail.bpf.o.sources")).unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        recorded,
        "assets/skbtrail.bpf.o is older than its sources: run tracer-ebpf/rebuild"
    );
}
