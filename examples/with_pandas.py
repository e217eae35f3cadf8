"""A published trace as a pandas frame: times with their zone, categories as categories."""

import json
import os

import pandas as pd
import pyarrow.parquet as pq
from fsspec.implementations.http import HTTPFileSystem

url = f"{os.environ['NETDPSYN_URL']}/v1/releases/{os.environ['NETDPSYN_RELEASE']}/content?format=parquet"
key = {"Authorization": f"Bearer {os.environ['NETDPSYN_KEY']}"}

trace = pd.read_parquet(url, storage_options=key)
print(trace.dtypes)
print(trace.groupby("proto").byt.sum())

# What the trace promises comes with it.
with HTTPFileSystem(headers=key).open(url) as file:
    statement = json.loads(pq.read_metadata(file).metadata[b"netdpsyn"])
print(statement["guarantee"])
