"""`./run fidelity`: fits, generates and scores trace after trace, one file a run, so that a stopped lane goes on where it stopped; then the pages.

What is measured stands in traces.toml. A run is kept under the identity of the sources that compute it. Noise has no seed, so the seed of a run is the
one of its generation, and counts runs."""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import curves
import measures
import pages

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# Whatever a run's figures hang on.
COMPUTES = [
    "Cargo.lock",
    "Cargo.toml",
    "src/service/local.rs",
    *(f"crates/{name}/src" for name in ("account", "evaluate", "fit", "formats", "generate", "model", "privacy", "trace")),
]
PLAN = tomllib.loads((HERE / "traces.toml").read_text())


def identity():
    """A hash over the sources."""
    digest = hashlib.sha256()
    for path in COMPUTES:
        for file in sorted((ROOT / path).rglob("*.rs")) or [ROOT / path]:
            digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


class Trace:
    """A trace and what is declared of it; its two parts are made when the first run asks for them."""

    def __init__(self, name, declared, make):
        self.name, self.make = name, make
        self.arguments = ["--preset", declared["preset"], "--window", declared["window"]]
        if "categories" in declared:
            self.arguments += ["--categories", "type=" + ",".join(declared["categories"])]


class Run:
    """One fit, one trace made from it, one score."""

    def __init__(self, trace, method, epsilon, seed):
        self.trace, self.method, self.epsilon, self.seed = trace, method, epsilon, seed
        variant = PLAN["variants"].get(method, {"method": method, "words": []})
        self.words = ["--method", variant["method"], *variant["words"]]
        self.key = (trace.name, method, float(epsilon), seed)
        self.name = f"{trace.name}-{method}-{epsilon:g}-{seed}"


def runs(traces, sizes, methods, seeds):
    """All runs, the first seed of everything before the second of anything."""
    swept = [trace for trace in traces if trace.name in PLAN["epsilons"]["traces"]]
    for seed in range(1, seeds + 1):
        # A set, in order: the sweep passes through the ε of all.
        pairs = {(trace.name, PLAN["epsilon"]): trace for trace in traces + sizes}
        pairs |= {(trace.name, epsilon): trace for trace in swept for epsilon in PLAN["epsilons"]["of"]}
        for (name, epsilon), trace in pairs.items():
            whole = name in PLAN["traces"] and epsilon == PLAN["epsilon"]
            yield from (Run(trace, method, epsilon, seed) for method in methods if whole or method not in PLAN["variants"])


class Lane:
    def __init__(self, program, work, data):
        self.program, self.data = Path(program).resolve(), data
        self.work = Path(work).resolve()
        self.results = self.work / "results" / identity()
        self.parts = self.work / "parts"
        for folder in (self.results, self.parts):
            folder.mkdir(parents=True, exist_ok=True)
        # Of this process alone: two lanes may run with different words.
        self.scratch = tempfile.TemporaryDirectory(dir=self.work)

    def call(self, *words):
        """Seconds of a command; what it printed as an error, when it fails."""
        start, log = time.monotonic(), Path(self.scratch.name, "log")
        with log.open("w") as output:
            called = subprocess.run([self.program, *map(str, words)], stdout=output, stderr=output)
        if called.returncode:
            raise RuntimeError(log.read_text().strip().rsplit("\r", 1)[-1][-1000:])
        return time.monotonic() - start

    def methods(self):
        """The methods of the plan that this program has."""
        shown = subprocess.run([self.program, "synthesize", "--help"], capture_output=True, text=True, check=True).stdout
        lines = {line.strip().partition(":")[0].removeprefix("- ") for line in shown.splitlines()}
        known = lambda method: PLAN["variants"].get(method, {"method": method})["method"] in lines
        absent = [method for method in PLAN["methods"] if not known(method)]
        if absent:
            print(f"this program has no method {', '.join(absent)}")
        return [method for method in PLAN["methods"] if known(method)]

    def traces(self):
        """Those of the data folder; simulated ones of growing size."""
        found = []
        for name, declared in PLAN["traces"].items():
            file = self.data / declared["file"] if self.data else None
            if file and file.is_file():
                found.append(Trace(name, declared, lambda file=file: self.split(file)))
            elif self.data:
                print(f"there is no {file}")
        if not self.data:
            print("no data folder is named (--data FOLDER or NETDPSYN_DATA): simulated flows alone")
        sizes = [Trace(f"flows-{rows}", PLAN["sizes"], lambda rows=rows: self.simulated(rows)) for rows in PLAN["sizes"]["of"]]
        return found, sizes

    def split(self, file):
        """Four fifths and the fifth held out, under the digest of the file."""
        digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
        fit, test = (self.parts / f"{digest}.{part}.csv" for part in ("fit", "test"))
        if not test.exists():
            # The last one to appear is the mark that both are whole.
            self.call("split", file, "--fit", fit, "--test", test.with_suffix(".part"))
            test.with_suffix(".part").rename(test)
        return fit, test

    def simulated(self, rows):
        file = self.parts / f"flows-{rows}.csv"
        if not file.exists():
            self.call("sample", "flows", "--rows", rows, "--seed", 1, "-o", file)
        return self.split(file)

    def kept(self, run):
        """What an earlier lane found, if the trace was declared as now."""
        file = self.results / f"{run.name}.json"
        found = json.loads(file.read_text()) if file.exists() else None
        return found if found and found["declared"] == run.trace.arguments else None

    def take(self, run):
        fit, test = run.trace.make()
        synthetic, report = (Path(self.scratch.name, name) for name in ("synthetic.csv", "report.json"))
        for earlier in (synthetic, report):
            earlier.unlink(missing_ok=True)
        budget = ["--epsilon", f"{run.epsilon:g}", "--delta", PLAN["delta"], "--accept-noise", "--accept-outside"]
        how = [*run.words, "--seed", run.seed, "-o", synthetic]
        seconds = self.call("synthesize", fit, *run.trace.arguments, *budget, *how)
        self.call("evaluate", fit, synthetic, "--test", test, *run.trace.arguments, "--json", report)
        found = {
            "trace": run.trace.name, "method": run.method, "epsilon": run.epsilon, "seed": run.seed, "declared": run.trace.arguments,
            "seconds": seconds, "report": json.loads(report.read_text()),
        }
        part = self.results / f"{run.name}.part"
        part.write_text(json.dumps(found))
        part.rename(self.results / f"{run.name}.json")
        return found

    def work_through(self, todo):
        """Takes the runs, and says how far it is. How many failed."""
        done, failed, start = 0, 0, time.monotonic()
        for number, run in enumerate(todo, 1):
            says = f"[{number}/{len(todo)}] {run.trace.name}, {run.method}, ε = {run.epsilon:g}, seed {run.seed}"
            # On a terminal the line is written over when the run ends.
            over = "\r" if sys.stdout.isatty() else ""
            if over:
                print(f"{says} …", end="", flush=True)
            began = time.monotonic()
            try:
                found = self.take(run)
            except RuntimeError as error:
                failed += 1
                print(f"{over}{says}: FAILED\n{error}", flush=True)
                continue
            done += 1
            left = (time.monotonic() - start) / done * (len(todo) - number)
            took = f"{time.monotonic() - began:.0f} s, about {left / 60:.0f} min left"
            print(f"{over}{says}: {measures.line(found)}; {took}", flush=True)
        return failed


def chosen(words, traces, sizes, methods):
    """The traces, sizes, methods and ε that the words choose; every word of one sort widens the choice, no word of a sort leaves all."""
    groups = {"simulated": [], "real": [], "sizes": [trace.name for trace in sizes]}
    for name, declared in PLAN["traces"].items():
        groups[declared["file"].partition("/")[0]].append(name)
    names, wanted, epsilons = set(), [], set()
    known = {trace.name for trace in traces + sizes}
    for word in words:
        if word in groups:
            names |= set(groups[word])
        elif word in known:
            names.add(word)
        elif word in methods:
            wanted.append(word)
        else:
            try:
                epsilons.add(float(word))
            except ValueError:
                sys.exit(f"{word} is no trace, method or ε; there are {', '.join([*groups, *sorted(known), *methods])}")
    keep = lambda trace: not names or trace.name in names
    return [t for t in traces if keep(t)], [t for t in sizes if keep(t)], wanted or methods, epsilons


def main():
    ask = argparse.ArgumentParser(prog="./run fidelity", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("words", nargs="*", help="traces (or simulated, real, sizes), methods and ε to take; all without")
    ask.add_argument("--data", default=os.environ.get("NETDPSYN_DATA"), help="the folder of the traces; NETDPSYN_DATA by default")
    ask.add_argument("--quick", action="store_true", help="one seed")
    ask.add_argument("--pages", action="store_true", help="write docs/FIDELITY.md and docs/fidelity/ from what is there; a whole lane does it at its end")
    ask.add_argument("--curves", action="store_true", help="write crates/fit/curves.json, from which quotes foretell, from what is there; a whole lane does it at its end")
    ask.add_argument("--program", default=ROOT / "target/release/netdpsyn", help=argparse.SUPPRESS)
    asked = ask.parse_args()
    lane = Lane(asked.program, ROOT / "target/fidelity", Path(asked.data).resolve() if asked.data else None)
    (traces, sizes), methods = lane.traces(), lane.methods()
    traces, sizes, methods, epsilons = chosen(asked.words, traces, sizes, methods)
    seeds = 1 if asked.quick else PLAN["seeds"]
    wanted = [run for run in runs(traces, sizes, methods, seeds) if not epsilons or float(run.epsilon) in epsilons]
    if epsilons - {float(run.epsilon) for run in wanted}:
        sys.exit(f"no ε {', '.join(f'{e:g}' for e in epsilons - {float(run.epsilon) for run in wanted})} is planned for these traces")
    if not asked.pages and not asked.curves:
        todo = [run for run in wanted if not lane.kept(run)]
        print(f"{len(wanted)} runs, {len(wanted) - len(todo)} of them done: {lane.results.relative_to(ROOT)}", flush=True)
        failed = lane.work_through(todo)
        if failed:
            sys.exit(f"{failed} runs failed")
        if asked.words or asked.quick:
            return
    if not asked.curves:
        pages.write(PLAN, lane.results, ROOT / "docs")
    if not asked.pages:
        curves.write(PLAN, lane.results, ROOT / "crates/fit/curves.json")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nstopped; the next lane goes on from here")
