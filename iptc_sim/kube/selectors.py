"""Label selectors of workloads: which pods are theirs (apimachinery: LabelSelectorAsSelector)."""

from __future__ import annotations

from collections.abc import Mapping

from iptc_sim.kube.fields import Fields
from iptc_sim.records import dataclass, field

_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One of ``matchExpressions``."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it; NotIn is met by labels without the key too."""
        if self.operator == "Exists":
            return self.key in labels
        if self.operator == "DoesNotExist":
            return self.key not in labels
        return (labels.get(self.key) in self.values) is (self.operator == "In")

    @property
    def text(self) -> str:
        """How kubectl prints it."""
        if self.operator in {"Exists", "DoesNotExist"}:
            return self.key if self.operator == "Exists" else f"!{self.key}"
        return f"{self.key} {'in' if self.operator == 'In' else 'notin'} ({','.join(self.values)})"


@dataclass(frozen=True, slots=True)
class Selector:
    """A label selector; an empty one fits everything.

    Args:
        labels: ``matchLabels``.
        requirements: ``matchExpressions``.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    requirements: tuple[Requirement, ...] = ()

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether labels have all that it asks for."""
        return self.labels.items() <= labels.items() and all(item.fits(labels) for item in self.requirements)


def read_selector(fields: Fields) -> Selector:
    """Return the selector of a ``spec.selector``.

    Raises:
        InputError: IPT051, a field is missing or wrong.
    """
    requirements: list[Requirement] = []
    for item in fields.children("matchExpressions"):
        key, operator, values = item.text("key"), item.choice("operator", _OPERATORS, ""), item.texts("values")
        if not key:
            raise item.fault("key", "it is missing")
        if bool(values) is not (operator in {"In", "NotIn"}):
            message = "it is missing" if not values else f"{operator} takes none"
            raise item.fault("values", message)
        requirements.append(Requirement(key, operator, values))
    return Selector(fields.strings("matchLabels"), tuple(requirements))
