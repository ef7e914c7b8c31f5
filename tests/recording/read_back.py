"""Reads Parquet with DuckDB and compares it with the CSV of the same hits: `read_back.py FILE.parquet FILE.csv`."""

import csv
import sys

import duckdb


def text(value):
    """A value as CSV has it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def main(parquet, expected):
    with open(expected, newline="") as file:
        names, *rows = csv.reader(file)
    connection = duckdb.connect()
    types = dict(connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE FROM '{parquet}')").fetchall())
    if list(types) != names:
        sys.exit(f"columns {list(types)}, not {names}")
    wanted = {"time": "TIMESTAMP", "journey": "UBIGINT", "first": "BOOLEAN", "func": "VARCHAR"}
    for name, kind in wanted.items():
        if not types[name].startswith(kind):
            sys.exit(f"{name} is {types[name]}, not {kind}")
    columns = ", ".join("epoch_ns(time)" if name == "time" else f'"{name}"' for name in names)
    found = connection.execute(f"SELECT {columns} FROM '{parquet}'").fetchall()
    found = [[text(value) for value in row] for row in found]
    if found != rows:
        differing = [(a, b) for a, b in zip(found, rows) if a != b]
        sys.exit(f"{len(found)} rows, not {len(rows)}" if not differing else f"{differing[0][0]}, not {differing[0][1]}")
    # The question that the documentation asks of many machines.
    lost = connection.execute(
        f"SELECT host, reason, caller, count(*) FROM '{parquet}' WHERE type = 'drop' GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    print(f"{len(found)} rows; drops: {lost}")


main(*sys.argv[1:])
