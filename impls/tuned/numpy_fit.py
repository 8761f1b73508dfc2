"""A cubic fitted by matrix-vector products in NumPy, into arrays that are made once, a block of points at a time."""

import numpy as np

ARRAYS = 6  # x and y, and four rows
BLOCK = 65536  # points whose rows stay in the cache from one product to the next


def pack(x, y):
    """Blocks of the rows (1,) x, x^2, x^3, y, each with room for its residual. Many do without the row of 1."""
    blocks, size, one = -(-len(x) // BLOCK), min(len(x), BLOCK), len(x) <= BLOCK
    rows = np.ones((blocks, 4 + one, size), x.dtype)
    residual, ones, sums = np.empty(size, x.dtype), np.ones(size, x.dtype), np.empty((blocks, 5), x.dtype)
    found = []
    for i in range(blocks):
        part, target = x[i * BLOCK : (i + 1) * BLOCK], y[i * BLOCK : (i + 1) * BLOCK]
        block = rows[i, :, : len(part)]
        x1, x2, x3, last = block[one:]
        x1[:], last[:] = part, target
        np.multiply(x1, x1, out=x2)
        np.multiply(x2, x1, out=x3)
        found.append((block, residual[: len(part)], ones[: len(part)], sums[i]))
    return (found, sums), rows[:, -1]


def init(start, rate):
    """Parameters that make the residual of the rows, y's among them, and what a step takes of each sum."""
    parameters = np.array([*start, -1], start[0].dtype)
    return parameters, np.array([2 * rate] * 4 + [0], parameters.dtype)


def forward(parameters, block):
    rows, residual, _, _ = block
    if len(rows) == len(parameters):
        return np.dot(parameters, rows, out=residual)
    np.dot(parameters[1:], rows, out=residual)
    return np.add(residual, parameters[0], out=residual)


def loss(parameters, sums):
    return np.dot(parameters, sums)  # the residual is the parameters times the rows


def backward(residual, block):
    """The sums of the residual times 1, x, x^2, x^3 and y."""
    rows, _, ones, sums = block
    if len(rows) == len(sums):
        return np.dot(rows, residual, out=sums)
    sums[0] = np.dot(ones, residual)
    return np.dot(rows, residual, out=sums[1:])


def update(parameters, sums, scale):
    return parameters - scale * sums


def step(state, inputs, target, rate):
    parameters, scale = state
    blocks, sums = inputs
    for block in blocks:
        backward(forward(parameters, block), block)
    total = sums[0] if len(blocks) == 1 else sums.sum(axis=0)
    return (update(parameters, total, scale), scale), loss(parameters, total)


def coefficients(state):
    return state[0][:4]
