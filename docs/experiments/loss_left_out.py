"""A loop whose loss nobody asks for: the compiler leaves it out, and the loop is another program.

python docs/experiments/loss_left_out.py
"""

import re
import statistics
import time

import jax
import numpy as np

from impls.manual import jax_fit

STEPS = 2000
x = np.linspace(-np.pi, np.pi, 2000)
inputs, target = jax_fit.features(jax.device_put(x.astype("float32"))), jax.device_put(np.sin(x).astype("float32"))
state = tuple(jax.device_put(np.zeros(4, "float32")))


@jax.jit
def with_loss(state):
    start = state, target[0]
    return jax.lax.fori_loop(0, STEPS, lambda _, carried: jax_fit.step(carried[0], inputs, target, 1e-6), start)


@jax.jit
def without(state):
    return jax.lax.fori_loop(0, STEPS, lambda _, carried: jax_fit.step(carried, inputs, target, 1e-6)[0], state)


def seconds(loop):
    begun = time.perf_counter()
    jax.block_until_ready(loop(state))
    return time.perf_counter() - begun


seconds(with_loss), seconds(without)
pairs = [(seconds(with_loss), seconds(without)) for _ in range(50)]  # in turns
for loop, name, times in zip((with_loss, without), ("with", "without"), zip(*pairs, strict=True), strict=True):
    sums = len(re.findall(r" reduce\(", loop.lower(state).compile().as_text()))
    print(f"{name:8} the loss: {1e6 * statistics.median(times) / STEPS:.2f} us a step, {sums} sums in the code")
