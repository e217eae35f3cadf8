"""`./run peers`: netdpsyn beside AIM and MST on one trace: lane.py PROGRAM WORK TRACE PRESET START/END [PEER …]. A peer is mst, aim, or aim:MEGABYTES of
its model. Fits that a former call finished, or gave up after an hour, are not made again: remove the folder WORK to have them anew."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from importlib.metadata import version
from pathlib import Path

import codes
import numpy as np

HERE = Path(__file__).parent
EPSILON, DELTA, LIMIT = "2", "1e-10", 3600
PACKAGES = ("dpmm", "opendp", "numpy", "pandas", "scipy")
ALONE = "codes alone"


def run(command, log, limit=LIMIT):
    """Runs a command to its end, or to the limit: how long it took and how much memory."""
    start = time.monotonic()
    with open(log, "w") as out:
        child = subprocess.Popen([str(word) for word in command], stdout=out, stderr=out)
    timer = threading.Timer(limit, child.kill)
    timer.start()
    _, status, used = os.wait4(child.pid, 0)
    seconds = time.monotonic() - start
    timer.cancel()
    code = os.waitstatus_to_exitcode(status)
    if code and seconds < limit:
        sys.exit(f"{Path(log).read_text()}\n{command} failed with {code}")
    return {"finished": code == 0, "seconds": round(seconds, 1), "cpu_seconds": round(used.ru_utime + used.ru_stime, 1), "peak_mib": used.ru_maxrss // 1024}


class Lane:
    def __init__(self, program, work, trace, preset, window):
        self.name = re.sub(r"\.csv\.gz$", "", Path(trace).name)
        self.program, self.work = Path(program).resolve(), Path(work).resolve() / self.name
        self.declared = ["--preset", preset, "--window", window]
        self.work.mkdir(parents=True, exist_ok=True)
        copy = self.work / "trace.csv.gz"
        if not copy.exists():
            shutil.copy(trace, copy)
            run([self.program, "split", copy], self.work / "split.log")
        self.fitted, self.held_out, self.bundle = (self.work / name for name in ("trace.fit.csv.gz", "trace.test.csv.gz", "bundle"))

    def once(self, name, make):
        """What was measured of a fit, made where it is not there yet."""
        file = self.work / f"{name}.json"
        if not file.exists():
            file.write_text(json.dumps(make()))
        return json.loads(file.read_text())

    def netdpsyn(self):
        command = [self.program, "synthesize", self.fitted, *self.declared, "--epsilon", EPSILON, "--delta", DELTA, "--bundle", self.bundle]
        return run([*command, "-o", self.work / "netdpsyn.csv.gz"], self.work / "netdpsyn.log")

    def alone(self):
        """The codes of the raw records as values again: what no peer can do better."""
        codes.restore(self.columns, self.raw, self.work / f"{ALONE}.csv.gz", 1)
        return {"finished": True}

    def peer(self, peer):
        sizes, raw, drawn = (self.work / name for name in ("sizes.json", "raw.npy", f"{peer}.npy"))
        sizes.write_text(json.dumps({column.name: column.bins for column in self.columns}))
        np.save(raw, self.raw)
        measured = run([sys.executable, "-u", HERE / "fit.py", peer, EPSILON, DELTA, sizes, raw, drawn], self.work / f"{peer}.log")
        if measured["finished"]:
            measured |= json.loads(Path(f"{drawn}.json").read_text())
        return measured

    def score(self, name):
        report = self.work / f"{name}.report.json"
        if not report.exists():
            run([self.program, "evaluate", self.fitted, self.work / f"{name}.csv.gz", "--test", self.held_out, *self.declared, "--json", report], self.work / f"{name}.evaluate.log")
        read = json.loads(report.read_text())
        mean = read["classification"]["mean"]
        return {
            "rows": read["rows"],
            "accuracy": {of: mean[of]["accuracy"] for of in ("synthetic", "real")},
            "macro_f1": {of: mean[of]["macro_f1"] for of in ("synthetic", "real")},
            "two_way": {of: read["two_way"][of] for of in ("mean", "floor")},
            "one_way": {column["column"]: {of: column[of] for of in ("measure", "distance", "floor")} for column in read["one_way"]},
            "totals": {column["column"]: {of: column[of] for of in ("ratio", "floor")} for column in read["totals"]},
            "impossible": {fact["fact"]: {of: fact[of] for of in ("synthetic", "real")} for fact in read["validity"]["facts"]},
        }

    def result(self, name, measured):
        said = {"trace": self.name, "method": name, "epsilon": float(EPSILON), "delta": float(DELTA), "declared": self.declared, "cores": os.cpu_count()}
        if name not in (ALONE, "netdpsyn"):
            said["versions"] = {package: version(package) for package in PACKAGES}
        if measured["finished"]:
            said["scores"] = self.score(name)
        out = HERE / "results" / f"{self.name}-{name.replace(':', '-').replace(' ', '-')}.json"
        out.parent.mkdir(exist_ok=True)
        out.write_text(json.dumps(said | measured, indent=1) + "\n")
        print(f"{name}: {measured}", flush=True)

    def all(self, peers):
        self.result("netdpsyn", self.once("netdpsyn", self.netdpsyn))
        self.columns = codes.columns(self.bundle)
        self.raw = codes.encode(self.columns, self.fitted)
        self.result(ALONE, self.once(ALONE, self.alone))
        for peer in peers:
            measured = self.once(peer, lambda: self.peer(peer))
            if measured["finished"]:
                codes.restore(self.columns, np.load(self.work / f"{peer}.npy"), self.work / f"{peer}.csv.gz", 1)
            self.result(peer, measured)


def short(number):
    return f"{number:.3f}".removeprefix("0")


def table(results):
    """One trace's results, a column a method."""
    order = [ALONE, "netdpsyn", "mst"]
    results = sorted(results, key=lambda result: (order.index(result["method"]) if result["method"] in order else len(order), result["method"]))
    lines = ["| | " + " | ".join(result["method"] for result in results) + " |", "| --- |" + " ---: |" * len(results)]

    def line(label, cell):
        lines.append(f"| {label} | " + " | ".join(cell(result) for result in results) + " |")

    def scored(label, cell):
        line(label, lambda result: cell(result["scores"]) if result["finished"] else "–")

    line("seconds (of a processor)", lambda r: "–" if "seconds" not in r else f"{r['seconds']:,} ({r.get('cpu_seconds', '–')})" + ("" if r["finished"] else ", not finished"))
    line("peak memory, MiB", lambda r: f"{r['peak_mib']:,}" if "peak_mib" in r else "–")
    line("marginals of more than one column", lambda r: str(sum(len(set(c)) > 1 for c in {tuple(c) for c in r["cliques"]})) if "cliques" in r else "–")
    for label, measure in (("accuracy", "accuracy"), ("macro-F1", "macro_f1")):
        scored(f"{label} (raw)", lambda s, measure=measure: f"{short(s[measure]['synthetic'])} ({short(s[measure]['real'])})")
    scored("two-way distance (floor)", lambda s: f"{short(s['two_way']['mean'])} ({short(s['two_way']['floor'])})")
    for measure, label in (("jensen-shannon", "JSD"), ("wasserstein", "EMD")):
        names = [name for name, of in results[0]["scores"]["one_way"].items() if of["measure"].startswith(measure)]
        scored(f"{label} " + " / ".join(f"`{name}`" for name in names), lambda s, names=names: " / ".join(short(s["one_way"][name]["distance"]) for name in names))
    scored("totals a record " + " / ".join(f"`{name}`" for name in results[0]["scores"]["totals"]), lambda s: " / ".join(f"{of['ratio']:.2f}" for of in s["totals"].values()))
    scored("impossible records", lambda s: f"{100 * sum(of['synthetic'] for of in s['impossible'].values()):.2f} %")
    return "\n".join(lines)


def write_tables():
    """The tables of all results, in place of those between the marks."""
    results = [json.loads(file.read_text()) for file in sorted((HERE / "results").glob("*.json"))]
    text = []
    for trace in sorted({result["trace"] for result in results}):
        of = [result for result in results if result["trace"] == trace]
        rows = of[0]["scores"]["rows"]
        text.append(f"`{trace}`: {rows['fitted']:,} records fitted, {rows['held_out']:,} held out.\n\n{table(of)}\n")
    file = HERE / "RESULTS.md"
    before, rest = file.read_text().split("<!-- tables -->\n")[:2]
    after = rest.split("<!-- end of tables -->\n")[1]
    file.write_text(f"{before}<!-- tables -->\n\n" + "\n".join(text) + f"\n<!-- end of tables -->\n{after}")


def main(program, work, trace, preset, window, *peers):
    Lane(program, work, trace, preset, window).all(peers or ("mst", "aim"))
    write_tables()


if __name__ == "__main__":
    main(*sys.argv[1:])
