"""What may change a timing without being asked for: environment variables, and the code itself."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from bench.errors import InputError

# Compilers and runtimes, thread pools and BLAS, devices, the allocator, the loader, Python itself.
PREFIXES = (
    *("XLA_", "JAX_", "PJRT_", "TPU_", "LIBTPU_", "TSL_", "EQX_", "TORCH", "PYTORCH_", "TRITON_", "NPY_"),
    *("OMP_", "KMP_", "GOMP_", "MKL_", "ONEDNN_", "DNNL_", "OPENBLAS_", "BLIS_", "VECLIB_", "NUMEXPR_"),
    *("CUDA_", "CUBLAS_", "CUDNN_", "NVIDIA_", "MALLOC_", "LD_", "DYLD_", "PYTHON", "FITBENCH_"),
)
NAMES = ("CC", "CXX", "GLIBC_TUNABLES")

# NVIDIA_API_KEY and its like: a record is made to be passed on.
SECRET = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")

CODE = ("bench", "impls")


def worker_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of `environ` that may change timings, sorted by name; none that is named as a secret."""
    return {name: value for name, value in sorted(environ.items()) if _matters(name)}


def _matters(name: str) -> bool:
    return (name in NAMES or name.startswith(PREFIXES)) and not name.endswith(SECRET)


def code_hash(root: Path) -> str:
    """SHA-256, in hex, of all code under `root` that a timing depends on: names and bytes of bench and impls.

    Raises InputError if there is none: the hash of nothing would be the same everywhere.
    """
    files = {file.relative_to(root).as_posix(): file for part in CODE for file in (root / part).rglob("*.py")}
    found = hashlib.sha256()
    for name, file in sorted(files.items()):
        if "__pycache__" not in file.parts:
            found.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    if not files:
        raise InputError(f"{root}: no code there; expected a checkout of fitbench, with {' and '.join(CODE)}")
    return found.hexdigest()
