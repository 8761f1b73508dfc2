"""A Legendre model whose P3 brings its own backward rule, with HIPS autograd's `primitive` and `defvjp`."""

from autograd import value_and_grad
from autograd.extend import defvjp, primitive

ARRAYS = 10


@primitive
def p3(z):
    return 0.5 * (5 * z * z * z - 3 * z)


defvjp(p3, lambda output, z: lambda grad: grad * (1.5 * (5 * z * z - 1)))


def features(x):
    return x


def init(start, rate):
    return tuple(start)


def forward(parameters, x):
    a, b, c, d = parameters
    return a + b * p3(c + d * x)


def loss(parameters, x, target):
    residual = forward(parameters, x) - target
    return (residual * residual).sum()


backward = value_and_grad(loss)


def update(parameters, gradients, rate):
    return tuple(p - rate * g for p, g in zip(parameters, gradients, strict=True))


def step(parameters, x, target, rate):
    value, gradients = backward(parameters, x, target)
    return update(parameters, gradients, rate), value


def coefficients(parameters):
    return parameters
