"""Documents that are sent."""

from __future__ import annotations

from typing import Any


def given(**members: object) -> dict[str, Any]:
    """Those members that were given."""
    return {name: value for name, value in members.items() if value is not None}
