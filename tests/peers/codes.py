"""What a bundle of netdpsyn says of its columns: which values share a code, and how a value is drawn from one."""

import csv
import gzip
import json

import numpy as np

PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17}
NAMES = {number: name for name, number in PROTOCOLS.items()}


class Column:
    """One column of the trace, cut as its attribute of the bundle is."""

    def __init__(self, name, field, partition):
        self.name = name
        self.kind, self.said = next(iter(field.items())) if isinstance(field, dict) else (field, None)
        self.starts = np.array(partition["starts"], np.int64)
        self.ends = np.append(self.starts[1:], partition["end"])
        self.labels = np.array(partition["labels"])
        self.bins = int(self.labels.max()) + 1
        weights = np.array(partition.get("weights") or self.ends - self.starts, float)
        if partition.get("undeclared"):
            # What stands for all that is undeclared is drawn only where nothing else shares its code.
            shared = np.count_nonzero(self.labels == self.labels[-1]) > 1
            weights[-1] = 0 if shared else weights[-1]
        self.drawn = []
        for code in range(self.bins):
            of = np.flatnonzero(self.labels == code)
            likely = of[weights[of] > 0]
            of, weight = (likely, weights[likely]) if likely.size else (of, np.ones(of.size))
            self.drawn.append((of, weight / weight.sum()))

    def values(self, texts):
        """The places of written values in the space that is cut."""
        if self.kind == "categorical":
            place = {text: i for i, text in enumerate(self.said)}
            return np.array([place.get(text, len(self.said)) for text in texts])
        if self.kind == "protocol":
            return np.array([PROTOCOLS[text] for text in texts])
        if self.kind == "float-exponential":
            return np.round(np.array(texts, float) / self.said["resolution"]).astype(np.int64)
        return np.array(texts, np.int64)

    def codes(self, texts):
        after = np.searchsorted(self.starts, self.values(texts), side="right")
        return self.labels[np.maximum(after, 1) - 1]

    def draw(self, codes, rng):
        """A value a code: an interval by its weight, then uniformly inside."""
        values = np.empty(len(codes), np.int64)
        for code, (intervals, shares) in enumerate(self.drawn):
            rows = np.flatnonzero(codes == code)
            at = rng.choice(intervals, rows.size, p=shares)
            values[rows] = rng.integers(self.starts[at], self.ends[at])
        return values

    def texts(self, values):
        if self.kind == "categorical":
            return [self.said[value] for value in values]
        if self.kind == "protocol":
            return [NAMES.get(value, value) for value in values.tolist()]
        if self.kind == "float-exponential":
            return [f"{value * self.said['resolution']:.6f}" for value in values.tolist()]
        return values.tolist()


def columns(bundle):
    """The columns of the file a bundle was fitted on. The gaps that a fit derives are no column of it. A bundle with layers has the fine cuts first,
    one a column: those are meant, and its coarse ones, which have no weights, are left out."""
    with gzip.open(bundle) as file:
        read = json.load(file)
    fields = read["schema"]["columns"]
    fine = len(read["layers"]["coarse"]) if read.get("layers") else None
    cut = [(fields[a["column"]], a["partition"]) for a in read["attributes"][:fine]]
    return [Column(f["name"], f["type"], partition) for f, partition in cut if f["type"] != "gap" and "flow-gap" not in f["type"]]


def encode(columns, trace):
    """The trace in codes, a row a record."""
    with gzip.open(trace, "rt", newline="") as file:
        read = csv.reader(file)
        header, *rows = read
    texts = dict(zip(header, zip(*rows)))
    return np.column_stack([column.codes(texts[column.name]) for column in columns])


def restore(columns, codes, out, seed):
    """Codes as a trace, in the order of time."""
    rng = np.random.default_rng(seed)
    values = [column.draw(codes[:, i], rng) for i, column in enumerate(columns)]
    time = next(v for column, v in zip(columns, values) if column.kind == "timestamp")
    order = np.argsort(time, kind="stable")
    with gzip.open(out, "wt", compresslevel=1, newline="") as file:
        write = csv.writer(file)
        write.writerow(column.name for column in columns)
        write.writerows(zip(*(column.texts(v[order]) for column, v in zip(columns, values))))
