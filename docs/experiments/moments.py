"""Another algorithm under the same name: the fit from the data's moments, whose step does not see the points.

python docs/experiments/moments.py
"""

import time

import numpy as np

from impls.manual import numpy_fit

STEPS, RATE = 2000, 1e-6
START = np.array([0.5, -0.5, 0.25, 0.125])


def by_points(points):
    x = np.linspace(-np.pi, np.pi, points)
    inputs, target, state = numpy_fit.features(x), np.sin(x), tuple(START)
    begun = time.perf_counter()
    for _ in range(STEPS):
        state, _ = numpy_fit.step(state, inputs, target, RATE * 2000 / points)
    return (time.perf_counter() - begun) / STEPS, np.array(state)


def by_moments(points):
    x = np.linspace(-np.pi, np.pi, points)
    powers = np.vander(x, 4, increasing=True)
    gram, right, state = powers.T @ powers, powers.T @ np.sin(x), START
    begun = time.perf_counter()
    for _ in range(STEPS):
        state = state - 2 * RATE * 2000 / points * (gram @ state - right)
    return (time.perf_counter() - begun) / STEPS, state


for points in (2000, 200_000):
    (full, expected), (collapsed, found) = by_points(points), by_moments(points)
    apart = np.abs(found - expected).max()
    print(f"{points:6} points: {1e6 * full:.1f} us a step, from moments {1e6 * collapsed:.1f} us; {apart:.0e} apart")
