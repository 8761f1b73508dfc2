"""`optax.rmsprop` steps the layer of `nn`."""

import optax

from impls.nn import jax_fit as nn
from impls.nn.jax_fit import backward, features, forward, loss

__all__ = ["backward", "coefficients", "features", "forward", "init", "loss", "second_moments", "step", "update"]

ARRAYS = 9


def optimiser(rate):
    return optax.rmsprop(
        learning_rate=rate,
        decay=0.99,
        eps=1e-8,
        initial_scale=0.0,
        eps_in_sqrt=False,
        centered=False,
        momentum=None,
        nesterov=False,
        bias_correction=False,
    )


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


def second_moments(state):
    _, (scale, *_) = state
    return nn.coefficients(scale.nu)
