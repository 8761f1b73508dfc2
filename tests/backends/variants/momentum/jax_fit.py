"""`optax.sgd` with momentum steps the layer of `nn`."""

import optax

from impls.nn import jax_fit as nn
from impls.nn.jax_fit import backward, features, forward, loss

__all__ = ["backward", "coefficients", "features", "forward", "init", "loss", "step", "update", "velocities"]


def optimiser(rate):
    return optax.sgd(learning_rate=rate, momentum=0.9, nesterov=False)


def init(start, rate):
    layer = nn.init(start, rate)
    return layer, optimiser(rate).init(layer)


def update(layer, optimiser_state, gradients, rate):
    updates, optimiser_state = optimiser(rate).update(gradients, optimiser_state, layer)
    return optax.apply_updates(layer, updates), optimiser_state


def step(state, inputs, target, rate):
    layer, optimiser_state = state
    value, gradients = backward(layer, inputs, target)
    return update(layer, optimiser_state, gradients, rate), value


def coefficients(state):
    layer, _ = state
    return nn.coefficients(layer)


def velocities(state):
    _, (trace, *_) = state
    return nn.coefficients(trace.trace)
