"""Polars on the files that `cargo bench --bench formats -- ROWS FOLDER` leaves: python crates/formats/benches/formats.py FOLDER. Needs polars."""

import sys
import time
from pathlib import Path

import polars as pl

folder = Path(sys.argv[1])


def best(run):
    times = []
    for _ in range(5):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


frame = pl.read_parquet(folder / "flows.parquet")
read = {
    "Csv": lambda: pl.read_csv(folder / "flows.csv"),
    "Parquet": lambda: pl.read_parquet(folder / "flows.parquet"),
    "Arrow": lambda: pl.read_ipc(folder / "flows.arrow"),
}
write = {
    "Csv": lambda: frame.write_csv(folder / "polars.csv"),
    "Parquet": lambda: frame.write_parquet(folder / "polars.parquet", compression="zstd", compression_level=1),
    "Arrow": lambda: frame.write_ipc(folder / "polars.arrow", compression="zstd"),
}
print(f"polars {pl.__version__}, {pl.thread_pool_size()} threads\n\n| format | write s | read s |\n| --- | ---: | ---: |")
for name in read:
    print(f"| {name} | {best(write[name]):.3f} | {best(read[name]):.3f} |")
