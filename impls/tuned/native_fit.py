"""The yardstick: a cubic fitted by one fused loop over the points, in Numba. Powers of x are made on the way."""

import numpy as np
from numba import config, njit, prange

ARRAYS = 2  # x and y
# fastmath lets a loop add in as many lanes as the processor has; one that is parallel shares out its blocks.
COMPILER_OPTIONS = {"fastmath": True, "parallel": config.NUMBA_NUM_THREADS > 1}
compiled, alone = njit(cache=True, **COMPILER_OPTIONS), njit(cache=True, fastmath=True)

BLOCK = 2048  # points whose terms are added up before their sums are, so that few roundings touch any term


def features(x):
    return x, np.empty((-(-len(x) // BLOCK), 5), x.dtype)


def init(start, rate):
    return np.array(start)


@alone
def forward(parameters, x):
    a, b, c, d = parameters
    return a + x * (b + x * (c + x * d))


@alone
def loss(sums):
    """The sums over the blocks, half of them added to the others at a time; the last is of the squares."""
    count = len(sums)
    while count > 1:
        half = count // 2
        for i in range(half):
            for k in range(5):
                sums[i, k] += sums[count - 1 - i, k]
        count -= half
    return sums[0]


@alone
def backward(parameters, x, target, sums):
    """The sums over a block of the residual times 1, x, x^2, x^3, and of its square."""
    s0 = s1 = s2 = s3 = squares = x.dtype.type(0)
    for i in range(x.size):
        residual = forward(parameters, x[i]) - target[i]
        rx = residual * x[i]
        rxx = rx * x[i]
        s0 += residual
        s1 += rx
        s2 += rxx
        s3 += rxx * x[i]
        squares += residual * residual
    sums[0], sums[1], sums[2], sums[3], sums[4] = s0, s1, s2, s3, squares


@alone
def update(parameters, sums, rate):
    return parameters - sums.dtype.type(2 * rate) * sums


@compiled
def step(state, inputs, target, rate):
    x, sums = inputs
    parameters = (state[0], state[1], state[2], state[3])
    for i in prange(len(sums)):
        at = slice(i * BLOCK, (i + 1) * BLOCK)
        backward(parameters, x[at], target[at], sums[i])
    total = loss(sums)
    return update(state, total[:4], rate), total[4]


@alone
def loop(state, inputs, target, rate, steps):
    last = target.dtype.type(0)
    for _ in range(steps):
        state, last = step(state, inputs, target, rate)
    return state, np.array(last)


@compiled
def read(inputs, target, times):
    """Read what a step has to read, and add it up: no step can take less."""
    x, sums = inputs
    for _ in range(times):
        for i in prange(len(sums)):
            at = slice(i * BLOCK, (i + 1) * BLOCK)
            sums[i, 0] = added(x[at], target[at])


@alone
def added(x, y):
    total = x.dtype.type(0)
    for i in range(x.size):
        total += x[i] + y[i]
    return total


def coefficients(state):
    return tuple(state)
