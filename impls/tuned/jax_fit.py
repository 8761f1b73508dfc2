"""A cubic fitted in JAX by one reduction of five terms, which XLA makes one loop over the points, in vectors."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

ARRAYS = 6

# XLA keeps the order in which it adds, and so adds one number at a time, unless it is allowed another one.
COMPILER_OPTIONS = {"xla_cpu_enable_fast_math": True, "xla_cpu_prefer_vector_width": 512}
LINE = 64  # bytes
BLOCK = 4096  # points whose terms are added up before their sums are, so that few roundings touch any term


def pack(x, y):
    """Rows of a block each, and what is left over; whichever is not empty."""
    return tuple(part for part in zip(cut(x), cut(y), strict=True) if part[0].size), y[:0]


def cut(values):
    """In memory for which NumPy asks the system for large pages, and JAX does not: on the CPU it takes over what begins
    where a line of the cache does.
    """
    raw = np.empty(values.nbytes + LINE, np.uint8)
    begin = -raw.ctypes.data % LINE
    host = raw[begin : begin + values.nbytes].view(values.dtype)
    host[:] = values
    whole = len(host) - len(host) % BLOCK
    return jax.device_put((host[:whole].reshape(-1, BLOCK), host[whole:]), values.device)


def init(start, rate):
    return tuple(start)


def forward(parameters, x):
    a, b, c, d = parameters
    return a + x * (b + x * (c + x * d))


def loss(residual):
    return residual * residual


def backward(residual, x):
    """The terms of the gradient, and of the loss."""
    rx = residual * x
    rxx = rx * x
    return residual, rx, rxx, rxx * x, loss(residual)


def update(parameters, sums, rate):
    return tuple(p - 2 * rate * s for p, s in zip(parameters, sums, strict=True))


def step(parameters, inputs, target, rate):
    parts = [added(backward(forward(parameters, x) - y, x)) for x, y in inputs]
    *gradient, squares = (sum(each) for each in zip(*parts, strict=True))
    return update(parameters, gradient, rate), squares


def added(terms):
    """By rows, and then over the rows."""
    zero = jnp.zeros((), terms[0].dtype)
    for axis in reversed(range(terms[0].ndim)):
        terms = lax.reduce(terms, (zero,) * len(terms), lambda a, b: tuple(map(jnp.add, a, b)), (axis,))
    return terms


def coefficients(parameters):
    return parameters
