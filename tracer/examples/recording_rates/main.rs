//! Prints how fast recordings are written and read, and in how much memory:
//! `cargo build --release && cargo run --release --example recording_rates [MEGABYTES…]`.
//!
//! What reads is the program itself, a process for each line; its times are those that it was given on a CPU, so that they
//! hold on a busy machine too. Without sizes, files of 10 and of 1000 MB are made. `KEEP=FILE` leaves one of the first size, and does
//! nothing else.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

mod measure;
mod sample;

use std::{fs, path::Path, time::Instant};

use skbtrail::{
    model::Record,
    record::{Settings, Start, Writer, format::index::Index},
};

use self::{
    measure::{Cost, measured, own_cpu},
    sample::{Names, event},
};

/// Hits that are made in advance to time nothing but the writing.
const WRITTEN: u64 = 960_000;
/// Hits in a megabyte of file.
const PLAIN: u64 = 1_000_000 / 59;
const COMPRESSED: u64 = 1_000_000 / 20;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|role| role == measure::ROLE) {
        return measure::role(&args[1..]);
    }
    let sizes = args.iter().map(|size| size.parse()).collect::<Result<Vec<u64>, _>>()?;
    let sizes = if sizes.is_empty() { vec![10, 1000] } else { sizes };
    if let Some(keep) = std::env::var_os("KEEP") {
        return write(Path::new(&keep), false, sizes[0] * PLAIN);
    }
    writing()?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("rates.pcapng");
    for (size, compress) in sizes.iter().flat_map(|size| [(*size, false), (*size, true)]) {
        let hops = size * if compress { COMPRESSED } else { PLAIN };
        write(&path, compress, hops)?;
        reading(&path, compress, hops)?;
    }
    Ok(())
}

/// Writes hits that are in memory into memory.
fn writing() -> anyhow::Result<()> {
    let records: Vec<Record> = (0..WRITTEN).map(|number| Record::Hit(event(number))).collect();
    for compress in [false, true] {
        let (names, mut bytes, mut size) = (Names::new(), Vec::new(), 0);
        let begun = own_cpu()?;
        let mut writer = Writer::new(Settings { compress, snaplen: 80 }, Start::default());
        writer.begin(&names.naming(), &mut bytes);
        for record in &records {
            if writer.add(record, &names.naming()) {
                writer.flush(&names.naming(), &mut bytes);
                size += bytes.len();
                bytes.clear();
            }
        }
        let rate = WRITTEN as f64 / own_cpu()?.saturating_sub(begun).as_secs_f64() / 1e6;
        let each = size as f64 / WRITTEN as f64;
        println!("write, {}: {rate:.2} M hops/s, {each:.1} bytes a hop", kind(compress));
    }
    Ok(())
}

fn kind(compress: bool) -> &'static str {
    if compress { "compressed" } else { "plain" }
}

fn write(path: &Path, compress: bool, hops: u64) -> anyhow::Result<()> {
    let (names, mut bytes, mut index) = (Names::new(), Vec::new(), Index::default());
    let mut file = fs::File::create(path)?;
    let mut writer = Writer::new(Settings { compress, snaplen: 80 }, Start::default());
    writer.begin(&names.naming(), &mut bytes);
    let mut put = |bytes: &mut Vec<u8>, index: &mut Index| {
        index.written(bytes);
        std::io::Write::write_all(&mut file, bytes).map(|()| bytes.clear())
    };
    for number in 0..hops {
        if writer.add(&Record::Hit(event(number)), &names.naming()) {
            writer.flush(&names.naming(), &mut bytes);
            put(&mut bytes, &mut index)?;
        }
    }
    writer.flush(&names.naming(), &mut bytes);
    writer.end(None, &mut bytes);
    put(&mut bytes, &mut index)?;
    index.write(&mut bytes);
    put(&mut bytes, &mut index)?;
    Ok(())
}

fn reading(path: &Path, compress: bool, hops: u64) -> anyhow::Result<()> {
    let size = fs::metadata(path)?.len();
    let each = size as f64 / hops as f64;
    let name = path.to_string_lossy();
    println!(
        "\n{:.3} GB, {}, {:.2} M hops, {each:.1} bytes a hop",
        size as f64 / 1e9,
        kind(compress),
        hops as f64 / 1e6
    );
    println!("  {:<32} {:>8} {:>8} {:>8} {:>10} {:>9}", "", "wall s", "user s", "system s", "M hops/s", "memory MB");
    let middle = (hops * sample::STEP / 2) as f64 / 1e9;
    let from = format!("{middle:.6}");
    let first_screen = ["replay", "--output-limit-lines", "50", &name];
    let runs: [(&str, Vec<&str>, bool); 6] = [
        ("first 50 rows", first_screen.to_vec(), false),
        (
            "50 rows from the middle on",
            ["replay", "--from", &from, "--output-limit-lines", "50", &name].to_vec(),
            false,
        ),
        ("paths", vec!["paths", "-r", &name], true),
        ("replay", vec!["replay", &name], true),
        ("replay --output-json", vec!["replay", "--output-json", &name], true),
        ("replay --group", vec!["replay", "--group", &name], true),
    ];
    for (what, args, all) in runs {
        let begun = Instant::now();
        let Cost { user, system, peak } = measured(&args)?;
        let (wall, cpu) = (begun.elapsed().as_secs_f64(), user + system);
        let rate = if all { format!("{:.2}", hops as f64 / cpu / 1e6) } else { String::new() };
        println!("  {what:<32} {wall:>8.3} {user:>8.3} {system:>8.3} {rate:>10} {peak:>9.1}");
    }
    Ok(())
}
