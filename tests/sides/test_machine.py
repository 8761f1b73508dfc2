"""The machine by name: two processors that are not alike have two names."""

import platform
from pathlib import Path

import pytest

from bench.sides.machine import cpu_name, linux_caches, linux_name

X86 = "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Processor\nflags\t\t: fpu vme\n\nprocessor\t: 1\n"
PI = "\nHardware\t: BCM2835\nModel\t\t: Raspberry Pi 4\n"


def arm(*parts: str, name: str = "") -> str:
    """As the kernel tells of ARM cores."""
    lines = "BogoMIPS\t: 50.00\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x3\n"
    cores = (f"processor\t: {i}\n{name}{lines}CPU part\t: {part}\nCPU revision\t: 1\n" for i, part in enumerate(parts))
    return "\n".join(cores) + PI


CORE = "CPU implementer 0x41, CPU variant 0x3, CPU part {}, CPU revision 1"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (X86, "Intel(R) Xeon(R) Processor"),
        (arm("0xd0c", "0xd0c"), f"aarch64; {CORE.format('0xd0c')}"),
        (arm("0xd49", "0xd49"), f"aarch64; {CORE.format('0xd49')}"),
        (arm("0xd05", "0xd05", "0xd0a"), f"aarch64; {CORE.format('0xd05')}; {CORE.format('0xd0a')}"),
        (
            arm("0xd03", name="model name\t: ARMv7 (v7l)\n"),
            f"ARMv7 (v7l); {CORE.format('0xd03')}",
        ),
        ("", "aarch64"),
        ("processor\t: 0\nmmu\t: sv39", "aarch64"),
    ],
)
def test_linux_tells_one_processor_from_another(text, name):
    assert linux_name(text, "aarch64") == name


@pytest.mark.skipif(platform.system() != "Linux" or platform.machine() != "x86_64", reason="of x86 on Linux")
def test_this_processor_is_named_as_the_system_names_it():
    assert cpu_name() in Path("/proc/cpuinfo").read_text()


def test_caches_are_those_of_data(tmp_path):
    told = [("1", "Data", "48K"), ("1", "Instruction", "32K"), ("2", "Unified", "2M"), ("3", "Unified", "36864K")]
    for i, values in enumerate([*told, ("4", "Unified", "unknown")]):
        (tmp_path / f"index{i}").mkdir()
        for name, value in zip(("level", "type", "size"), values, strict=True):
            (tmp_path / f"index{i}" / name).write_text(f"{value}\n")
    assert linux_caches(tmp_path) == {"L1d": 48 * 1024, "L2": 2 * 1024**2, "L3": 36 * 1024**2}
    assert linux_caches(tmp_path / "nowhere") == {}
