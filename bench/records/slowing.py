"""Settings that slow a run down without being asked for: debugging aids that stayed switched on in the environment."""

from collections.abc import Callable, Mapping

OFF = ("", "0", "false", "off", "no")


def is_on(value: str) -> bool:
    """Whether a variable's value switches on what it is about."""
    return value.strip().lower() not in OFF


def _names(*words: str) -> Callable[[str], bool]:
    """Whether a value that is no switch names one of these."""
    return lambda value: any(word in value.lower() for word in words)


# By variable: whether a value of it slows Python, a framework, the device or the allocator down.
SLOWING: dict[str, Callable[[str], bool]] = {
    **dict.fromkeys(
        (
            *("PYTHONTRACEMALLOC", "PYTHONDEVMODE", "PYTHONASYNCIODEBUG", "PYTHONVERBOSE", "PYTHONPROFILEIMPORTTIME"),
            *("PYTHONMALLOCSTATS", "PYTHONDUMPREFS", "PYTHONPERFSUPPORT"),
            *("JAX_DEBUG_NANS", "JAX_DEBUG_INFS", "JAX_DEBUG_KEY_REUSE", "JAX_ENABLE_CHECKS", "JAX_CHECK_TRACER_LEAKS"),
            *("JAX_LOG_COMPILES", "JAX_EXPLAIN_CACHE_MISSES", "JAX_DISABLE_MOST_OPTIMIZATIONS"),
            *(
                "TORCH_LOGS",
                "TORCH_TRACE",
                "TORCH_COMPILE_DEBUG",
                "TORCH_COMPILE_CPROFILE",
                "TORCH_SHOW_CPP_STACKTRACES",
            ),
            *("TORCH_USE_CUDA_DSA", "PYTORCH_NO_CUDA_MEMORY_CACHING", "CUDA_LAUNCH_BLOCKING"),
            *("MALLOC_CHECK_", "MALLOC_PERTURB_", "MALLOC_TRACE", "LD_DEBUG"),
            *("NUMBA_DEBUG", "NUMBA_BOUNDSCHECK", "NUMBA_DISABLE_OPTIMIZATIONS"),
        ),
        is_on,
    ),
    "PYTHONMALLOC": _names("debug"),
    "XLA_FLAGS": _names("--xla_dump_to"),
    "LD_PRELOAD": _names("asan", "lsan", "msan", "tsan", "ubsan", "efence", "duma", "memcheck", "heaptrack"),
}


def slowed(environment: Mapping[str, str]) -> str | None:
    """What to say of a run in this environment, in one line; None where nothing slows it down.

    No value is told: in a file from elsewhere it may be anything.
    """
    found = [name for name, value in environment.items() if name in SLOWING and SLOWING[name](value)]
    return f"debugging settings that slow it down: {', '.join(found)}" if found else None
