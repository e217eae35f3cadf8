"""`./run peers`: netdpsyn beside AIM and MST on one trace: lane.py PROGRAM WORK TRACE PRESET START/END [PEER …]. A peer is mst, aim, or aim:MEGABYTES of
its model, on the codes of the method `netdpsyn`; with @adaptive after it, on those of the method `adaptive`. Fits that a former call finished, or gave up
after an hour, are not made again: remove the folder WORK to have them anew."""

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
# The methods of netdpsyn that are measured. The first one's codes are what the peers see, if nothing else is said.
METHODS = ("netdpsyn", "adaptive")


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
        self.fitted, self.held_out = (self.work / f"trace.{part}.csv.gz" for part in ("fit", "test"))

    def once(self, name, make):
        """What was measured of a fit, made where it is not there yet."""
        file = self.work / f"{name}.json"
        if not file.exists():
            file.write_text(json.dumps(make()))
        return json.loads(file.read_text())

    def own(self, method):
        command = [self.program, "synthesize", self.fitted, *self.declared, "--epsilon", EPSILON, "--delta", DELTA, "--method", method]
        kept = ["--bundle", self.work / f"{method}.bundle", "-o", self.work / f"{method}.csv.gz"]
        return run([*command, *kept], self.work / f"{method}.log")

    def cut(self, method):
        """The columns as a method cuts them, and the raw records in their codes."""
        columns = codes.columns(self.work / f"{method}.bundle")
        sizes, raw = self.work / f"{method}.sizes.json", self.work / f"{method}.raw.npy"
        if not raw.exists():
            sizes.write_text(json.dumps({column.name: column.bins for column in columns}))
            np.save(raw, codes.encode(columns, self.fitted))
        return columns, sizes, raw

    def alone(self, name, cut):
        """The codes of the raw records as values again: what no peer can do better."""
        columns, _, raw = cut
        codes.restore(columns, np.load(raw), self.work / f"{name}.csv.gz", 1)
        return {"finished": True}

    def peer(self, name, cut):
        columns, sizes, raw = cut
        drawn = self.work / f"{name}.npy"
        measured = run([sys.executable, "-u", HERE / "fit.py", name.split("@")[0], EPSILON, DELTA, sizes, raw, drawn], self.work / f"{name}.log")
        rounds = Path(f"{drawn}.rounds")
        if rounds.exists():
            last = json.loads(rounds.read_text().splitlines()[-1])
            measured |= {"rounds": last["round"]} | {of: last[of] for of in ("model_mib", "rho_share")}
        if measured["finished"]:
            measured |= json.loads(Path(f"{drawn}.json").read_text())
            codes.restore(columns, np.load(drawn), self.work / f"{name}.csv.gz", 1)
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
        if name not in METHODS:
            said["codes"] = method_of_codes(name)
        if name not in METHODS and not name.startswith(ALONE):
            said["versions"] = {package: version(package) for package in PACKAGES}
        if measured["finished"]:
            said["scores"] = self.score(name)
        out = HERE / "results" / f"{self.name}-{name.replace(':', '-').replace('@', '-on-').replace(' ', '-')}.json"
        out.parent.mkdir(exist_ok=True)
        out.write_text(json.dumps(said | measured, indent=1) + "\n")
        print(f"{name}: {measured}", flush=True)

    def all(self, peers):
        for method in METHODS:
            self.result(method, self.once(method, lambda: self.own(method)))
        cuts = {method: self.cut(method) for method in METHODS}
        for method in METHODS:
            name = ALONE if method == METHODS[0] else f"{ALONE}@{method}"
            self.result(name, self.once(name, lambda: self.alone(name, cuts[method])))
        for peer in peers:
            self.result(peer, self.once(peer, lambda: self.peer(peer, cuts[method_of_codes(peer)])))


def method_of_codes(name):
    """Whose codes a peer sees, by its name."""
    return name.partition("@")[2] or METHODS[0]


def short(number):
    return f"{number:.3f}".removeprefix("0")


def table(results):
    """One trace's results, a column a method."""
    order = [*METHODS[::-1], ALONE, "mst", "aim"]

    def place(result):
        name, _, cut = result["method"].partition("@")
        return cut, order.index(name.split(":")[0]), float(name.partition(":")[2] or "inf")

    results = sorted(results, key=place)
    lines = ["| | " + " | ".join(f"`{result['method']}`" for result in results) + " |", "| --- |" + " ---: |" * len(results)]

    def line(label, cell):
        lines.append(f"| {label} | " + " | ".join(cell(result) for result in results) + " |")

    def scored(label, cell):
        line(label, lambda result: cell(result["scores"]) if result["finished"] else "–")

    line("seconds (of a processor)", lambda r: "–" if "seconds" not in r else f"{r['seconds']:,} ({r.get('cpu_seconds', '–')})" + ("" if r["finished"] else ", not finished"))
    line("rounds (share of ρ)", lambda r: f"{r['rounds']} ({r['rho_share']:.2f})" if "rounds" in r else "–")
    line("size of the model, MiB", lambda r: f"{r['model_mib']:.2f}" if "model_mib" in r else "–")
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
