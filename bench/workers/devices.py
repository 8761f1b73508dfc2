"""Which devices the frameworks of a side see."""

from concurrent.futures import ThreadPoolExecutor

from bench.backends import backends
from bench.backends.base import Backend
from bench.cases.choice import Choice
from bench.sides.side import Side
from bench.workers.process import WorkerError, WorkerProcess
from bench.workers.protocol import Start


def devices_of(choice: Choice, side: Side) -> dict[str, list[str]]:
    """The devices that each backend of the choice sees.

    The frameworks are asked, each in a process of its own, unless the choice is the cpu, which all of them see.
    """
    chosen = {name: backends()[name] for name in choice.axes["backend"]}
    if choice.axes["device"] == ("cpu",):
        return {name: ["cpu"] for name in chosen}
    usable = [backend for backend in chosen.values() if backend.missing("", side.absent, side.environ()) is None]
    frameworks = {backend.packages: backend for backend in usable}

    def ask(backend: Backend) -> list[str]:
        worker = WorkerProcess(side, {})
        try:
            return list(worker.ask(Start(backend.name, None, 1, None), choice.case_timeout).devices)
        except WorkerError:
            return ["cpu"]  # its cases will fail with the reason, when their worker starts
        finally:
            worker.close()

    with ThreadPoolExecutor() as pool:
        devices = dict(zip(frameworks, pool.map(ask, frameworks.values()), strict=True))
    return {name: devices.get(backend.packages, ["cpu"]) for name, backend in chosen.items()}
