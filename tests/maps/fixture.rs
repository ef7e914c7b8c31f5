//! Maps with their entries, and the text that a dataplane's own tool makes of them: files of `tests/fixtures/maps`.
//!
//! They serve the decoders' tests here and the cases with real maps in the virtual machines.

/// The fixtures, by name.
pub(crate) const CILIUM: &[(&str, &str)] = &[
    ("ipcache", include_str!("../fixtures/maps/cilium/ipcache.txt")),
    ("endpoint", include_str!("../fixtures/maps/cilium/endpoint.txt")),
    ("metrics", include_str!("../fixtures/maps/cilium/metrics.txt")),
    ("lb", include_str!("../fixtures/maps/cilium/lb.txt")),
    ("lb-1.15", include_str!("../fixtures/maps/cilium/lb-1.15.txt")),
    ("policy", include_str!("../fixtures/maps/cilium/policy.txt")),
    ("ct", include_str!("../fixtures/maps/cilium/ct.txt")),
    ("node", include_str!("../fixtures/maps/cilium/node.txt")),
];

/// Maps, and what the tool prints of them.
#[derive(Default)]
pub(crate) struct Fixture {
    pub(crate) maps: Vec<Map>,
    /// Arguments behind the dataplane's name, `--release` among them.
    pub(crate) command: String,
    pub(crate) text: String,
}

/// A map to make.
pub(crate) struct Map {
    pub(crate) name: String,
    /// `enum bpf_map_type`
    pub(crate) kind: u32,
    pub(crate) key: u32,
    pub(crate) value: u32,
    pub(crate) most: u32,
    pub(crate) entries: Vec<Entry>,
}

/// An entry; of a map that is per CPU with a value for each of the first CPUs.
pub(crate) struct Entry {
    pub(crate) key: Vec<u8>,
    pub(crate) values: Vec<Vec<u8>>,
}

impl Fixture {
    pub(crate) fn read(text: &str) -> Self {
        let mut fixture = Self::default();
        let (head, expected) = text.split_once("\ntext\n").expect("a text");
        expected.clone_into(&mut fixture.text);
        for line in head.lines() {
            let (word, rest) = line.split_once(' ').expect("a word and more");
            match word {
                "#" => {}
                "map" => fixture.maps.push(Map::read(rest)),
                "entry" => fixture.maps.last_mut().expect("a map").entries.push(Entry::read(rest)),
                "command" => rest.clone_into(&mut fixture.command),
                other => panic!("`{other}` in a fixture"),
            }
        }
        fixture
    }
}

impl Map {
    fn read(line: &str) -> Self {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |place: usize| words[place].parse().expect("a number");
        let kinds = ["", "hash", "", "", "", "percpu_hash", "", "", "", "lru_hash", "lru_percpu_hash", "lpm_trie"];
        let kind = kinds.iter().position(|kind| *kind == words[1]).expect("a type of maps") as u32;
        Self { name: words[0].to_owned(), kind, key: number(2), value: number(3), most: number(4), entries: Vec::new() }
    }

    pub(crate) fn is_per_cpu(&self) -> bool {
        matches!(self.kind, 5 | 10)
    }
}

impl Entry {
    fn read(line: &str) -> Self {
        let (key, values) = line.split_once(" = ").expect("a key and values");
        Self { key: bytes(key), values: values.split(" | ").map(bytes).collect() }
    }
}

fn bytes(text: &str) -> Vec<u8> {
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).expect("text"), 16).expect("a byte");
    text.as_bytes().chunks(2).map(byte).collect()
}
