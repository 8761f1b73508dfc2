"""A cubic fitted with JAX, which differentiates a pure function of the parameters."""

from jax import value_and_grad

ARRAYS = 8


def features(x):
    x2 = x * x
    return x, x2, x2 * x


def init(start, rate):
    return tuple(start)


def forward(parameters, inputs):
    a, b, c, d = parameters
    x, x2, x3 = inputs
    return a + b * x + c * x2 + d * x3


def loss(parameters, inputs, target):
    residual = forward(parameters, inputs) - target
    return (residual * residual).sum()


backward = value_and_grad(loss)


def update(parameters, gradients, rate):
    return tuple(p - rate * g for p, g in zip(parameters, gradients, strict=True))


def step(parameters, inputs, target, rate):
    value, gradients = backward(parameters, inputs, target)
    return update(parameters, gradients, rate), value


def coefficients(parameters):
    return parameters
