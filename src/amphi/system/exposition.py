"""The text that Prometheus reads (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Sample:
    """One number, with what tells it from others of its family."""

    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Family:
    """Numbers of one kind.

    Attributes:
        name: in Prometheus' style, with its unit at the end.
        kind: whether it goes up and down, or only up.
        said: what it is, in a sentence.
        samples: the numbers.
    """

    name: str
    kind: Literal["gauge", "counter"]
    said: str
    samples: list[Sample]


def gauge(name: str, said: str, value: float) -> Family:
    """A family of one number."""
    return Family(name, "gauge", said, [Sample(value, {})])


def by(name: str, said: str, label: str, values: Mapping[str, float]) -> Family:
    """A family of numbers that one label tells apart."""
    return Family(name, "gauge", said, [Sample(value, {label: known}) for known, value in values.items()])


def text(families: Iterable[Family]) -> str:
    """The whole text."""
    lines: list[str] = []
    for family in families:
        lines += [f"# HELP {family.name} {family.said}", f"# TYPE {family.name} {family.kind}"]
        lines += [
            f"{family.name}{_labels(sample.labels)} {_number(sample.value)}" for sample in family.samples
        ]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_quoted(value)}"' for name, value in labels.items()) + "}"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.6g}"
