"""What scikit-learn makes of the sample traces: the figures that the classifiers and the detector are held to.

Classification: of the first 4,000 records, those with i % 5 = 4 are tested and the others trained on ("real"); "synthetic" is
the same with the class of every seventh trained record moved on by one, cyclically, so that overfitting shows. Figures are
means over five random states.
Anomalies: flows of all packets; every other one is trained on, the rest tested, and tested again "slowed", with times three
times as long and 200 bytes more a packet. A vector within 0.001 of the border counts as inside.

Run: pip install numpy scipy scikit-learn && python crates/evaluate/known_answers/models.py > crates/evaluate/known_answers/models.json
"""

import csv
import gzip
import ipaddress
import json
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import OneClassSVM
from sklearn.tree import DecisionTreeClassifier

SAMPLES = Path(__file__).parents[2] / "samples"
SEEDS = range(5)
PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17}


def load(name):
    with gzip.open(SAMPLES / name, "rt") as file:
        return list(csv.DictReader(file))


def number(name, text):
    return PROTOCOLS[text.lower()] if name == "proto" else float(text)


def matrix(records, names):
    return np.array([[number(name, record[name]) for name in names] for record in records])


def models(sizes, seed):
    """The five; linear model and perceptron see sizes as log(1+x) and everything standardised."""

    def logs(x):
        x = x.copy()
        x[:, sizes] = np.log1p(x[:, sizes])
        return x

    scaled = lambda model: make_pipeline(FunctionTransformer(logs), StandardScaler(), model)
    return {
        "decision-tree": DecisionTreeClassifier(random_state=seed),
        "logistic-regression": scaled(LogisticRegression(max_iter=5000)),
        "random-forest": RandomForestClassifier(50, random_state=seed),
        "gradient-boosting": HistGradientBoostingClassifier(max_iter=30, early_stopping=False, random_state=seed),
        "perceptron": scaled(MLPClassifier(max_iter=400, random_state=seed)),
    }


def classification(records, names, sizes, key, classes):
    x = matrix(records, names)
    y = np.array([classes.index(record[key]) for record in records])
    tested = np.arange(len(y)) % 5 == 4
    disturbed = y[~tested].copy()
    disturbed[::7] = (disturbed[::7] + 1) % len(classes)
    scores = {}
    for side, labels in [("real", y[~tested]), ("synthetic", disturbed)]:
        scores[side] = {}
        for name in models(sizes, 0):
            guesses = [models(sizes, s)[name].fit(x[~tested], labels).predict(x[tested]) for s in SEEDS]
            scores[side][name] = {
                "accuracy": np.mean([accuracy_score(y[tested], guess) for guess in guesses]),
                "macro_f1": np.mean([f1_score(y[tested], guess, average="macro") for guess in guesses]),
            }
    return scores


def flows(packets):
    """(seconds since the first packet, sizes) of each flow, in order of the five-tuple."""
    grouped = {}
    for packet in packets:
        five = (
            int(ipaddress.ip_address(packet["srcip"])),
            int(ipaddress.ip_address(packet["dstip"])),
            int(packet["srcport"]),
            int(packet["dstport"]),
            number("proto", packet["proto"]),
        )
        grouped.setdefault(five, []).append((int(packet["time"]), float(packet["pkt_len"])))
    found = []
    for five in sorted(grouped):
        packets = sorted(grouped[five], key=lambda packet: packet[0])
        if len(packets) >= 2:
            start = packets[0][0]
            found.append((np.array([(t - start) * 1e-9 for t, _ in packets]), np.array([s for _, s in packets])))
    return found


def describe(mode, times, sizes, packets, window):
    def fixed(values, length):
        out = np.zeros(length)
        values = np.asarray(values)[:length]
        out[: len(values)] = values
        return out

    gaps = np.diff(times)
    if mode == "IAT":
        return fixed(gaps, packets - 1)
    if mode == "SIZE":
        return fixed(sizes, packets)
    if mode == "IAT_SIZE":
        both = np.array([v for pair in zip(gaps, sizes) for v in pair] + [sizes[-1]])
        return fixed(both, 2 * packets - 1)
    if mode == "STATS":
        span, total = times[-1], sizes.sum()
        rates = [len(sizes) / span, total / span] if span > 0 else [0, 0]
        quartiles = np.quantile(sizes, [0.25, 0.5, 0.75])
        shape = [sizes.mean(), sizes.std(), *quartiles, sizes.min(), sizes.max()]
        return np.array([span, *rates, *shape, len(sizes), total])
    index = np.maximum(np.ceil(times / window).astype(int) - 1, 0)
    amounts = np.ones(len(sizes)) if mode == "SAMP-NUM" else sizes
    return fixed(np.bincount(index, weights=amounts)[: packets - 1], packets - 1)


def anomalies(found):
    train, test = found[0::2], found[1::2]
    slowed = [(times * 3, sizes + 200) for times, sizes in test]
    packets = int(min(max(np.quantile([len(t) for t, _ in train], 0.9), 2), 50))
    window = np.quantile([t[-1] for t, _ in train], 0.3)
    ratios = {}
    for mode in ["IAT", "SIZE", "IAT_SIZE", "STATS", "SAMP-NUM", "SAMP-SIZE"]:
        vectors = lambda flows: np.array([describe(mode, t, s, packets, window) for t, s in flows])
        scaler = StandardScaler().fit(vectors(train))
        machine = OneClassSVM(nu=0.1, gamma="scale", tol=1e-4).fit(scaler.transform(vectors(train)))
        outside = lambda flows: float(np.mean(machine.decision_function(scaler.transform(vectors(flows))) < -1e-3))
        ratios[mode] = {"test": outside(test), "slowed": outside(slowed)}
    return {"flows": len(found), "packets": packets, "window": window, "ratios": ratios}


def vectors():
    """Scores and rank correlations of fixed lists: all hit, none hit, classes on one side only, ties."""
    pairs = [
        ([0, 1, 2, 2, 1, 0], [0, 2, 2, 2, 1, 1]),
        ([0, 0, 0, 0, 1], [0, 0, 0, 0, 0]),
        ([0, 1, 1], [3, 1, 1]),
        ([0, 1], [2, 3]),
        ([4, 4, 2, 0], [4, 4, 2, 0]),
    ]
    lists = [
        ([0.1, 0.12, 0.08, 0.3, 0.09, 0.11], [0.5, 0.2, 0.1, 0.9, 0.12, 0.3]),
        ([0.1, 0.1, 0.2, 0.2, 0.3, 0.05], [0.3, 0.1, 0.1, 0.4, 0.4, 0.4]),
        ([1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 1, 2]),
    ]
    score = lambda t, p: {"accuracy": accuracy_score(t, p), "macro_f1": f1_score(t, p, average="macro", zero_division=0)}
    return {
        "scores": [{"truth": t, "predicted": p, **score(t, p)} for t, p in pairs],
        "spearman": [{"a": a, "b": b, "correlation": float(spearmanr(a, b).statistic)} for a, b in lists],
    }


flow_columns = ["srcport", "dstport", "proto", "td", "pkt", "byt"]
packet_columns = ["srcport", "dstport", "proto", "pkt_len", "ttl", "tos"]
kinds = ["normal", "ddos", "portscan", "bruteforce"]
packets = load("packets.csv.gz")
answers = {
    "flows": classification(load("flows.csv.gz")[:4000], flow_columns, [3, 4, 5], "type", kinds),
    "packets": classification(packets[:4000], packet_columns, [3], "flag", ["0", "2"]),
    "anomalies": anomalies(flows(packets)),
    **vectors(),
}
print(json.dumps(answers, indent=1))
