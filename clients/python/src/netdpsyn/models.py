"""The API's documents as types. Generated from openapi/openapi.json by `./run client generate`; not to be edited."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from typing_extensions import NotRequired, TypedDict

Across: TypeAlias = Literal["sessions", "hosts", "single"]
"""
How the records of a synthetic trace are related.
"""


class AmountSpread(TypedDict):
    """
    How amounts are spread: shares of the records in bins that double, 0, 1, 2 to 3, 4 to 7 and so on in whole steps of the column (durations: microseconds), up to
    the last bin that any has. What has no amount is left out.
    """

    real: list[float]
    """
    Of the fitted records.
    """
    synthetic: list[float]
    """
    Of the synthetic records.
    """


class AmountView(TypedDict):
    """
    An amount of ρ, also as ε at δ = 10⁻⁹.
    """

    delta_prime: float
    """
    δ′ of approximate zCDP.
    """
    epsilon: float
    """
    ε of a single job of this ρ, at δ = 10⁻⁹. ε does not add up; ρ does.
    """
    rho: float
    """
    ρ.
    """


class Baseline(TypedDict):
    """
    The attack on held-out records.
    """

    excess: float
    """
    `fitted` − `held_out`. Good is at most two standard errors.
    """
    held_out: float
    """
    Share of the attacked held-out records whose key is inferred.
    """
    standard_error: float
    """
    The standard error of the excess: both shares are of independent samples.
    """


class Beyond(TypedDict):
    """
    The comparison of both parts, with as many fitted records as held-out ones: a larger part would match
    more often.
    """

    excess: float
    """
    `fitted_sample` − `held_out`. Good is at most two standard errors above 0.
    """
    fitted_sample: float
    """
    Share of the synthetic records that equal some record of a sample of the fitted part, as large as the
    held-out one.
    """
    held_out: float
    """
    Share that equal some held-out record.
    """
    standard_error: float
    """
    The standard error of the excess, where equal synthetic records count as one draw.
    """


class Broken(TypedDict):
    """
    Records that violate a protocol fact.
    """

    fact: str
    """
    The fact, as the schema names it; `header-checksum` where the trace has that column.
    """
    real: float
    """
    Share of the fitted records that violate it, 0 to 1. It may be above 0 in raw traces.
    """
    synthetic: float
    """
    Share of the synthetic records. Good is 0, or that of the fitted records.
    """


Port: TypeAlias = int


CaptureRecords: TypeAlias = Literal["packets", "flows", "exports"]
"""
What one record of a capture is.
"""


class ChargeView(TypedDict):
    """
    The charge for a model and everything generated from it: the ledger entry, by which an auditor finds it.
    """

    delta_prime: float
    """
    δ′.
    """
    entry_id: str
    """
    The entry.
    """
    population_id: NotRequired[str | None]
    """
    Population that is protected, and pays.
    """
    rho: float
    """
    ρ.
    """


class Choices(TypedDict):
    """
    Choices of the steward that may depend on raw records: the guarantee does not cover them.
    """

    about: str
    """
    What these two say, and what they do not.
    """
    declared_after_upload: bool
    """
    Whether schema, window or categories were declared or changed after a trace of this population had been uploaded: from then on its parse
    report, or a private report, could be read.
    """
    opened_before_publication: NotRequired[list[str] | None]
    """
    Private data that were looked at before publication; see the release. Null until it is published.
    """


ClassRecall = TypedDict(
    "ClassRecall",
    {
        "class": str,
        "fitted": int,
        "real": float,
        "synthetic": float,
        "tested": int,
    },
)


class ClassificationScore(TypedDict):
    """
    Accuracy and macro-F1, each 0 (worst) to 1 (best).
    """

    accuracy: float
    """
    Share of the rows whose class was predicted.
    """
    macro_f1: float
    """
    Mean F1 over the classes that occur among the test rows or among the predictions; a class without any
    hit counts 0. F1 of a class is 2·hits / (rows of the class + predictions of the class).
    """


Classifier: TypeAlias = Literal["decision-tree", "logistic-regression", "random-forest", "gradient-boosting", "perceptron"]
"""
The five classifiers.
"""


class ComparedShare(TypedDict):
    """
    A share of the raw and of the synthetic records.
    """

    difference: float
    """
    The absolute difference of both. Good is near the floor.
    """
    floor: NotRequired[float | None]
    """
    The difference between the held-out records and a random sample of as many fitted ones.
    """
    real: float
    """
    Share of the fitted records, 0 to 1.
    """
    synthetic: float
    """
    Share of the synthetic records.
    """


class ComparisonChoice(TypedDict):
    """
    A fit that may be compared.
    """

    compared: bool
    """
    Whether one of its traces was compared with the raw one.
    """
    created_at: str
    """
    Time of acceptance of the fit.
    """
    epsilon: float
    """
    ε.
    """
    hold_out: bool
    """
    Whether a fifth was held out.
    """
    model_id: str
    """
    Model.
    """


Condition: TypeAlias = dict[str, str | dict[str, float]]
"""
Which categories records have: one categorical column that is measured, and a category of it or shares of some.
"""


class Conditioned(TypedDict):
    """
    Condition on the categories of a release's records.
    """

    about: str
    """
    What the condition means.
    """
    asked: Condition
    """
    The requested shares.
    """


class Contact(TypedDict):
    """
    Contact for questions; at least one of these.
    """

    email: NotRequired[str | None]
    """
    Email address.
    """
    name: NotRequired[str | None]
    """
    A person or desk.
    """
    url: NotRequired[str | None]
    """
    A page.
    """


class Convergence(TypedDict):
    """
    Convergence of the generation.
    """

    error: NotRequired[float]
    """
    Mean L1 distance of each shard to its part of the tables that GUM works towards, as a share of the
    records; 0 without such tables. Tables from which attributes are drawn at the end are met to within
    rounding.
    """
    moved: NotRequired[int]
    """
    Number of updates of records.
    """
    rounds: NotRequired[int]
    """
    Rounds of GUM: the largest number over all shards.
    """
    settled: NotRequired[bool]
    """
    Whether every shard ended because its error converged, not at the limit of rounds.
    """


CountedThing: TypeAlias = Literal["sources", "destinations", "hosts", "hosts-on-both-sides", "pairs", "services", "five-tuples", "sessions"]
"""
What is counted.
"""


class Coverage(TypedDict):
    """
    A time, from a day to a day.
    """

    end: str
    """
    The last day.
    """
    start: str
    """
    The first day.
    """


DatasetState: TypeAlias = Literal["empty", "receiving", "parsing", "ready", "rejected", "erased"]
"""
State of a dataset.
"""


Decay: TypeAlias = Literal["step", "exponential", "linear", "square-root"]
"""
How the step size α shrinks from round t to round t + 1.
"""


DecimalMark: TypeAlias = Literal["point", "comma"]
"""
The decimal separator.
"""


DeliveryState: TypeAlias = Literal["pending", "delivered", "failed"]
"""
State of a message.
"""


class DeliveryView(TypedDict):
    """
    A message of the log.
    """

    attempts: int
    """
    Tries so far.
    """
    created_at: str
    """
    Time of the event.
    """
    due_at: NotRequired[str | None]
    """
    Time of the next try, while it waits.
    """
    ended_at: NotRequired[str | None]
    """
    Time of its end.
    """
    event: str
    """
    Kind of event.
    """
    failure: NotRequired[str | None]
    """
    Reason of the failure, if there is no status.
    """
    id: str
    """
    Id, sent as `webhook-id`; the same in every try.
    """
    state: DeliveryState
    """
    State.
    """
    status: NotRequired[int | None]
    """
    Last HTTP status of the receiver.
    """


DepositState: TypeAlias = Literal["pending", "deposited", "failed"]
"""
State of a deposit.
"""


class DepositView(TypedDict):
    """
    A deposit.
    """

    attempts: int
    """
    Attempts so far. Transient failures are retried for some hours; each attempt continues with the draft of the previous one.
    """
    created_at: str
    """
    Time of acceptance.
    """
    draft: NotRequired[str | None]
    """
    Id of the draft in the repository, if there is one: a failed deposit leaves its draft there.
    """
    ended_at: NotRequired[str | None]
    """
    Time of its end.
    """
    id: str
    """
    Id.
    """
    identifier: NotRequired[str | None]
    """
    DOI, or another persistent identifier.
    """
    page: NotRequired[str | None]
    """
    Landing page.
    """
    percent: int
    """
    Percent of the bytes that were sent.
    """
    problem: NotRequired[str | None]
    """
    Reason why the last attempt failed.
    """
    release_id: str
    """
    The release.
    """
    repository: str
    """
    Name of the repository.
    """
    state: DepositState
    """
    State.
    """


class Disk(TypedDict):
    """
    Disk space for the measurements of a fit and for a trace of that many records.
    """

    bytes: int
    """
    Largest number of bytes that they take.
    """
    fits: bool
    """
    Whether there is enough space for them now.
    """
    private: bool
    """
    Whether it depends on the number of raw records: then it is for the steward alone.
    """
    room_bytes: NotRequired[int | None]
    """
    Bytes that may still be written, in steps of 16 MiB; absent if the server keeps no reserve.
    """


Distance: TypeAlias = Literal["jensen-shannon", "wasserstein-log", "wasserstein-time"]
"""
A distance between distributions.
"""


EntryKind: TypeAlias = Literal["grant", "reserve", "commit", "release"]
"""
Kind of a ledger entry.
"""


class EntryView(TypedDict):
    """
    An entry of the ledger.
    """

    actor: str
    """
    The public part of the key that made the request, or `worker`.
    """
    created_at: str
    """
    Time of the entry.
    """
    delta_prime: float
    """
    δ′.
    """
    id: str
    """
    Id.
    """
    job_id: NotRequired[str | None]
    """
    The fit.
    """
    kind: EntryKind
    """
    Kind of the entry.
    """
    population_id: NotRequired[str | None]
    """
    The population; absent for a grant to the tenant.
    """
    rho: float
    """
    ρ.
    """


Epsilon: TypeAlias = float
"""
An ε that may be quoted.
"""


class EvaluateRequest(TypedDict):
    """
    Request of an evaluation.
    """

    kind: Literal["evaluate"]
    release_id: str
    """
    The release.
    """


class Expectation(TypedDict):
    """
    Expected relative noise: standard deviations divided by counts.
    """

    accept_noise: bool
    """
    Whether a fit needs `accept_noise`, because the first is above 0.05 or the second above 0.5.
    """
    cell_error: float
    """
    For one cell, if records were spread evenly over its column: the median over the columns.
    """
    enough_epsilon: NotRequired[float | None]
    """
    Smallest ε that needs no `accept_noise`, for the same number of records.
    """
    enough_rows: NotRequired[int | None]
    """
    Smallest number of records that needs no `accept_noise`, for the same ε.
    """
    private: bool
    """
    Whether it depends on the number of raw records: then it is for the steward alone.
    """
    records_error: float
    """
    For the number of records.
    """


Fact: TypeAlias = Literal["bytes-fit-packets", "one-packet-no-duration", "length-holds-headers"]
"""
A protocol fact: public knowledge that synthetic records respect at no privacy cost.
"""


Families: TypeAlias = Literal["ipv4", "any"]
"""
The families of all address columns of a trace, where declared for all of them together.
"""


class Field4(TypedDict):
    """
    One of the declared values, one bin each. Any other value counts as `other`.
    """

    categorical: list[str] | None
    """
    One of the declared values, one bin each. Any other value counts as `other`.
    """


class FieldAddress(TypedDict):
    """
    An address of IPv4, IPv6 or hardware, or a token of two numbers. Bins are the leaves of one paid
    prefix tree over all of them.
    """


class FieldFloatExponential(TypedDict):
    """
    A decimal number from 0 to `max` in steps of `resolution`. One bin each for 0 and the first step, then
    exponential bins.
    """

    base: NotRequired[float]
    """
    Ratio of consecutive bin edges.
    """
    max: float
    """
    Largest value, in the unit of the file.
    """
    resolution: float
    """
    Smallest step, in the unit of the file.
    """


class FieldFlowGap(TypedDict):
    """
    The derived time since the previous record of the same five-tuple. One bin for the first record of a
    flow, then exponential bins of microseconds.
    """

    base: NotRequired[float]
    """
    Ratio of consecutive bin edges.
    """


class FieldInteger(TypedDict):
    """
    A whole number from `min` to `max`. One bin for each value below `exact_below`, bins of `width` above.
    """

    exact_below: NotRequired[int]
    """
    Values below this have one bin each.
    """
    max: int
    """
    Largest value.
    """
    min: NotRequired[int]
    """
    Smallest value.
    """
    width: NotRequired[int]
    """
    Width of a bin.
    """


class FieldIntegerExponential(TypedDict):
    """
    A whole number from 0 to `max`. One bin each for 0 and 1, then bins (base^(b−1), base^b].
    """

    base: NotRequired[float]
    """
    Ratio of consecutive bin edges.
    """
    max: int
    """
    Largest value.
    """


class FieldIp(TypedDict):
    """
    An IPv4 address. Bins are the leaves of a paid prefix tree with these bits per level (at most 32
    together), or declared networks.
    """

    levels: NotRequired[list[int]]
    """
    Bits of each level, from the most significant.
    """
    networks: NotRequired[list[str] | None]
    """
    Publicly known networks, one bin each and one for all other addresses, instead of the tree.
    """


class FieldPortTree(TypedDict):
    """
    A port. Bins are the leaves of a paid prefix tree with these bits per level (at most 16 together).
    """

    levels: NotRequired[list[int]]
    """
    Bits of each level, from the most significant.
    """


class FieldTimestamp(TypedDict):
    """
    A time within the capture window, which is divided into this many equal bins.
    """

    grain: NotRequired[str | None]
    """
    The step of which times are whole multiples, as 1s or 10ms; it applies to synthetic times too.
    When absent: nanoseconds.
    """
    windows: NotRequired[int]
    """
    Number of bins.
    """


FlowMode: TypeAlias = Literal["IAT", "SIZE", "IAT_SIZE", "STATS", "SAMP-NUM", "SAMP-SIZE"]
"""
A way of describing flows.
"""


class ForeseenStructure(TypedDict):
    """
    How the records will be related, with the reason if they will be independent.
    """

    across: Across
    """
    How the records are related.
    """
    because: NotRequired[str | None]
    """
    Why records are independent, if they are.
    """


class ForetoldRange(TypedDict):
    """
    The range over the measured traces.
    """

    lower: float
    """
    The lowest value.
    """
    middle: float
    """
    The middle value.
    """
    upper: float
    """
    The highest value.
    """


Grade: TypeAlias = Literal["good", "fair", "poor"]
"""
The grade of a finding. A figure is good up to a fixed bound or twice its floor, whichever is larger, so
that a figure near its floor is good whatever its size; fair up to a second bound or three times its
floor; otherwise poor. Without held-out records there are no floors, and only the bounds apply. A sentence
on several columns has the worst of their grades and names the column with that grade.
"""


Grouping: TypeAlias = Literal["point", "comma", "space", "apostrophe"]
"""
The thousands separator.
"""


class GuaranteeCap(TypedDict):
    """
    A cap in (ε, δ).
    """

    delta: NotRequired[float]
    """
    δ, 10⁻³⁰ to 10⁻⁴.
    """
    epsilon: float
    """
    ε, above 0 and at most 10,000.
    """


class JobEvent(TypedDict):
    """
    An event of a job.
    """

    data: str
    """
    The job, as JSON.
    """
    event: str
    """
    `progress`, or `end`.
    """


JobKind: TypeAlias = Literal["parse", "fit", "generate", "evaluate"]
"""
Kind of a job.
"""


JobStage: TypeAlias = Literal["", "read", "split", "gaps", "trees", "code", "one-ways", "selection", "pairs", "reconcile", "plan", "generate", "write", "compare"]
"""
The stage of a job's work; empty before it begins.
"""


JobState: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled"]
"""
State of a job.
"""


class JointDistance(TypedDict):
    """
    The distance of the joint distribution of some columns from the raw one.
    """

    columns: list[str]
    """
    The columns.
    """
    distance: float
    """
    Total variation distance ½ Σ |p − q| between the shares p and q of raw and synthetic records in the
    joint cells: 0 is equal, 1 is disjoint.
    """
    floor: NotRequired[float | None]
    """
    The same between the fitted and the held-out records.
    """


class LinkView(TypedDict):
    """
    A link to a release.
    """

    until: str
    """
    Expiry.
    """
    url: str
    """
    Address of the release's page. Links on that page carry the same signature.
    """


Listed: TypeAlias = Literal["sources", "destinations", "services"]
"""
A kind of list.
"""


ListedBy: TypeAlias = Literal["records", "bytes"]
"""
A ranking criterion.
"""


LookSubject: TypeAlias = Literal["sources", "destinations", "both-sides", "pairs", "fan-out", "fan-in", "mutual-pairs"]
"""
What a look counts, each as a rank histogram.
"""


class MarginalFit(TypedDict):
    """
    One measured marginal, compared with the generated records.
    """

    cells: int
    """
    Number of cells.
    """
    columns: list[str]
    """
    Its columns.
    """
    distance: float
    """
    ½ Σ |noisy − synthetic| / N̂, with the records scaled to N̂. Noise alone causes about `noise`; far
    above that, the records miss the measurements.
    """
    noise: float
    """
    The expected distance by noise alone: ½ Σ σ_cell·√(2/π) / N̂.
    """
    noise_deviation: NotRequired[float]
    """
    The standard deviation of `noise`: ½ √(Σ σ_cell²·(1 − 2/π)) / N̂. A distance beyond `noise` + 2
    `noise_deviation` is more than noise.
    """
    sigma: float
    """
    Standard deviation of a cell's noise; for the leaves of a tree an upper bound.
    """


class MarginalView(TypedDict):
    """
    A noisy marginal.
    """

    columns: list[str]
    """
    Its columns.
    """
    counts: list[int]
    """
    Noisy counts (for the leaves of a tree, rounded estimates from all its levels), the last column varying fastest.
    """
    joined: NotRequired[list[int] | None]
    """
    How many times the variance of one bin each cell has, where some were joined: the number of its bins, less where levels of a tree say more.
    """
    shape: list[int]
    """
    Bins of each.
    """
    sigma: float
    """
    Standard deviation of a cell's noise; a cell that joins bins has √`joined` times it. The leaves of a tree have at most that.
    """


class MarginalsView(TypedDict):
    """
    The noisy marginals of a model.
    """

    marginals: list[MarginalView]
    """
    Every marginal that was measured.
    """


class MeasuredFidelity(TypedDict):
    """
    Figures of a private report in the measures that are foretold.
    """

    accuracy_loss: NotRequired[float | None]
    """
    Accuracy of decision tree and random forest after training on raw records, less that after training on synthetic ones: their mean.
    """
    private: bool
    """
    Always true: it depends on the raw records, and is for the steward alone.
    """
    two_way: float
    """
    Two-way distance: the mean over all pairs of columns, 0 to 1.
    """
    two_way_floor: NotRequired[float | None]
    """
    The same between fitted and held-out records.
    """


Method: TypeAlias = Literal["adaptive", "netdpsyn", "independent"]
"""
How a trace is summarised.
"""


class ModelView(TypedDict):
    """
    A model: what a fit committed.
    """

    bundle_sha256: str
    """
    SHA-256 of the measurement bundle.
    """
    created_at: str
    dataset_id: str
    """
    Dataset that was fitted.
    """
    id: str
    """
    Id.
    """
    job_id: NotRequired[str | None]
    """
    The fit. Shown to stewards alone: its duration depends on the raw trace.
    """
    ledger: NotRequired[ChargeView | None]
    statement: dict[str, Any]
    """
    The statement of privacy.
    """


Name: TypeAlias = str
"""
A name: 1 to 200 characters, one of them visible, none of them a control character.
"""


NegativeNumbers: TypeAlias = Literal["refused", "zero"]
"""
How a number below 0 is read.
"""


class NewDeposit(TypedDict):
    """
    A deposit to be made.
    """

    dry_run: NotRequired[bool]
    """
    Whether to answer with the requests that would be sent, and send nothing.
    """
    new_version_of: NotRequired[str | None]
    """
    The completed deposit in the same repository of which this is a new version.
    """
    repository: str
    """
    Name of a repository, as `GET /v1/repositories` lists it.
    """


class NewLink(TypedDict):
    """
    A link to be made.
    """

    seconds: int
    """
    Validity in seconds.
    """


class NumberNotation(TypedDict):
    """
    Number format. Synthetic numbers are written without it.
    """

    clock: NotRequired[bool]
    """
    Whether a duration may be written as hours, minutes and seconds: `00:01:02.5` for 62.5.
    """
    decimal: NotRequired[DecimalMark]
    """
    The decimal separator: a point or a comma.
    """
    grouping: NotRequired[Grouping | None]
    hexadecimal: NotRequired[bool]
    """
    Whether a number that begins with 0x is hexadecimal.
    """
    negative: NotRequired[NegativeNumbers]
    """
    How a number below 0 is read.
    """
    scales: NotRequired[bool]
    """
    Whether a number may have a factor after it: `1.2 M` for 1,200,000; k, M, G and T, with or without a
    space before it.
    """


Objects: TypeAlias = Literal["flat", "nested"]
"""
JSON objects, one per line.
"""


class Only(TypedDict):
    """
    A column of which only some values are read.
    """

    column: str
    """
    Name of the column in the file; it need not be a column of the schema.
    """
    values: list[str]
    """
    The values of records that are read. Synthetic records have the first one.
    """


class OtherCut(TypedDict):
    """
    Distances of pairs at another number of classes.
    """

    classes: int
    """
    Largest number of classes of a column.
    """
    floor: NotRequired[float | None]
    """
    The same between the fitted and the held-out records.
    """
    mean: float
    """
    Mean of the distances of all pairs.
    """
    worst: JointDistance
    """
    The pair with the largest distance.
    """


class OutcomeCopies1(TypedDict):
    """
    Synthetic records that equal a fitted record in all of some columns.
    """

    beyond: NotRequired[Beyond | None]
    fitted: float
    """
    Share of the synthetic records that equal some fitted record, 0 to 1. Any good synthesis copies common
    records.
    """


class OutcomeIdentifiers1(TypedDict):
    """
    Addresses that occur once in the raw trace and stand in the synthetic one. Any good synthesis has the
    addresses of busy hosts; one that occurs in a single record must not be there more often because that
    record was fitted.
    """

    addresses: int
    """
    Number of addresses that occur once in the raw trace, in a fitted record.
    """
    baseline: NotRequired[Baseline | None]
    fitted: float
    """
    Share of them that occur in the synthetic trace, 0 to 1.
    """


class OutcomeInference1(TypedDict):
    """
    Inference of the key attribute from all other compared columns, by a vote of the nearest synthetic
    records.
    """

    baseline: NotRequired[Baseline | None]
    column: str
    """
    The key attribute.
    """
    fitted: float
    """
    Share of the attacked fitted records whose key is inferred, 0 to 1.
    """
    majority: float
    """
    Success rate of always guessing the most frequent fitted key, which needs no attack.
    """


class OutcomeMembership1(TypedDict):
    """
    Membership inference by the distance to the nearest synthetic record.
    """

    auc: float
    """
    Probability that a fitted record is nearer to the synthetic trace than a held-out one (area under the
    ROC curve, ties counting half): 0 to 1; 0.5 means that nothing is learnt.
    """
    members: int
    """
    Number of attacked fitted records.
    """
    others: int
    """
    Number of attacked held-out records.
    """
    searched: int
    """
    Number of searched synthetic records.
    """
    standard_error: float
    """
    Its standard error (DeLong). Good is an `auc` of at most 0.5 plus two of them.
    """


class OutcomeThreeWay1(TypedDict):
    """
    The distances of triples of columns from the raw ones.
    """

    floor: NotRequired[float | None]
    """
    The same between the fitted and the held-out records: the error of sampling alone. Good is a mean near
    it.
    """
    mean: float
    """
    Mean of the triples' total variation distances at 20 classes, 0 (equal) to 1 (disjoint).
    """
    triples: list[JointDistance]
    """
    Every compared triple, worst first: all of them, or a seeded sample of 30.
    """


class OutcomeTwoWay1(TypedDict):
    """
    The distances of pairs of columns from the raw ones.
    """

    floor: NotRequired[float | None]
    """
    The same between the fitted and the held-out records: the error of sampling alone. Good is a mean near
    it.
    """
    mean: float
    """
    Mean of the pairs' total variation distances at 20 classes, 0 (equal) to 1 (disjoint).
    """
    other_cuts: NotRequired[list[OtherCut]]
    """
    The same at 13, 27 and 40 classes: a method whose bins happen to coincide with 20 classes looks better
    there than it is. Reports before version 3 have none.
    """
    pairs: list[JointDistance]
    """
    Every pair, worst first.
    """


class OutcomeVecHeavyHitter(TypedDict):
    """
    One sketch on one address column.
    """

    column: str
    """
    The column.
    """
    count_error: float
    """
    Relative error of the number found, |synthetic − real| / real. From 0, which is best; where the real
    number is 0, 0 if the synthetic one is 0 as well, otherwise 1.
    """
    count_floor: NotRequired[float | None]
    """
    The same between the fitted and the held-out records.
    """
    estimation_error: float
    """
    Relative error of the mean estimation error, by the same rule as `count_error`. If a sketch hardly
    errs on the raw records this may be large without harm: compare the two means.
    """
    estimation_floor: NotRequired[float | None]
    """
    The same between the fitted and the held-out records.
    """
    real_estimation: float
    """
    Mean over the true heavy hitters of the fitted records of |estimate − count| / count; 0 where there
    are none.
    """
    real_found: int
    """
    Number of heavy hitters that the sketch finds in the fitted records: values whose estimated count is
    at least 0.1 % of the rows.
    """
    sketch: str
    """
    `count-min`, `count-sketch`, `univmon` or `nitrosketch`, of 5 rows of 1,000 counters.
    """
    synthetic_estimation: float
    """
    The same for the synthetic records.
    """
    synthetic_found: int
    """
    Number of heavy hitters that it finds in the synthetic records.
    """


class OutcomeVecTopListItem(TypedDict):
    """
    Two top lists.
    """

    by: ListedBy
    """
    The ranking criterion.
    """
    floor: NotRequired[float | None]
    """
    The same for the held-out records: the effect of sampling alone.
    """
    of: Listed
    """
    The kind of list.
    """
    overlap: float
    """
    Share of the 20 largest raw ones that are among the 20 largest synthetic ones, 0 to 1; of all, where
    there are fewer. Of equally large ones the smallest address is listed. Good is near the floor.
    """


class OutcomeVecTotalItem(TypedDict):
    """
    The total of one column.
    """

    clipped: NotRequired[float]
    """
    The total of the raw records, each clipped at their 100th largest value, divided by the raw total: the
    part that does not depend on a few records. A private method that keeps it cannot be much closer to 1.
    Reports before version 3 have none.
    """
    column: str
    """
    The column.
    """
    floor: NotRequired[float | None]
    """
    The same for the held-out records: the error of sampling alone.
    """
    ratio: float
    """
    The mean of the synthetic records divided by that of the raw records, so that different numbers of
    records do not matter. Good is near 1. A raw total of 0 counts as one step of the column, if the
    synthetic one is not 0 as well.
    """
    real: float
    """
    Sum over the fitted records, in the unit of the file.
    """
    synthetic: float
    """
    Sum over the synthetic records.
    """
    to_clipped: NotRequired[float | None]
    """
    `ratio` divided by `clipped`: the synthetic total relative to the clipped one. Missing where the
    clipped one is 0.
    """


class Outside(TypedDict):
    """
    Values outside a column's declared domain; for times, outside the window.
    """

    column: str
    """
    The column.
    """
    real: float
    """
    Share of the fitted records, 0 to 1.
    """
    synthetic: float
    """
    Share of the synthetic records. Good is 0, or that of the fitted records.
    """


class PageDeliveryView(TypedDict):
    """
    A page of a list: pass `next` as `after` for the following one.
    """

    items: list[DeliveryView]
    """
    The items, oldest first.
    """
    next: NotRequired[str | None]
    """
    Cursor of the next page; absent on the last page.
    """


class PageDepositView(TypedDict):
    """
    A page of a list: pass `next` as `after` for the following one.
    """

    items: list[DepositView]
    """
    The items, oldest first.
    """
    next: NotRequired[str | None]
    """
    Cursor of the next page; absent on the last page.
    """


class PageEntryView(TypedDict):
    """
    A page of a list: pass `next` as `after` for the following one.
    """

    items: list[EntryView]
    """
    The items, oldest first.
    """
    next: NotRequired[str | None]
    """
    Cursor of the next page; absent on the last page.
    """


Payer: TypeAlias = Literal["tenant", "population"]
"""
Owner of an account; both pay for a fit.
"""


class Place(TypedDict):
    """
    A place.
    """

    name: str
    """
    The name.
    """
    url: NotRequired[str | None]
    """
    Address in a gazetteer.
    """


class PopulationSpending(TypedDict):
    """
    Cap and spending of all releases about the same people.
    """

    cap: AmountView
    """
    The cap in force, the smaller of the population's and its tenant's: it bounds all releases while it stays.
    """
    cap_raised: int
    """
    Number of times it was raised.
    """
    cap_set: str
    """
    The day (UTC) on which it was set.
    """
    delta: float
    """
    δ of the ε beside each ρ here.
    """
    spent: AmountView
    """
    The sum so far, for information: it does not bound later releases. Readers see what was spent before today (UTC) or is published.
    """
    text: str
    """
    The same in words.
    """


Preset: TypeAlias = Literal["flow", "packet", "packet-flags", "ton", "ugr16", "cidds", "caida", "dc", "ugr16-published", "cidds-001", "ton-iot", "unsw-nb15", "unsw-nb15-header", "cic-ids2017", "cic-ids2017-ml", "cic-ddos2019", "cse-cic-ids2018", "cse-cic-ids2018-addresses", "cicflowmeter", "cicflowmeter-python", "nf-uq-nids", "nf-uq-nids-v3", "bot-iot", "argus-binetflow", "nfdump-csv", "nfdump-csv-1.7", "nfdump-csv-fast", "nfdump-pipe", "nfdump-pipe-1.6", "nfdump-line", "nfdump-long", "nfdump-extended", "nfstream", "zeek-conn", "zeek-conn-labelled", "zeek-conn-json", "aws-vpc", "aws-vpc-no-header", "gcp-vpc", "suricata-flow", "suricata-netflow", "nfdump-json", "goflow2-json", "pmacct-json"]
"""
A layout of files that comes with the program.
"""


class Problem(TypedDict):
    """
    A refusal. `kind` is stable; programs may rely on it.
    """

    detail: str
    """
    What is wrong, and what to do.
    """
    field: NotRequired[str | None]
    """
    The offending field.
    """
    status: int
    """
    The HTTP status.
    """
    title: str
    """
    The same in words.
    """
    type: str
    """
    Stable identifier, as a relative reference.
    """


ProfiledAmount: TypeAlias = Literal["records-a-host", "records-a-pair", "records-a-service", "records-a-five-tuple", "fan-out", "fan-in", "ports-a-host", "records-a-session", "packets-a-session", "gaps-inside", "gaps-of-pairs", "inter-arrival"]
"""
A kind of amount.
"""


class Publisher(TypedDict):
    """
    Publisher.
    """

    name: str
    """
    The name.
    """
    url: NotRequired[str | None]
    """
    The home page.
    """


class Quantile(TypedDict):
    """
    One quantile.
    """

    at: float
    """
    The share of amounts that are at most as large, 0 to 1.
    """
    floor: NotRequired[float | None]
    """
    The ratio for held-out records.
    """
    ratio: float
    """
    The synthetic quantile divided by the raw one; 1 where both are 0, otherwise a raw 0 counts as one
    step of the column. Good is near 1.
    """
    real: float
    """
    The quantile of the fitted records, in the unit of the file; times between records in seconds.
    """
    synthetic: float
    """
    The quantile of the synthetic records.
    """


RecordKind: TypeAlias = Literal["flow", "packet"]
"""
What one record of a trace is.
"""


ReleaseAccess: TypeAlias = Literal["tenant", "public"]
"""
Who may fetch a published release.
"""


ReleaseState: TypeAlias = Literal["draft", "published", "withdrawn"]
"""
State of a release.
"""


class ReleaseView(TypedDict):
    """
    A release.
    """

    access: NotRequired[ReleaseAccess | None]
    bytes: int
    """
    Size of the trace.
    """
    condition: NotRequired[Conditioned | None]
    content: str
    """
    Address of the trace.
    """
    created_at: str
    dataset: NotRequired[str | None]
    """
    Name of the dataset that it was made from. Shown to stewards.
    """
    id: str
    """
    Id.
    """
    model_id: str
    """
    Model that it was generated from.
    """
    opened_before: NotRequired[list[str] | None]
    """
    For a published release: private data of its population that were looked at before publication, out of `parse report`, `quote`, `draft trace` and
    `private report` (releases of version 0.1 list `trace` and `sibling …` of their dataset). The guarantee does not cover choices made after looking.
    """
    page: NotRequired[str | None]
    """
    Address of its public page, once it is published and described.
    """
    private_report_opened_at: NotRequired[str | None]
    """
    Whether a steward opened the private report (before publication: a choice outside the promise). Shown to stewards.
    """
    published_at: NotRequired[str]
    report: str
    """
    Address of the release report.
    """
    rows: int
    """
    Records.
    """
    rows_by_hand: bool
    """
    Whether their number was set by hand rather than by the noisy counts.
    """
    seed: str
    """
    The seed: a whole number below 2⁶⁴, as text, because many programs round numbers that large.
    """
    sha256: str
    """
    SHA-256 of the trace.
    """
    state: ReleaseState
    """
    State.
    """
    title: NotRequired[str | None]
    """
    Title and version given at publication.
    """
    withdrawn_at: NotRequired[str]
    withdrawn_reason: NotRequired[str | None]
    """
    Reason of the withdrawal.
    """


class RepositoryView(TypedDict):
    """
    A repository.
    """

    kind: str
    """
    Software: `invenio-rdm` or `dataverse`.
    """
    name: str
    """
    Name.
    """
    url: str
    """
    Address.
    """


class Resources(TypedDict):
    """
    Rough time and memory of fitting and generating as many records.
    """

    fits: bool
    """
    Whether a running server has enough memory; otherwise the fit is refused.
    """
    memory_bytes: int
    """
    Memory at the peak.
    """
    private: bool
    """
    It depends on the number of raw records: for the steward alone.
    """
    seconds: int
    """
    Time from the first record read to the last one written, on two cores, without waiting for a worker.
    """
    server_bytes: NotRequired[int | None]
    """
    Memory that the largest server may use for jobs; absent while none runs.
    """


class RhoCap(TypedDict):
    """
    A cap in ρ.
    """

    rho: float
    """
    ρ, 0 to 1,000.
    """


Role: TypeAlias = Literal["source-address", "destination-address", "source-port", "destination-port", "protocol", "start", "end", "duration", "packets", "bytes", "reverse-packets", "reverse-bytes", "length", "ip-version", "header-words", "tos", "identification", "ip-flags", "fragment-offset", "ttl", "tcp-flags", "key", "label", "none"]
"""
The role of a column: what its values mean.
"""


RoleList: TypeAlias = list[Role]
"""
One role, or a meaning and `key`.
"""


Roles: TypeAlias = Role | RoleList
"""
One role, or two where the key is a column with a meaning of its own.
"""


class Rows(TypedDict):
    """
    Numbers of records.
    """

    fitted: int
    """
    Number of fitted raw records.
    """
    held_out: int
    """
    Number of held-out raw records; 0 where none were given.
    """
    synthetic: int
    """
    Number of synthetic records.
    """


Separator: TypeAlias = Literal["comma", "semicolon", "tab", "bar", "space"]
"""
The separator between two cells.
"""


class SessionFlags(TypedDict):
    """
    The TCP flags of TCP sessions; distances are total variation, 0 (equal) to 1 (disjoint).
    """

    begins: ComparedShare
    """
    Share of the sessions that begin with SYN without ACK, written as letters, words, or a number. Flags
    that cannot be parsed count as no SYN.
    """
    bigrams: float
    """
    Distance of the flags of two consecutive records of a session, including its start before the first
    and its end after the last.
    """
    bigrams_floor: NotRequired[float | None]
    """
    The same between equally many raw records.
    """
    first: float
    """
    Distance of the flags of the first record of each session.
    """
    first_floor: NotRequired[float | None]
    """
    The same between equally many raw records.
    """


class ShortAccount(TypedDict):
    """
    An account with less left than another that pays for the same fits.
    """

    account: Payer
    """
    Owner.
    """
    id: str
    """
    Its id.
    """
    left: AmountView
    """
    Amount left in it.
    """
    name: str
    """
    Its name.
    """


class SizeQuantiles(TypedDict):
    """
    Quantiles of a column.
    """

    column: str
    """
    The column.
    """
    quantiles: list[Quantile]
    """
    Some quantiles, in the unit of the file.
    """


class SizesView(TypedDict):
    """
    Bytes by kind.
    """

    bundles: int
    """
    Measurement bundles of fits.
    """
    cache: int
    """
    Synthetic traces in other formats: caches that are made again on demand.
    """
    releases: int
    """
    Synthetic traces.
    """
    reports: int
    """
    Release reports and private reports, in the database.
    """
    traces: int
    """
    Raw traces.
    """


Skipped: TypeAlias = str
"""
The reason why a measure was not taken: a sentence for the reader of the report.
"""


Start: TypeAlias = Literal["gummi", "tree", "independent"]
"""
Initial records.
"""


class StepView(TypedDict):
    """
    A request that would be sent.
    """

    file: NotRequired[str | None]
    """
    File in the body.
    """
    json: NotRequired[dict[str, Any]]
    """
    JSON in the body.
    """
    method: str
    """
    Method.
    """
    path: str
    """
    Path below the repository's address; `ID` stands for an id that the repository will assign.
    """


Structure: TypeAlias = Literal["auto", "none"]
"""
Whether records are generated in relation to each other.
"""


SummedVolume: TypeAlias = Literal["bytes", "records"]
"""
The kind of volume.
"""


TenantRole: TypeAlias = Literal["steward", "reader"]
"""
Role of a tenant's key.
"""


class TenantSizes(TypedDict):
    """
    Storage of a tenant.
    """

    id: str
    """
    Id.
    """
    name: str
    """
    Name.
    """
    sizes: SizesView
    """
    Bytes by kind.
    """


class TenantView(TypedDict):
    """
    A tenant.
    """

    created_at: str
    """
    Time of creation.
    """
    id: str
    """
    Id.
    """
    name: str
    """
    Name.
    """


TextEncoding: TypeAlias = Literal["utf-8", "windows-1252"]
"""
Character encoding.
"""


class TimeNotation(TypedDict):
    """
    Time format, for reading and writing.
    """

    format: str
    """
    The format in strptime notation: `%d/%m/%Y %H:%M`, `%Y-%m-%d %H:%M:%S%.f`, `%m/%d/%Y %I:%M:%S %p`.
    """
    zone: NotRequired[str | None]
    """
    The time zone of times without one, as +01:00 or Europe/Berlin. When absent: UTC. A local time that
    occurs twice because clocks are set back means the first occurrence.
    """


TimeUnit: TypeAlias = Literal["s", "ms", "us", "ns"]
"""
The unit of a time since 1970.
"""


class TopTen(TypedDict):
    """
    The records with one of the ten most frequent raw values of a column: often a few sizes dominate, and a
    method that draws within bins spreads them.
    """

    floor: NotRequired[float | None]
    """
    Share of the held-out records.
    """
    ratio: float
    """
    The synthetic share, divided by the raw one; 1 where both are 0. Good is near 1.
    """
    real: float
    """
    Share of the fitted records, 0 to 1.
    """
    synthetic: float
    """
    Share of the synthetic records.
    """


Tunnels: TypeAlias = Literal["outer", "inner"]
"""
Which IP headers of tunnelled packets are read.
"""


class Undeclared(TypedDict):
    """
    Part of a trace outside its declaration.
    """

    accept_outside: bool
    """
    Whether a fit needs `accept_outside`, because more than half of a column is.
    """
    private: bool
    """
    It depends on the raw records: for the steward alone.
    """
    warnings: list[str]
    """
    Columns with more than a hundredth outside, in words.
    """


Unit: TypeAlias = Literal["record"]
"""
The privacy unit.
"""


Update: TypeAlias = Literal["alternate", "replace", "duplicate", "half"]
"""
How cells with too few records are filled: by duplicating whole records of the cell, or by replacing the
codes of other records by those of the cell. Empty cells can only be filled by replacing.
"""


WebhookEvent: TypeAlias = Literal["release.published", "release.withdrawn", "job.succeeded", "job.failed", "job.cancelled", "webhook.test"]
"""
Kind of event.
"""


WebhookPause: TypeAlias = Literal["steward", "receiver"]
"""
Reason of a pause.
"""


class WebhookView(TypedDict):
    """
    A webhook, without its secret.
    """

    created_at: str
    """
    Time of creation.
    """
    events: list[WebhookEvent]
    """
    Kinds of events that are sent.
    """
    id: str
    """
    Id.
    """
    paused: NotRequired[WebhookPause | None]
    url: str
    """
    Address of the receiver.
    """


class Withdraw(TypedDict):
    """
    Reason of a withdrawal.
    """

    reason: str
    """
    The reason, in one line that is public.
    """


class About(TypedDict):
    """
    Description of a dataset's releases in catalogues.
    """

    contact: NotRequired[Contact | None]
    description: NotRequired[str | None]
    """
    Description, in sentences.
    """
    keywords: NotRequired[list[str]]
    """
    Keywords.
    """
    licence: NotRequired[str | None]
    """
    Terms of use: an identifier of the SPDX list, as `CC-BY-4.0`, or the address of the terms.
    """
    publisher: NotRequired[Publisher | None]
    series: NotRequired[str | None]
    """
    The series that its releases belong to.
    """
    spatial: NotRequired[Place | None]
    temporal: NotRequired[Coverage | None]
    title: NotRequired[str | None]
    """
    Title.
    """


class AccountView(TypedDict):
    """
    An account.
    """

    cap: AmountView
    """
    Cap.
    """
    left: AmountView
    """
    Amount left.
    """
    reserved: AmountView
    """
    Amount reserved by waiting and running fits.
    """
    spent: AmountView
    """
    Amount spent.
    """


class AnomalyRatios(TypedDict):
    """
    Anomalous flows in one mode.
    """

    mode: FlowMode
    """
    How flows are described.
    """
    real: float
    """
    Share of the tested raw flows that are anomalous, 0 to 1. The detector aims at 0.1.
    """
    relative_error: float
    """
    |synthetic − real| / real; a raw share below that of one flow counts as that of one flow.
    """
    synthetic: float
    """
    Share of the synthetic flows that are anomalous, 0 to 1.
    """


class Answered(TypedDict):
    """
    Share of the records whose reverse occurs; a record from an end to itself is not an answer.
    """

    five_tuple: NotRequired[ComparedShare | None]
    pair: ComparedShare
    """
    Records between two different hosts that also occur in reverse.
    """


class AtEpsilon(TypedDict):
    """
    Cost and expected fidelity at another ε, all else equal.
    """

    accuracy_loss: NotRequired[ForetoldRange | None]
    epsilon: float
    """
    ε.
    """
    rho: float
    """
    ρ that a fit would reserve.
    """
    two_way: ForetoldRange
    """
    Two-way distance.
    """


class BothScores(TypedDict):
    """
    A score after training on raw records, and after training on synthetic ones.
    """

    real: ClassificationScore
    """
    Trained on raw records: the reference.
    """
    synthetic: ClassificationScore
    """
    Trained on synthetic records.
    """


Cap: TypeAlias = RhoCap | GuaranteeCap
"""
A cap: in ρ, or as (ε, δ), which is converted on the curve that jobs are, so that it pays for one job of its own size.
"""


class Capture(TypedDict):
    """
    How records are derived from a packet capture.
    """

    active: NotRequired[str | None]
    """
    Active timeout: a flow ends when it is older than this. When absent: 300s.
    """
    directions: NotRequired[int | None]
    """
    Whether a flow holds the packets of one direction (1) or of both (2). When absent: 1.
    """
    idle: NotRequired[str | None]
    """
    Idle timeout: a flow ends when it has no packet for longer than this. When absent: 60s.
    """
    ports: NotRequired[list[Port]]
    """
    UDP ports that receive flow exports. When absent: 2055, 4739, 6343, 9995 and 9996.
    """
    records: NotRequired[CaptureRecords | None]
    tunnels: NotRequired[Tunnels | None]


class ClassifierScores(BothScores):
    """
    One classifier, trained twice.
    """

    classifier: Classifier
    """
    The classifier.
    """


class CountOf(TypedDict):
    """
    A number of distinct things.
    """

    of: CountedThing
    """
    What is counted.
    """
    ratio: float
    """
    The synthetic number, divided by the raw one. Good is near 1.
    """
    real: int
    """
    In the fitted records.
    """
    synthetic: int
    """
    In the synthetic records.
    """


class Course(TypedDict):
    """
    The volume in each step of the window. Records outside the window are ignored; flows count where they
    begin.
    """

    of: SummedVolume
    """
    The kind of volume.
    """
    peak: float
    """
    The largest step per record, synthetic divided by raw. Good is near 1. 1 where both are 0.
    """
    peak_floor: NotRequired[float | None]
    """
    The same for held-out records.
    """
    r: NotRequired[float | None]
    """
    Pearson correlation of raw and synthetic steps, −1 to 1. Missing where all steps of one side are
    equal. Good is near the floor.
    """
    r_floor: NotRequired[float | None]
    """
    The correlation of fitted and held-out records.
    """
    real: NotRequired[list[float]]
    """
    Raw sums of the steps, divided by the number of records; only for twentieths.
    """
    seconds: float
    """
    Length of a step.
    """
    synthetic: NotRequired[list[float]]
    """
    The same for the synthetic trace.
    """


class DepositPlan(TypedDict):
    """
    Result of a dry run.
    """

    dry_run: bool
    """
    Always true: nothing was sent.
    """
    steps: list[StepView]
    """
    The requests, in order.
    """


class Ended(TypedDict):
    """
    A column of end times, where another column holds durations.
    """

    column: str
    """
    Name of the column.
    """
    unit: NotRequired[TimeUnit]
    """
    Unit of the durations. When absent: seconds.
    """


class Field1(TypedDict):
    """
    An IPv4 address. Bins are the leaves of a paid prefix tree with these bits per level (at most 32
    together), or declared networks.
    """

    ip: FieldIp


class Field2(TypedDict):
    """
    An address of IPv4, IPv6 or hardware, or a token of two numbers. Bins are the leaves of one paid
    prefix tree over all of them.
    """

    address: FieldAddress


Field3 = TypedDict(
    "Field3",
    {
        "port-tree": FieldPortTree
    },
)


class Field5(TypedDict):
    """
    A time within the capture window, which is divided into this many equal bins.
    """

    timestamp: FieldTimestamp


class Field6(TypedDict):
    """
    A whole number from `min` to `max`. One bin for each value below `exact_below`, bins of `width` above.
    """

    integer: FieldInteger


Field7 = TypedDict(
    "Field7",
    {
        "integer-exponential": FieldIntegerExponential
    },
)


Field8 = TypedDict(
    "Field8",
    {
        "float-exponential": FieldFloatExponential
    },
)


Field9 = TypedDict(
    "Field9",
    {
        "flow-gap": FieldFlowGap
    },
)


Field: TypeAlias = Field1 | Field2 | Literal["port"] | Field3 | Literal["protocol"] | Field4 | Field5 | Field6 | Field7 | Field8 | Field9 | Literal["ip-checksum"]
"""
The type of a column: its value space and how that is partitioned, by fixed bins (NetDPSyn, section 4.1)
or by a paid tree.
"""


class Finding(TypedDict):
    """
    One sentence of the verdict.
    """

    grade: Grade
    """
    The grade of the finding.
    """
    text: str
    """
    The finding.
    """


class FitOptions(TypedDict):
    """
    Options of a fit. Cells, cliques and gaps apply to method `netdpsyn` alone: `adaptive` chooses its
    measurements by its budget, and measures no gaps between records of a flow. Structure applies to method
    `adaptive` alone.
    """

    clique_cells: NotRequired[int]
    """
    Pairs that form a clique of three or more attributes with fewer joint cells than this are measured as
    one marginal in their place; 0: never.
    """
    gaps: NotRequired[bool]
    """
    Also measure `tsdiff`, the gap to the previous record of the same five-tuple, as the paper does, so
    that records of a flow keep their spacing. It multiplies the noise of every marginal that contains it
    by √5.
    """
    max_cells: NotRequired[int]
    """
    The largest number of cells of a measured pair, so that every domain can be enumerated: 1 to 2²⁶.
    """
    structure: NotRequired[Structure]
    """
    For method `adaptive`: whether records are generated in relation to each other.
    """


class Foretold(TypedDict):
    """
    The expected fidelity of a synthetic trace.
    """

    accuracy_loss: NotRequired[ForetoldRange | None]
    beyond_measured: bool
    """
    Whether the number of records over noise is outside the measured range. Then this is the value at the
    nearest end: too good below the range, too bad above it.
    """
    two_way: ForetoldRange
    """
    Two-way distance, as in the private report with 20 classes: the mean over all pairs of columns, 0 to
    1.
    """


class ForetoldFidelity(Foretold):
    """
    How close a synthetic trace will come: a middle value and a range, over traces that were measured.
    """

    private: bool
    """
    Whether it depends on the number of raw records: then it is for the steward alone.
    """


class GenerateOptions(TypedDict):
    """
    Options of the generation from a model of method `netdpsyn` or `independent`. The defaults measured best.
    A model of method `adaptive` ignores them: its records come from a weighted pool.
    """

    decay: NotRequired[Decay]
    """
    How the step size shrinks from round to round.
    """
    rounds: NotRequired[int]
    """
    Largest number of rounds of GUM; 0 keeps the initial records.
    """
    start: NotRequired[Start]
    """
    Initial records.
    """
    update: NotRequired[Update]
    """
    How cells with too few records are filled.
    """


class GenerateRequest(TypedDict):
    """
    Request of a generation.
    """

    condition: NotRequired[Condition | None]
    evaluate: NotRequired[bool]
    """
    Also compare the trace with the raw one.
    """
    kind: Literal["generate"]
    model_id: str
    """
    The model.
    """
    options: NotRequired[GenerateOptions]
    """
    Options of generation, which cost no privacy.
    """
    rows: NotRequired[int | None]
    """
    Number of records, rounded to two digits; by default the noisy number.
    """
    seed: NotRequired[int | None]
    """
    The same seed gives the same trace.
    """


class JobView(TypedDict):
    """
    A job.
    """

    attempt: int
    """
    Times it was started.
    """
    charged: NotRequired[bool | None]
    """
    At its end: whether it was charged.
    """
    created_at: str
    """
    Time of acceptance.
    """
    dataset_id: str
    """
    The dataset.
    """
    finished_at: NotRequired[str | None]
    """
    Time of its end.
    """
    id: str
    """
    Id.
    """
    kind: JobKind
    """
    Kind of the job.
    """
    model_id: NotRequired[str | None]
    """
    The model that a fit made, or a generation uses.
    """
    percent: int
    """
    Percent done, by steps of the plan and never by records.
    """
    problem: NotRequired[Problem | None]
    release_id: NotRequired[str | None]
    """
    The release that a generation made, or that an evaluation compares.
    """
    rho: float
    """
    ρ that it reserved.
    """
    stage: JobStage
    """
    Current stage; empty before it begins.
    """
    state: JobState
    """
    State; a terminal state never changes.
    """
    waits_for: NotRequired[str | None]
    """
    While it waits: the reason, if no running server can do it.
    """


class KeyView(TypedDict):
    """
    A key without its secret.
    """

    created_at: str
    """
    Time of issue.
    """
    id: str
    """
    Id.
    """
    name: str
    """
    Name, which states its purpose.
    """
    prefix: str
    """
    Public part.
    """
    revoked_at: NotRequired[str | None]
    """
    Time of revocation.
    """
    role: TenantRole
    """
    Role.
    """


class LookFit(TypedDict):
    """
    A noisy look, and the same look at the synthetic records.
    """

    noisy: list[int]
    """
    The noisy rank histogram: members of every group are numbered 1, 2, 3 …, and the numbers counted in
    bins {1} {2} {3, 4} {5 … 8} … The first is the number of groups.
    """
    of: LookSubject
    """
    What is counted.
    """
    sigma: float
    """
    Standard deviation of the noise in each noisy number below.
    """
    synthetic: list[int]
    """
    The rank histogram of the synthetic records. Empty where they have too many pairs to count.
    """


class NewCap(TypedDict):
    """
    A change of a cap.
    """

    cap: Cap
    """
    The new cap; not below what is spent and reserved.
    """


class NewKey(TypedDict):
    """
    A key to be issued.
    """

    name: Name
    """
    Name, which states its purpose.
    """
    role: TenantRole
    """
    `steward` or `reader`.
    """


class NewPopulation(TypedDict):
    """
    A population to be made.
    """

    cap: Cap
    """
    Cap for these people, whatever the dataset.
    """
    name: Name
    """
    A name, unique in the tenant.
    """
    strict: NotRequired[bool]
    """
    Whether private reports are shown only after publication, and seeds are drawn by the server.
    """
    tenant_id: str
    """
    Owning tenant.
    """


class NewPublication(TypedDict):
    """
    Options of a publication, all optional.
    """

    access: NotRequired[ReleaseAccess | None]
    series: NotRequired[str | None]
    """
    The series that it belongs to; overrides that of its dataset.
    """
    version: NotRequired[str | None]
    """
    Version within the series, as `day 3`; by default its number in the series.
    """


class NewTenant(TypedDict):
    """
    A tenant to be made.
    """

    cap: Cap
    """
    Cap of all its populations together; its default population has the same cap.
    """
    name: Name
    """
    A name, unique.
    """


class NewWebhook(TypedDict):
    """
    A webhook to be made.
    """

    events: NotRequired[list[WebhookEvent] | None]
    """
    Kinds of events to send; all when absent.
    """
    url: str
    """
    Address of the receiver. It takes `POST` and answers 2xx.
    """


class NotationEpoch(TypedDict):
    """
    A number since 1970.
    """

    decimal: NotRequired[bool]
    """
    Whether it is written with a decimal point.
    """
    unit: TimeUnit
    """
    The unit.
    """


class OutcomeAnomaly1(TypedDict):
    """
    Shares of anomalous flows, raw and synthetic.
    """

    flows_real: int
    """
    Flows of two packets or more in the raw trace.
    """
    flows_synthetic: int
    """
    Flows of two packets or more in the synthetic trace. Far fewer than in the raw trace mean that packets
    are not kept together, whatever the shares below are.
    """
    modes: list[AnomalyRatios]
    """
    The six ways of describing a flow.
    """
    rank_correlation: float
    """
    Spearman's rank correlation between the raw and the synthetic ratios of the six modes, −1 to 1. At 1,
    the modes that find most anomalies in the raw trace also find most in the synthetic one. 0 where all
    ratios of a side are equal. The detector aims at 0.1 in every mode, so the raw ratios are close
    together and their order is partly chance: interpret it together with the ratios.
    """
    relative_error: float
    """
    Mean of the relative errors: 0 is best; below 0.2 a detector behaves alike on both traces.
    """
    tested_real: int
    """
    Raw flows on which it was tested: the other half.
    """
    tested_synthetic: int
    """
    Synthetic flows on which it was tested, at most 10,000.
    """
    trained: int
    """
    Raw flows on which the detector was trained: half of them, at most 5,000.
    """


class OutcomeAnomaly2(TypedDict):
    """
    The measure was not taken.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeAnomaly: TypeAlias = OutcomeAnomaly1 | OutcomeAnomaly2
"""
The result of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeAttacks2(TypedDict):
    """
    The measure was not taken.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


class OutcomeClassification1(TypedDict):
    """
    Prediction of the key attribute after training on synthetic records, compared with training on raw ones.
    """

    classes: int
    """
    Number of distinct values of the key attribute in the used rows: raw, synthetic or held out.
    """
    classifiers: list[ClassifierScores]
    """
    The results of every classifier.
    """
    features: list[str]
    """
    The columns from which it is predicted.
    """
    key: str
    """
    The column that is predicted: the schema's key attribute.
    """
    mean: BothScores
    """
    Means over the classifiers.
    """
    recalls: NotRequired[list[ClassRecall]]
    """
    Every class among the held-out rows, beginning with the rarest of the fitted ones. Reports before
    version 3 have none.
    """
    tested: int
    """
    Number of held-out raw rows for testing: all, or a seeded sample of 50,000.
    """
    trained_real: int
    """
    Number of raw training rows: all, or a seeded sample of 50,000.
    """
    trained_synthetic: int
    """
    Number of synthetic training rows: all, or a seeded sample of 50,000.
    """


class OutcomeClassification2(TypedDict):
    """
    The measure was not taken.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeClassification: TypeAlias = OutcomeClassification1 | OutcomeClassification2
"""
The result of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeCopies2(TypedDict):
    """
    The measure was not taken.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeCopies: TypeAlias = OutcomeCopies1 | OutcomeCopies2
"""
The result of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeIdentifiers2(TypedDict):
    """
    The measure was not taken.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeIdentifiers: TypeAlias = OutcomeIdentifiers1 | OutcomeIdentifiers2
"""
The result of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeInference2(TypedDict):
    """
    The measure was not taken.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeInference: TypeAlias = OutcomeInference1 | OutcomeInference2
"""
The result of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeMembership2(TypedDict):
    """
    The measure was not taken.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeMembership: TypeAlias = OutcomeMembership1 | OutcomeMembership2
"""
The result of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomePopulation2(TypedDict):
    """
    The measure was not taken.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


class OutcomeSessions2(TypedDict):
    """
    The measure was not taken.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


class OutcomeThreeWay2(TypedDict):
    """
    The measure was not taken.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeThreeWay: TypeAlias = OutcomeThreeWay1 | OutcomeThreeWay2
"""
The result of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeTwoWay2(TypedDict):
    """
    The measure was not taken.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeTwoWay: TypeAlias = OutcomeTwoWay1 | OutcomeTwoWay2
"""
The result of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeValidity1(TypedDict):
    """
    Shares of impossible records and values.
    """

    facts: list[Broken]
    """
    Every protocol fact that the schema declares and has the columns for, and those that need no
    declaration: the IP version of a packet, ports of protocols that have none.
    """
    outside: list[Outside]
    """
    Every column with a declared domain or window.
    """


class OutcomeValidity2(TypedDict):
    """
    The measure was not taken.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeValidity: TypeAlias = OutcomeValidity1 | OutcomeValidity2
"""
The result of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeVecHeavyHitters1(TypedDict):
    """
    The measure was not taken.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeVecHeavyHitters: TypeAlias = list[OutcomeVecHeavyHitter] | OutcomeVecHeavyHitters1
"""
The result of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeVecOneWayItem(TypedDict):
    """
    The distance of one column's distribution from the raw one.
    """

    coarse: NotRequired[float | None]
    """
    For addresses and ports, the Jensen–Shannon distance over coarse values: /16 networks (of IPv6 /32, of
    hardware addresses the vendor); ports above 1023 in bands of 1,024. 0 to 1, 0 is equal.
    """
    coarse_floor: NotRequired[float | None]
    """
    The floor of the coarse distance.
    """
    column: str
    """
    The column.
    """
    distance: float
    """
    The distance between raw and synthetic values: 0 is equal. The Jensen–Shannon distance is at most 1;
    the Wasserstein distance is relative to the raw range, and above 1 only where synthetic values are far
    outside it.
    """
    floor: NotRequired[float | None]
    """
    The same between the fitted and the held-out records: the error of sampling alone. Good is a distance
    near it.
    """
    measure: Distance
    """
    The kind of distance.
    """
    spread: NotRequired[AmountSpread | None]
    top_ten: NotRequired[TopTen | None]


class OutcomeVecOneWay1(TypedDict):
    """
    The measure was not taken.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeVecOneWay: TypeAlias = list[OutcomeVecOneWayItem] | OutcomeVecOneWay1
"""
The result of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeVecTopList1(TypedDict):
    """
    The measure was not taken.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeVecTopList: TypeAlias = list[OutcomeVecTopListItem] | OutcomeVecTopList1
"""
The result of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeVecTotal1(TypedDict):
    """
    The measure was not taken.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeVecTotal: TypeAlias = list[OutcomeVecTotalItem] | OutcomeVecTotal1
"""
The result of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeVolumes1(TypedDict):
    """
    Volumes over time, and quantiles of sizes.
    """

    courses: list[Course]
    """
    By minute, where the window has at least three, and in twentieths of the window.
    """
    sizes: list[SizeQuantiles]
    """
    Every column of packets, bytes, lengths and durations.
    """


class OutcomeVolumes2(TypedDict):
    """
    The measure was not taken.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeVolumes: TypeAlias = OutcomeVolumes1 | OutcomeVolumes2
"""
The result of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class PageJobView(TypedDict):
    """
    A page of a list: pass `next` as `after` for the following one.
    """

    items: list[JobView]
    """
    The items, oldest first.
    """
    next: NotRequired[str | None]
    """
    Cursor of the next page; absent on the last page.
    """


class PageKeyView(TypedDict):
    """
    A page of a list: pass `next` as `after` for the following one.
    """

    items: list[KeyView]
    """
    The items, oldest first.
    """
    next: NotRequired[str | None]
    """
    Cursor of the next page; absent on the last page.
    """


class PageReleaseView(TypedDict):
    """
    A page of a list: pass `next` as `after` for the following one.
    """

    items: list[ReleaseView]
    """
    The items, oldest first.
    """
    next: NotRequired[str | None]
    """
    Cursor of the next page; absent on the last page.
    """


class PageRepositoryView(TypedDict):
    """
    A page of a list: pass `next` as `after` for the following one.
    """

    items: list[RepositoryView]
    """
    The items, oldest first.
    """
    next: NotRequired[str | None]
    """
    Cursor of the next page; absent on the last page.
    """


class PageTenantView(TypedDict):
    """
    A page of a list: pass `next` as `after` for the following one.
    """

    items: list[TenantView]
    """
    The items, oldest first.
    """
    next: NotRequired[str | None]
    """
    Cursor of the next page; absent on the last page.
    """


class PageWebhookView(TypedDict):
    """
    A page of a list: pass `next` as `after` for the following one.
    """

    items: list[WebhookView]
    """
    The items, oldest first.
    """
    next: NotRequired[str | None]
    """
    Cursor of the next page; absent on the last page.
    """


class PopulationBudget(AccountView):
    """
    The budget of a population.
    """

    id: str
    """
    Id.
    """
    looks: list[str]
    """
    Private data of this population that were looked at so far: `parse report`, `quote`, `draft trace`, `private report`. Releases published from now on say so.
    """
    name: str
    """
    Name.
    """


class PopulationView(TypedDict):
    """
    A population: the people behind a set of datasets.
    """

    created_at: str
    """
    Time of creation.
    """
    id: str
    """
    Id.
    """
    is_default: bool
    """
    Whether datasets that name no population belong to it.
    """
    max_records: int
    """
    Records of one unit that count.
    """
    name: str
    """
    Name.
    """
    strict: bool
    """
    Private reports only after publication.
    """
    tenant_id: str
    """
    Owning tenant.
    """
    unit: Unit
    """
    The privacy unit.
    """


class Profile(TypedDict):
    """
    The distribution of amounts over groups.
    """

    distance: float
    """
    Total variation distance between the shares of groups in doubling bins, 0 (equal) to 1 (disjoint).
    """
    floor: NotRequired[float | None]
    """
    The same between the held-out records and a random sample of as many fitted ones: fewer records make
    smaller groups, so that whole parts cannot be compared. Good is a distance near it.
    """
    of: ProfiledAmount
    """
    The kind of amount.
    """
    quantiles: list[Quantile]
    """
    Quantiles of the amounts.
    """
    real: list[float]
    """
    Share of the raw groups in each bin: 0, 1, 2 to 3, 4 to 7, 8 to 15 and so on, up to the last non-empty
    bin; times in nanoseconds.
    """
    synthetic: list[float]
    """
    Share of the synthetic groups in each bin.
    """


class QuoteRequest(TypedDict):
    """
    A fit whose cost is requested.
    """

    dataset_id: str
    """
    The dataset.
    """
    delta: NotRequired[float]
    """
    δ.
    """
    epsilon: float
    """
    ε: smaller protects more and keeps less.
    """
    hold_out: NotRequired[bool]
    """
    Hold out a fifth of the records, by keyed hash.
    """
    method: NotRequired[Method]
    """
    Method; `adaptive` by default.
    """
    options: NotRequired[FitOptions]
    """
    Options of method `netdpsyn`; `structure` is for method `adaptive`.
    """
    rows: NotRequired[int | None]
    """
    Number of records to assume. By default the parsed number; then the forecast is private.
    """


class QuoteView(TypedDict):
    """
    Cost of a fit.
    """

    curve: NotRequired[list[AtEpsilon]]
    """
    Forecasts at other values of ε, ascending, the requested one included; as private as `fidelity`, and absent with it.
    """
    disk: Disk
    """
    Room on the disk.
    """
    expected: NotRequired[Expectation | None]
    fidelity: NotRequired[ForetoldFidelity | None]
    fits: bool
    """
    Whether it would be accepted.
    """
    largest_epsilon: NotRequired[float | None]
    """
    The largest ε, at the same δ, that fits.
    """
    left_rho: float
    """
    ρ that is left, in the tenant's and the population's budget together.
    """
    outside: NotRequired[Undeclared | None]
    required_rho: float
    """
    ρ that the fit would reserve.
    """
    resources: NotRequired[Resources | None]
    structure: ForeseenStructure
    """
    Expected structure across records of a synthetic trace.
    """


class Reading(TypedDict):
    """
    Declarations about the text of a trace.
    """

    capture: NotRequired[Capture | None]
    columns: NotRequired[list[str]]
    """
    Names of the columns, in order, for a file without a header line.
    """
    comment: NotRequired[str | None]
    """
    Skips lines that begin with this.
    """
    encoding: NotRequired[TextEncoding]
    """
    Character encoding.
    """
    end: NotRequired[str | None]
    """
    Skips a line that begins with this, and everything after it.
    """
    ends: NotRequired[Ended | None]
    header: NotRequired[str | None]
    """
    The first word of the line that names the columns, as `#fields`. Lines before it are skipped.
    """
    line: NotRequired[str | None]
    """
    The pattern of a line without a single separator between cells: names in braces and the text between
    them, as `{ts:2} {src}:{sport} -> {dst}`. A cell has one word, or as many as the number after its
    name.
    """
    numbers: NotRequired[NumberNotation]
    """
    Number format.
    """
    objects: NotRequired[Objects | None]
    only: NotRequired[list[Only]]
    """
    Skips records with any other value in these columns.
    """
    quotes: NotRequired[bool | None]
    """
    Whether cells may be quoted. When absent: yes, unless spaces separate cells. A quoted cell ends on the
    line on which it begins.
    """
    separator: NotRequired[Separator | None]
    skip: NotRequired[int]
    """
    Number of lines to skip before the header, or before the first record where there is no header.
    """
    times: NotRequired[TimeNotation | None]


class SecretWebhook(WebhookView):
    """
    A webhook with its secret, which is shown only once.
    """

    both_until: NotRequired[str | None]
    """
    After a change of the secret: the time until which messages are also signed with the previous one.
    """
    secret: str
    """
    The secret with which the receiver verifies signatures.
    """


class StorageView(TypedDict):
    """
    Disk space, in steps of 1 MiB.
    """

    all: SizesView
    """
    All tenants together.
    """
    free_bytes: int
    """
    Free bytes on the disk of the data directory.
    """
    reserve_bytes: int
    """
    Reserve in bytes for writes that must succeed on a full disk (NETDPSYN_MIN_FREE_BYTES).
    """
    tenant_limit_bytes: int
    """
    Bytes that traces and releases of one tenant may take (NETDPSYN_MAX_TENANT_BYTES).
    """
    tenants: list[TenantSizes]
    """
    Each tenant, oldest first: at most 10,000.
    """
    unnamed_bytes: int
    """
    Files that the database does not name: unfinished work, and leftovers of a killed server. They are removed a day after they were last written.
    """


class TenantCapView(TenantView):
    """
    A tenant whose cap was set.
    """

    left: AmountView
    """
    Amount left.
    """
    short: list[ShortAccount]
    """
    Its populations whose own caps leave less: raise those caps as well if their fits need more.
    """


class WebhookChange(TypedDict):
    """
    A change of a webhook.
    """

    events: NotRequired[list[WebhookEvent] | None]
    """
    Kinds of events that are sent.
    """
    paused: NotRequired[bool | None]
    """
    Whether it is paused. Waiting messages are sent after the pause; events during the pause create no messages.
    """
    url: NotRequired[str | None]
    """
    Address of the receiver.
    """


class BudgetView(TypedDict):
    """
    The budget of a tenant.
    """

    populations: list[PopulationBudget]
    """
    The budget of each population.
    """
    tenant: AccountView
    """
    The tenant's total over all populations.
    """


class Compared(TypedDict):
    """
    A fit, or a quote for one.
    """

    delta: float
    """
    δ.
    """
    epsilon: float
    """
    ε.
    """
    fits: NotRequired[bool | None]
    """
    For a quote: whether the budget covers it.
    """
    foretold: NotRequired[ForetoldFidelity | None]
    hold_out: bool
    """
    Whether a fifth is held out.
    """
    measured: NotRequired[MeasuredFidelity | None]
    method: Method
    """
    Method.
    """
    model_id: NotRequired[str | None]
    """
    The model of a fit; absent for a quote.
    """
    not_measured: NotRequired[str | None]
    """
    Reason why a fit has no measured figures.
    """
    release_id: NotRequired[str | None]
    """
    The release that was compared with the raw trace.
    """
    rho: float
    """
    ρ that was charged, or would be reserved.
    """


class ComparisonView(TypedDict):
    """
    Fits and quotes of a dataset side by side.
    """

    choices: list[ComparisonChoice]
    """
    Fits of the dataset that may be compared: the first 200.
    """
    dataset_id: str
    """
    The dataset.
    """
    items: list[Compared]
    """
    Requested fits, then quotes, in the order of the query.
    """
    private: bool
    """
    Whether any figure depends on raw records without having been paid for: then all of it is for the steward alone.
    """


class Fidelity(TypedDict):
    """
    How well a synthetic trace matches the measurements.
    """

    estimated_records: float
    """
    N̂, the noisy estimate of the number of raw records.
    """
    looks: NotRequired[list[LookFit]]
    """
    Every look across records; empty where the fit took none.
    """
    marginals: list[MarginalFit]
    """
    Every measured marginal.
    """
    mean_distance: float
    """
    Mean distance over all marginals.
    """
    mean_noise: float
    """
    Mean distance that the noise alone explains.
    """
    private: bool
    """
    Always false: nothing here is private.
    """
    synthetic_rows: int
    """
    Number of synthetic records.
    """
    version: int
    """
    Version of the JSON form.
    """


class FitRequest(TypedDict):
    """
    Request of a fit.
    """

    accept_noise: NotRequired[bool]
    """
    Confirms a fit in which noise outweighs the data; a quote says what to expect. Not stored.
    """
    accept_outside: NotRequired[bool]
    """
    Confirms a fit of which more than half of a column lies outside its declaration. Not stored.
    """
    condition: NotRequired[Condition | None]
    dataset_id: str
    """
    The dataset.
    """
    delta: NotRequired[float]
    """
    δ.
    """
    epsilon: float
    """
    ε: smaller protects more and keeps less.
    """
    evaluate: NotRequired[bool]
    """
    Also compare the first trace with the raw one.
    """
    generate: NotRequired[GenerateOptions]
    """
    Options of its generation.
    """
    hold_out: NotRequired[bool]
    """
    Hold out a fifth of the records, by keyed hash.
    """
    kind: Literal["fit"]
    method: NotRequired[Method]
    """
    Method; `adaptive` by default.
    """
    options: NotRequired[FitOptions]
    """
    Options of method `netdpsyn`; `structure` is for method `adaptive`.
    """
    rows: NotRequired[int | None]
    """
    Number of records of the first trace, rounded to two digits; by default the noisy number.
    """
    seed: NotRequired[int | None]
    """
    Seed of the first trace; drawn by default.
    """


class IssuedKey(KeyView):
    """
    A new key: the secret is shown only once.
    """

    secret: str
    """
    The whole key, to be sent as `Authorization: Bearer …`.
    """


NewJob: TypeAlias = FitRequest | GenerateRequest | EvaluateRequest
"""
A job to be done.
"""


class Notation1(TypedDict):
    """
    A number since 1970.
    """

    epoch: NotationEpoch


Notation: TypeAlias = Literal["dotted"] | Literal["address-number"] | Literal["lower-name"] | Literal["upper-name"] | Literal["protocol-number"] | Notation1 | Literal["rfc3339"] | Literal["whole"] | Literal["decimal"] | Literal["end"]
"""
How the values of a column are written in a file. Public.

A reader accepts every spelling of a name or number. If the output followed the input, a single record
could change how a column is written. So the notation is canonical unless the schema declares it. Only the
notation of addresses (dotted or not) and the unit of times are detected from the file, because a file that
mixes two such notations is refused.
"""


class OutcomeAttacks1(TypedDict):
    """
    The attacks.
    """

    copies: OutcomeCopies
    """
    Copies in every compared column.
    """
    copies_but_for_time: OutcomeCopies
    """
    Copies in every compared column except the time, which hardly ever agrees to the nanosecond.
    """
    identifiers: NotRequired[OutcomeIdentifiers]
    """
    Identifier recovery: addresses that occur once in the raw trace.
    """
    inference: OutcomeInference
    """
    Attribute inference: the key attribute of a record, by its nearest synthetic records.
    """
    membership: OutcomeMembership
    """
    Membership inference: whether a record was fitted, by its nearest synthetic record.
    """


OutcomeAttacks: TypeAlias = OutcomeAttacks1 | OutcomeAttacks2
"""
The result of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomePopulation1(TypedDict):
    """
    The population of a trace.
    """

    answered: Answered
    """
    Share of the records between two different hosts or ports whose reverse occurs.
    """
    counts: list[CountOf]
    """
    Numbers of distinct hosts, pairs and so on.
    """
    mutual_pairs: ComparedShare
    """
    Share of the unordered pairs of two different hosts that are seen in both directions.
    """
    no_services: NotRequired[Skipped | None]
    profiles: list[Profile]
    """
    Distributions of records, peers and ports over them.
    """


OutcomePopulation: TypeAlias = OutcomePopulation1 | OutcomePopulation2
"""
The result of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeSessions1(TypedDict):
    """
    Sequences of records in sessions. Floors are between the held-out records and a random sample of as many
    fitted ones: both hold parts of sessions.
    """

    alternation: ComparedShare
    """
    Share of the records after the first of their session that have another direction than the previous
    one. Of equal times, one direction comes first.
    """
    flags: NotRequired[SessionFlags | None]
    number: CountOf
    """
    Number of five-tuples without regard to direction. ICMP type and code count as ports.
    """
    profiles: list[Profile]
    """
    Records and, for flows, packets per session; gaps inside sessions, and between the records of a pair
    of hosts; inter-arrival times of the trace, which have no floor, because they depend on how records
    were held out.
    """
    steady: ComparedShare
    """
    Share of the gaps between records of an ordered pair of hosts that are as long as the previous gap, to
    within an eighth: periodic traffic such as beacons and polls.
    """


OutcomeSessions: TypeAlias = OutcomeSessions1 | OutcomeSessions2
"""
The result of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class PagePopulationView(TypedDict):
    """
    A page of a list: pass `next` as `after` for the following one.
    """

    items: list[PopulationView]
    """
    The items, oldest first.
    """
    next: NotRequired[str | None]
    """
    Cursor of the next page; absent on the last page.
    """


class PopulationCapView(PopulationView):
    """
    A population whose cap was set.
    """

    left: AmountView
    """
    Amount left.
    """
    short: list[ShortAccount]
    """
    Its tenant, if the tenant's cap leaves less: raise that cap as well.
    """


class PrivateReport(TypedDict):
    """
    The private report: the distance of a synthetic trace from the raw one, and what it discloses. For the
    steward alone.
    """

    anomaly: OutcomeAnomaly
    """
    Flows of packets that a detector finds anomalous.
    """
    attacks: OutcomeAttacks
    """
    What is learnt about single records.
    """
    classification: OutcomeClassification
    """
    The key attribute, predicted by classifiers trained on synthetic records.
    """
    condition: NotRequired[Condition | None]
    one_way: OutcomeVecOneWay
    """
    Every measured column on its own.
    """
    population: NotRequired[OutcomePopulation]
    """
    Hosts, pairs and services.
    """
    private: bool
    """
    Always true: computed against raw data without payment, not for publication.
    """
    rows: Rows
    """
    Numbers of compared records.
    """
    seconds: dict[Literal["one-way", "two-way", "three-way", "totals", "volumes", "population", "sessions", "top", "classification", "sketches", "anomaly", "validity", "attacks"], float]
    """
    Seconds taken by each measure.
    """
    sessions: NotRequired[OutcomeSessions]
    """
    Sequences of records of one five-tuple.
    """
    sketches: OutcomeVecHeavyHitters
    """
    Heavy hitters of the address columns.
    """
    three_way: NotRequired[OutcomeThreeWay]
    """
    Triples of measured columns. Reports before version 3 have none.
    """
    top: NotRequired[OutcomeVecTopList]
    """
    The largest talkers, destinations and services.
    """
    totals: OutcomeVecTotal
    """
    The sum of every column of sizes or durations.
    """
    two_way: OutcomeTwoWay
    """
    Every pair of measured columns.
    """
    validity: OutcomeValidity
    """
    Impossible records and values.
    """
    verdict: list[Finding]
    """
    The conclusions, worst first.
    """
    version: int
    """
    Version of the JSON form.
    """
    volumes: NotRequired[OutcomeVolumes]
    """
    Volumes over time, and quantiles of sizes. Reports before version 4 have none, nor the next three.
    """


class StoredReport(Fidelity):
    """
    Stored report of a release, made from the model alone.
    """

    convergence: Convergence
    """
    Convergence of the generation.
    """
    ledger: NotRequired[ChargeView | None]
    statement: dict[str, Any]
    """
    The statement of privacy.
    """


class Column(TypedDict):
    """
    One column.
    """

    modelled: NotRequired[bool]
    """
    Whether the column is measured. Values of an unmeasured column are drawn uniformly; use it for columns
    without structure worth paying for.
    """
    name: str
    """
    Name in the header.
    """
    notation: NotRequired[Notation | None]
    optional: NotRequired[bool]
    """
    Whether a file may lack the column.
    """
    role: NotRequired[Roles]
    """
    Meaning of the values.
    """
    special: NotRequired[list[str]]
    """
    Cells that are not values of the type: an empty one, `-`, `NaN`, `EXT_SERVER`. Each is a separate
    value, written as declared here.
    """
    type: Field
    """
    Type of the values.
    """


class ReleaseReportView(StoredReport):
    """
    The release report.
    """

    choices: Choices
    """
    Choices that lie outside the promise.
    """
    condition: NotRequired[Conditioned | None]
    population: PopulationSpending
    """
    The account of the people behind it.
    """


class Schema(TypedDict):
    """
    The columns of a trace and what is publicly known of them.
    """

    columns: list[Column]
    """
    Columns, in the order of the file.
    """
    facts: NotRequired[list[Fact]]
    """
    Protocol facts that synthetic records must respect.
    """
    key: NotRequired[str | None]
    """
    The column with the role `key`: the notation of version 1, accepted in version 2.
    """
    kind: RecordKind
    """
    The kind of records: flows or packets.
    """
    mtu: NotRequired[int | None]
    """
    The largest packet of a flow in bytes, if it is known: bytes fit packets of this size. When absent:
    65,535.
    """
    name: str
    """
    The preset it is derived from, or a name chosen by the steward.
    """
    reading: NotRequired[Reading]
    """
    How the text of the trace is laid out, and how its cells are written.
    """
    version: NotRequired[int | None]
    """
    Version of the schema. When absent, the lowest one that expresses it: 5 with end times or records
    derived from a capture, 4 with special values or addresses of any family, 3 with declarations of how
    text is read, 2 with roles, otherwise 1, in which the names of the presets' columns imply their
    meaning.
    """
    window: NotRequired[str | None]
    """
    The declared capture window.
    """


class DatasetPatch(TypedDict):
    """
    A change of a declaration, possible until the first fit is accepted.
    """

    about: NotRequired[About | None]
    addresses: NotRequired[Families | None]
    categories: NotRequired[dict[str, list[str]]]
    """
    The values of categorical columns.
    """
    name: NotRequired[Name | None]
    networks: NotRequired[dict[str, list[str]]]
    """
    Networks of address columns, as 192.0.2.0/24, which replace the paid search for prefixes.
    """
    preset: NotRequired[Preset | None]
    reading: NotRequired[Reading | None]
    schema: NotRequired[Schema | None]
    special: NotRequired[dict[str, list[str]]]
    """
    Cells that are not values of their column's type, each a separate value: `{"srcport": ["", "-"]}`; `*` instead of a column means every column that can have them.
    """
    window: NotRequired[str | None]
    """
    The capture window, START/END.
    """


class DatasetView(TypedDict):
    """
    A dataset, as its steward sees it.
    """

    about: NotRequired[About | None]
    created_at: str
    """
    Time of creation.
    """
    frozen: bool
    """
    Whether a fit was accepted: from then on the declaration stands.
    """
    id: str
    """
    Id.
    """
    name: str
    """
    Name.
    """
    parse_report: NotRequired[dict[str, Any] | None]
    """
    Parse report, private to the steward.
    """
    population_id: str
    """
    Population: the people whose traffic the trace contains.
    """
    problem: NotRequired[Problem | None]
    schema: Schema
    """
    The declared schema: of version 2, with roles, or of version 1 where names mean what no role of their types can.
    """
    state: DatasetState
    """
    State.
    """
    undeclared: list[str]
    """
    What remains to be declared before a fit.
    """


class NewDataset(TypedDict):
    """
    A dataset to be made.
    """

    about: NotRequired[About | None]
    addresses: NotRequired[Families | None]
    categories: NotRequired[dict[str, list[str]]]
    """
    The values of categorical columns.
    """
    name: Name
    """
    A name.
    """
    networks: NotRequired[dict[str, list[str]]]
    """
    Networks of address columns, as 192.0.2.0/24, which replace the paid search for prefixes.
    """
    population_id: NotRequired[str | None]
    """
    The population whose traffic it contains; by default the tenant's default population.
    """
    preset: NotRequired[Preset | None]
    reading: NotRequired[Reading | None]
    schema: NotRequired[Schema | None]
    special: NotRequired[dict[str, list[str]]]
    """
    Cells that are not values of their column's type, each a separate value: `{"srcport": ["", "-"]}`; `*` instead of a column means every column that can have them.
    """
    window: NotRequired[str | None]
    """
    The capture window, START/END.
    """


class PageDatasetView(TypedDict):
    """
    A page of a list: pass `next` as `after` for the following one.
    """

    items: list[DatasetView]
    """
    The items, oldest first.
    """
    next: NotRequired[str | None]
    """
    Cursor of the next page; absent on the last page.
    """
