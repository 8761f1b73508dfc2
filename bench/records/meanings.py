"""What the fields of a file mean, as their own descriptions say: for columns made of them, and for docs/records.md."""

from typing import Any

import msgspec

from bench.cases.case import AXES, Case


def meanings(kind: type, *names: str) -> dict[str, str]:
    """By the name of each field of a type of the file, inherited ones too, what it means; or of the named ones alone,
    in their order. The case of a record is left out: its axes are flat fields there.

    Raises KeyError for a name that is no field, and AttributeError for a field that has no description.
    """
    if kind is Case:
        found: dict[str, str] = {each.name: each.metadata["what"] for each in AXES}
    else:
        told: Any = msgspec.inspect.type_info(kind)
        fields = [field for field in told.fields if getattr(field.type, "cls", None) is not Case]
        found = {field.name: field.type.extra_json_schema["description"] for field in fields}
    return {name: found[name] for name in names or found}
