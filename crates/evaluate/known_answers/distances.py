"""Distances between samples and areas under ROC curves, by numpy, scipy and scikit-learn.

Inputs are drawn from fixed seeds and written beside the answers. Every sample is in ascending order. The standard errors of
the areas are written out from DeLong's formula over all pairs, as no library here has them.
Run: pip install numpy scipy scikit-learn && python crates/evaluate/known_answers/distances.py > crates/evaluate/known_answers/distances.json
"""

import json

import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance
from sklearn.metrics import roc_auc_score

rng = np.random.default_rng(20240607)


def samples(spread):
    """Pairs of samples of different sizes, overlaps and skews; the first ones as small as can be."""
    yield [0], [1]
    yield [3, 3, 3], [3, 5]
    for i in range(10):
        a = rng.geometric(0.02 + 0.05 * i, size=20 + 7 * i) * spread
        b = rng.geometric(0.03 + 0.04 * i, size=50 - 4 * i) * spread + i
        yield sorted(map(int, a)), sorted(map(int, b))


def shares(a, b):
    values = sorted(set(a) | set(b))
    return [np.array([s.count(v) / len(s) for v in values]) for s in (a, b)]


def auc(members, others):
    m, o = np.array(members)[:, None], np.array(others)[None, :]
    won = (m < o) + 0.5 * (m == o)
    v10, v01 = won.mean(axis=1), won.mean(axis=0)
    error = np.sqrt(v10.var(ddof=1) / len(members) + v01.var(ddof=1) / len(others))
    labels = [1] * len(members) + [0] * len(others)
    return [float(roc_auc_score(labels, [-x for x in members + others])), float(error)]


def cases(pairs, expected):
    return [{"a": a, "b": b, "expected": expected(a, b)} for a, b in pairs]


def wasserstein_log(a, b):
    a, b = np.log1p(a), np.log1p(b)
    return float(wasserstein_distance(a, b) / (a.max() - a.min()))


def histograms():
    for i in range(12):
        yield rng.poisson(1 + i, size=25).tolist(), rng.poisson(2 + i / 2, size=25).tolist()


def scores():
    # Eighths are exact in single precision, and full of ties.
    for i in range(12):
        yield (
            (rng.integers(0, 20 + 3 * i, size=15 + i) / 8).tolist(),
            (rng.integers(i, 24 + 3 * i, size=40 - 2 * i) / 8).tolist(),
        )


wide = [pair for pair in samples(97) if len(set(pair[0])) > 1]
wide.append(([0, 1, 1 << 40], [5, 1 << 41]))
answers = {
    "jensen_shannon": cases(samples(1), lambda a, b: float(jensenshannon(*shares(a, b), base=2))),
    "wasserstein": cases(samples(97), lambda a, b: float(wasserstein_distance(a, b))),
    "wasserstein_log": cases(wide, wasserstein_log),
    "total_variation": cases(
        histograms(),
        lambda a, b: float(0.5 * np.abs(np.array(a) / sum(a) - np.array(b) / sum(b)).sum()),
    ),
    "auc": cases(scores(), auc),
}
print("{\n" + ",\n".join(f'"{name}": [\n' + ",\n".join(map(json.dumps, them)) + "\n]" for name, them in answers.items()) + "\n}")
