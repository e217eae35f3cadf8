"""One trace from pandas, DuckDB and Spark's conventions through the service, the command line and back, with the types that each program sees: python
tests/interchange.py BINARY. It replaces the second part of docs/FORMATS.md. Needs pandas, pyarrow, duckdb, polars and datasets; no test runs it."""

import contextlib
import gzip
import io
import ipaddress
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = Path(tempfile.mkdtemp())
ADMIN = "ndp_" + secrets.token_hex(32)
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    PORT = free.getsockname()[1]
URL = f"http://127.0.0.1:{PORT}"
WINDOW = "2026-01-05T08:00:00Z/2026-01-05T09:00:00Z"
CLASSES = ["normal", "ddos", "portscan", "bruteforce"]

frame = pd.read_csv(gzip.open("samples/flows.csv.gz")).astype({"label": str})


def call(method, path, key, body=None, headers=()):
    data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(URL + path, data, method=method, headers=dict(headers))
    request.add_header("Authorization", f"Bearer {key}")
    if isinstance(body, dict):
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request) as answer:
        content = answer.read()
        return json.loads(content) if answer.headers["content-type"] == "application/json" else content


def addresses(to):
    return {name: frame[name].map(lambda a: to(ipaddress.ip_address(a))) for name in ("srcip", "dstip")}


def times(unit, zone=None):
    return pd.to_datetime(frame.ts).astype(f"datetime64[{unit}]").dt.tz_localize(zone)


def write(name):
    path = FOLDER / f"{name}.parquet"
    if name == "pandas, ns, text":
        frame.assign(ts=times("ns"), type=frame.type.astype("category")).to_parquet(path)
    elif name == "pandas, ms, length of time":
        frame.assign(ts=times("ms", "UTC"), td=pd.to_timedelta(frame.td, unit="s")).to_parquet(path)
    elif name == "DuckDB, us, numbers":
        numbers = frame.assign(ts=times("us", "UTC"), **addresses(int))
        duckdb.sql("set timezone = 'UTC'")
        duckdb.sql(f"copy (select srcip::uinteger srcip, dstip::uinteger dstip, * exclude (srcip, dstip) from numbers) to '{path}'")
    elif name == "Spark, int96, 16 bytes":
        sixteen = addresses(lambda a: ipaddress.ip_address(f"::ffff:{a}").packed)
        table = pa.Table.from_pandas(frame.assign(ts=times("ns")), preserve_index=False)
        for column, values in sixteen.items():
            at = table.schema.get_field_index(column)
            table = table.set_column(at, column, pa.array(values, pa.binary(16)))
        pq.write_table(table, path, use_deprecated_int96_timestamps=True, store_schema=False, flavor="spark")
    elif name == "Spark, us, integers":
        table = pa.Table.from_pandas(frame.assign(ts=times("us", "UTC"), **addresses(int)), preserve_index=False)
        pq.write_table(table, path, use_deprecated_int96_timestamps=False, coerce_timestamps="us", store_schema=False, flavor="spark")
    elif name == "Spark, times as text":
        stamps = pd.to_datetime(frame.ts).dt.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"
        pq.write_table(pa.Table.from_pandas(frame.assign(ts=stamps), preserve_index=False), path, store_schema=False, flavor="spark")
    return path


def through(path, steward):
    dataset = call("POST", "/v1/datasets", steward, {"name": path.stem, "preset": "flow", "window": WINDOW, "categories": {"type": CLASSES}})["id"]
    call("PUT", f"/v1/datasets/{dataset}/trace", steward, path.read_bytes())
    while (found := call("GET", f"/v1/datasets/{dataset}", steward))["state"] == "parsing":
        time.sleep(0.2)
    assert found["state"] == "ready", found
    call("POST", "/v1/jobs", steward, {"kind": "fit", "dataset_id": dataset, "epsilon": 2})
    while True:
        jobs = call("GET", f"/v1/jobs?dataset_id={dataset}", steward)["items"]
        assert all(job["state"] != "failed" for job in jobs), jobs
        if release := next((job.get("release_id") for job in jobs if job.get("release_id")), None):
            break
        time.sleep(0.2)
    call("POST", f"/v1/releases/{release}/publish", steward)
    content = {f: call("GET", f"/v1/releases/{release}/content?format={f}", steward) for f in ("csv", "parquet", "arrow")}
    return found["parse_report"], release, content


def by_command(path):
    """The same by one command, in each format."""
    made = {}
    for ending in ("parquet", "arrow", "csv"):
        output = FOLDER / f"by_command.{ending}"
        classes = "type=" + ",".join(CLASSES)
        said = ["--preset", "flow", "--window", WINDOW, "--categories", classes, "--epsilon", "2", "--output", str(output)]
        subprocess.run([sys.argv[1], "synthesize", *said, str(path)], check=True, capture_output=True)
        made[ending] = output
    schema = pq.read_schema(made["parquet"])
    assert list(pl.read_ipc_schema(made["arrow"])) == schema.names == pd.read_csv(made["csv"], nrows=1).columns.to_list()
    return schema


DOCUMENT = Path("docs/FORMATS.md")
BEGINNING = "## Other programs"
ABOUT = f"""{BEGINNING}

The sample flows (40,000), written by each program, fitted at ε = 2, and read back; `python tests/interchange.py target/debug/netdpsyn` made this part. `netdpsyn synthesize` gives each of these files the same types as the service.
"""
lines = []


def write_line(text=""):
    lines.append(f"{text}\n")


server = subprocess.Popen(
    [sys.argv[1], "serve"],
    env={**os.environ, "NETDPSYN_ADMIN_KEY": ADMIN, "NETDPSYN_DATA_DIR": str(FOLDER / "data"), "NETDPSYN_LISTEN": f"127.0.0.1:{PORT}",
         "NETDPSYN_DATABASE_URL": f"sqlite://{FOLDER}/db.sqlite"},
    stdout=subprocess.DEVNULL,
    stderr=open(FOLDER / "log", "w"),
)
try:
    for _ in range(100):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(URL + "/healthz")
            break
        time.sleep(0.1)
    tenant = call("POST", "/v1/tenants", ADMIN, {"name": "campus", "cap": {"rho": 5}})["id"]
    key = lambda role: call("POST", f"/v1/tenants/{tenant}/keys", ADMIN, {"role": role, "name": role})["secret"]
    steward, reader = key("steward"), key("reader")
    write_line(ABOUT)
    last = None
    for name in ["pandas, ns, text", "pandas, ms, length of time", "DuckDB, us, numbers", "Spark, int96, 16 bytes", "Spark, us, integers", "Spark, times as text"]:
        path = write(name)
        report, release, content = through(path, steward)
        raw, made = pq.read_schema(path), pq.read_schema(io.BytesIO(content["parquet"]))
        csv, parquet = pd.read_csv(io.BytesIO(content["csv"])), pd.read_parquet(io.BytesIO(content["parquet"]))
        arrow = pl.read_ipc(io.BytesIO(content["arrow"]))
        assert len(csv) == len(parquet) == len(arrow) and (csv.srcport == parquet.srcport).all() and (csv.byt == arrow["byt"].to_numpy()).all()
        assert by_command(path).remove_metadata() == made.remove_metadata(), name
        (FOLDER / "made.parquet").write_bytes(content["parquet"])
        db = {row[0]: row[1] for row in duckdb.sql(f"describe select * from '{FOLDER / 'made.parquet'}'").fetchall()}
        columns = pl.read_parquet(io.BytesIO(content["parquet"])).schema
        notes = "; ".join(report.get("notes", [])) or "none"
        write_line(f"## {name}\n\nParsed as {report['format']}: {report['records']} records, {report['bad']} bad; notes: {notes}.\n")
        write_line("| column | in the file | published (Arrow type) | pandas | polars | DuckDB |\n| --- | --- | --- | --- | --- | --- |")
        short = lambda dtype: str(dtype).replace("dictionary<values=string, indices=uint8, ordered=0>", "dictionary of text").replace("dictionary<values=string, indices=int8, ordered=0>", "dictionary of text").split("(categories=")[0]
        for field in made:
            write_line(f"| {field.name} | {short(raw.field(field.name).type)} | {short(field.type)} | {parquet[field.name].dtype} | {short(columns[field.name])} | {db[field.name]} |")
        write_line()
        last = release, content["parquet"]
    release, made = last
    statement = pq.read_metadata(io.BytesIO(made)).metadata[b"netdpsyn"]
    assert json.loads(statement)["guarantee"]["epsilon"] == 2
    # From the published link: pandas, polars and DuckDB as in examples/, and datasets.
    env = {**os.environ, "NETDPSYN_URL": URL, "NETDPSYN_RELEASE": release, "NETDPSYN_KEY": reader}
    write_line("## From the published link\n\nThe scripts of `examples/`, and `datasets.load_dataset`:\n\n```text")
    for script in ["with_pandas.py", "with_polars.py", "with_duckdb.py"]:
        ran = subprocess.run([sys.executable, f"examples/{script}"], env=env, capture_output=True, text=True)
        write_line(f"$ python examples/{script}\n{(ran.stdout or ran.stderr[-600:]).strip()}")
    from datasets import load_dataset

    loaded = load_dataset("parquet", data_files=str(FOLDER / "made.parquet"), split="train", cache_dir=str(FOLDER / "cache"))
    write_line(f"$ datasets.load_dataset\n{loaded}\n{loaded.features}\n```")
finally:
    server.terminate()
    server.wait()
DOCUMENT.write_text(DOCUMENT.read_text().split(BEGINNING)[0] + "".join(lines))
