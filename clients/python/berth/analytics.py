"""Who used what, what it cost, and where it could cost less: read from the daemon's journal."""

import re
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence
from urllib.parse import quote

from .connection import Connection

_UNITS = {"minute": "m", "hour": "h", "day": "d", "week": "w", "month": "M"}
_DAYS = {"w": 7, "M": 30}


@dataclass(frozen=True)
class UsageRow:
    """One group. ``cost`` in dollars; without what has no known price, of which ``unpriced`` counts the cases."""

    group: Dict[str, Optional[str]]
    cost: float
    cpu_hours: float
    memory_gib_hours: float
    gpu_hours: float
    attempts: int
    failures: int
    wait_seconds: float
    tokens: int
    calls: int
    unpriced: int
    cpu_used_ratio: Optional[float]


@dataclass(frozen=True)
class UsageReport:
    """``complete`` is false where the journal does not go back so far. Iterates over its rows."""

    rows: List[UsageRow]
    total: UsageRow
    complete: bool

    def __iter__(self) -> Any:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Suggestion:
    """``estimated_savings`` in dollars a month; 0.0 where ``is_known`` is false."""

    kind: str
    description: str
    evidence: str
    formula: str
    estimated_savings: float
    is_known: bool


class ResourceAnalytics:
    """Usage and savings of the daemon that ``connection`` talks to; that of the state folder otherwise."""

    def __init__(self, connection: Optional[Connection] = None) -> None:
        self._connection = connection or Connection()

    def get_usage_report(
        self, time_range: str = "last_7_days", group_by: Sequence[str] = ("pipeline",)
    ) -> UsageReport:
        """Sums by ``pipeline``, ``user``, ``model``, ``queue``, ``node`` or ``step``. Raises BerthError."""
        keys = [group_by] if isinstance(group_by, str) else list(group_by)
        path = f"/api/v1/usage-report?since={quote(_since(time_range))}&by={quote(','.join(keys))}"
        answer = self._connection.call("GET", path)
        rows = [_row(one, dict(zip(keys, one["group"]))) for one in answer["rows"]]
        return UsageReport(rows, _row(answer["total"], {}), answer["complete"])

    def get_optimization_suggestions(self, time_range: str = "last_7_days") -> List[Suggestion]:
        """The largest saving first. Raises BerthError."""
        answer = self._connection.call("GET", f"/api/v1/suggestions?since={quote(_since(time_range))}")
        return [
            Suggestion(
                one["kind"],
                one["description"],
                one["evidence"],
                one["formula"],
                (one["monthly_saving"] or 0) / 1_000_000,
                one["monthly_saving"] is not None,
            )
            for one in answer["suggestions"]
        ]


def _since(time_range: str) -> str:
    """``last_7_days`` or a span of Berth's, such as ``36h``."""
    found = re.fullmatch(r"last_(?:(\d{1,4})_)?(minute|hour|day|week|month)s?", time_range)
    if found is None:
        return time_range
    unit = _UNITS[found.group(2)]
    count = int(found.group(1) or 1)
    return f"{count * _DAYS[unit]}d" if unit in _DAYS else f"{count}{unit}"


def _row(one: Dict[str, Any], group: Dict[str, Optional[str]]) -> UsageRow:
    return UsageRow(
        group,
        one["cost"] / 1_000_000,
        one["cpu_hours"],
        one["memory_gib_hours"],
        one["gpu_hours"],
        one["attempts"],
        one["failures"],
        one["wait_ms"] / 1_000,
        one["tokens"],
        one["calls"],
        one["unpriced"],
        one["cpu_used_ratio"],
    )
