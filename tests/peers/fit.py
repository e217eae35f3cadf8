"""One peer, fitted on codes and asked for as many: fit.py PEER EPSILON DELTA SIZES.json CODES.npy OUT.npy. Says what it measured in OUT.npy.json,
and every round of AIM in OUT.npy.rounds as soon as it is made."""

import json
import sys
import time

import numpy as np
import pandas as pd
from dpmm.models import aim
from dpmm.models.aim import AIMGM
from dpmm.models.base.mbi import FactoredInference
from dpmm.models.mst import MSTGM

# As much as netdpsyn measures; the default of 10,000 would keep AIM from pairs of addresses and of ports.
MOST_CELLS = 1 << 20


def told(out, rho):
    """AIM's inference, which also writes how far the fit is. It is asked once for the columns alone, and then once a round."""
    start, asked = time.monotonic(), []

    class Told(FactoredInference):
        def estimate(self, measurements, *args, **options):
            model = super().estimate(measurements, *args, **options)
            asked.append(len(measurements))
            spent = [0.5 / sigma**2 for _, _, sigma, _ in measurements]
            # A round's choice costs a ninth of its counts.
            share = (sum(spent) + sum(spent[asked[0] :]) / 9) / rho
            size = model.size * 8 / 2**20
            said = {"round": len(asked) - 1, "seconds": time.monotonic() - start, "cpu_seconds": time.process_time(), "model_mib": size, "rho_share": share}
            with open(f"{out}.rounds", "w" if len(asked) == 1 else "a") as file:
                file.write(json.dumps(said | {"marginal": list(measurements[-1][3])}) + "\n")
            return model

    return Told


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
    aim.FactoredInference = told(out, made.generator.rho)
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
