"""Client of a Berth daemon: hold resources without being one of its tasks. No dependencies."""

from .connection import BerthError, Connection
from .resources import Lease, ResourcePool, ResourcePoolCoordinator

__all__ = ["BerthError", "Connection", "Lease", "ResourcePool", "ResourcePoolCoordinator"]
