"""An exception for each type of problem. The advice is added where the server's detail does not say what helps."""

from __future__ import annotations

from typing import Any

from .errors import ProblemError


class Unauthorised(ProblemError):
    """No valid key came."""

    kind = "/problems/unauthorised"
    advice = "Ask your administrator for a key: it may be revoked, or of another server."


class Forbidden(ProblemError):
    """The key's role does not allow it."""

    kind = "/problems/forbidden"


class NotFound(ProblemError):
    """It is not there, or not the caller's to see."""

    kind = "/problems/not-found"
    advice = "Readers see published releases alone; what belongs to another tenant looks as if it were not there."


class Malformed(ProblemError):
    """It is not what the interface takes at all."""

    kind = "/problems/malformed"


class Invalid(ProblemError):
    """A value is refused for what it says; `field` names it."""

    kind = "/problems/invalid"


class MethodNotAllowed(ProblemError):
    """The route knows other methods."""

    kind = "/problems/method-not-allowed"


class NotAcceptable(ProblemError):
    """It is to be had in other formats."""

    kind = "/problems/not-acceptable"


class UnsupportedType(ProblemError):
    """The content is of another type."""

    kind = "/problems/unsupported-type"


class TooLarge(ProblemError):
    """The body has too many bytes."""

    kind = "/problems/too-large"


class UriTooLong(ProblemError):
    """Path and query are too long."""

    kind = "/problems/uri-too-long"


class HeaderTooLarge(ProblemError):
    """The header is too large."""

    kind = "/problems/header-too-large"


class TimedOut(ProblemError):
    """It took too long."""

    kind = "/problems/timed-out"


class TooMany(ProblemError):
    """Too many requests came at once."""

    kind = "/problems/too-many"
    advice = "Wait, and ask more seldom."


class TooManyConnections(ProblemError):
    """It is a connection too many."""

    kind = "/problems/too-many-connections"
    advice = "Share one client, and close those that are no longer used."


class StorageFull(ProblemError):
    """The tenant may store no more."""

    kind = "/problems/storage-full"


class DiskFull(ProblemError):
    """The server's disk has no room."""

    kind = "/problems/disk-full"


class TooMuchMemory(ProblemError):
    """No server that runs has so much memory."""

    kind = "/problems/too-much-memory"


class OlderServer(ProblemError):
    """A server of an earlier version still runs, and cannot read the schema or do the job."""

    kind = "/problems/older-server"
    advice = "Ask again when all servers are replaced."


class Internal(ProblemError):
    """It is the server's to mend."""

    kind = "/problems/internal"


class Unavailable(ProblemError):
    """The server cannot work now."""

    kind = "/problems/unavailable"


class NameTaken(ProblemError):
    """Another has that name."""

    kind = "/problems/name-taken"


class CapBelowUse(ProblemError):
    """The cap would lie below what is spent and reserved."""

    kind = "/problems/cap-below-use"


class BudgetExhausted(ProblemError):
    """The budget does not pay for it."""

    kind = "/problems/budget-exhausted"
    advice = "Ask for a smaller ε, or make further traces of a model that is paid for: these cost nothing."

    @property
    def required_rho(self) -> float:
        """ρ that the fit would reserve."""
        return float(self.figures["required_rho"])

    @property
    def left_rho(self) -> float:
        """ρ that is left."""
        return float(self.figures["left_rho"])

    @property
    def short(self) -> list[str]:
        """The accounts that do not pay: `tenant`, `population`."""
        return list(self.figures["short"])

    @property
    def largest_epsilon(self) -> float | None:
        """The largest ε that still fits, if any does."""
        found = self.figures.get("largest_epsilon")
        return None if found is None else float(found)


class LedgerBehind(ProblemError):
    """The ledger has forgotten spends."""

    kind = "/problems/ledger-behind"


class Busy(ProblemError):
    """Something else is under way on the dataset."""

    kind = "/problems/busy"
    advice = "Wait until it is over (`Dataset.wait`, `Job.wait`), then ask again."


class Interrupted(ProblemError):
    """An upload was interrupted; the dataset is as it was before."""

    kind = "/problems/interrupted"
    advice = "Upload the trace again."


class TraceRefused(ProblemError):
    """A trace is refused for its content."""

    kind = "/problems/trace-refused"

    @property
    def proposal(self) -> dict[str, Any] | None:
        """What could be declared so that more records can be read: private to the steward."""
        found = self.figures.get("proposal")
        return dict(found) if isinstance(found, dict) else None


class NoTrace(ProblemError):
    """The raw trace is not there."""

    kind = "/problems/no-trace"


class TraceReplaced(ProblemError):
    """The dataset has another trace than the one that was fitted."""

    kind = "/problems/trace-replaced"


class NotReady(ProblemError):
    """The dataset has no trace that can be fitted."""

    kind = "/problems/not-ready"


class Frozen(ProblemError):
    """A fit was accepted, and the declaration stands."""

    kind = "/problems/frozen"
    advice = "Make a new dataset for another declaration."


class DeclarationChanged(ProblemError):
    """The declaration changed while a fit was asked for."""

    kind = "/problems/declaration-changed"
    advice = "Look at the declaration, and ask again."


class Unconfirmed(ProblemError):
    """The fit would mislead, and nobody said that it is wanted all the same."""

    kind = "/problems/unconfirmed"


class InFlight(ProblemError):
    """A request with the same idempotency key is under way."""

    kind = "/problems/in-flight"


class Strict(ProblemError):
    """The population shows private reports after publication alone."""

    kind = "/problems/strict"


class NotPublished(ProblemError):
    """A draft can be neither withdrawn nor linked to."""

    kind = "/problems/not-published"
    advice = "Publish the release first."


class Withdrawn(ProblemError):
    """The release was withdrawn, for good."""

    kind = "/problems/withdrawn"


class WebhookRefused(ProblemError):
    """A receiver of webhooks may not be called."""

    kind = "/problems/webhook-refused"
    advice = "Use an https:// address of the public internet, or have the administrator allow its network."


class WebhookLimit(ProblemError):
    """There are as many webhooks, or messages that wait, as there may be."""

    kind = "/problems/webhook-limit"


class WebhookPaused(ProblemError):
    """Nothing is sent to a webhook that is paused."""

    kind = "/problems/webhook-paused"
    advice = 'Go on with PATCH /v1/webhooks/{id} {"paused": false}.'


class Cancelled(ProblemError):
    """Parsing was cancelled."""

    kind = "/problems/cancelled"


class TooLong(ProblemError):
    """A job ran for longer than any may."""

    kind = "/problems/too-long"


class TooManyAttempts(ProblemError):
    """A job was tried too often without an end."""

    kind = "/problems/too-many-attempts"


class NotRepeatable(ProblemError):
    """A fit cannot repeat its noise."""

    kind = "/problems/not-repeatable"
