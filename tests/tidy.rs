//! Rules of the house that the compiler does not check: the order of the layers, and lists that must name every file.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The layers, lowest first, as `tracer/src/lib.rs` has them. A module imports only from those before it.
const LAYERS: [&str; 13] = [
    "model", "kernel", "probe", "filter", "collect", "track", "symbol", "record", "inspect", "feed", "view", "tui",
    "cli",
];

/// Crates that only some layers may use.
const RESERVED: [(&str, &[&str]); 4] =
    [("aya", &["collect", "inspect"]), ("clap", &["cli"]), ("ratatui", &["tui"]), ("crossterm", &["tui"])];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Source text without line comments, so that a layer may be spoken of.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Names that follow `crate::`, also those in `use crate::{a, b::c}`.
fn crate_imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for part in code.split("crate::").skip(1) {
        match part.strip_prefix('{') {
            Some(group) => found.extend(top_level_names(group)),
            None => found.extend(first_word(part)),
        }
    }
    found
}

fn first_word(text: &str) -> Option<String> {
    let word: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some(word)
}

fn top_level_names(group: &str) -> Vec<String> {
    let (mut depth, mut names, mut item) = (0, Vec::new(), String::new());
    for character in group.chars() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.extend(first_word(std::mem::take(&mut item).trim())),
            _ if depth == 0 => item.push(character),
            _ => {}
        }
    }
    names.extend(first_word(item.trim()));
    names
}

#[test]
fn layers_import_only_what_lies_below() {
    let source = root().join("tracer/src");
    let mut faults = Vec::new();
    let mut checked = 0;
    for (height, layer) in LAYERS.iter().enumerate() {
        for file in rust_files(&source.join(layer)) {
            checked += 1;
            for import in crate_imports(&code(&file)) {
                let above = LAYERS.iter().position(|name| *name == import).is_some_and(|other| other > height);
                if above {
                    faults.push(format!("{} imports {import}", file.display()));
                }
            }
        }
    }
    assert!(checked > 30, "only {checked} files found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_code_map_names_every_layer() {
    let map = fs::read_to_string(root().join("tracer/src/lib.rs")).unwrap();
    let folders: BTreeSet<String> = fs::read_dir(root().join("tracer/src"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(folders, LAYERS.iter().map(ToString::to_string).collect());
    let places: Vec<usize> = LAYERS.iter().map(|layer| map.find(&format!("[`{layer}`]")).expect(layer)).collect();
    assert!(places.is_sorted(), "the map's order is not the layers'");
}

#[test]
fn reserved_crates_stay_in_their_layers() {
    let source = root().join("tracer/src");
    for (name, allowed) in RESERVED {
        for layer in LAYERS.iter().filter(|layer| !allowed.contains(layer)) {
            for file in rust_files(&source.join(layer)) {
                let used = code(&file).contains(&format!("{name}::"));
                assert!(!used, "{} uses {name}", file.display());
            }
        }
    }
}

/// A folder whose files are entries of a list in its `mod.rs`.
fn assert_listed(folder: &str, list: &str) {
    let folder = root().join(folder);
    let text = code(&folder.join("mod.rs"));
    let list = text.split(list).nth(1).and_then(|rest| rest.split("];").next()).expect("the list");
    let mut count = 0;
    for file in rust_files(&folder) {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        if file.parent() == Some(folder.as_path()) && name != "mod" {
            count += 1;
            assert!(list.contains(&format!("{name}::")), "{name} is not in the list of {}", folder.display());
        }
    }
    assert!(count > 3, "{} files in {}", count, folder.display());
}

#[test]
fn every_column_is_listed() {
    assert_listed("tracer/src/view/columns", "COLUMNS:");
}

#[test]
fn every_packet_column_is_listed() {
    assert_listed("tracer/src/view/packets", "PACKET_COLUMNS:");
}

#[test]
fn every_tab_is_listed() {
    assert_listed("tracer/src/tui/tabs", "TABS:");
}

/// The engine and the store of the view could serve another one.
#[test]
fn engine_and_store_know_no_terminal() {
    let source = root().join("tracer/src/tui");
    for folder in ["engine", "store"] {
        for file in rust_files(&source.join(folder)) {
            assert!(!code(&file).contains("ratatui"), "{} uses ratatui", file.display());
        }
    }
}

#[test]
fn every_filter_key_is_listed() {
    assert_listed("tracer/src/filter/keys", "KEYS:");
}

#[test]
fn every_vm_case_is_listed() {
    assert_listed("tests/vm/cases", "CASES:");
}

#[test]
fn every_decoder_of_cilium_is_listed() {
    assert_listed("tracer/src/inspect/maps/decode/cilium", "DECODERS:");
}

/// A test that is left out says nothing, and nobody notices.
#[test]
fn no_test_is_left_out() {
    let mark = ["#[", "ignore"].concat();
    for folder in ["tracer", "tracer-common", "tests"] {
        for file in rust_files(&root().join(folder)) {
            assert!(!code(&file).contains(&mark), "{} leaves a test out", file.display());
        }
    }
}
