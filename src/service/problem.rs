//! Refusals as RFC 9457 problem documents: what, where, what to do.

use super::budget::Payer;
use super::readiness::Part;
use crate::storage::StorageError;
use crate::storage::words::words;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

words! {
    /// What kind of refusal it is. Programs may rely on these; later versions may have more.
    pub enum ProblemType {
        /// No valid key came.
        Unauthorised = "/problems/unauthorised",
        /// The key's role does not allow it.
        Forbidden = "/problems/forbidden",
        /// It does not exist, or the caller may not see it.
        NotFound = "/problems/not-found",
        /// It is not what the interface takes at all.
        Malformed = "/problems/malformed",
        /// A value is refused for what it says.
        Invalid = "/problems/invalid",
        /// The route knows other methods.
        MethodNotAllowed = "/problems/method-not-allowed",
        /// It is available in other formats.
        NotAcceptable = "/problems/not-acceptable",
        /// The content is of another type.
        UnsupportedType = "/problems/unsupported-type",
        /// The body has too many bytes.
        TooLarge = "/problems/too-large",
        /// Path and query are too long.
        UriTooLong = "/problems/uri-too-long",
        /// The header is too large.
        HeaderTooLarge = "/problems/header-too-large",
        /// It took too long.
        TimedOut = "/problems/timed-out",
        /// Too many came at once.
        TooMany = "/problems/too-many",
        /// It is a connection too many.
        TooManyConnections = "/problems/too-many-connections",
        /// The tenant may store no more.
        StorageFull = "/problems/storage-full",
        /// The server's disk has no room.
        DiskFull = "/problems/disk-full",
        /// No server that runs has so much memory.
        TooMuchMemory = "/problems/too-much-memory",
        /// A server of an earlier version still runs, and cannot read the schema or do the job.
        OlderServer = "/problems/older-server",
        /// It is ours to mend.
        Internal = "/problems/internal",
        /// This server cannot work now.
        Unavailable = "/problems/unavailable",
        /// Another has that name.
        NameTaken = "/problems/name-taken",
        /// The cap would lie below what is spent and reserved.
        CapBelowUse = "/problems/cap-below-use",
        /// The budget does not pay for it.
        BudgetExhausted = "/problems/budget-exhausted",
        /// The ledger has forgotten spends.
        LedgerBehind = "/problems/ledger-behind",
        /// Something else is under way on the dataset.
        Busy = "/problems/busy",
        /// An upload was interrupted.
        Interrupted = "/problems/interrupted",
        /// A trace is refused for its content.
        TraceRefused = "/problems/trace-refused",
        /// There is no raw trace.
        NoTrace = "/problems/no-trace",
        /// The dataset has another trace than the one that was fitted.
        TraceReplaced = "/problems/trace-replaced",
        /// The dataset has no trace that can be fitted.
        NotReady = "/problems/not-ready",
        /// A fit was accepted, and the declaration stands.
        Frozen = "/problems/frozen",
        /// The declaration changed while a fit was asked for.
        DeclarationChanged = "/problems/declaration-changed",
        /// The fit would mislead, and nobody said that it is wanted all the same.
        Unconfirmed = "/problems/unconfirmed",
        /// A request with the same key is under way.
        InFlight = "/problems/in-flight",
        /// The population shows private reports after publication alone.
        Strict = "/problems/strict",
        /// Parsing was cancelled.
        Cancelled = "/problems/cancelled",
        /// A job ran for longer than any may.
        TooLong = "/problems/too-long",
        /// A job was tried too often without an end.
        TooManyAttempts = "/problems/too-many-attempts",
        /// A draft is nothing that could be withdrawn or handed out.
        NotPublished = "/problems/not-published",
        /// A receiver may not be called.
        WebhookRefused = "/problems/webhook-refused",
        /// There are as many webhooks, or messages that wait, as there may be.
        WebhookLimit = "/problems/webhook-limit",
        /// Nothing is sent to a webhook that is paused.
        WebhookPaused = "/problems/webhook-paused",
        /// It was withdrawn, for good.
        Withdrawn = "/problems/withdrawn",
        /// A fit cannot repeat its noise.
        NotRepeatable = "/problems/not-repeatable",
        /// The status says all.
        Blank = "about:blank",
    }
}

/// A refusal. `kind` is stable; programs may rely on it.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"type": "/problems/budget-exhausted", "title": "The privacy budget does not pay for this", "status": 409, "detail": "the job needs more ρ than is left in the population's account; the largest epsilon that still fits is 1.3", "required_rho": 0.0558, "left_rho": 0.0261, "short": ["population"], "largest_epsilon": 1.3}))]
pub struct Problem {
    /// Stable identifier, as a relative reference.
    #[serde(rename = "type")]
    #[schema(value_type = String, format = "uri-reference", pattern = "^(/problems/[a-z-]+|about:blank)$")]
    pub kind: ProblemType,
    /// The same in words.
    pub title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What is wrong, and what to do.
    pub detail: String,
    /// The offending field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Figures that belong to the kind.
    #[serde(flatten)]
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    pub more: Map<String, Value>,
}

impl Problem {
    fn new(status: u16, kind: ProblemType, title: &'static str, detail: impl Into<String>) -> Self {
        Problem { kind, title, status, detail: detail.into(), field: None, more: Map::new() }
    }

    /// Adds a figure.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.into(), value.into());
        self
    }

    /// 401: no key, or one that is not valid.
    pub fn unauthorised() -> Self {
        Problem::new(
            401,
            ProblemType::Unauthorised,
            "No valid API key",
            "send `Authorization: Bearer ndp_…` with a key that is not revoked",
        )
    }

    /// 403: the role does not allow it.
    pub fn forbidden(needed: &str) -> Self {
        Problem::new(
            403,
            ProblemType::Forbidden,
            "Not allowed for this role",
            format!("this needs a key with the role {needed}"),
        )
    }

    /// 403: a form that was not issued to the sender's session.
    pub fn forged() -> Self {
        Problem::new(
            403,
            ProblemType::Forbidden,
            "Not a form of this session",
            "this form was not issued to this session, or it has expired; open the page again and submit it from there",
        )
    }

    /// 404: the private report is being made by a job.
    pub fn being_evaluated(job: Uuid) -> Self {
        let detail = format!("the private report is not ready yet: see GET /v1/jobs/{job}");
        Problem::new(404, ProblemType::NotFound, "Not found", detail)
    }

    /// 404: it does not exist, or the caller may not see it; both look the same.
    pub fn not_found(what: &str) -> Self {
        Problem::new(404, ProblemType::NotFound, "Not found", format!("there is no such {what}"))
    }

    /// 400: not what the interface takes at all.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Problem::new(400, ProblemType::Malformed, "The request cannot be read", detail)
    }

    /// 422: understood, and refused for what it says.
    pub fn invalid(field: &str, detail: impl Into<String>) -> Self {
        Problem {
            field: Some(field.into()),
            ..Problem::new(422, ProblemType::Invalid, "A value is refused", detail)
        }
    }

    /// 422: a receiver of webhooks may not be called.
    pub fn receiver_refused(why: String) -> Self {
        Problem {
            field: Some("url".into()),
            ..Problem::new(422, ProblemType::WebhookRefused, "Webhook address refused", why)
        }
    }

    /// 405: the route knows other methods.
    pub fn method_not_allowed() -> Self {
        Problem::new(
            405,
            ProblemType::MethodNotAllowed,
            "Method not allowed",
            "the route exists, but not with this method; see /docs",
        )
    }

    /// 409: the state of things does not allow it.
    pub fn conflict(kind: ProblemType, detail: impl Into<String>) -> Self {
        Problem::new(409, kind, "Not in this state", detail)
    }

    /// 410: it was withdrawn, that day and for that reason.
    pub fn withdrawn(day: &str, reason: &str) -> Self {
        let detail = format!("the release was withdrawn on {day}: {reason}");
        Problem::new(410, ProblemType::Withdrawn, "Withdrawn", detail)
            .with("withdrawn_at", day)
            .with("reason", reason)
    }

    /// 409: the budget does not pay for it; `short` are the accounts that do not, of which `left` is the least.
    pub fn budget_exhausted(required: u64, left: u64, short: &[Payer], largest_epsilon: Option<f64>) -> Self {
        let accounts = short.iter().map(|payer| payer.name()).collect::<Vec<_>>();
        let accounts = accounts.join("'s and the ");
        let detail = match largest_epsilon {
            Some(epsilon) => format!(
                "the job needs more ρ than is left in the {accounts}'s account; the largest epsilon that still fits is {epsilon}"
            ),
            None => format!(
                "the job needs more ρ than is left in the {accounts}'s account, and no epsilon of 0.01 or more fits"
            ),
        };
        Problem::new(409, ProblemType::BudgetExhausted, "The privacy budget does not pay for this", detail)
            .with("required_rho", crate::account::Rho::from_units(required).as_f64())
            .with("left_rho", crate::account::Rho::from_units(left).as_f64())
            .with("short", short.iter().map(|payer| payer.name()).collect::<Vec<_>>())
            .with("largest_epsilon", largest_epsilon)
    }

    /// 422: more memory than the largest server has.
    pub fn too_much_memory(needed: u64, largest: u64, rows: u64) -> Self {
        let detail = format!(
            "it needs {needed} bytes of memory, and the largest running server may use {largest} (NETDPSYN_MEMORY_BYTES); {rows} records would fit"
        );
        Problem::new(422, ProblemType::TooMuchMemory, "Too large for every server", detail)
            .with("needed_bytes", needed)
            .with("memory_bytes", largest)
            .with("rows", rows)
    }

    /// 413: too many bytes.
    pub fn too_large(limit: u64) -> Self {
        Problem::new(
            413,
            ProblemType::TooLarge,
            "Too large",
            format!("a body may have at most {limit} bytes"),
        )
        .with("limit_bytes", limit)
    }

    /// 415: another content type than the interface takes.
    pub fn unsupported(detail: impl Into<String>) -> Self {
        Problem::new(415, ProblemType::UnsupportedType, "Content type not supported", detail)
    }

    /// 406: it is not available in the requested formats.
    pub fn not_acceptable(formats: &str) -> Self {
        let detail = format!("a trace is available as {formats}; name one in Accept or with ?format=");
        Problem::new(406, ProblemType::NotAcceptable, "Not available in that format", detail)
    }

    /// 406: the format is for other traces.
    pub fn unfit_for_format(reason: &str) -> Self {
        Problem::new(406, ProblemType::NotAcceptable, "Not available in that format", reason.to_string())
    }

    /// 406: a report of an earlier version, which no page of this one shows.
    pub fn only_as_json() -> Self {
        Problem::new(
            406,
            ProblemType::NotAcceptable,
            "Not available in that format",
            "this report was made by an earlier version: request it as JSON (Accept: application/json), or make a new one with an evaluate job",
        )
    }

    /// 416: the file has no such part.
    pub fn no_such_part(length: u64) -> Self {
        Problem::new(
            416,
            ProblemType::Blank,
            "Range Not Satisfiable",
            format!("the trace has {length} bytes in this format"),
        )
    }

    /// 408: the client was silent within what it sends.
    pub fn timed_out_reading(what: &str) -> Self {
        Problem::new(
            408,
            ProblemType::TimedOut,
            "Sent too slowly",
            format!("{what} did not arrive in time; send the request again"),
        )
    }

    /// 503: a request took too long here.
    pub fn timed_out(seconds: u64) -> Self {
        Problem::new(
            503,
            ProblemType::TimedOut,
            "Took too long",
            format!(
                "the request took more than {seconds} seconds (NETDPSYN_REQUEST_SECONDS) and was aborted; it may have taken effect: check, or repeat it with its Idempotency-Key"
            ),
        )
    }

    /// 503: a connection too many.
    pub fn too_many_connections(detail: impl Into<String>) -> Self {
        Problem::new(503, ProblemType::TooManyConnections, "Too many connections", detail)
    }

    /// What has this status and says no more: refusals of the HTTP library.
    pub fn of_status(status: u16) -> Self {
        match status {
            400 => Problem::malformed("this is not a readable HTTP request; check method, path and headers"),
            404 => Problem::not_found("route; see /docs"),
            405 => Problem::method_not_allowed(),
            408 => Problem::timed_out_reading("the request"),
            414 => {
                Problem::new(414, ProblemType::UriTooLong, "Path or query too long", "ask for less at once")
            }
            415 => Problem::unsupported("see /docs for what this route takes"),
            431 => Problem::new(
                431,
                ProblemType::HeaderTooLarge,
                "Header too large",
                "path, query and header fields have at most 64 KiB together, and at most 100 fields",
            ),
            500 => Problem::internal(),
            _ => Problem::new(status, ProblemType::Blank, "Refused", "see /docs for what this route takes"),
        }
    }

    /// Seconds after which to ask again, where that helps.
    pub fn retry_after(&self) -> Option<u64> {
        let told = self.more.get("retry_after_seconds").and_then(Value::as_u64);
        told.or(matches!(self.status, 408 | 429 | 503).then_some(5))
    }

    /// 429: too many at once.
    pub fn too_many(detail: impl Into<String>) -> Self {
        Problem::new(429, ProblemType::TooMany, "Too many at once", detail)
    }

    /// 507: the tenant's disk is full.
    pub fn storage_full(limit: u64) -> Self {
        Problem::new(
            507,
            ProblemType::StorageFull,
            "No room left",
            format!(
                "a tenant's traces and releases may take {limit} bytes together (NETDPSYN_MAX_TENANT_BYTES); erase datasets no longer needed, or ask the administrator"
            ),
        )
        .with("limit_bytes", limit)
    }

    /// 507: the server's disk has no room for what would be written.
    pub fn disk_full(bytes: u64) -> Self {
        Problem::new(
            507,
            ProblemType::DiskFull,
            "No room left",
            format!(
                "the server's disk has no room for {bytes} bytes; ask the administrator to make room, and try again"
            ),
        )
    }

    /// 507: the server's disk filled up in the middle.
    pub fn disk_filled() -> Self {
        Problem::new(
            507,
            ProblemType::DiskFull,
            "No room left",
            "the server's disk is full; ask the administrator to make room, and try again",
        )
    }

    /// The same refusal, with what it means for the budget of a fit: whether ρ (in 10⁻¹²) was charged.
    pub fn charged(self, charged: bool, rho: u64) -> Self {
        let rho = crate::account::Rho::from_units(rho);
        let means = match charged {
            true => format!("ρ = {rho} was charged"),
            false => "nothing was charged".to_string(),
        };
        let detail = format!("{}; {means}", self.detail);
        Problem { detail, ..self }.with("charged", charged)
    }

    /// 422 of a trace: its content is refused.
    pub fn trace(detail: impl Into<String>) -> Self {
        Problem::new(422, ProblemType::TraceRefused, "The trace is refused", detail)
    }

    /// 409 of a trace: nobody waited for its parsing.
    pub fn parse_cancelled() -> Self {
        Problem::conflict(
            ProblemType::Cancelled,
            "parsing was cancelled; upload the trace again, or change its declaration",
        )
    }

    /// 500: ours to mend. What went wrong is in the log.
    pub fn internal() -> Self {
        Problem::new(
            500,
            ProblemType::Internal,
            "Something went wrong here",
            "try again; the server's log has the reason under this request's id",
        )
    }

    /// 503: this server cannot work now.
    pub fn not_ready(what: Part, why: &str) -> Self {
        let detail = format!("{what}: {why}");
        Problem::new(503, ProblemType::Unavailable, "Not available now", detail).with("failing", what.name())
    }

    /// 503: the database does not answer.
    pub fn unavailable() -> Self {
        Problem::new(
            503,
            ProblemType::Unavailable,
            "Not available now",
            "the database does not answer; try again shortly",
        )
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        tracing::error!(%error, "storage failed");
        match error {
            error if error.is_disk_full() => Problem::disk_filled(),
            error if error.is_passing() => Problem::unavailable(),
            _ => Problem::internal(),
        }
    }
}
