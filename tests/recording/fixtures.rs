//! Recordings of real kernels and of every released version, under `tests/fixtures`: each is read without a complaint, and says
//! what its golden file says. `UPDATE_GOLDEN=1 cargo test fixtures` writes golden files anew.
//!
//! A fixture is made with `skbtrail record -o tests/fixtures/VERSION-WHAT.pcapng --compress -c 2000 FILTER`.

use std::{env, fs, path::Path};

use super::{skbtrail, text};

#[test]
fn fixtures_are_read_as_ever() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    let entries = fs::read_dir(&folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(".pcapng"));
    names.sort();
    for wanted in
        ["6.1", "6.12", "7.2"].iter().flat_map(|kernel| [format!("{kernel}-path"), format!("{kernel}-conversation")])
    {
        assert!(names.contains(&format!("{wanted}.pcapng")), "no {wanted} among {names:?}");
    }
    for name in names {
        let mut found = String::new();
        let views = [
            &["info", "--all"][..],
            &["replay", "--timestamp", "absolute", "--output-limit-lines", "200"],
            &["replay", "--output-json", "--output-limit-lines", "20"],
            &["replay", "--group"],
            &["paths", "--top", "1", "-r"],
        ];
        for args in views {
            let output = skbtrail(&folder, &[args, &[name.as_str()]].concat());
            assert!(output.status.success() && output.stderr.is_empty(), "{name}: {}", text(&output.stderr));
            found += &text(&output.stdout);
        }
        let golden = folder.join(name.replace(".pcapng", ".txt"));
        if env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &found).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        assert!(found == expected, "{name}: what is read differs from {}", golden.display());
    }
}

/// Of two filters over one recording the packets are whole from where they match on, though what the first hits were could not be
/// judged: request and answer part where one is given another address.
#[test]
fn a_request_and_its_answer_are_told_apart() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    let filters = ["--filter-a", "icmp[icmptype] = icmp-echo", "--filter-b", "icmp[icmptype] = icmp-echoreply"];
    let output = skbtrail(&folder, &[&["diff", "6.12-path.pcapng"], &filters[..]].concat());
    let found = text(&output.stdout);
    let parts: Vec<&str> = found.lines().skip(2).take(3).collect();
    let expected = [
        "A and B go the same way for 46 hops, up to nf_nat_inet_fn; there",
        "  A (1 packet) goes on to ip_route_input_noref",
        "  B (1 packet) goes on to nf_nat_manip_pkt",
    ];
    assert_eq!(parts, expected, "{found}{}", text(&output.stderr));
}
