"""What the lane shows of a report: figures with what they stand beside, and what is worse."""

from math import inf, log
from statistics import mean

TREES = ("decision-tree", "random-forest")


class Figure:
    """A figure of one run. `beside` is what it is compared with: the floor, the same on raw records, or the same of clipped ones."""

    def __init__(self, value, beside=None):
        self.value, self.beside = value, beside


# How bad a value is.
def low(value):
    return value


def high(value):
    return -value


def ratio(value):
    return abs(log(value)) if value > 0 else inf


def chance(value):
    return abs(value - 0.5)


def of(run):
    """Names, figures and what is worse, in the order of the pages."""
    report = run["report"]
    classes = report["classification"]
    if "mean" in classes:
        trees = [one for one in classes["classifiers"] if one["classifier"] in TREES]
        for figure, name in (("accuracy", "accuracy"), ("macro_f1", "macro-F1")):
            side = lambda which: mean(one[which][figure] for one in trees)
            yield f"{name}, tree and forest", Figure(side("synthetic"), side("real")), high
        for figure, name in (("accuracy", "accuracy"), ("macro_f1", "macro-F1")):
            yield f"{name}, five classifiers", Figure(classes["mean"]["synthetic"][figure], classes["mean"]["real"][figure]), high
        enough = [one for one in classes["recalls"] if one["fitted"] >= 50]
        lost = lambda side: sum(one[side] == 0 for one in enough)
        yield f"classes never found, of {len(enough)} with 50 records", Figure(lost("synthetic"), lost("real")), low
    two_way = report["two_way"]
    for classes, found in [(20, two_way), *((other["classes"], other) for other in two_way["other_cuts"])]:
        yield f"two-way, {classes} classes", Figure(found["mean"], found["floor"]), low
    yield "worst pair, 20 classes", Figure(two_way["pairs"][0]["distance"], two_way["pairs"][0]["floor"]), low
    if "mean" in report["three_way"]:
        yield "three-way", Figure(report["three_way"]["mean"], report["three_way"]["floor"]), low
    for one in report["one_way"]:
        what = "JSD" if one["measure"] == "jensen-shannon" else "EMD"
        yield f"{what} `{one['column']}`", Figure(one["distance"], one["floor"]), low
        if "coarse" in one:
            yield f"JSD `{one['column']}`, coarse", Figure(one["coarse"], one["coarse_floor"]), low
    for one in report["one_way"]:
        if "top_ten" in one:
            yield f"ten commonest `{one['column']}`, ratio", Figure(one["top_ten"]["ratio"], one["top_ten"]["floor"]), ratio
    if isinstance(report["totals"], list):
        for one in report["totals"]:
            yield f"total `{one['column']}`, ratio (clipped)", Figure(one["ratio"], one["clipped"]), ratio
    # Reports before version 4 have none of these.
    courses = report.get("volumes", {}).get("courses", [])
    for one in (one for one in courses if "r" in one):
        yield f"{one['of']} by {one['seconds']:g} s, correlation", Figure(one["r"], one.get("r_floor")), high
    population, sessions = report.get("population", {}), report.get("sessions", {})
    for one in population.get("counts", []) + ([sessions["number"]] if "number" in sessions else []):
        yield f"number of {one['of']}, ratio", Figure(one["ratio"], 1), ratio
    for one in population.get("profiles", []) + sessions.get("profiles", []):
        yield f"{one['of']}, apart", Figure(one["distance"], one.get("floor")), low
    if "answered" in population:
        yield "reverse pair occurs, share apart", Figure(population["answered"]["pair"]["difference"], population["answered"]["pair"].get("floor")), low
    if "steady" in sessions:
        yield "steady gaps of pairs, share apart", Figure(sessions["steady"]["difference"], sessions["steady"].get("floor")), low
    if "alternation" in sessions:
        yield "alternation, share apart", Figure(sessions["alternation"]["difference"], sessions["alternation"].get("floor")), low
    top = report.get("top", [])
    for one in top if isinstance(top, list) else []:
        yield f"top {one['of']} by {one['by']}, overlap", Figure(one["overlap"], one.get("floor")), high
    hitters = report["sketches"] if isinstance(report["sketches"], list) else []
    for column in dict.fromkeys(one["column"] for one in hitters):
        worst = max((one for one in hitters if one["column"] == column), key=lambda one: one["count_error"])
        yield f"heavy hitters of `{column}`, worst of four sketches", Figure(worst["count_error"], worst["count_floor"]), low
    if "relative_error" in report["anomaly"]:
        yield "share of anomalous flows, relative error", Figure(report["anomaly"]["relative_error"]), low
    if "auc" in report["attacks"]["membership"]:
        yield "membership AUC (chance)", Figure(report["attacks"]["membership"]["auc"], 0.5), chance
    yield "records made for one fitted", Figure(report["rows"]["synthetic"] / report["rows"]["fitted"], 1), ratio
    yield "seconds to fit and generate", Figure(run["seconds"]), low


def summary(runs):
    """Name → mean value, worst value, mean of what stands beside, over runs of different seeds."""
    all_of = {}
    for run in runs:
        for name, figure, worse in of(run):
            all_of.setdefault(name, (worse, []))[1].append(figure)
    found = {}
    for name, (worse, figures) in all_of.items():
        values, beside = [figure.value for figure in figures], [figure.beside for figure in figures if figure.beside is not None]
        found[name] = (mean(values), max(values, key=worse), mean(beside) if beside else None)
    return found


def line(run):
    """A run in a few words."""
    found = summary([run])
    shown = [name for name in ("two-way, 20 classes", "accuracy, tree and forest") if name in found]
    return ", ".join(f"{name} {found[name][0]:.3f} ({found[name][2]:.3f})" for name in shown)
