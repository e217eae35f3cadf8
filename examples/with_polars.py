"""A published trace as a polars frame."""

import io
import json
import os
import urllib.request

import polars as pl

url = f"{os.environ['NETDPSYN_URL']}/v1/releases/{os.environ['NETDPSYN_RELEASE']}/content?format=parquet"
request = urllib.request.Request(url, headers={"Authorization": f"Bearer {os.environ['NETDPSYN_KEY']}"})
file = io.BytesIO(urllib.request.urlopen(request).read())

trace = pl.read_parquet(file)
print(trace.schema)
print(trace.group_by("proto").agg(pl.col("byt").sum()).sort("byt"))

# What the trace promises comes with it.
print(json.loads(pl.read_parquet_metadata(file)["netdpsyn"])["guarantee"])
