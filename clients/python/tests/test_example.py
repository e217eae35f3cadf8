"""The example, as its readers run it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from conftest import Sample, Server, Tenant

EXAMPLE = Path(__file__).parents[1] / "examples/tour.py"


def test_the_example_ends_in_a_frame(server: Server, tenant: Tenant, sample: Sample, tmp_path: Path) -> None:
    trace = shutil.copy(sample("flows.csv.gz", 10_000), tmp_path / "flows.csv.gz")
    environment = {**os.environ, "NETDPSYN_URL": server.url, "NETDPSYN_KEY": tenant.steward}
    ran = subprocess.run(
        [sys.executable, EXAMPLE, trace], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    print(ran.stdout)
    assert ran.returncode == 0, ran.stderr
    assert "fit succeeded" in ran.stdout and "(ε, δ) = (2.0, 1e-09)" in ran.stdout
    assert "portscan" in ran.stdout and "srcip" in ran.stdout
    assert (tmp_path / "synthetic.parquet").read_bytes().startswith(b"PAR1")
    assert tenant.steward not in ran.stdout + ran.stderr
