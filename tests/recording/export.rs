//! Exports as rows.

use std::os::unix::fs::PermissionsExt as _;

use super::Folder;

#[test]
fn csv_and_json_lines_have_the_same_rows() {
    let folder = Folder::new();
    let csv = folder.stdout(&["export", "--format", "csv", "sample.pcapng", "sample.pcapng"]);
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines.len(), 1 + 2 * 33);
    assert!(lines.iter().all(|line| line.len() == lines[0].len()));
    let jsonl = folder.stdout(&["export", "--format", "jsonl", "sample.pcapng", "sample.pcapng"]);
    for (values, object) in lines[1..].iter().zip(jsonl.lines()) {
        let object: serde_json::Value = serde_json::from_str(object).unwrap();
        for (name, value) in lines[0].iter().zip(values) {
            let expected = match &object[name] {
                serde_json::Value::Null => String::new(),
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(*value, expected, "{name}");
        }
    }
    let drop = lines.iter().find(|line| line.contains(&"drop")).unwrap();
    let value = |name: &str| drop[lines[0].iter().position(|field| *field == name).unwrap()];
    let found = ["host", "journey", "reason", "caller", "daddr", "dport", "proto", "ifname"].map(value);
    let expected = ["node1", "8", "NETFILTER_DROP", "nft_do_chain+0x1c2", "10.77.0.2", "53", "udp", r"vb\x1b[31m"];
    assert_eq!(found, expected);
}

#[test]
fn a_file_is_for_its_owner_alone() {
    let folder = Folder::new();
    folder.stdout(&["export", "--format", "csv", "-o", "hits.csv", "sample.pcapng"]);
    let metadata = std::fs::metadata(folder.path("hits.csv")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert!(metadata.len() > 1000);
}

#[cfg(not(feature = "parquet"))]
#[test]
fn parquet_that_is_not_built_in_is_said() {
    let output = Folder::new().skbtrail(&["export", "--format", "parquet", "sample.pcapng"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(super::text(&output.stderr).contains("--features parquet"));
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_has_the_rows_of_csv() {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};

    let folder = Folder::new();
    folder.stdout(&["export", "--format", "parquet", "-o", "hits.parquet", "sample.pcapng"]);
    let csv = folder.stdout(&["export", "--format", "csv", "sample.pcapng"]);
    let names: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let file = SerializedFileReader::new(std::fs::File::open(folder.path("hits.parquet")).unwrap()).unwrap();
    let rows: Vec<_> = file.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 33);
    for (row, line) in rows.iter().zip(csv.lines().skip(1)) {
        for ((name, field), (expected_name, expected)) in row.get_column_iter().zip(names.iter().zip(line.split(','))) {
            assert_eq!(name, expected_name);
            let found = match field {
                parquet::record::Field::Null => String::new(),
                parquet::record::Field::Str(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(found, *expected, "{name}");
        }
    }
}

/// A reader that is not ours reads what we write. `./tests/run` names a Python that has DuckDB.
#[cfg(feature = "parquet")]
#[test]
fn parquet_is_read_by_duckdb() {
    use std::{path::Path, process::Command};

    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/6.12-path.pcapng");
    let python = std::env::var_os("SKBTRAIL_PYTHON").unwrap_or_else(|| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/recording/read_back.py");
    let folder = Folder::new();
    std::fs::copy(fixture, folder.path("real.pcapng")).unwrap();
    for (file, expected) in [
        ("sample.pcapng", "33 rows; drops: [('node1', 'NETFILTER_DROP', 'nft_do_chain+0x1c2', 1)]\n"),
        ("real.pcapng", "581 rows; drops: [('guest', 'NETFILTER_DROP', 'nft_do_chain+0x40e', 1), "),
    ] {
        for format in ["csv", "parquet"] {
            folder.stdout(&["export", "--format", format, "-o", &format!("hits.{format}"), file]);
        }
        let read =
            Command::new(&python).arg(&script).args(["hits.parquet", "hits.csv"]).current_dir(folder.path("")).output();
        let read = read.unwrap_or_else(|error| panic!("{}: {error}", python.display()));
        let (found, complaint) = (super::text(&read.stdout), super::text(&read.stderr));
        assert!(
            read.status.success(),
            "{complaint}; it wants Python with `duckdb` (pip install duckdb): SKBTRAIL_PYTHON"
        );
        assert!(found.starts_with(expected), "{found}");
    }
}
