"""Degree 7 in JAX."""

import jax.numpy as jnp


def features(x):
    powers = [jnp.ones_like(x), x]
    for _ in range(6):
        powers.append(powers[-1] * x)
    return jnp.stack(powers, axis=1)


def init(start, rate):
    return jnp.stack(list(start))


def forward(parameters, inputs):
    return inputs @ parameters


def loss(residual):
    return (residual * residual).sum()


def backward(residual, inputs):
    return 2 * residual @ inputs


def update(parameters, gradients, rate):
    return parameters - rate * gradients


def step(parameters, inputs, target, rate):
    residual = forward(parameters, inputs) - target
    return update(parameters, backward(residual, inputs), rate), loss(residual)


def coefficients(parameters):
    return tuple(parameters)
