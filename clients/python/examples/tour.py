"""From a raw trace to a pandas frame of a synthetic one. Each `# %%` is a cell of a notebook.

export NETDPSYN_URL=http://127.0.0.1:8080 NETDPSYN_KEY=ndp_…   # a steward's key
netdpsyn sample flows --rows 10000 -o flows.csv.gz             # or a trace of your own
python tour.py flows.csv.gz
"""

# %% A client takes address and key from the environment
import sys
from pathlib import Path

import pandas as pd

from netdpsyn import Client, Job, TraceRejected

trace = Path(sys.argv[1] if len(sys.argv) > 1 else "flows.csv.gz")
client = Client()

# %% What is publicly known of the trace: its columns, when it was taken, which classes there are. Never read off the trace
dataset = client.create_dataset(
    "campus uplink, January",
    preset="flow",
    window="2026-01-05T08:00:00Z/2026-01-05T09:00:00Z",
    categories={"type": ["normal", "ddos", "portscan", "bruteforce"]},
)

# %% The trace itself. A refused one may come with a proposal: look at it before you take it up
dataset.upload(trace, progress=lambda sent, of: print(f"sent {sent} of {of} bytes"))
try:
    dataset.wait(timeout=600)
except TraceRejected as refused:
    sys.exit(f"{refused}\n{refused.proposal}")
for warning in (dataset.parse_report or {}).get("warnings", []):
    print("warning:", warning)

# %% What a fit costs, and how close a synthetic trace will come. Nothing is spent
quote = dataset.quote(epsilon=2)
print(f"a fit at ε = 2 costs ρ = {quote['required_rho']:.4f} of the {quote['left_rho']:.4f} that are left")


# %% Measure, pay, generate. The key makes a second run of this cell the same fit, and not a second payment
def show(job: Job) -> None:
    """One line whenever a job has gone on."""
    print(f"{job.kind} {job.state} {job.view['stage']} {job.percent} %")


fit = dataset.fit(epsilon=2, hold_out=True, evaluate=True, idempotency_key=f"tour {dataset.id}".replace(" ", "-"))
release = fit.release(timeout=3600, progress=show)

# %% Readers see it from now on
release.publish()
budget = client.budget()["tenant"]
print(f"spent ρ = {budget['spent']['rho']:.4f}, left {budget['left']['rho']:.4f}")

# %% What is promised, and how close the records come to what was measured
report = release.report()
guarantee = report["statement"]["guarantee"]
print(f"(ε, δ) = ({guarantee['epsilon']}, {guarantee['delta']}) for {report['statement']['unit']}")
print(f"mean distance {report['mean_distance']:.4f}, of which noise explains {report['mean_noise']:.4f}")

# %% The synthetic trace: a file with its checksum verified, and a frame
print("saved", release.download(trace.with_name("synthetic.parquet")))
frame: pd.DataFrame = release.dataframe()
print(frame.groupby("type", observed=True)[["pkt", "byt"]].agg(["count", "mean"]).round(1))

# %% A further trace of the same model costs nothing: attacks alone
assert fit.model_id is not None
attacks = client.generate(fit.model_id, rows=1000, condition={"type": "ddos"}).release(timeout=600)
print(attacks.dataframe().head())
client.close()
