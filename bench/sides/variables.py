"""Environment variables that may change a timing without being asked for."""

from collections.abc import Mapping

# One thread count for every pool that a framework may bring along.
THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)

# Compilers and runtimes, thread pools and BLAS, devices, the allocator, the loader, Python itself.
PREFIXES = (
    *(
        "XLA_",
        "JAX_",
        "PJRT_",
        "TPU_",
        "LIBTPU_",
        "TSL_",
        "EQX_",
        "TORCH",
        "PYTORCH_",
        "ATEN_",
        "AT_",
        "TRITON_",
        "NPY_",
    ),
    *("OMP_", "KMP_", "GOMP_", "MKL_", "ONEDNN_", "DNNL_", "OPENBLAS_", "BLIS_", "VECLIB_", "NUMEXPR_"),
    *("CUDA_", "CUBLAS_", "CUDNN_", "NVIDIA_", "MALLOC_", "LD_", "DYLD_", "PYTHON", "FITBENCH_"),
)
NAMES = ("CC", "CXX", "GLIBC_TUNABLES")

# NVIDIA_API_KEY and its like: a record is made to be passed on.
SECRET = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")


def timing_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of `environ` that may change timings, sorted by name; none that is named as a secret."""
    return {name: value for name, value in sorted(environ.items()) if _matters(name)}


def _matters(name: str) -> bool:
    return (name in NAMES or name.startswith(PREFIXES)) and not name.endswith(SECRET)
