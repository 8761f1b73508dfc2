"""A case: a value on every axis. The axes are said here, once: options, ids, groups, records and tables follow."""

from dataclasses import Field, asdict, astuple, dataclass, field, fields
from typing import Any

from bench.support.words import LARGEST

DTYPES = ("float32", "float64")
LONGEST = 100  # characters of a name

# Where a report puts an axis: a picture for every value, a table, a row, or a column. The outermost comes first.
# Rows are variants and columns backends: an axis that comes later has pictures or tables.
PICTURE, TABLE, ROW, COLUMN = PLACES = ("picture", "table", "row", "column")


def axis(place: str, metavar: str, what: str, least: int = 1, usual: int | None = None, **words: Any) -> Any:
    """A field of Case. `place` is one of PLACES; `what` is its meaning, for the help and for docs/records.md; `least`
    bounds a number, of which `usual` is meant if none is given; what remains is for dataclasses.field.
    """
    about = {"place": place, "metavar": metavar, "what": what, "least": least, "usual": usual}
    return field(metadata=about, **words)


@dataclass(frozen=True, order=True)
class Case:
    """What is measured, on every axis.

    An axis is a name or a number. One that comes later needs a default: what older records had without saying so, and
    older workers have without being told. Raises ValueError for a value that no case can have.
    """

    variant: str = axis(ROW, "V", "the way to write the fit")
    backend: str = axis(COLUMN, "B", "what runs it")
    device: str = axis(PICTURE, "D", "as the backend names it: cpu, cuda, cuda:1, mps, tpu")
    dtype: str = axis(TABLE, "T", ", ".join(DTYPES))
    points: int = axis(PICTURE, "N", "the points that are fitted", least=4, usual=2000)  # a cubic has four coefficients

    def __post_init__(self) -> None:
        for each in AXES:
            value = getattr(self, each.name)
            if isinstance(value, str) and not (0 < len(value) <= LONGEST and value.isprintable()):
                raise ValueError(f"`{each.name}`: expected 1 to {LONGEST} characters that can be printed")
            if isinstance(value, int) and value < 1:
                raise ValueError(f"`{each.name}`: expected at least 1")
            if isinstance(value, int) and value > LARGEST:
                raise ValueError(f"`{each.name}`: expected at most {LARGEST}")
        if self.dtype not in DTYPES:
            raise ValueError(f"`dtype`: expected {' or '.join(DTYPES)}")

    @property
    def id(self) -> str:
        return "-".join(map(str, astuple(self)))

    @property
    def group(self) -> str:
        """The cases that are compared with each other: all but the backend."""
        return "-".join(str(getattr(self, each.name)) for each in AXES if each.name != "backend")

    def values(self) -> dict[str, Any]:
        """By axis, as flat fields name the case everywhere."""
        return asdict(self)


AXES: tuple[Field[Any], ...] = fields(Case)
NAMES = tuple(each.name for each in AXES)


def placed(*places: str) -> list[str]:
    """The axes that a report puts in these places, outermost first."""
    return [each.name for place in PLACES for each in AXES if each.metadata["place"] == place and place in places]


def split(flat: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Flat fields as those that name the case, and the rest."""
    return (
        {name: value for name, value in flat.items() if name in NAMES},
        {name: value for name, value in flat.items() if name not in NAMES},
    )
