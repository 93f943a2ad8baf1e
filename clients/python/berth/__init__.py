"""Client of a Berth daemon: hold resources without being one of its tasks, and see what was used. No dependencies."""

from .analytics import ResourceAnalytics, Suggestion, UsageReport, UsageRow
from .connection import BerthError, Connection
from .resources import Lease, ResourcePool, ResourcePoolCoordinator

__all__ = [
    "BerthError",
    "Connection",
    "Lease",
    "ResourceAnalytics",
    "ResourcePool",
    "ResourcePoolCoordinator",
    "Suggestion",
    "UsageReport",
    "UsageRow",
]
