//! Type information (BTF) made by hand, for programs and maps of the cases: <https://docs.kernel.org/bpf/btf.html>.

#![expect(unsafe_code, reason = "raw system calls")]

use std::io;
use std::mem;
use std::os::fd::OwnedFd;

use aya_obj::generated::{bpf_attr, bpf_cmd};

use crate::bpf::descriptor;

/// Number of the function among the types of [`of_program`].
pub(crate) const FUNCTION: u32 = 5;

/// Numbers of the key and of the value among the types of [`of_map`], and their bytes.
pub(crate) const KEY: (u32, u32) = (6, 8);
pub(crate) const VALUE: (u32, u32) = (7, 16);

/// `int NAME(struct CONTEXT *)`.
pub(crate) fn of_program(context: &str, name: &str) -> Vec<u8> {
    let mut strings = Strings::default();
    let (int, context, argument, name) =
        (strings.add("int"), strings.add(context), strings.add("context"), strings.add(name));
    let types = [
        // 1: int of 4 bytes, signed, 32 bits
        [int, kind(1, 0), 4].as_slice(),
        &[1 << 24 | 32],
        // 2: the context, of which nothing need be known
        &[context, kind(4, 0), 0],
        // 3: a pointer to it
        &[0, kind(2, 0), 2],
        // 4: the prototype
        &[0, kind(13, 1), 1, argument, 3],
        // 5: the function, global
        &[name, kind(12, 1), 4],
    ]
    .concat();
    whole(&types, &strings)
}

/// `struct place { u32 address; u16 port; }` and `struct seen { u64 packets; s32 drift; u16 ports[2]; }`.
pub(crate) fn of_map() -> Vec<u8> {
    let mut strings = Strings::default();
    let [u32_, u16_, u64_, s32_] = ["u32", "u16", "u64", "s32"].map(|name| strings.add(name));
    let [place, address, port] = ["place", "address", "port"].map(|name| strings.add(name));
    let [seen, packets, drift, ports] = ["seen", "packets", "drift", "ports"].map(|name| strings.add(name));
    let types = [
        [u32_, kind(1, 0), 4, 32].as_slice(),
        &[u16_, kind(1, 0), 2, 16],
        &[u64_, kind(1, 0), 8, 64],
        &[s32_, kind(1, 0), 4, 1 << 24 | 32],
        // 5: two of u16
        &[0, kind(3, 0), 0, 2, 1, 2],
        &[place, kind(4, 2), KEY.1, address, 1, 0, port, 2, 32],
        &[seen, kind(4, 3), VALUE.1, packets, 3, 0, drift, 4, 64, ports, 5, 96],
    ]
    .concat();
    whole(&types, &strings)
}

/// Hands types to the kernel.
pub(crate) fn load(bytes: &[u8]) -> io::Result<OwnedFd> {
    // SAFETY: all members of the union are plain numbers.
    let mut attr: bpf_attr = unsafe { mem::zeroed() };
    // SAFETY: BTF_LOAD uses this member.
    let btf = unsafe { &mut attr.__bindgen_anon_7 };
    btf.btf = bytes.as_ptr() as u64;
    btf.btf_size = bytes.len() as u32;
    descriptor(bpf_cmd::BPF_BTF_LOAD, &mut attr)
}

/// `info` of a type: what it is, and of how many parts.
fn kind(number: u32, parts: u32) -> u32 {
    number << 24 | parts
}

fn whole(types: &[u32], strings: &Strings) -> Vec<u8> {
    let (types_len, strings_len) = (types.len() as u32 * 4, strings.0.len() as u32 + 1);
    let header = [0x0001_eb9f, 24, 0, types_len, types_len, strings_len];
    let words = header.iter().chain(types).flat_map(|word| word.to_ne_bytes());
    words.chain([0]).chain(strings.0.iter().copied()).collect()
}

/// Names behind the empty one, with which every section of strings begins.
#[derive(Default)]
struct Strings(Vec<u8>);

impl Strings {
    fn add(&mut self, text: &str) -> u32 {
        let at = self.0.len() as u32 + 1;
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
        at
    }
}
