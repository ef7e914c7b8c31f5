//! Every list of the dataplanes' commands over real maps, one entry each; the debug log of Calico's programs; maps that go
//! while they are read, and those that an upgrade has left behind.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::Case;
use crate::bpf::{Body, Kind, Loaded};
use crate::bpftool::{make, prints, put, said, update};
use crate::guest::Guest;
use crate::net::{Pair, sh};

pub(crate) const CASE: Case = Case {
    name: "dataplane_lists",
    about: "every list of `skbtrail cilium`, `calico`, `merbridge`, `balancing`; Calico's log; pins that go or are left over",
    min_kernel: (5, 17),
    seconds: 300,
    run,
};

const BPFFS: &str = "/sys/fs/bpf";
const GLOBALS: &str = "/sys/fs/bpf/tc/globals";

fn run(_: &Guest) -> Result<()> {
    sh("mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf")?;
    sh(&format!("mkdir -p {GLOBALS} {BPFFS}/balancing"))?;
    for list in LISTS {
        list.check().with_context(|| format!("`{}`", list.command))?;
    }
    maglev().context("Maglev")?;
    names_in_json().context("balancing show --json")?;
    log().context("calico log")?;
    vanishing().context("a pin that goes while its map is read")?;
    left_over().context("pins that an upgrade has left")?;
    sh(&format!("rm -rf {BPFFS}/tc {BPFFS}/balancing {BPFFS}/*_*")).map(drop)
}

/// A map with an entry, the command that lists it, and what that prints.
struct List {
    /// Below the BPF file system.
    pin: &'static str,
    map: &'static str,
    key: &'static str,
    value: &'static str,
    /// Behind `skbtrail`.
    command: &'static str,
    text: &'static str,
}

impl List {
    fn check(&self) -> Result<()> {
        let pin = format!("{BPFFS}/{}", self.pin);
        make(&pin, self.map)?;
        put(&pin, self.key, self.value)?;
        let (code, text, complaint) = said(&format!("skbtrail {}", self.command))?;
        let id = said(&format!("bpftool map show pinned {pin}"))?.1;
        let text = text.replace(&format!("(id {})", id.split(':').next().unwrap_or_default()), "(id ID)");
        ensure!(code == Some(0) && text == self.text, "{code:?}\n{text}\nexpected:\n{}\n{complaint}", self.text);
        let (code, text, _) = said(&format!("skbtrail {} --json", self.command))?;
        let rows = text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
        ensure!(code == Some(0) && rows.len() == 1 && rows[0].is_object(), "{code:?} {text}");
        sh(&format!("rm {pin}")).map(drop)
    }
}

const LISTS: [&List; 18] = [
    &List {
        pin: "tc/globals/cilium_lb4_affinity",
        map: "type lru_hash key 16 value 16 entries 64",
        key: "0a000005 00000000 0102 00 00 00000000",
        value: "7b00000000000000 09000000 00000000",
        command: "cilium lb list --affinity --release 1.18",
        text: "CLIENT     REVNAT_ID   BACKEND ID   LAST USED\n10.0.0.5   258         9            123\n",
    },
    &List {
        pin: "tc/globals/cilium_lb_affinity_match",
        map: "type hash key 8 value 1 entries 64",
        key: "09000000 0102 0000",
        value: "00",
        command: "cilium lb list --affinity-match --release 1.18",
        text: "BACKEND ID   REVNAT_ID\n9            258\n",
    },
    &List {
        pin: "tc/globals/cilium_ipv4_frag_datagrams",
        map: "type lru_hash key 12 value 4 entries 64",
        key: "0a000009 0a000005 0102 11 00",
        value: "a112 0035",
        command: "cilium frag list --release 1.18",
        text: "ID    PROTO   SOURCE ADDRESS:PORT   DEST ADDRESS:PORT\n258   UDP     10.0.0.5:41234        10.0.0.9:53\n",
    },
    &List {
        pin: "tc/globals/cilium_vtep_map",
        map: "type hash key 4 value 16 entries 8",
        key: "0a010500",
        value: "823618dbed5a0000 0aa90148 00000000",
        command: "cilium vtep list --release 1.18",
        text: "IP PREFIX/ADDRESS   VTEP\n10.1.5.0            vtepmac=82:36:18:DB:ED:5A tunnelendpoint=10.169.1.72   \n",
    },
    &List {
        pin: "tc/globals/cilium_srv6_vrf_v4",
        map: "type lpm_trie key 12 value 4 entries 64",
        key: "38000000 0a000005 c0000200",
        value: "01000000",
        command: "cilium srv6 vrf --release 1.18",
        text: "Source IP   Destination CIDR   VRF ID\n10.0.0.5    192.0.2.0/24       1\n",
    },
    &List {
        pin: "tc/globals/cilium_srv6_policy_v4",
        map: "type lpm_trie key 12 value 16 entries 64",
        key: "38000000 01000000 c0000200",
        value: "fc000000000000000000000000000001",
        command: "cilium srv6 policy --release 1.18",
        text: "VRF ID   Destination CIDR   SID\n1        192.0.2.0/24       fc00::1\n",
    },
    &List {
        pin: "tc/globals/cilium_srv6_sid",
        map: "type hash key 16 value 4 entries 64",
        key: "fc000000000000000000000000000001",
        value: "07000000",
        command: "cilium srv6 sid --release 1.18",
        text: "SID       VRF ID\nfc00::1   7\n",
    },
    &List {
        pin: "tc/globals/cali_v4_nat_aff",
        map: "type lru_hash key 16 value 16 entries 65536",
        key: "0a600001 bb01 06 00 0a000001 00000000",
        value: "0a000002 2b19 0000 00ec7c6f0e000000",
        command: "calico nat aff",
        text: "client 10.0.0.1 svc proto 6 10.96.0.1:443 -> 10.0.0.2:6443 ts 1m2s\n",
    },
    &List {
        pin: "tc/globals/cali_v4_mglv2",
        map: "type hash key 8 value 8 entries 64",
        key: "01000000 00000000",
        value: "ac120002 2b19 0000",
        command: "calico nat maglev",
        text: "svc 1 ordinal 0 -> 172.18.0.2:6443\n",
    },
    &List {
        pin: "tc/globals/cali_v4_nat_be",
        map: "type hash key 8 value 8 entries 262144",
        key: "01000000 00000000",
        value: "ac120002 2b19 0000",
        command: "calico nat back",
        text: "1:0 172.18.0.2:6443\n",
    },
    &List {
        pin: "tc/globals/cali_v4_srmsg",
        map: "type lru_hash key 16 value 8 entries 510000",
        key: "3412000000000000 0a000002 00350000",
        value: "0a60000a 00350000",
        command: "calico sockets",
        text: "socket 0x0000000000001234: answers from 10.0.0.2:53 shown as 10.96.0.10:53\n",
    },
    &List {
        pin: "tc/globals/cali_v4_fsafes2",
        map: "type lpm_trie key 12 value 4 entries 65536",
        key: "20000000 1600 06 00 00000000",
        value: "01000000",
        command: "calico failsafes dump",
        text: "proto 6 port 22 inbound 0.0.0.0/0\n",
    },
    &List {
        pin: "tc/globals/cali_iface2",
        map: "type hash key 4 value 20 entries 1000",
        key: "07000000",
        value: "03000000 63616c69313233 000000000000000000",
        command: "calico ifstate dump",
        text: "    7 : {flags: workload,ready, name: cali123}\n",
    },
    &List {
        pin: "tc/globals/cali_qos2",
        map: "type hash key 8 value 24 entries 64",
        key: "07000000 0100 0400",
        value: "00000000 e803 0a00 ffff 000000000000 0100000000000000",
        command: "calico qos",
        text: "dev    7 ingress IPv4: 1000 packets/s, burst 10, tokens -1\n",
    },
    &List {
        pin: "process_ip",
        map: "type lru_hash key 4 value 4 entries 1024",
        key: "67120000",
        value: "0af40104",
        command: "merbridge processes",
        text: "PROCESS  POD\n4711     10.244.1.4\n",
    },
    &List {
        pin: "mark_pod_ips_map",
        map: "type hash key 4 value 4 entries 65535",
        key: "39050000",
        value: "0af40104",
        command: "merbridge marks",
        text: "MARK   POD\n0x539  10.244.1.4\n",
    },
    &List {
        pin: "cgroup_info_map",
        map: "type lru_hash key 8 value 32 entries 1024",
        key: "d204000000000000",
        value: "d204000000000000 01000000 00000000000000000000ffff0af40104 0200 0700",
        command: "merbridge cgroups",
        text: "CGROUP  IN MESH  POD         ON   LOOKED FOR\n1234    yes      10.244.1.4  dns  ambient,dns,ztunnel\n",
    },
    &List {
        pin: "balancing/map_affinity",
        map: "type lru_hash key 16 value 16 entries 65536",
        key: "1027000000000000 0a60000a 3500 11 00",
        value: "00ca9a3b00000000 ac140105 3500 0000",
        command: "balancing show affinity",
        text: "------------------------------\nmap  map_affinity (id ID)\n[0]: key={ ClientCookie:10000 , OriginalDestIp:10.96.0.10, \
               OriginalPort:53, protocol:udp }\n      value={ LastUpdatedTimeStamp:1000000000 , NatIp:172.20.1.5, NatPort:53  }\n\
               end map map_affinity: total items: 1 \n------------------------------\n\n",
    },
];

/// A table in a map of its own, which the outer map names by its id.
fn maglev() -> Result<()> {
    let (inner, outer) = (format!("{BPFFS}/cilium_maglev_inner"), format!("{GLOBALS}/cilium_lb4_maglev"));
    make(&inner, "type array key 4 value 12 entries 1")?;
    put(&inner, "00000000", "09000000 07000000 09000000")?;
    sh(&format!(
        "bpftool map create {outer} type hash_of_maps key 2 value 4 entries 8 name cilium_lb4_magl inner_map pinned {inner}"
    ))?;
    sh(&format!("bpftool map update pinned {outer} key hex 01 02 value pinned {inner}"))?;
    prints(
        "skbtrail cilium lb list --maglev --release 1.18",
        "SVC ID   LOOKUP TABLE\n258      7 at 1 of 3 places, 9 at 2   \n",
    )?;
    let (_, text, _) = said("skbtrail cilium lb --maglev --json --release 1.18")?;
    let row: Value = serde_json::from_str(&text)?;
    ensure!(row["map"] == "cilium_lb4_maglev" && row["rev_nat"] == 258 && row["places"] == 3, "{row}");
    ensure!(row["backend_ids"] == serde_json::json!([7, 9]), "{row}");
    let (code, text, _) = said(&format!("skbtrail maps dump {inner}"))?;
    ensure!(code == Some(0) && text.contains("7 at 1 of 3 places, 9 at 2"), "{text}");
    sh(&format!("rm {inner} {outer}")).map(drop)
}

/// Several maps one after the other: each object says of which.
fn names_in_json() -> Result<()> {
    let pin = |name: &str| format!("{BPFFS}/balancing/{name}");
    make(&pin("map_node_ip"), "type hash key 4 value 4 entries 65536")?;
    make(&pin("map_node_proxy_ip"), "type hash key 4 value 4 entries 65536")?;
    put(&pin("map_node_ip"), "c0a8000a", "00000000")?;
    put(&pin("map_node_proxy_ip"), "bc458f23", "c0a8000a")?;
    let (code, text, _) = said("skbtrail balancing show all --json")?;
    let rows = text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let maps: Vec<&Value> = rows.iter().map(|row| &row["map"]).collect();
    ensure!(code == Some(0) && maps == ["map_node_ip", "map_node_proxy_ip"], "{text}");
    sh(&format!("rm {BPFFS}/balancing/*")).map(drop)
}

/// What a program writes to the kernel's trace as Calico's do, read live and from a file.
fn log() -> Result<()> {
    let pair = Pair::new()?;
    let program = Loaded::new(
        Kind::Tc,
        "logs",
        Body::Log("va-------------I: Final result=DENY (4). Program execution time: 9ns"),
    )?;
    pair.b.sh("tc qdisc add dev vb clsact")?;
    pair.b.sh(&format!("tc filter add dev vb ingress bpf da object-pinned {}", program.pin))?;
    let mut live = Command::new("skbtrail")
        .args(["calico", "log", "--json", "--live"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    std::thread::sleep(std::time::Duration::from_secs(1));
    pair.a.ping("10.77.0.2", 3)?;
    std::thread::sleep(std::time::Duration::from_secs(1));
    interrupted(&live)?;
    let text = rest(&mut live)?;
    let rows = text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    ensure!(rows.len() >= 3, "{text}");
    let row = &rows[0];
    ensure!(row["interface"] == "va" && row["direction"] == "ingress" && row["verdict"] == "deny", "{row}");
    ensure!(row["reason"] == "by policy" && row["took_ns"] == 9 && row["time_ns"].as_u64() > Some(0), "{row}");
    // The same from a file, counted.
    let saved = "     <...>-84582 [000] .Ns1  6851.690474: 0: ens192---E: Final result=ALLOW (-1). Program execution time: 7366ns";
    sh(&format!("echo '{saved}' > /tmp/trace.txt"))?;
    let (code, text, complaint) = said("skbtrail calico log --file /tmp/trace.txt")?;
    ensure!(
        code == Some(0) && text.contains("ens192") && text.contains("ALLOW the next program decides, ran 7366 ns"),
        "{text}"
    );
    ensure!(complaint.contains("1 lines of Calico's programs, 0 of others"), "{complaint}");
    let (code, text, _) = said("skbtrail calico log --summary < /tmp/trace.txt")?;
    ensure!(code == Some(0) && text.contains("ens192"), "{text}");
    sh("rm /tmp/trace.txt").map(drop)
}

fn interrupted(child: &Child) -> Result<()> {
    sh(&format!("kill -INT {}", child.id())).map(drop)
}

/// What a process prints until its end.
fn rest(child: &mut Child) -> Result<String> {
    let mut text = String::new();
    child.stdout.take().context("no stdout")?.read_to_string(&mut text)?;
    child.wait()?;
    Ok(text)
}

/// The reader waits in the middle, since nobody takes what it prints; then the pin goes. All rows come, and that is said.
fn vanishing() -> Result<()> {
    const COUNT: u32 = 3000;
    let pin = format!("{GLOBALS}/cali_v4_ct4");
    for (after, said) in [("true", "was removed while map"), (MADE_ANEW, "leads to another map since")] {
        make(&pin, "type lru_hash key 16 value 88 entries 512000")?;
        let line = |number: u32| {
            update(&pin, &format!("06000000 0a{number:06x} 0a410003 12a1 5000"), &"00".repeat(88))
                .replacen("bpftool ", "", 1)
        };
        std::fs::write("/tmp/batch", (0..COUNT).map(line).collect::<Vec<_>>().join("\n"))?;
        sh("bpftool batch file /tmp/batch > /dev/null && rm /tmp/batch")?;
        let mut reader = Command::new("skbtrail")
            .args(["calico", "conntrack", "--raw", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        std::thread::sleep(std::time::Duration::from_secs(2));
        sh(&format!("rm {pin} && {after}"))?;
        let text = rest(&mut reader)?;
        let mut complaint = String::new();
        reader.stderr.take().context("no stderr")?.read_to_string(&mut complaint)?;
        ensure!(text.lines().count() == COUNT as usize, "{} rows: {complaint}", text.lines().count());
        ensure!(complaint.contains(said), "not `{said}`: {complaint}");
        sh(&format!("rm -f {pin}"))?;
    }
    Ok(())
}

const MADE_ANEW: &str = "bpftool map create /sys/fs/bpf/tc/globals/cali_v4_ct4 type lru_hash key 16 value 88 entries 512000 name cali_v4_ct4";

/// Both layouts of a map are pinned: the one counts that a loaded program uses.
fn left_over() -> Result<()> {
    let (old, new) = (format!("{GLOBALS}/cilium_ipcache"), format!("{GLOBALS}/cilium_ipcache_v2"));
    make(&old, "type lpm_trie key 24 value 12 entries 64")?;
    make(&new, "type lpm_trie key 24 value 24 entries 64")?;
    let key = |last: u8| format!("40000000 0000 00 01 0a0000{last:02x} {}", "00".repeat(12));
    put(&old, &key(1), "07000000 00000000 0000 00 00")?;
    put(&new, &key(2), &format!("08000000 {} 0000 00 00", "00".repeat(16)))?;
    let listed = || -> Result<String> { Ok(said("skbtrail cilium ipcache list")?.1) };
    ensure!(listed()?.contains("10.0.0.2/32"), "without programs the newer one is taken");
    let user = Loaded::using(Kind::Tc, "uses", &[&old], 0)?;
    let text = listed()?;
    ensure!(text.contains("10.0.0.1/32") && !text.contains("10.0.0.2/32"), "{text}");
    let (_, text, _) = said("skbtrail cilium maps")?;
    ensure!(text.contains("left over"), "{text}");
    drop(user);
    sh(&format!("rm {old} {new}"))?;

    let (old, new) = (format!("{GLOBALS}/cali_v4_ct3"), format!("{GLOBALS}/cali_v4_ct4"));
    make(&old, "type hash key 16 value 88 entries 64")?;
    make(&new, "type lru_hash key 16 value 88 entries 64")?;
    put(&old, "06000000 0a410002 0a410003 12a1 5000", &"00".repeat(88))?;
    let _user = Loaded::using(Kind::Tc, "uses", &[&old], 0)?;
    let (code, text, complaint) = said("skbtrail calico conntrack --raw")?;
    ensure!(
        code == Some(0) && text.contains("10.65.0.2:41234") && complaint.contains("there is `cali_v4_ct4` too"),
        "{text}{complaint}"
    );
    sh(&format!("rm {old} {new}")).map(drop)
}
