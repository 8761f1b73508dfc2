"""Compiling inside a mean: seconds per iteration of 100 compiled steps, with the first one and without.

python docs/experiments/first_call.py
"""

import time

import jax
import numpy as np

from impls.manual import jax_fit

x = np.linspace(-np.pi, np.pi, 2000)
inputs, target = jax_fit.features(jax.device_put(x.astype("float32"))), jax.device_put(np.sin(x).astype("float32"))
state = tuple(jax.device_put(np.zeros(4, "float32")))
step = jax.jit(jax_fit.step)

ends = [time.perf_counter()]
for _ in range(100):
    state, loss = step(state, inputs, target, 1e-6)
    jax.block_until_ready(loss)
    ends.append(time.perf_counter())
print(f"mean of all 100 steps:   {1e6 * (ends[100] - ends[0]) / 100:.0f} us")
print(f"mean of the last 90:     {1e6 * (ends[100] - ends[10]) / 90:.0f} us")
