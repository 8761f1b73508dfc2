"""A Legendre model whose P3 brings its own backward rule, with `jax.custom_vjp`."""

from jax import custom_vjp, value_and_grad

ARRAYS = 8


@custom_vjp
def p3(z):
    return 0.5 * (5 * z * z * z - 3 * z)


def p3_forward(z):
    return p3(z), z


def p3_backward(z, grad):
    return (grad * (1.5 * (5 * z * z - 1)),)


p3.defvjp(p3_forward, p3_backward)


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
