"""A clock that stops before the work is done: one jitted step at two million points, with and without waiting.

python docs/experiments/unfinished.py
"""

import statistics
import time

import jax
import numpy as np

from impls.manual import jax_fit

x = np.linspace(-np.pi, np.pi, 2_000_000)
inputs, target = jax_fit.features(jax.device_put(x.astype("float32"))), jax.device_put(np.sin(x).astype("float32"))
state = tuple(jax.device_put(np.zeros(4, "float32")))
step = jax.jit(jax_fit.step)
jax.block_until_ready(step(state, inputs, target, 1e-9))

handed_over, finished = [], []
for _ in range(20):
    begun = time.perf_counter()
    answer = step(state, inputs, target, 1e-9)
    handed_over.append(time.perf_counter() - begun)
    jax.block_until_ready(answer)
    finished.append(time.perf_counter() - begun)
print(f"until the call returns: {1e3 * statistics.median(handed_over):.3f} ms")
print(f"until it has finished:  {1e3 * statistics.median(finished):.3f} ms")
