"""A Legendre model whose P3 brings its own backward rule, as a `torch.autograd.Function`."""

import torch

ARRAYS = 8


class P3(torch.autograd.Function):
    @staticmethod
    def forward(z):
        return 0.5 * (5 * z * z * z - 3 * z)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, grad):
        (z,) = ctx.saved_tensors
        return grad * (1.5 * (5 * z * z - 1))


def features(x):
    return x


def init(start, rate):
    return tuple(p.clone().requires_grad_() for p in start)


def forward(parameters, x):
    a, b, c, d = parameters
    return a + b * P3.apply(c + d * x)


def loss(parameters, x, target):
    residual = forward(parameters, x) - target
    return (residual * residual).sum()


def update(parameters, rate):
    with torch.no_grad():
        for p in parameters:
            p -= rate * p.grad
            p.grad = None


def step(parameters, x, target, rate):
    value = loss(parameters, x, target)
    value.backward()
    update(parameters, rate)
    return parameters, value.detach()


def coefficients(parameters):
    return parameters
