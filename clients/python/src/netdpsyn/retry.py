"""When a request is sent again, and after how long."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

import httpx


@dataclass(frozen=True)
class Retry:
    """How often a request is tried and how long is waited between, where the server does not say it."""

    attempts: int = 6
    """Times that a request is sent at most; 1 never repeats."""
    first: float = 0.5
    """Seconds before the second attempt; each further wait is twice as long."""
    longest: float = 60.0
    """The longest wait. When the server asks for a longer one, its refusal is raised at once."""

    def wait(self, attempt: int, asked: float | None = None) -> float | None:
        """Seconds to wait after so many attempts; None: no more."""
        if attempt >= self.attempts or (asked is not None and asked > self.longest):
            return None
        own = min(self.longest, self.first * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)
        # Clients that were refused together must not come back together.
        return own if asked is None else asked + random.uniform(0.0, 0.25)


def asked_for(response: httpx.Response, now: datetime | None = None) -> float | None:
    """The seconds of `Retry-After`, which is a number or a date."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=timezone.utc)
    return max(0.0, (when - (now or datetime.now(timezone.utc))).total_seconds())


def is_passing(status: int, kind: str, repeatable: bool) -> bool:
    """Whether a refusal may be gone the next time, and the request can be sent again without doing its work twice."""
    if status == 429 or kind == "/problems/too-many-connections":
        return True
    # After any other refusal by 503 what was asked for may have been done all the same.
    return repeatable and (status in (502, 503, 504) or kind == "/problems/in-flight")
