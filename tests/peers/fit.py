"""One peer, fitted on codes and asked for as many: fit.py PEER EPSILON DELTA SIZES.json CODES.npy OUT.npy. Says what it measured in OUT.npy.json."""

import json
import sys
import time

import numpy as np
import pandas as pd
from dpmm.models.aim import AIMGM
from dpmm.models.mst import MSTGM

# As much as netdpsyn measures; the default of 10,000 would keep AIM from pairs of addresses and of ports.
MOST_CELLS = 1 << 20


def model(peer, megabytes="80"):
    """The class of a peer, and what it is told beside its defaults."""
    if peer == "mst":
        return MSTGM, {}
    return AIMGM, {"max_model_size": float(megabytes), "max_cells": MOST_CELLS}


def main(peer, epsilon, delta, sizes, codes, out):
    with open(sizes) as file:
        sizes = json.load(file)
    kind, options = model(*peer.split(":"))
    made = kind(epsilon=float(epsilon), delta=float(delta), domain=sizes, **options)
    start = time.monotonic()
    made.fit(pd.DataFrame(np.load(codes), columns=list(sizes)))
    fitted = time.monotonic()
    # N is not told: the model takes its own from its noisy counts.
    drawn = made.generate()
    np.save(out, drawn[list(sizes)].to_numpy())
    cliques = [list(clique) for clique in made.generator.cliques]
    measured = {"fit_seconds": fitted - start, "sample_seconds": time.monotonic() - fitted, "options": options, "cliques": cliques}
    with open(f"{out}.json", "w") as file:
        json.dump(measured, file)


main(*sys.argv[1:])
