"""From the results of a lane to docs/FIDELITY.md, between its marks, and to the plots beside it."""

import json
from math import inf

import measures
import plot

MARKS = ("<!-- fidelity: begin -->\n", "<!-- fidelity: end -->\n")
TWO_WAY, THREE_WAY = "two-way, 20 classes", "three-way"
ACCURACY, F1 = "accuracy, tree and forest", "macro-F1, tree and forest"
# What is asked across records: what of it is plotted, and what stands as a bar.
QUESTIONS = {
    "hosts": ("number of hosts, ratio", "synthetic to raw; the bar is 1, the whisker the worst seed"),
    "pairs": ("number of pairs, ratio", "synthetic to raw; the bar is 1, the whisker the worst seed"),
    "sessions": ("number of sessions, ratio", "synthetic to raw; the bar is 1, the whisker the worst seed"),
    "records-a-host": ("records-a-host, apart", "total variation over octaves; the bar is the floor, the whisker the worst seed"),
    "fan-out": ("fan-out, apart", "total variation over octaves; the bar is the floor, the whisker the worst seed"),
}


def shown(value):
    if value is None:
        return ""
    if value == inf or abs(value) >= 100:
        return f"{value:.0f}"
    text = f"{value:.2f}" if abs(value) >= 2 else f"{value:.4f}" if 0 < abs(value) < 0.01 else f"{value:.3f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def cell(found):
    """Mean (worst)."""
    return f"{shown(found[0])} ({shown(found[1])})" if found else "–"


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "| --- |" + " ---: |" * (len(heads) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


class Results:
    def __init__(self, folder):
        runs = {}
        for file in sorted(folder.glob("*.json")):
            run = json.loads(file.read_text())
            runs.setdefault((run["trace"], float(run["epsilon"]), run["method"]), []).append(run)
        self.runs = runs
        self.found = {key: measures.summary(some) for key, some in runs.items()}

    def of(self, trace, epsilon, method):
        return self.found.get((trace, float(epsilon), method), {})

    def any(self, trace, epsilon):
        """A run, for what is the same in all of them."""
        return next((some[0] for (t, e, _), some in self.runs.items() if (t, e) == (trace, float(epsilon))), None)

    def beside(self, trace, epsilon, measure):
        """The floor, or the same of raw records, which is the same for every method."""
        keys = [key for key in self.found if key[:2] == (trace, float(epsilon)) and measure in self.found[key]]
        return self.found[keys[0]][measure][2] if keys else None


def seeds(results, methods, traces, epsilon):
    """How many runs stand behind the figures."""
    counts = sorted({len(results.runs.get((t, float(epsilon), m), [])) for t in traces for m in methods} - {0})
    return "–".join(map(str, dict.fromkeys((counts[0], counts[-1])))) if counts else "0"


def overview(plan, results, methods, traces, folder):
    text = ""
    for measure, against in ((TWO_WAY, "floor"), (THREE_WAY, "floor"), (ACCURACY, "raw"), (F1, "raw")):
        rows = []
        for trace in traces:
            cells = [results.of(trace, plan["epsilon"], method).get(measure) for method in methods]
            if any(cells):
                fitted = results.any(trace, plan["epsilon"])["report"]["rows"]["fitted"]
                rows.append([trace, f"{fitted:,}", shown(results.beside(trace, plan["epsilon"], measure)), *map(cell, cells)])
        if rows:
            text += "\n" + table([measure, "rows fitted", against, *methods], rows)
    rows = []
    for trace in traces:
        found = {m: results.of(trace, plan["epsilon"], m)[TWO_WAY][:2] for m in methods if results.of(trace, plan["epsilon"], m)}
        rows.append((trace, found, results.beside(trace, plan["epsilon"], TWO_WAY)))
    title = f"Two-way distance at ε = {plan['epsilon']}"
    name = "two-way.svg"
    (folder / name).write_text(plot.dots(title, "total variation, mean of all pairs; the bar is the floor, the whisker the worst seed", rows, methods))
    return f"![{title}](fidelity/{name})\n" + text


def questions(plan, results, methods, traces, folder):
    """Plots of what is asked across records; what a method is without looking across them stands beside it."""
    text = ""
    for name, (measure, horizontal) in QUESTIONS.items():
        rows = []
        for trace in traces:
            found = {m: of[measure][:2] for m in methods if measure in (of := results.of(trace, plan["epsilon"], m))}
            if found:
                rows.append((trace, found, results.beside(trace, plan["epsilon"], measure)))
        if rows:
            title = f"{measure.partition(',')[0].replace('-', ' ')} at ε = {plan['epsilon']}"
            (folder / f"{name}.svg").write_text(plot.dots(title, horizontal, rows, methods))
            text += f"\n![{title}](fidelity/{name}.svg)\n"
    return text


def curve(results, methods, keys, title, horizontal, file):
    """Four measures over ε or over rows; keys are (x, trace, ε)."""
    panels = []
    for measure in (TWO_WAY, THREE_WAY, ACCURACY, F1):
        series = {}
        for x, trace, epsilon in keys:
            for method in methods:
                if found := results.of(trace, epsilon, method).get(measure):
                    series.setdefault(method, []).append((x, *found[:2]))
        beside = [(x, results.beside(trace, epsilon, measure)) for x, trace, epsilon in keys]
        if series:
            panels.append((measure, series, [(x, value) for x, value in beside if value is not None]))
    # A curve has two points.
    if any(len(some) > 1 for _, series, _ in panels for some in series.values()):
        title += " (dashed: floor, or the same of raw records)"
        file.write_text(plot.lines(title, horizontal, panels, methods))
        return f"\n![{title}](fidelity/{file.name})\n"
    return ""


def sweep(results, methods, keys, head):
    rows = []
    for label, trace, epsilon in keys:
        for method in methods:
            if found := results.of(trace, epsilon, method):
                rows.append([label, method, *(cell(found.get(measure)) for measure in (TWO_WAY, THREE_WAY, ACCURACY, F1))])
    return "\n" + table([head, "method", TWO_WAY, THREE_WAY, ACCURACY, F1], rows) if rows else ""


def each(plan, results, methods, traces):
    text = ""
    for trace in traces:
        found = {method: results.of(trace, plan["epsilon"], method) for method in methods}
        found = {method: measured for method, measured in found.items() if measured}
        names = dict.fromkeys(name for measured in found.values() for name in measured)
        rows = [
            [name, shown(results.beside(trace, plan["epsilon"], name)), *(cell(measured.get(name)) for measured in found.values())]
            for name in names
        ]
        text += f"\n#### {trace}\n\n" + table(["measure", "beside", *found], rows)
    return text


def write(plan, folder, docs):
    results = Results(folder)
    methods = [method for method in plan["methods"] if any(key[2] == method for key in results.runs)]
    traces = [trace for trace in plan["traces"] if results.any(trace, plan["epsilon"])]
    plots = docs / "fidelity"
    plots.mkdir(exist_ok=True)
    for old in plots.glob("*.svg"):
        old.unlink()
    text = f"Sources `{folder.name}`, {seeds(results, methods, traces, plan['epsilon'])} runs a trace and method, mean (worst). "
    text += f"δ = {plan['delta']}.\n\n"
    if traces:
        text += f"### Every trace at ε = {plan['epsilon']}\n\n" + overview(plan, results, methods, traces, plots)
        text += f"\n### Across records at ε = {plan['epsilon']}\n" + questions(plan, results, methods, traces, plots)
    curves = ""
    for trace in plan["epsilons"]["traces"]:
        keys = [(epsilon, trace, epsilon) for epsilon in plan["epsilons"]["of"]]
        curves += curve(results, methods, keys, f"{trace}: error against ε", "ε", plots / f"epsilon-{trace}.svg")
        if curves.endswith(f"epsilon-{trace}.svg)\n"):
            curves += sweep(results, methods, [(f"{epsilon:g}", trace, epsilon) for epsilon in plan["epsilons"]["of"]], trace + ", ε")
    if curves:
        text += "\n### Error against ε\n" + curves
    keys = [(rows, f"flows-{rows}", plan["epsilon"]) for rows in plan["sizes"]["of"]]
    sizes = curve(results, methods, keys, "Simulated flows: error against the number of records", "records", plots / "rows.svg")
    if sizes:
        sizes += sweep(results, methods, [(f"{rows:,}", trace, epsilon) for rows, trace, epsilon in keys], "records")
        text += f"\n### Error against the number of records, ε = {plan['epsilon']}\n" + sizes
    if traces:
        text += f"\n### Every measure at ε = {plan['epsilon']}\n" + each(plan, results, methods, traces)
    page = docs / "FIDELITY.md"
    before, rest = page.read_text().split(MARKS[0])
    _, after = rest.split(MARKS[1])
    page.write_text(before + MARKS[0] + text + MARKS[1] + after)
    print(f"written: {page} and {len(list(plots.glob('*.svg')))} plots")
