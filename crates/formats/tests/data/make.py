"""Writes the files beside it: twelve flows as several programs write them. Needs pandas, pyarrow, duckdb and polars; the tests need none of them.

    python make.py
"""

import bz2
import gzip
import ipaddress
import json
import lzma
import zipfile
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

HERE = Path(__file__).parent
START = 1_767_600_000_000_000_000

rows = [
    {
        "srcip": f"10.0.{i % 3}.{i + 1}",
        "dstip": f"192.0.2.{200 + i % 5}",
        "srcport": 40_000 + i,
        "dstport": [80, 443, 53][i % 3],
        "proto": ["tcp", "tcp", "udp"][i % 3],
        "ts": START + i * 250_000_000,
        "td": i / 8,
        "pkt": i + 1,
        "byt": 60 * (i + 1),
        "type": ["benign", "scan"][i % 2],
    }
    for i in range(12)
]
frame = pd.DataFrame(rows)


def times(unit):
    return pd.to_datetime(frame.ts).astype(f"datetime64[{unit}]")


def packed(column):
    return frame[column].map(lambda a: ipaddress.ip_address(a).packed)


def mapped(column):
    return frame[column].map(lambda a: ipaddress.ip_address("::ffff:" + a).packed)


def number(column):
    return frame[column].map(lambda a: int(ipaddress.ip_address(a)))


# The same as text, which the others are compared with.
text = frame.assign(ts=frame.ts // 1_000_000)
text.to_csv(HERE / "flows.csv", index=False)
with open(HERE / "flows.ndjson", "w") as lines:
    for row in text.to_dict("records"):
        lines.write(json.dumps({**row, "tags": ["a", 1], "note": None}) + "\n")

# pandas: nanoseconds without a zone, categories, lengths of time, an index.
frame.assign(ts=times("ns"), type=frame.type.astype("category"), td=pd.to_timedelta(frame.td, unit="s")).to_parquet(
    HERE / "pandas.parquet"
)
# pandas again: numbers that became floats beside a list and a null column.
frame.assign(
    ts=times("us").dt.tz_localize("UTC"),
    srcport=frame.srcport.astype(float),
    tags=[[1, 2]] * 12,
    note=None,
).to_parquet(HERE / "floats.parquet", compression="gzip", row_group_size=5)

# DuckDB: unsigned numbers, microseconds with a zone, addresses as 32-bit numbers.
numbers = frame.assign(ts=times("us").dt.tz_localize("UTC"), srcip=number("srcip"), dstip=number("dstip"))
duckdb.sql("set timezone = 'UTC'")
duckdb.sql(
    f"""copy (select srcip::uinteger srcip, dstip::uinteger dstip, srcport::usmallint srcport, dstport::usmallint dstport,
    proto, ts, td::decimal(12, 6) td, pkt::ubigint pkt, byt::ubigint byt, type::enum('benign', 'scan') as type from numbers)
    to '{HERE / "duckdb.parquet"}' (format parquet, compression zstd)"""
)

# Spark: 96-bit times, signed numbers, bytes.
spark = pa.table(
    {
        "srcip": pa.array(packed("srcip"), pa.binary()),
        "dstip": pa.array(packed("dstip"), pa.binary()),
        "srcport": pa.array(frame.srcport, pa.int32()),
        "dstport": pa.array(frame.dstport, pa.int32()),
        "proto": pa.array(frame.proto),
        "ts": pa.array(times("ns"), pa.timestamp("ns")),
        "td": pa.array(frame.td, pa.float64()),
        "pkt": pa.array(frame.pkt, pa.int64()),
        "byt": pa.array(frame.byt, pa.int64()),
        "type": pa.array(frame.type),
    }
)
pq.write_table(spark, HERE / "spark.parquet", use_deprecated_int96_timestamps=True, store_schema=False, flavor="spark")
# Its own default since 3.0 for others: milliseconds; addresses in sixteen bytes; pages of the second version with deltas.
sixteen = spark.set_column(0, "srcip", pa.array(mapped("srcip"), pa.binary(16)))
sixteen = sixteen.set_column(1, "dstip", pa.array(mapped("dstip"), pa.binary(16)))
sixteen = sixteen.set_column(5, "ts", pa.array(times("ms"), pa.timestamp("ms", "UTC")))
pq.write_table(
    sixteen,
    HERE / "sixteen.parquet",
    use_dictionary=False,
    data_page_version="2.0",
    compression="lz4",
    column_encoding={"srcport": "DELTA_BINARY_PACKED", "proto": "DELTA_LENGTH_BYTE_ARRAY", "td": "BYTE_STREAM_SPLIT", "type": "DELTA_LENGTH_BYTE_ARRAY"},
)
# Times as text.
stamps = times("ns").dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
pq.write_table(pa.Table.from_pandas(frame.assign(ts=stamps)), HERE / "text.parquet", compression="brotli")
# A dictionary that is full soon, so that text follows as it is, in pages of a few values.
pq.write_table(
    pa.Table.from_pandas(frame.assign(ts=times("us"))),
    HERE / "pages.parquet",
    row_group_size=8,
    data_page_size=20,
    dictionary_pagesize_limit=30,
    write_batch_size=2,
)

# Arrow: a file by pyarrow with dictionaries, a stream, and a file by polars with views.
table = pa.Table.from_pandas(frame.assign(ts=times("ns"), type=frame.type.astype("category"), td=pd.to_timedelta(frame.td, unit="s")))
feather.write_feather(table, HERE / "pyarrow.arrow", compression="lz4", chunksize=5)
with pa.OSFile(str(HERE / "stream.arrows"), "wb") as to, pa.ipc.new_stream(to, spark.schema) as stream:
    stream.write_table(spark, max_chunksize=7)
pl.from_arrow(sixteen).write_ipc(HERE / "polars.arrow", compression="zstd")
pl.from_pandas(frame.assign(ts=times("us"))).write_parquet(HERE / "polars.parquet")

# What cannot be read, a record each, beside what can.
faults = pa.table(
    {
        **{name: spark[name] for name in ("proto", "ts", "pkt", "byt", "type")},
        "srcip": pa.array([None if i == 2 else a for i, a in enumerate(packed("srcip"))], pa.binary()),
        "dstip": pa.array(
            [ipaddress.ip_address("2001:db8::1").packed if i == 3 else a for i, a in enumerate(packed("dstip"))], pa.binary()
        ),
        "srcport": pa.array([-1 if i == 5 else int(p) for i, p in enumerate(frame.srcport)], pa.int32()),
        "dstport": pa.array([70_000.0 if i == 6 else 80.5 if i == 7 else float(p) for i, p in enumerate(frame.dstport)]),
        "td": pa.array([float("nan") if i == 8 else t for i, t in enumerate(frame.td)]),
        "tags": pa.array([[i] for i in range(12)]),
        "about": pa.array([{"a": i} for i in range(12)]),
    }
)
pq.write_table(faults, HERE / "faults.parquet")

# Text as it is packed; two members of gzip one after the other, two members of an archive beside one.
plain = (HERE / "flows.csv").read_bytes()
half = plain.index(b"\n", len(plain) // 2) + 1
(HERE / "flows.csv.gz").write_bytes(gzip.compress(plain[:half], mtime=0) + gzip.compress(plain[half:], mtime=0))
(HERE / "flows.csv.bz2").write_bytes(bz2.compress(plain[:half]) + bz2.compress(plain[half:]))
(HERE / "flows.csv.xz").write_bytes(lzma.compress(plain[:half]) + lzma.compress(plain[half:]))
with pa.CompressedOutputStream(str(HERE / "flows.csv.zst"), "zstd") as to:
    to.write(plain)
for name, members in {"flows.zip": 1, "two.zip": 2}.items():
    with zipfile.ZipFile(HERE / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(members):
            archive.writestr(zipfile.ZipInfo(f"flows{i}.csv"), plain, zipfile.ZIP_DEFLATED)
with zipfile.ZipFile(HERE / "stored.zip", "w") as archive:
    archive.writestr(zipfile.ZipInfo("flows.csv"), plain)
