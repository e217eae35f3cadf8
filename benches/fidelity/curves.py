"""From the results of a lane to crates/fit/curves.json, from which a quote foretells fidelity.

A run stands at its records over noise, N·√(2ρ), as the adaptive method counts what it can tell apart. Runs of one trace make a line; the lines are read
at the rungs of a ladder, and a rung has the lowest, the middle and the highest of them. More records or a larger ε never foretell worse: where the
lines cross, the range is widened and the middle is averaged until it falls."""

import json
from collections import defaultdict
from math import exp, log, log1p, sqrt
from statistics import median

import measures

# Rungs of the ladder in an e-fold of x: about as many as there are points of a trace.
RUNGS = 1.5
# Presets of packets.
PACKETS = ("packet", "caida", "dc")
# Traces that a rung needs: a range of one would be none.
TRACES = 3


def ln_delta(rho, epsilon):
    """ln of the smallest δ at which ρ-zCDP is ε-DP: Prop. 12 of Canonne, Kamath, Steinke 2020, as crates/account/src/zcdp.rs has it."""
    low, high = 1 + 1e-9, (epsilon + 1) / (2 * rho) + 2
    for _ in range(200):
        alpha = (low + high) / 2
        if (2 * alpha - 1) * rho - epsilon + log1p(-1 / alpha) < 0:
            low = alpha
        else:
            high = alpha
    return (alpha - 1) * (alpha * rho - epsilon) + alpha * log1p(-1 / alpha) - log(alpha - 1)


def rho(epsilon, delta):
    """What a fit of (ε, δ) may spend: nine tenths of δ pay for it."""
    low, high = 0.0, epsilon + 1
    for _ in range(100):
        middle = (low + high) / 2
        if ln_delta(middle, epsilon) <= log(0.9 * delta):
            low = middle
        else:
            high = middle
    return low


def figures(run):
    """What is foretold, as one run has it. Two-way distance is taken as it is: from the lowest trace to the highest it is .03 wide at a rung in the middle,
    and .05 beyond the floor, since what sampling costs counts for nothing where the model smooths it away."""
    found = measures.summary([run])
    yield "two_way", found["two-way, 20 classes"][0]
    name = "accuracy, tree and forest"
    if name in found:
        yield "accuracy_loss", found[name][2] - found[name][0]


def at(line, x):
    """A line at ln x, with straight pieces; none farther outside than half a rung."""
    half = 0.5 / RUNGS
    if not line[0][0] - half <= x <= line[-1][0] + half:
        return None
    for (a, low), (b, high) in zip(line, line[1:]):
        if a <= x <= b:
            return low + (high - low) * (x - a) / (b - a)
    return line[0][1] if x < line[0][0] else line[-1][1]


def falling(values):
    """The falling sequence that is nearest in squares: neighbours that rise are averaged."""
    blocks = []
    for value in values:
        blocks.append([value, 1])
        while len(blocks) > 1 and blocks[-2][0] < blocks[-1][0]:
            (a, n), (b, m) = blocks[-2:]
            blocks[-2:] = [[(a * n + b * m) / (n + m), n + m]]
    return [value for value, n in blocks for _ in range(n)]


def points(traces):
    """Rungs with lowest, middle and highest. Of every trace there are ln x → values of its seeds."""
    ends = [x for runs in traces for x in runs]
    lines = lambda pick: [sorted((x, pick(values)) for x, values in runs.items()) for runs in traces]
    low, middle, high = (lines(pick) for pick in (min, median, max))
    read = []
    for rung in range(round(min(ends) * RUNGS), round(max(ends) * RUNGS) + 1):
        x = rung / RUNGS
        values = lambda lines: [y for line in lines if (y := at(line, x)) is not None]
        if len(values(middle)) >= TRACES:
            read.append((float(f"{exp(x):.3g}"), min(values(low)), median(values(middle)), max(values(high))))
    xs, lower, middle, upper = zip(*read)
    lower, upper = ([min(lower[: i + 1]) for i in range(len(xs))], [max(upper[i:]) for i in range(len(xs))])
    return [[x, *(round(value, 4) for value in row)] for x, *row in zip(xs, lower, falling(middle), upper)]


def write(plan, folder, file):
    found = defaultdict(lambda: defaultdict(lambda: defaultdict(lambda: defaultdict(list))))
    for kept in sorted(folder.glob("*.json")):
        run = json.loads(kept.read_text())
        if run["method"] in plan["variants"]:
            continue
        x = log(run["report"]["rows"]["fitted"] * sqrt(2 * rho(run["epsilon"], float(plan["delta"]))))
        # Simulated flows of growing size are one line.
        trace = "flows" if run["trace"].startswith("flows-") else run["trace"]
        # The adaptive method makes packets as sessions, whose figures are others than those of records.
        packets = run["method"] == "adaptive" and run["declared"][1] in PACKETS
        for figure, value in figures(run):
            found["sessions" if packets else run["method"]][figure][trace][x].append(value)
    curves = {
        method: {figure: points(traces.values()) for figure, traces in of.items()}
        for method, of in sorted(found.items())
        if all(len(traces) >= TRACES for traces in of.values())
    }
    rows = lambda points: ",\n".join(f"      {json.dumps(point)}" for point in points)
    lists = lambda of: ",\n".join(f'    "{figure}": [\n{rows(points)}\n    ]' for figure, points in of.items())
    file.write_text("{\n" + ",\n".join(f'  "{method}": {{\n{lists(of)}\n  }}' for method, of in curves.items()) + "\n}\n")
    print(f"{file}: {', '.join(curves)}")
