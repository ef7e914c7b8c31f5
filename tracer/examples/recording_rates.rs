//! Prints how fast recordings are written and read: `cargo run --release --example recording_rates [HOPS [KEEP]]`.
//! With KEEP, the plain recording stays under that name.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::{collections::HashMap, fs, path::Path, time::Instant};

use skbtrail::{
    feed::Replay,
    model::{Branch, Event, EventKind, Headers, JourneyId, Name, Origin, Probe, ProbeId, Record},
    record::{Naming, Reader, Settings, Start, Writer, format::index::Index},
    symbol::{Symbol, Symbols},
    track::{Paths, Tracker},
};

struct NoSymbols;

impl Symbols for NoSymbols {
    fn resolve(&self, address: u64) -> Option<Symbol<'_>> {
        Some(Symbol { name: "some_function", module: None, offset: address & 0xff })
    }
}

/// Hops of packets that pass sixty functions each, 48 packets at a time.
fn event(number: u64) -> Event {
    let (group, within) = (number / 2880, number % 2880);
    let (packet, hop) = (group * 48 + within % 48, within / 48);
    let mut bytes = [0; 80];
    bytes[..20].copy_from_slice(&[0x45, 0, 0, 84, 0, 0, 0x40, 0, 64, 1, 0, 0, 10, 77, 0, 1, 10, 77, 0, 2]);
    bytes[20..28].copy_from_slice(&[8, 0, 0x12, 0x34, 0, 7, (packet >> 8) as u8, packet as u8]);
    for (place, byte) in bytes[28..].iter_mut().enumerate() {
        *byte = place as u8;
    }
    // Forwarded half way, so the time to live changes once.
    bytes[8] = if hop > 30 { 63 } else { 64 };
    Event {
        time: 5_000_000_000 + number * 317 + (number * number) % 97,
        kind: EventKind::Call,
        // The last one gives the packet's memory back.
        probe: ProbeId(if hop == 59 { 400 } else { (hop * 37 % 400) as u32 }),
        skb: 0xffff_8881_0000_0000 + 0x100 * (packet % 512),
        caller: Some(0xffff_ffff_8100_0000 + hop * 4097),
        branch: Some(Branch { journey: JourneyId(packet + 1), number: packet as u32 + 1, parent: None }),
        first: hop == 0,
        by_stack: false,
        generation: 1,
        reason: None,
        returned: None,
        cpu: (packet % 2) as u16,
        pid: 1592,
        comm: Name(*b"ping\0\0\0\0\0\0\0\0\0\0\0\0"),
        netns: Some(4_026_531_840 + (hop / 30) as u32),
        ifindex: (hop > 2).then_some(3 + (hop / 30) as u32),
        ifname: Name(*b"va\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        mtu: Some(1500),
        mark: 0,
        len: 84,
        protocol: 0x0800,
        packet_type: 0,
        vlan: None,
        headers: Headers { origin: Origin::Packet, bytes, len: 80, protocol: 0x0800 },
        details: None,
    }
}

/// Counts the paths of a recording: how many there are, and of how many packets.
fn count_paths(path: &Path) -> Result<(usize, u64), Box<dyn std::error::Error>> {
    let mut replay = Replay::open(&[path.to_owned()])?;
    let (mut tracker, mut paths) = (Tracker::default(), Paths::default());
    let mut more = true;
    while more {
        more = replay.track(&mut tracker)?;
        if !more {
            tracker.finish();
        }
        while let Some(journey) = tracker.next_finished() {
            paths.add(&journey);
        }
    }
    Ok((paths.by_packets().len(), paths.packets()))
}

fn peak_memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("?").trim().to_owned()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hops: u64 = std::env::args().nth(1).map_or(Ok(2_000_000), |hops| hops.parse())?;
    let keep = std::env::args().nth(2);
    let names = (0..400).map(|number| format!("function_{number}")).chain(["kfree_skbmem".to_owned()]);
    let probes: Vec<Probe> =
        names.zip(0..).map(|(name, address)| Probe { name, module: None, address, takes_reason: false }).collect();
    let (reasons, namespaces) = (HashMap::new(), HashMap::new());
    let naming = Naming { probes: &probes, reasons: &reasons, namespaces: &namespaces, symbols: &NoSymbols };
    for compress in [false, true] {
        let path = std::env::temp_dir().join(format!("recording_rates.{}", std::process::id()));
        let records: Vec<Record> = (0..hops.min(960_000)).map(|number| Record::Hit(event(number))).collect();
        let mut file = fs::File::create(&path)?;
        let (mut bytes, mut index) = (Vec::new(), Index::default());
        let mut writer = Writer::new(Settings { compress, snaplen: 80 }, Start::default());
        let begun = Instant::now();
        writer.begin(&naming, &mut bytes);
        for number in 0..hops {
            if writer.add(&records[(number % records.len() as u64) as usize], &naming) {
                writer.flush(&naming, &mut bytes);
                index.written(&bytes);
                std::io::Write::write_all(&mut file, &bytes)?;
                bytes.clear();
            }
        }
        writer.flush(&naming, &mut bytes);
        writer.end(None, &mut bytes);
        index.written(&bytes);
        index.write(&mut bytes);
        std::io::Write::write_all(&mut file, &bytes)?;
        let written = begun.elapsed();
        drop(records);
        let size = fs::metadata(&path)?.len();
        println!("compressed: {compress}");
        println!("  size   {:.1} bytes a hop, {:.2} GB", size as f64 / hops as f64, size as f64 / 1e9);
        println!("  write  {:.2} M hops/s", hops as f64 / written.as_secs_f64() / 1e6);
        let begun = Instant::now();
        let mut reader = Reader::open(&path)?;
        println!("  open   {:.1} ms", begun.elapsed().as_secs_f64() * 1e3);
        let begun = Instant::now();
        let (mut count, mut sum) = (0_u64, 0_u64);
        while let Some(record) = reader.next_record()? {
            count += 1;
            sum = sum.wrapping_add(record.time());
        }
        assert_eq!(count, hops);
        println!("  read   {:.2} M hops/s (sum of times {sum})", hops as f64 / begun.elapsed().as_secs_f64() / 1e6);
        let begun = Instant::now();
        let (paths, packets) = count_paths(&path)?;
        let rate = hops as f64 / begun.elapsed().as_secs_f64() / 1e6;
        println!("  paths  {rate:.2} M hops/s ({packets} packets on {paths} paths)");
        match &keep {
            Some(keep) if !compress => fs::rename(&path, keep)?,
            _ => fs::remove_file(&path)?,
        }
    }
    println!(
        "peak memory {} (of which the sample's events about {} kB)",
        peak_memory(),
        hops.min(960_000) * 328 / 1000
    );
    Ok(())
}
