"""A cubic fitted with PyTorch's autograd: the tape is recorded going forward and played back by `backward()`."""

import torch

ARRAYS = 8


def features(x):
    x2 = x * x
    return x, x2, x2 * x


def init(start, rate):
    return tuple(p.clone().requires_grad_() for p in start)


def forward(parameters, inputs):
    a, b, c, d = parameters
    x, x2, x3 = inputs
    return a + b * x + c * x2 + d * x3


def loss(parameters, inputs, target):
    residual = forward(parameters, inputs) - target
    return (residual * residual).sum()


def update(parameters, rate):
    # The update is not part of the model: no_grad keeps it off the tape. A gradient that is not
    # cleared would be added to by the next backward().
    with torch.no_grad():
        for p in parameters:
            p -= rate * p.grad
            p.grad = None


def step(parameters, inputs, target, rate):
    value = loss(parameters, inputs, target)
    value.backward()
    update(parameters, rate)
    return parameters, value.detach()


def coefficients(parameters):
    return parameters
