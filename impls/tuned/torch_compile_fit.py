"""A cubic fitted for torch.compile by one loop over the points, with powers of x made on the way."""

ARRAYS = 3

# Additions in any order and fused with products, which JAX's and Numba's fast math are as well.
COMPILER_OPTIONS = {"cpp.enable_floating_point_contract_flag": "fast", "cpp.enable_unsafe_math_opt_flag": True}
LONG = 20_000  # points beyond which one step is enough to hide what a turn of the compiled loop takes


def features(x):
    return x


def unroll(points):
    return 1 if points >= LONG else 4


def init(start, rate):
    return tuple(start)


def forward(parameters, x):
    a, b, c, d = parameters
    return a + x * (b + x * (c + x * d))


def loss(residual):
    return (residual * residual).sum()


def backward(residual, x):
    rx = residual * x
    rxx = rx * x
    return residual.sum(), rx.sum(), rxx.sum(), (rxx * x).sum()


def update(parameters, sums, rate):
    return tuple(p - 2 * rate * s for p, s in zip(parameters, sums, strict=True))


def step(parameters, inputs, target, rate):
    residual = forward(parameters, inputs) - target
    return update(parameters, backward(residual, inputs), rate), loss(residual)


def coefficients(parameters):
    return parameters
