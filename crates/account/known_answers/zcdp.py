"""ln of the smallest delta of Canonne, Kamath, Steinke 2020, Prop. 12, in 50-digit arithmetic.

Written against the formula alone: a golden-section search over ln(alpha - 1), unlike the crate's bisection of the
derivative. Run: pip install mpmath && python crates/account/known_answers/zcdp.py > crates/account/known_answers/zcdp.csv
"""

from mpmath import mp, mpf, log, exp, sqrt

mp.dps = 50


def ln_delta(rho, epsilon, alpha):
    return (alpha - 1) * (alpha * rho - epsilon) + alpha * log(1 - 1 / alpha) - log(alpha - 1)


def smallest(rho, epsilon):
    ratio = (sqrt(mpf(5)) - 1) / 2
    low, high = mpf(-20), mpf(20)
    at = lambda x: ln_delta(rho, epsilon, 1 + exp(x))
    a, b = high - ratio * (high - low), low + ratio * (high - low)
    fa, fb = at(a), at(b)
    for _ in range(220):
        if fa < fb:
            high, b, fb = b, a, fa
            a = high - ratio * (high - low)
            fa = at(a)
        else:
            low, a, fa = a, b, fb
            b = low + ratio * (high - low)
            fb = at(b)
    return min(fa, fb, mpf(0))


print("rho,epsilon,ln_delta")
for rho in ["1e-6", "1e-5", "1e-4", "1e-3", "5e-3", "0.02", "0.05", "0.1", "0.25", "0.5", "1", "3"]:
    for times in ["1.5", "3", "5", "8", "12", "20", "30", "50", "100"]:
        # epsilon between the mean of the privacy loss and far in its tail
        rho_, epsilon = mpf(rho), mpf(rho) + sqrt(2 * mpf(rho)) * mpf(times) / 2
        epsilon = mpf(repr(float(epsilon)))
        print(f"{rho},{float(epsilon)!r},{mp.nstr(smallest(rho_, epsilon), 20)}")
