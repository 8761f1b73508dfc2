"""Environment variables that may change a timing without being asked for, and what of them may be passed on.

A record is made to be passed on, and a variable may hold a secret whatever it is called. So values are told of names
that are known to be options, and of switches; of any other variable that may matter, only that it is set.
"""

import hashlib
from collections.abc import Mapping

from bench.support.paths import anonymous

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
    *("XLA_", "JAX_", "PJRT_", "TPU_", "LIBTPU_", "TSL_", "EQX_", "TORCH", "PYTORCH_", "ATEN_", "AT_", "TRITON_"),
    *("NPY_", "NUMBA_"),
    *("OMP_", "KMP_", "GOMP_", "MKL_", "ONEDNN_", "DNNL_", "OPENBLAS_", "BLIS_", "VECLIB_", "NUMEXPR_"),
    *("CUDA_", "CUBLAS_", "CUDNN_", "NVIDIA_", "MALLOC_", "LD_", "DYLD_", "PYTHON", "FITBENCH_"),
)

# Options by their documentation: their values are told.
OPTIONS = frozenset(
    (
        *THREADS,
        *("XLA_FLAGS", "XLA_PYTHON_CLIENT_PREALLOCATE", "XLA_PYTHON_CLIENT_MEM_FRACTION"),
        *("XLA_PYTHON_CLIENT_ALLOCATOR", "LIBTPU_INIT_ARGS", "TPU_VISIBLE_CHIPS", "TPU_VISIBLE_DEVICES"),
        *("JAX_PLATFORMS", "JAX_PLATFORM_NAME", "JAX_DEFAULT_MATMUL_PRECISION", "JAX_DEFAULT_DTYPE_BITS"),
        *("JAX_COMPILATION_CACHE_DIR", "JAX_COMPILATION_CACHE_MAX_SIZE", "JAX_DEFAULT_PRNG_IMPL"),
        *("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"),
        *("JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES", "JAX_NUM_CPU_DEVICES", "JAX_OPTIMIZATION_LEVEL"),
        *("JAX_EXEC_TIME_OPTIMIZATION_EFFORT", "JAX_MEMORY_FITTING_EFFORT", "JAX_MEMORY_FITTING_LEVEL"),
        *("JAX_NUMPY_RANK_PROMOTION", "JAX_NUMPY_DTYPE_PROMOTION", "JAX_TRANSFER_GUARD", "JAX_TRACEBACK_FILTERING"),
        *("JAX_LOGGING_LEVEL", "JAX_DEBUG_LOG_MODULES", "JAX_CUDA_VISIBLE_DEVICES", "JAX_ROCM_VISIBLE_DEVICES"),
        *("TORCHINDUCTOR_CACHE_DIR", "TORCHINDUCTOR_COMPILE_THREADS", "TORCHINDUCTOR_CPP_MARCH"),
        *("TORCHINDUCTOR_CPP_MIN_CHUNK_SIZE", "TORCHINDUCTOR_MIN_NUM_SPLIT", "TORCHINDUCTOR_WORKER_START"),
        *("TORCHINDUCTOR_CPP_GEMM_THREAD_FACTORS", "TORCHINDUCTOR_CPP_GEMM_CACHE_BLOCKING"),
        *("TORCHDYNAMO_REPRO_AFTER", "TORCHDYNAMO_REPRO_LEVEL", "TORCH_COMPILE_BACKEND", "TORCH_LOGS"),
        *("TORCH_SHOW_CPP_STACKTRACES", "TORCH_CPP_LOG_LEVEL", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"),
        *("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_NVML_BASED_CUDA_CHECK"),
        *("PYTORCH_ENABLE_MPS_FALLBACK", "PYTORCH_MPS_HIGH_WATERMARK_RATIO", "PYTORCH_MPS_LOW_WATERMARK_RATIO"),
        *("ATEN_CPU_CAPABILITY", "TRITON_CACHE_DIR", "TRITON_PTXAS_PATH", "NPY_DISABLE_CPU_FEATURES"),
        *("NPY_ENABLE_CPU_FEATURES", "NPY_PROMOTION_STATE", "NUMBA_NUM_THREADS", "NUMBA_THREADING_LAYER"),
        *("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_OPT", "NUMBA_LOOP_VECTORIZE", "NUMBA_SLP_VECTORIZE"),
        *("OMP_AFFINITY_FORMAT", "OMP_ALLOCATOR", "OMP_DEFAULT_DEVICE", "OMP_MAX_ACTIVE_LEVELS", "OMP_NUM_TEAMS"),
        *("OMP_PLACES", "OMP_PROC_BIND", "OMP_SCHEDULE", "OMP_STACKSIZE", "OMP_TARGET_OFFLOAD", "OMP_THREAD_LIMIT"),
        *("OMP_TEAMS_THREAD_LIMIT", "OMP_WAIT_POLICY", "GOMP_CPU_AFFINITY", "GOMP_SPINCOUNT", "GOMP_STACKSIZE"),
        *("KMP_AFFINITY", "KMP_BLOCKTIME", "KMP_HW_SUBSET", "KMP_LIBRARY", "KMP_STACKSIZE", "KMP_TPAUSE"),
        *("KMP_FORCE_REDUCTION", "KMP_INIT_WAIT", "KMP_NEXT_WAIT", "KMP_PLACE_THREADS", "KMP_TOPOLOGY_METHOD"),
        *("MKL_CBWR", "MKL_DOMAIN_NUM_THREADS", "MKL_ENABLE_INSTRUCTIONS", "MKL_FAST_MEMORY_LIMIT"),
        *("MKL_INTERFACE_LAYER", "MKL_NUM_STRIPES", "MKL_THREADING_LAYER", "MKL_DEBUG_CPU_TYPE"),
        *(
            "ONEDNN_DEFAULT_FPMATH_MODE",
            "ONEDNN_MAX_CPU_ISA",
            "ONEDNN_CPU_ISA_HINTS",
            "ONEDNN_PRIMITIVE_CACHE_CAPACITY",
        ),
        *("DNNL_DEFAULT_FPMATH_MODE", "DNNL_MAX_CPU_ISA", "DNNL_CPU_ISA_HINTS", "DNNL_PRIMITIVE_CACHE_CAPACITY"),
        *("OPENBLAS_CORETYPE", "OPENBLAS_BLOCK_FACTOR", "OPENBLAS_THREAD_TIMEOUT", "OPENBLAS_DEFAULT_NUM_THREADS"),
        *("BLIS_ARCH_TYPE", "BLIS_MODEL_TYPE", "BLIS_IC_NT", "BLIS_JC_NT", "BLIS_IR_NT", "BLIS_JR_NT", "BLIS_PC_NT"),
        *("NUMEXPR_MAX_THREADS", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "CUDA_DEVICE_MAX_CONNECTIONS"),
        *("CUDA_CACHE_PATH", "CUDA_CACHE_MAXSIZE", "CUDA_MODULE_LOADING", "CUDA_HOME", "CUDA_PATH"),
        *("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", "CUBLAS_WORKSPACE_CONFIG", "CUDNN_LOGLEVEL_DBG"),
        *("NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES"),
        *("MALLOC_ARENA_MAX", "MALLOC_ARENA_TEST", "MALLOC_CHECK_", "MALLOC_CONF", "MALLOC_MMAP_MAX_"),
        *("MALLOC_MMAP_THRESHOLD_", "MALLOC_PERTURB_", "MALLOC_TOP_PAD_", "MALLOC_TRIM_THRESHOLD_"),
        *("LD_LIBRARY_PATH", "LD_PRELOAD", "LD_AUDIT", "DYLD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES"),
        *("DYLD_FALLBACK_LIBRARY_PATH", "DYLD_FRAMEWORK_PATH"),
        *("PYTHONPATH", "PYTHONHOME", "PYTHONMALLOC", "PYTHONHASHSEED", "PYTHONOPTIMIZE", "PYTHONTRACEMALLOC"),
        *("PYTHONWARNINGS", "PYTHONPYCACHEPREFIX", "PYTHON_CPU_COUNT", "PYTHONINTMAXSTRDIGITS", "PYTHONIOENCODING"),
        *("PYTHONPLATLIBDIR", "PYTHONBREAKPOINT", "FITBENCH_SLOWDOWN"),
        *("CC", "CXX", "GLIBC_TUNABLES"),
    )
)
SWITCHES = ("", "0", "1", "true", "false", "on", "off", "yes", "no")  # no secret, whatever the variable
UNTOLD = "(set; its value is not recorded)"


def timing_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of `environ` that may change timings, sorted by name, as they may be passed on: values without
    home folders and user names, or UNTOLD.
    """
    return {name: _told(name, value) for name, value in sorted(environ.items()) if _matters(name)}


def fingerprint(environ: Mapping[str, str]) -> str:
    """SHA-256, in hex, of the variables that may change timings and are not told as they are: one of all of them, from
    which none can be guessed, for those who must notice a change.
    """
    told = timing_variables(environ)
    rest = "".join(f"{name}\0{environ[name]}\0" for name in told if told[name] != environ[name])
    return hashlib.sha256(rest.encode(errors="surrogateescape")).hexdigest()


def _matters(name: str) -> bool:
    return name in OPTIONS or name.startswith(PREFIXES)


def _told(name: str, value: str) -> str:
    if value.lower() in SWITCHES:
        return value
    if name not in OPTIONS or "://" in value:  # an address may hold a password
        return UNTOLD
    # What is no text in the system's encoding would make no JSON.
    return anonymous(value.encode(errors="surrogateescape").decode(errors="replace"))
