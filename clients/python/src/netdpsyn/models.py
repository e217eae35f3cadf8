"""The API's documents as types. Generated from openapi/openapi.json by `./run client generate`; not to be edited."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from typing_extensions import NotRequired, TypedDict

Across: TypeAlias = Literal["sessions", "hosts", "single"]
"""
How records of a synthetic trace will hang together.
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
    Inference on records that were held out.
    """

    excess: float
    """
    `fitted` − `held_out`. Good is at most two standard errors.
    """
    held_out: float
    """
    Share of the attacked held-out records whose key is found.
    """
    standard_error: float
    """
    The standard error of the excess: both shares are of independent samples.
    """


class Beyond(TypedDict):
    """
    The comparison of the two parts, on as many fitted records as were held out: a larger part would be met more often.
    """

    excess: float
    """
    `fitted_sample` − `held_out`. Good is nothing beyond two standard errors above 0.
    """
    fitted_sample: float
    """
    Share of the synthetic records that equal some record of an equally large sample of the fitted part.
    """
    held_out: float
    """
    Share that equal some held-out record.
    """
    standard_error: float
    """
    The standard error of the excess, equal synthetic records counting as one draw.
    """


class Broken(TypedDict):
    """
    Records that break a protocol fact.
    """

    fact: str
    """
    The fact, as the schema names it; `header-checksum` where the trace has that column.
    """
    real: float
    """
    Share of the fitted records that break it, 0 to 1. Raw traces can have some.
    """
    synthetic: float
    """
    Share of the synthetic records. Good is 0, or what the fitted records have.
    """


Port: TypeAlias = int


CaptureRecords: TypeAlias = Literal["packets", "flows", "exports"]
"""
What a record of a capture is.
"""


class ChargeView(TypedDict):
    """
    What paid for a model and everything made from it: the entry of the ledger, by which an auditor finds it.
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
    Who is protected, and paid.
    """
    rho: float
    """
    ρ.
    """


class Choices(TypedDict):
    """
    Choices of the steward that may follow from raw records: the promise does not cover them.
    """

    about: str
    """
    What these two say, and what they cannot.
    """
    declared_after_upload: bool
    """
    Whether schema, window or categories were declared or changed after a trace of this population had been uploaded: from then on its parse
    report, or a private report, could be read.
    """
    opened_before_publication: NotRequired[list[str] | None]
    """
    What was looked at before publishing; see the release. Null until it is published.
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
    Mean F1 over the classes that occur among the tested rows or among the predictions; a class that is never hit
    counts 0. F1 of a class is 2·hits / (rows of the class + predictions of the class).
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
    How far they are apart, without sign. Good is near the floor.
    """
    floor: NotRequired[float | None]
    """
    The same between the held-out records and as many of the fitted ones, drawn at random.
    """
    real: float
    """
    In the fitted records, 0 to 1.
    """
    synthetic: float
    """
    In the synthetic records.
    """


Condition: TypeAlias = dict[str, str | dict[str, float]]
"""
Which categories records have: one categorical column that is measured, and a category of it or shares of some.
"""


class Conditioned(TypedDict):
    """
    Which categories the records of a release were to have.
    """

    about: str
    """
    What that means.
    """
    asked: Condition
    """
    What was asked for.
    """


class Convergence(TypedDict):
    """
    How generating went.
    """

    error: NotRequired[float]
    """
    Mean L1 distance, as a share of the records, of each shard to its part of the tables that GUM worked towards; 0 where it
    had none. Tables that records were drawn from at the end are met to within rounding.
    """
    moved: NotRequired[int]
    """
    Times that a record was moved.
    """
    rounds: NotRequired[int]
    """
    Rounds of GUM: the most that any shard took.
    """
    settled: NotRequired[bool]
    """
    Whether every shard ended because its error had settled, not at the limit of rounds.
    """


CountedThing: TypeAlias = Literal["sources", "destinations", "hosts", "hosts-on-both-sides", "pairs", "services", "five-tuples", "sessions"]
"""
What is counted.
"""


DatasetState: TypeAlias = Literal["empty", "receiving", "parsing", "ready", "rejected", "erased"]
"""
Where a dataset stands.
"""


Decay: TypeAlias = Literal["step", "exponential", "linear", "square-root"]
"""
How the step α shrinks from round t to round t + 1.
"""


DecimalMark: TypeAlias = Literal["point", "comma"]
"""
What stands before the fraction of a number.
"""


class Disk(TypedDict):
    """
    Room on the server's disk for the measurements of a fit and for a trace of as many records.
    """

    bytes: int
    """
    Bytes that they take at most.
    """
    fits: bool
    """
    Whether they would be written now.
    """
    private: bool
    """
    Whether it follows from the number of raw records: for the steward alone.
    """
    room_bytes: NotRequired[int | None]
    """
    Bytes that may still be written, in steps of 16 MiB; absent where the server keeps no reserve.
    """


Distance: TypeAlias = Literal["jensen-shannon", "wasserstein-log", "wasserstein-time"]
"""
A distance between distributions.
"""


EntryKind: TypeAlias = Literal["grant", "reserve", "commit", "release"]
"""
What an entry of the ledger tells.
"""


class EntryView(TypedDict):
    """
    An entry of the ledger.
    """

    actor: str
    """
    The public part of the key that asked, or `worker`.
    """
    created_at: str
    """
    When.
    """
    delta_prime: float
    """
    δ′.
    """
    id: str
    """
    Its id.
    """
    job_id: NotRequired[str | None]
    """
    The fit.
    """
    kind: EntryKind
    """
    What happened.
    """
    population_id: NotRequired[str | None]
    """
    The population; absent for a grant to the tenant.
    """
    rho: float
    """
    ρ.
    """


class EvaluateRequest(TypedDict):
    """
    What an evaluation is asked for.
    """

    kind: Literal["evaluate"]
    release_id: str
    """
    The release.
    """


class Expectation(TypedDict):
    """
    How far noise will put off what is measured: standard deviations over counts.
    """

    accept_noise: bool
    """
    Whether a fit needs `accept_noise`, because the first is above 0.05 or the second above 0.5.
    """
    cell_error: float
    """
    Of a cell of the column in the middle, if its records were spread evenly.
    """
    enough_epsilon: NotRequired[float | None]
    """
    ε that would do without, for as many records.
    """
    enough_rows: NotRequired[int | None]
    """
    Records that would do without, for the same ε.
    """
    private: bool
    """
    Whether it follows from the number of raw records: for the steward alone.
    """
    records_error: float
    """
    Of the number of records.
    """


Fact: TypeAlias = Literal["bytes-fit-packets", "one-packet-no-duration", "length-holds-headers"]
"""
A protocol fact: public knowledge that synthetic records respect at no cost.
"""


Families: TypeAlias = Literal["ipv4", "any"]
"""
Which families a trace's columns of addresses hold, where that is declared of all of them together.
"""


class Field4(TypedDict):
    """
    One of the declared values, a bin each. Whatever else a record holds counts as `other`.
    """

    categorical: list[str] | None
    """
    One of the declared values, a bin each. Whatever else a record holds counts as `other`.
    """


class FieldAddress(TypedDict):
    """
    An address of IPv4, of IPv6 or of hardware; bins are the leaves of one paid prefix tree over all of them.
    """


class FieldFloatExponential(TypedDict):
    """
    A decimal number from 0 to `max` in steps of `resolution`: 0 alone, the first step alone, then exponential bins.
    """

    base: NotRequired[float]
    """
    Ratio of bin edges.
    """
    max: float
    """
    Largest value, in the file's unit.
    """
    resolution: float
    """
    Smallest step told apart, in the file's unit.
    """


class FieldFlowGap(TypedDict):
    """
    The time since the previous record of the same five-tuple, derived: see [`super::gaps`]. First of its flow alone, then exponential
    bins of microseconds.
    """

    base: NotRequired[float]
    """
    Ratio of bin edges.
    """


class FieldInteger(TypedDict):
    """
    A whole number from `min` to `max`; a bin each below `exact_below`, bins of `width` above.
    """

    exact_below: NotRequired[int]
    """
    Values below this have a bin of their own.
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
    A whole number from 0 to `max`: 0 and 1 alone, then bins (base^(b−1), base^b].
    """

    base: NotRequired[float]
    """
    Ratio of bin edges.
    """
    max: int
    """
    Largest value.
    """


class FieldIp(TypedDict):
    """
    An IPv4 address; bins are the leaves of a paid prefix tree with these bits a level (at most 32 together), or declared networks.
    """

    levels: NotRequired[list[int]]
    """
    Bits a level, from the most significant.
    """
    networks: NotRequired[list[str] | None]
    """
    Networks that are publicly known, a bin each and one for all other addresses, in place of the tree.
    """


class FieldPortTree(TypedDict):
    """
    A port; bins are the leaves of a paid prefix tree with these bits a level (at most 16 together).
    """

    levels: NotRequired[list[int]]
    """
    Bits a level, from the most significant.
    """


class FieldTimestamp(TypedDict):
    """
    A time within the capture window, cut into this many equal bins.
    """

    grain: NotRequired[str | None]
    """
    What times are whole multiples of, as 1s or 10ms; synthetic ones are, too. When absent: nanoseconds.
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
    The same, and why there is no more of it.
    """

    across: Across
    """
    How records will hang together.
    """
    because: NotRequired[str | None]
    """
    Why every record stands for itself.
    """


class ForetoldRange(TypedDict):
    """
    Of the traces that were measured.
    """

    lower: float
    """
    The lowest.
    """
    middle: float
    """
    The middle one.
    """
    upper: float
    """
    The highest.
    """


Grade: TypeAlias = Literal["good", "fair", "poor"]
"""
How good a finding is. A figure is good up to a fixed bound or twice its floor, whichever is more, so that what lies near its floor is good whatever its
size; fair up to a second bound or three times its floor; else poor. Without held-out records there are no floors, and bounds alone count. A
sentence on several columns has the worst of their grades and names the column that it comes from.
"""


Grouping: TypeAlias = Literal["point", "comma", "space", "apostrophe"]
"""
What stands between thousands.
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


JobKind: TypeAlias = Literal["parse", "fit", "generate", "evaluate"]
"""
What a job does.
"""


JobStage: TypeAlias = Literal["", "read", "split", "gaps", "trees", "code", "one-ways", "selection", "pairs", "reconcile", "plan", "generate", "write", "compare"]
"""
The stage of a job's work; empty before it begins.
"""


JobState: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled"]
"""
Where a job stands.
"""


class JointDistance(TypedDict):
    """
    How far some columns together lie from the raw ones.
    """

    columns: list[str]
    """
    The columns.
    """
    distance: float
    """
    Total variation distance ½ Σ |p − q| between the shares p and q that raw and synthetic records have in their joint
    cells: 0 is equal, 1 is disjoint.
    """
    floor: NotRequired[float | None]
    """
    The same between the fitted and the held-out records.
    """


Kind: TypeAlias = Literal["flow", "packet"]
"""
What one record of a trace stands for.
"""


Listed: TypeAlias = Literal["sources", "destinations", "services"]
"""
What is listed.
"""


ListedBy: TypeAlias = Literal["records", "bytes"]
"""
What a list is by.
"""


LookSubject: TypeAlias = Literal["sources", "destinations", "both-sides", "pairs", "fan-out", "fan-in", "mutual-pairs"]
"""
What a look counts, each as a rank histogram ([`crate::ranks`]).
"""


class MarginalFit(TypedDict):
    """
    One measured marginal and the generated records.
    """

    cells: int
    """
    Cells.
    """
    columns: list[str]
    """
    Its columns.
    """
    distance: float
    """
    ½ Σ |noisy − synthetic| / N̂, the records scaled to N̂. Noise alone makes it about `noise`; far above that, the records miss
    what was measured.
    """
    noise: float
    """
    What the noise alone is expected to make: ½ Σ σ_cell·√(2/π) / N̂.
    """
    noise_deviation: NotRequired[float]
    """
    The standard deviation of that: ½ √(Σ σ_cell²·(1 − 2/π)) / N̂. A distance beyond `noise` + 2 `noise_deviation` is more than noise.
    """
    sigma: float
    """
    Standard deviation of a cell's noise; for the leaves of a tree a bound.
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
    From which dataset.
    """
    id: str
    """
    Its id.
    """
    job_id: NotRequired[str | None]
    """
    By which fit. Shown to stewards: with its end it would tell how long it took.
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
What a number below 0 is.
"""


class NumberNotation(TypedDict):
    """
    How numbers are written. Synthetic ones are written plainly.
    """

    clock: NotRequired[bool]
    """
    Whether a length of time may be written as hours, minutes and seconds: `00:01:02.5` for 62.5.
    """
    decimal: NotRequired[DecimalMark]
    """
    What stands before the fraction: a point or a comma.
    """
    grouping: NotRequired[Grouping | None]
    hexadecimal: NotRequired[bool]
    """
    Whether a number that begins with 0x is hexadecimal.
    """
    negative: NotRequired[NegativeNumbers]
    """
    What a number below 0 is.
    """
    scales: NotRequired[bool]
    """
    Whether a number may have a factor behind it: `1.2 M` for 1,200,000; k, M, G and T, with a space before it or none.
    """


Objects: TypeAlias = Literal["flat", "nested"]
"""
JSON objects, one a line.
"""


class Only(TypedDict):
    """
    A column of which some values are read.
    """

    column: str
    """
    Its name in the file; it need not be a column of the schema.
    """
    values: list[str]
    """
    What its cells hold in records that are read. Synthetic records have the first.
    """


class OtherCut(TypedDict):
    """
    Pairs at another number of classes.
    """

    classes: int
    """
    Classes that a column is cut into at most.
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
    The pair that is farthest from the raw one.
    """


class OutcomeCopies1(TypedDict):
    """
    Synthetic records that equal a fitted record in every one of some columns.
    """

    beyond: NotRequired[Beyond | None]
    fitted: float
    """
    Share of the synthetic records that equal some fitted record, 0 to 1. Common records are copied by any good synthesis.
    """


class OutcomeInference1(TypedDict):
    """
    Inference of the key attribute from all other compared columns, by a vote of the nearest synthetic records.
    """

    baseline: NotRequired[Baseline | None]
    column: str
    """
    The key attribute.
    """
    fitted: float
    """
    Share of the attacked fitted records whose key is found, 0 to 1.
    """
    majority: float
    """
    Share that guessing the most frequent fitted key always finds: what needs no attack.
    """


class OutcomeMembership1(TypedDict):
    """
    Membership inference by the distance to the nearest synthetic record.
    """

    auc: float
    """
    Probability that a fitted record lies nearer to the synthetic trace than a held-out one (area under the ROC curve, ties
    counting half): 0 to 1, 0.5 is nothing learnt.
    """
    members: int
    """
    Fitted records attacked.
    """
    others: int
    """
    Held-out records attacked.
    """
    searched: int
    """
    Synthetic records searched.
    """
    standard_error: float
    """
    Its standard error (DeLong). Good is an `auc` of at most 0.5 plus two of them.
    """


class OutcomeThreeWay1(TypedDict):
    """
    How far triples of columns lie from the raw ones.
    """

    floor: NotRequired[float | None]
    """
    The same between the fitted and the held-out records: what sampling alone costs. Good is a mean near it.
    """
    mean: float
    """
    Mean of the triples' total variation distances at 20 classes, 0 (equal) to 1 (disjoint).
    """
    triples: list[JointDistance]
    """
    Every triple that was compared, worst first: all of them, or a seeded sample of 30.
    """


class OutcomeTwoWay1(TypedDict):
    """
    How far the pairs of columns lie from the raw ones.
    """

    floor: NotRequired[float | None]
    """
    The same between the fitted and the held-out records: what sampling alone costs. Good is a mean near it.
    """
    mean: float
    """
    Mean of the pairs' total variation distances at 20 classes, 0 (equal) to 1 (disjoint).
    """
    other_cuts: NotRequired[list[OtherCut]]
    """
    The same at 13, 27 and 40 classes: a method that happens to cut where 20 classes are cut looks better there than it is.
    Reports before version 3 have none.
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
    Relative error of the number found, |synthetic − real| / real. From 0, which is best; where the real number is 0,
    0 if the synthetic one is, too, else 1.
    """
    count_floor: NotRequired[float | None]
    """
    The same between the fitted and the held-out records.
    """
    estimation_error: float
    """
    Relative error of the mean estimation error, by the same rule as `count_error`. A sketch that hardly errs on the raw
    records makes this large without harm: look at the two means.
    """
    estimation_floor: NotRequired[float | None]
    """
    The same between the fitted and the held-out records.
    """
    real_estimation: float
    """
    Mean over the true heavy hitters of the fitted records of |estimate − count| / count; 0 where there are none.
    """
    real_found: int
    """
    Heavy hitters that the sketch finds in the fitted records: values whose estimated count is at least 0.1 % of the rows.
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
    Heavy hitters that it finds in the synthetic records.
    """


class OutcomeVecTopListItem(TypedDict):
    """
    Two top lists.
    """

    by: ListedBy
    """
    What it is listed by.
    """
    floor: NotRequired[float | None]
    """
    The same of the held-out records: what sampling alone leaves.
    """
    of: Listed
    """
    What is listed.
    """
    overlap: float
    """
    Share of the 20 largest raw ones that are among as many largest synthetic ones, 0 to 1; of all, where there are fewer. Of equally large ones the smallest
    address is listed. Good is near the floor.
    """


class OutcomeVecTotalItem(TypedDict):
    """
    The total of one column.
    """

    clipped: NotRequired[float]
    """
    The total of the raw records, each clipped at their 100th largest value, divided by the raw total: what is left where nothing may hang on a few
    records. A private method that keeps the rest cannot be much closer to 1. Reports before version 3 have none.
    """
    column: str
    """
    The column.
    """
    floor: NotRequired[float | None]
    """
    The same of the held-out records: what sampling alone costs.
    """
    ratio: float
    """
    The synthetic total a record, divided by the raw total a record, so that other numbers of records do not count. Good is near 1. A raw total of 0 is
    taken for one step of the column, if the synthetic one is not 0 as well.
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
    `ratio` divided by `clipped`: the synthetic total beside the clipped one. Missing where the clipped one is 0.
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
    Share of the synthetic records. Good is 0, or what the fitted records have.
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
    Where the next page starts; absent on the last.
    """


Payer: TypeAlias = Literal["tenant", "population"]
"""
Whose an account is. Both pay for a fit.
"""


class PopulationSpending(TypedDict):
    """
    What all releases about the same people may spend, and have spent.
    """

    cap: AmountView
    """
    The cap in force, the smaller of the population's and its tenant's: it bounds all releases while it stays.
    """
    cap_raised: int
    """
    How often it was raised.
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
    The running sum, for information: it bounds nothing that comes later. Readers see what was spent before today (UTC) or is published.
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
    What is wrong here, and what to do.
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
An amount.
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
    The same of held-out records.
    """
    ratio: float
    """
    The synthetic one, divided by the raw one; 1 where both are 0, and a raw 0 counts as one step of the column otherwise. Good is near 1.
    """
    real: float
    """
    Of the fitted records, in the unit of the file; times between records in seconds.
    """
    synthetic: float
    """
    Of the synthetic records.
    """


ReleaseState: TypeAlias = Literal["draft", "published"]
"""
Who sees a release.
"""


class ReleaseView(TypedDict):
    """
    A release.
    """

    bytes: int
    """
    Size of the trace.
    """
    condition: NotRequired[Conditioned | None]
    content: str
    """
    Where the trace is.
    """
    created_at: str
    id: str
    """
    Its id.
    """
    model_id: str
    """
    From which model.
    """
    opened_before: NotRequired[list[str] | None]
    """
    Of a published release: what had been looked at of its population before it was published, out of `parse report`, `quote`, `draft trace` and
    `private report` (those published by version 0.1 tell `trace` and `sibling …` of their dataset). A choice made after looking lies outside the promise.
    """
    private_report_opened_at: NotRequired[str | None]
    """
    Whether a steward opened the private report (before publication: a choice outside the promise). Shown to stewards.
    """
    published_at: NotRequired[str]
    report: str
    """
    Where the release report is.
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
    Who sees it.
    """


class Resources(TypedDict):
    """
    What fitting and generating as many records take, roughly.
    """

    fits: bool
    """
    Whether a server that runs can hold it; a fit that none can hold is refused.
    """
    memory_bytes: int
    """
    Memory at the peak.
    """
    private: bool
    """
    It follows from the number of raw records: for the steward alone.
    """
    seconds: int
    """
    Time from the first record read to the last one written, on two cores, once a worker has it.
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
What the values of a column are.
"""


RoleList: TypeAlias = list[Role]
"""
One role, or a meaning and `key`.
"""


Roles: TypeAlias = Role | RoleList
"""
What the values of the column are: a role, or two where the key is a column with a meaning of its own.
"""


class Rows(TypedDict):
    """
    Numbers of records.
    """

    fitted: int
    """
    Raw records that were fitted.
    """
    held_out: int
    """
    Raw records that were held out; 0 where none were given.
    """
    synthetic: int
    """
    Synthetic records.
    """


Separator: TypeAlias = Literal["comma", "semicolon", "tab", "bar", "space"]
"""
What stands between two cells.
"""


class SessionFlags(TypedDict):
    """
    How the TCP flags of sessions of TCP are spread; distances are total variation, 0 (equal) to 1 (disjoint).
    """

    begins: ComparedShare
    """
    Share of the sessions that begin with SYN, without ACK: as letters, words, or a number. Flags that cannot be read are no SYN.
    """
    bigrams: float
    """
    Flags of two consecutive records of a session; the first one follows a start, and an end the last one.
    """
    bigrams_floor: NotRequired[float | None]
    """
    The same between equally many raw records.
    """
    first: float
    """
    Flags of the first record of each session.
    """
    first_floor: NotRequired[float | None]
    """
    The same between equally many raw records.
    """


class ShortAccount(TypedDict):
    """
    An account that leaves less than another that pays for the same fits.
    """

    account: Payer
    """
    Whose it is.
    """
    id: str
    """
    The id of that one.
    """
    left: AmountView
    """
    What it leaves.
    """
    name: str
    """
    The name of that one.
    """


class SizeQuantiles(TypedDict):
    """
    How large the values of a column are.
    """

    column: str
    """
    The column.
    """
    quantiles: list[Quantile]
    """
    Some quantiles, in the unit of the file.
    """


Skipped: TypeAlias = str
"""
The reason, in words, why a measure was not taken: a sentence for the person who reads the report.
"""


Start: TypeAlias = Literal["gummi", "tree", "independent"]
"""
What records start from.
"""


Structure: TypeAlias = Literal["auto", "none"]
"""
Whether records are made as parts of a trace.
"""


SummedVolume: TypeAlias = Literal["bytes", "records"]
"""
What is added up over time.
"""


TenantRole: TypeAlias = Literal["steward", "reader"]
"""
What a tenant's key allows.
"""


class TenantView(TypedDict):
    """
    A tenant.
    """

    created_at: str
    """
    When it was made.
    """
    id: str
    """
    Its id.
    """
    name: str
    """
    Its name.
    """


TextEncoding: TypeAlias = Literal["utf-8", "windows-1252"]
"""
How characters are written as bytes.
"""


class TimeNotation(TypedDict):
    """
    How times are written; synthetic ones are, too.
    """

    format: str
    """
    As strptime has it: `%d/%m/%Y %H:%M`, `%Y-%m-%d %H:%M:%S%.f`, `%m/%d/%Y %I:%M:%S %p`.
    """
    zone: NotRequired[str | None]
    """
    The zone of times that say none, as +01:00 or Europe/Berlin; by default UTC. Of a time that a change of clocks has twice the first is meant.
    """


TimeUnit: TypeAlias = Literal["s", "ms", "us", "ns"]
"""
The unit of a time since 1970.
"""


class TopTen(TypedDict):
    """
    The records that have one of the ten commonest raw values of a column: sizes are often the same few, and a method that draws within bins spreads them.
    """

    floor: NotRequired[float | None]
    """
    The same of the held-out records.
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
Which headers of a packet within a packet are read.
"""


class Undeclared(TypedDict):
    """
    What of a trace lies outside its declaration.
    """

    accept_outside: bool
    """
    Whether a fit needs `accept_outside`, because more than half of a column is.
    """
    private: bool
    """
    It is told from the raw records: for the steward alone.
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
How cells with too few records are filled: by copies of whole records that they hold, or by giving other records the
cell's codes. Cells that hold none can only be filled in the second way.
"""


class AccountView(TypedDict):
    """
    An account.
    """

    cap: AmountView
    """
    What may be spent in all.
    """
    left: AmountView
    """
    What is left.
    """
    reserved: AmountView
    """
    What waiting and running fits hold.
    """
    spent: AmountView
    """
    What is spent for ever.
    """


class AnomalyRatios(TypedDict):
    """
    Anomalous flows by one way of describing them.
    """

    mode: FlowMode
    """
    How flows are described.
    """
    real: float
    """
    Share of the raw flows tried that are anomalous, 0 to 1. The detector aims at 0.1.
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
    Share of the records whose reverse occurs; a record from an end to itself is no answer.
    """

    five_tuple: NotRequired[ComparedShare | None]
    pair: ComparedShare
    """
    Records from a host to another one that occur the other way round, too.
    """


class BothScores(TypedDict):
    """
    A figure after training on raw records, and the same after training on synthetic ones.
    """

    real: ClassificationScore
    """
    Trained on raw records: the level to be reached.
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
    What records are made of a packet capture.
    """

    active: NotRequired[str | None]
    """
    A flow ends when it is older than this. When absent: 300s.
    """
    directions: NotRequired[int | None]
    """
    Whether packets of one direction (1) or of both (2) are one flow. When absent: 1.
    """
    idle: NotRequired[str | None]
    """
    A flow ends when it had no packet for longer than this. When absent: 60s.
    """
    ports: NotRequired[list[Port]]
    """
    Ports of UDP that flow exports are sent to. When absent: 2055, 4739, 6343, 9995 and 9996.
    """
    records: NotRequired[CaptureRecords | None]
    tunnels: NotRequired[Tunnels | None]


class ClassifierScores(BothScores):
    """
    One classifier, trained twice.
    """

    classifier: Classifier
    """
    Which.
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
    How much there is in each step of the window. What lies outside the window is left out; flows count where they begin.
    """

    of: SummedVolume
    """
    What is added up.
    """
    peak: float
    """
    The largest step a record, synthetic divided by raw. Good is near 1. 1 where both are 0.
    """
    peak_floor: NotRequired[float | None]
    """
    The same of held-out records.
    """
    r: NotRequired[float | None]
    """
    Pearson correlation of raw and synthetic steps, −1 to 1. Missing where one side is the same in all steps. Good is near the floor.
    """
    r_floor: NotRequired[float | None]
    """
    The same of fitted and held-out records.
    """
    real: NotRequired[list[float]]
    """
    Raw sums of the steps, divided by the number of records; of twentieths alone.
    """
    seconds: float
    """
    Length of a step.
    """
    synthetic: NotRequired[list[float]]
    """
    The same of the synthetic trace.
    """


class Ended(TypedDict):
    """
    A column of times at which records end, where another holds durations.
    """

    column: str
    """
    Its name.
    """
    unit: NotRequired[TimeUnit]
    """
    What durations count. When absent: seconds.
    """


class Field1(TypedDict):
    """
    An IPv4 address; bins are the leaves of a paid prefix tree with these bits a level (at most 32 together), or declared networks.
    """

    ip: FieldIp


class Field2(TypedDict):
    """
    An address of IPv4, of IPv6 or of hardware; bins are the leaves of one paid prefix tree over all of them.
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
    A time within the capture window, cut into this many equal bins.
    """

    timestamp: FieldTimestamp


class Field6(TypedDict):
    """
    A whole number from `min` to `max`; a bin each below `exact_below`, bins of `width` above.
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
The type of a column: its value space and how it is cut, by fixed bins (NetDPSyn, section 4.1) or by a paid tree.
"""


class Finding(TypedDict):
    """
    One sentence of the verdict.
    """

    grade: Grade
    """
    How good it is.
    """
    text: str
    """
    What was found.
    """


class FitOptions(TypedDict):
    """
    What may be set. Cells, cliques and gaps are choices of method `netdpsyn`, and the others leave them aside: `adaptive` decides by its budget what is measured, and
    measures no gaps between records of a flow. Structure is a choice of method `adaptive`.
    """

    clique_cells: NotRequired[int]
    """
    Pairs that form a clique of three or more attributes with fewer joint cells than this are measured as one marginal in their place; 0: never.
    """
    gaps: NotRequired[bool]
    """
    Also measure `tsdiff`, the gap to the previous record of the same five-tuple, as the paper does, so that records of a flow keep their spacing. It
    takes √5 times the noise in every marginal that holds it.
    """
    max_cells: NotRequired[int]
    """
    A pair of more cells is not measured, so that every domain can be enumerated: 1 to 2²⁶.
    """
    structure: NotRequired[Structure]
    """
    Of method `adaptive`: whether records across the trace fit together, or each stands for itself.
    """


class Foretold(TypedDict):
    """
    What is foretold of a synthetic trace.
    """

    accuracy_loss: NotRequired[ForetoldRange | None]
    beyond_measured: bool
    """
    Whether there are fewer or more records over noise than were ever measured. Then the nearest that was measured stands here: too good for
    fewer, too bad for more.
    """
    two_way: ForetoldRange
    """
    Two-way distance, as the private report has it at 20 classes: the mean over all pairs of columns, 0 to 1.
    """


class ForetoldFidelity(Foretold):
    """
    How close a synthetic trace will come: a middle value and a range, over traces that were measured.
    """

    private: bool
    """
    Whether it follows from the number of raw records: for the steward alone.
    """


class GenerateOptions(TypedDict):
    """
    Choices of generating from a model of method `netdpsyn` or `independent`. The default is what measured best; [`Options::of_the_paper`] is NetDPSyn's. A model of method
    `adaptive` leaves them aside: its records come from a weighted pool.
    """

    decay: NotRequired[Decay]
    """
    How the step shrinks from round to round.
    """
    rounds: NotRequired[int]
    """
    Rounds of GUM at most; 0 leaves the records as they start.
    """
    start: NotRequired[Start]
    """
    What records start from.
    """
    update: NotRequired[Update]
    """
    How cells with too few records are filled.
    """


class GenerateRequest(TypedDict):
    """
    What a generation is asked for.
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
    How records are made: choices that cost no privacy.
    """
    rows: NotRequired[int | None]
    """
    Records, rounded to two digits; by default as many as the noisy counts say.
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
    When it was accepted.
    """
    dataset_id: str
    """
    The dataset.
    """
    finished_at: NotRequired[str | None]
    """
    When it ended.
    """
    id: str
    """
    Its id.
    """
    kind: JobKind
    """
    What it does.
    """
    model_id: NotRequired[str | None]
    """
    The model that a fit made, or a generation uses.
    """
    percent: int
    """
    How far: steps of the plan, never records.
    """
    problem: NotRequired[Problem | None]
    release_id: NotRequired[str | None]
    """
    The release that a generation made, or an evaluation looks at.
    """
    rho: float
    """
    ρ that it reserved.
    """
    stage: JobStage
    """
    Where its work is; empty before it begins.
    """
    state: JobState
    """
    Where it stands. An end never changes.
    """
    waits_for: NotRequired[str | None]
    """
    While it waits: what for, if no server that runs can do it.
    """


class KeyView(TypedDict):
    """
    A key without its secret.
    """

    created_at: str
    """
    When it was issued.
    """
    id: str
    """
    Its id.
    """
    name: str
    """
    What it is for.
    """
    prefix: str
    """
    Its public part.
    """
    revoked_at: NotRequired[str | None]
    """
    When it was revoked.
    """
    role: TenantRole
    """
    What it allows.
    """


class LookFit(TypedDict):
    """
    One look, and the same of the synthetic records.
    """

    noisy: list[int]
    """
    The noisy rank histogram: members of every group are numbered 1, 2, 3 …, and the numbers counted in bins {1} {2} {3, 4} {5 … 8} … The first is how many groups
    there are.
    """
    of: LookSubject
    """
    What is counted.
    """
    sigma: float
    """
    Standard deviation of the noise in each number below.
    """
    synthetic: list[int]
    """
    The same of the synthetic records. Empty where they have too many pairs to count.
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
    What it is for.
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
    What may be spent on these people, whatever the dataset.
    """
    name: Name
    """
    A name, unique in the tenant.
    """
    strict: NotRequired[bool]
    """
    Private reports only after publication, and seeds drawn in the server.
    """
    tenant_id: str
    """
    Whose.
    """


class NewTenant(TypedDict):
    """
    A tenant to be made.
    """

    cap: Cap
    """
    What all its populations together may spend; its default population has the same cap.
    """
    name: Name
    """
    A name, unique.
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
    Its unit.
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
    Flows of two packets or more in the synthetic trace. Far fewer than raw ones mean that packets are not kept together,
    whatever the shares below say of those that are.
    """
    modes: list[AnomalyRatios]
    """
    The six ways of describing a flow.
    """
    rank_correlation: float
    """
    Spearman's rank correlation between the raw and the synthetic ratios of the six modes, −1 to 1: at 1, the modes that
    find most anomalies in the raw trace find most in the synthetic one. 0 where all ratios of a side are equal and
    there is no order to be kept. The detector aims at 0.1 in every mode, so the raw ratios lie close together and their
    order is partly chance: read it beside the ratios.
    """
    relative_error: float
    """
    Mean of the relative errors: 0 is best, and below 0.2 a detector behaves alike on both traces.
    """
    tested_real: int
    """
    Raw flows it was tried on: the other half.
    """
    tested_synthetic: int
    """
    Synthetic flows it was tried on, at most 10,000.
    """
    trained: int
    """
    Raw flows that the detector was trained on: half of them, at most 5,000.
    """


class OutcomeAnomaly2(TypedDict):
    """
    None, and why.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeAnomaly: TypeAlias = OutcomeAnomaly1 | OutcomeAnomaly2
"""
What became of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeAttacks2(TypedDict):
    """
    None, and why.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


class OutcomeClassification1(TypedDict):
    """
    How well the key attribute is learnt from synthetic records, beside raw ones.
    """

    classes: int
    """
    Distinct values of the key attribute in the rows that were used, raw, synthetic or held out.
    """
    classifiers: list[ClassifierScores]
    """
    Every classifier.
    """
    features: list[str]
    """
    The columns it is predicted from.
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
    Every class among the held-out rows, the rarest of the fitted ones first. Reports before version 3 have none.
    """
    tested: int
    """
    Held-out raw rows that both were tried on: all, or a seeded sample of 50,000.
    """
    trained_real: int
    """
    Raw rows trained on: all, or a seeded sample of 50,000.
    """
    trained_synthetic: int
    """
    Synthetic rows trained on: all, or a seeded sample of 50,000.
    """


class OutcomeClassification2(TypedDict):
    """
    None, and why.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeClassification: TypeAlias = OutcomeClassification1 | OutcomeClassification2
"""
What became of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeCopies2(TypedDict):
    """
    None, and why.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeCopies: TypeAlias = OutcomeCopies1 | OutcomeCopies2
"""
What became of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeInference2(TypedDict):
    """
    None, and why.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeInference: TypeAlias = OutcomeInference1 | OutcomeInference2
"""
What became of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeMembership2(TypedDict):
    """
    None, and why.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeMembership: TypeAlias = OutcomeMembership1 | OutcomeMembership2
"""
What became of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomePopulation2(TypedDict):
    """
    None, and why.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


class OutcomeSessions2(TypedDict):
    """
    None, and why.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


class OutcomeThreeWay2(TypedDict):
    """
    None, and why.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeThreeWay: TypeAlias = OutcomeThreeWay1 | OutcomeThreeWay2
"""
What became of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeTwoWay2(TypedDict):
    """
    None, and why.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeTwoWay: TypeAlias = OutcomeTwoWay1 | OutcomeTwoWay2
"""
What became of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeValidity1(TypedDict):
    """
    How many records and values cannot be.
    """

    facts: list[Broken]
    """
    Every protocol fact that the schema declares and has the columns for, and those that need no declaration: the version of a packet, ports of
    protocols that have none.
    """
    outside: list[Outside]
    """
    Every column with a declared domain or window.
    """


class OutcomeValidity2(TypedDict):
    """
    None, and why.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeValidity: TypeAlias = OutcomeValidity1 | OutcomeValidity2
"""
What became of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeVecHeavyHitters1(TypedDict):
    """
    None, and why.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeVecHeavyHitters: TypeAlias = list[OutcomeVecHeavyHitter] | OutcomeVecHeavyHitters1
"""
What became of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeVecOneWayItem(TypedDict):
    """
    How far one column's distribution lies from the raw one.
    """

    coarse: NotRequired[float | None]
    """
    For addresses and ports, the Jensen–Shannon distance over coarse values: /16 networks (of IPv6 /32, of
    hardware its maker); ports above 1023 in bands
    of 1,024. 0 to 1, 0 is equal.
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
    The distance between raw and synthetic values: 0 is equal. The Jensen–Shannon distance is at most 1; the Wasserstein
    distance is in raw ranges, and above 1 only where synthetic values lie far outside them.
    """
    floor: NotRequired[float | None]
    """
    The same between the fitted and the held-out records: what sampling alone costs. Good is a distance near it.
    """
    measure: Distance
    """
    How it is measured.
    """
    top_ten: NotRequired[TopTen | None]


class OutcomeVecOneWay1(TypedDict):
    """
    None, and why.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeVecOneWay: TypeAlias = list[OutcomeVecOneWayItem] | OutcomeVecOneWay1
"""
What became of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeVecTopList1(TypedDict):
    """
    None, and why.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeVecTopList: TypeAlias = list[OutcomeVecTopListItem] | OutcomeVecTopList1
"""
What became of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeVecTotal1(TypedDict):
    """
    None, and why.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeVecTotal: TypeAlias = list[OutcomeVecTotalItem] | OutcomeVecTotal1
"""
What became of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeVolumes1(TypedDict):
    """
    How much there is when, and how large records are.
    """

    courses: list[Course]
    """
    By the minute, where the window has three, and in twentieths of the window.
    """
    sizes: list[SizeQuantiles]
    """
    Every column of packets, bytes, lengths and durations.
    """


class OutcomeVolumes2(TypedDict):
    """
    None, and why.
    """

    skipped: Skipped
    """
    The reason, in words.
    """


OutcomeVolumes: TypeAlias = OutcomeVolumes1 | OutcomeVolumes2
"""
What became of a measure: its figures, or `{"skipped": "the reason"}`.
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
    Where the next page starts; absent on the last.
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
    Where the next page starts; absent on the last.
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
    Where the next page starts; absent on the last.
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
    Where the next page starts; absent on the last.
    """


class PopulationBudget(AccountView):
    """
    The budget of a population.
    """

    id: str
    """
    Its id.
    """
    name: str
    """
    Its name.
    """


class PopulationView(TypedDict):
    """
    A population: the people behind a set of datasets.
    """

    created_at: str
    """
    When it was made.
    """
    id: str
    """
    Its id.
    """
    is_default: bool
    """
    Datasets that name no population belong here.
    """
    max_records: int
    """
    Records of one unit that count.
    """
    name: str
    """
    Its name.
    """
    strict: bool
    """
    Private reports only after publication.
    """
    tenant_id: str
    """
    Whose.
    """
    unit: Unit
    """
    The privacy unit.
    """


class Profile(TypedDict):
    """
    How amounts are spread over the groups that have them.
    """

    distance: float
    """
    Total variation distance between the shares that groups have in bins that double, 0 (equal) to 1 (disjoint).
    """
    floor: NotRequired[float | None]
    """
    The same between the held-out records and as many of the fitted ones, drawn at random: fewer records make smaller groups, so that whole parts cannot be
    compared. Good is a distance near it.
    """
    of: ProfiledAmount
    """
    What the amounts are.
    """
    quantiles: list[Quantile]
    """
    Amounts that a share of the groups does not exceed.
    """
    real: list[float]
    """
    Share of the raw groups in each bin: 0, 1, 2 to 3, 4 to 7, 8 to 15 and so on, up to the last bin that any has; times in
    nanoseconds.
    """
    synthetic: list[float]
    """
    The same of the synthetic ones.
    """


class QuoteRequest(TypedDict):
    """
    A fit whose cost is asked for.
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
    How the trace is summarised; `adaptive` by default.
    """
    options: NotRequired[FitOptions]
    """
    What may be set otherwise than method `netdpsyn` does; the other methods leave it aside.
    """
    rows: NotRequired[int | None]
    """
    Records of the trace to reckon with. By default those that parsing found, and then what to expect is private.
    """


class QuoteView(TypedDict):
    """
    What a fit would cost.
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
    How records of a synthetic trace will hang together.
    """


class Reading(TypedDict):
    """
    What is declared of a trace's text.
    """

    capture: NotRequired[Capture | None]
    columns: NotRequired[list[str]]
    """
    Names of the columns, in order, of a file without a header line.
    """
    comment: NotRequired[str | None]
    """
    Lines that begin so are left out.
    """
    encoding: NotRequired[TextEncoding]
    """
    How characters are written as bytes.
    """
    end: NotRequired[str | None]
    """
    A line that begins so, and everything after it, is left out.
    """
    ends: NotRequired[Ended | None]
    header: NotRequired[str | None]
    """
    How the line begins that names the columns, as `#fields`. Lines before it are left out.
    """
    line: NotRequired[str | None]
    """
    How a line is written that is not cells with one separator between them: names in braces, and what stands between them, as `{ts:2} {src}:{sport} -> {dst}`. A
    cell has one word, or as many as stand behind its name.
    """
    numbers: NotRequired[NumberNotation]
    """
    How numbers are written.
    """
    objects: NotRequired[Objects | None]
    only: NotRequired[list[Only]]
    """
    Records that have anything else in these columns are left out.
    """
    quotes: NotRequired[bool | None]
    """
    Whether a cell may stand in quotes; by default it may, unless spaces separate cells. A quote ends in the line that it begins in.
    """
    separator: NotRequired[Separator | None]
    skip: NotRequired[int]
    """
    Lines before the header, or before the first record where there is none.
    """
    times: NotRequired[TimeNotation | None]


class TenantCapView(TenantView):
    """
    A tenant whose cap was set.
    """

    left: AmountView
    """
    What it may still spend.
    """
    short: list[ShortAccount]
    """
    Its populations whose own caps leave less: raise them as well, where their fits shall have it.
    """


class BudgetView(TypedDict):
    """
    The budget of a tenant.
    """

    populations: list[PopulationBudget]
    """
    Each population.
    """
    tenant: AccountView
    """
    Over all populations.
    """


class Fidelity(TypedDict):
    """
    How well a synthetic trace shows what was measured.
    """

    estimated_records: float
    """
    N̂, the records of the raw trace as far as the noise tells.
    """
    looks: NotRequired[list[LookFit]]
    """
    Every look across records; none where the fit took none.
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
    Nothing here is private.
    """
    synthetic_rows: int
    """
    Synthetic records.
    """
    version: int
    """
    Of the JSON form.
    """


class FitRequest(TypedDict):
    """
    What a fit is asked for.
    """

    accept_noise: NotRequired[bool]
    """
    Measure although noise leaves little; a quote says what to expect. It is not kept.
    """
    accept_outside: NotRequired[bool]
    """
    Measure although more than half of a column lies outside what is declared. It is not kept.
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
    How its records are made.
    """
    hold_out: NotRequired[bool]
    """
    Hold out a fifth of the records, by keyed hash.
    """
    kind: Literal["fit"]
    method: NotRequired[Method]
    """
    How the trace is summarised; `adaptive` by default.
    """
    options: NotRequired[FitOptions]
    """
    What may be set otherwise than method `netdpsyn` does; the other methods leave it aside.
    """
    rows: NotRequired[int | None]
    """
    Records of the first trace, rounded to two digits; by default as many as the noisy counts say.
    """
    seed: NotRequired[int | None]
    """
    Seed of the first trace; drawn by default.
    """


class IssuedKey(KeyView):
    """
    A key just issued: the secret is shown this once.
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
How values are written in a file, and public from then on.

A reader takes every spelling of a name or number, so a single record could switch how a column is written: that is
[canonical](Notation::canonical) unless the schema declares it. Only whether addresses are dotted, and how times count, is told from the file,
because a file of two such notations is refused.
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
    Copies in every compared column but the time, which hardly ever agrees to the nanosecond.
    """
    inference: OutcomeInference
    """
    A record's key attribute, told by its nearest synthetic records.
    """
    membership: OutcomeMembership
    """
    Whether a record was fitted, told by its nearest synthetic record.
    """


OutcomeAttacks: TypeAlias = OutcomeAttacks1 | OutcomeAttacks2
"""
What became of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomePopulation1(TypedDict):
    """
    Who is in a trace.
    """

    answered: Answered
    """
    Share of the records between two different hosts or ports whose reverse occurs.
    """
    counts: list[CountOf]
    """
    Distinct hosts, pairs and so on.
    """
    mutual_pairs: ComparedShare
    """
    Share of the pairs of two different hosts, either way round, that are seen in both directions.
    """
    no_services: NotRequired[Skipped | None]
    profiles: list[Profile]
    """
    How records, peers and ports are spread over them.
    """


OutcomePopulation: TypeAlias = OutcomePopulation1 | OutcomePopulation2
"""
What became of a measure: its figures, or `{"skipped": "the reason"}`.
"""


class OutcomeSessions1(TypedDict):
    """
    What goes on in sessions. Floors are between the held-out records and as many of the fitted ones, drawn at random: parts of sessions, as both have.
    """

    alternation: ComparedShare
    """
    Share of the records after the first of their session that go the other way than the one before. Of equal times, one direction comes first.
    """
    flags: NotRequired[SessionFlags | None]
    number: CountOf
    """
    Five-tuples without regard to direction. ICMP has type and code in place of ports, and they count as such.
    """
    profiles: list[Profile]
    """
    Records and, of flows, packets a session; gaps inside sessions, and between the records of a pair of hosts; inter-arrival times of the trace, which have no floor: how records were held out shows in
    them.
    """
    steady: ComparedShare
    """
    Share of the gaps between records of an ordered pair of hosts that are as long as the gap before, to an eighth: what beats, as beacons and polls do.
    """


OutcomeSessions: TypeAlias = OutcomeSessions1 | OutcomeSessions2
"""
What became of a measure: its figures, or `{"skipped": "the reason"}`.
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
    Where the next page starts; absent on the last.
    """


class PopulationCapView(PopulationView):
    """
    A population whose cap was set.
    """

    left: AmountView
    """
    What it may still spend.
    """
    short: list[ShortAccount]
    """
    Its tenant, if that one's cap leaves less: raise it as well.
    """


class PrivateReport(TypedDict):
    """
    The private report: how far a synthetic trace lies from the raw one, and what it gives away. For the steward alone.
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
    The key attribute, predicted by classifiers that learnt from synthetic records.
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
    Records compared.
    """
    seconds: dict[Literal["one-way", "two-way", "three-way", "totals", "volumes", "population", "sessions", "top", "classification", "sketches", "anomaly", "validity", "attacks"], float]
    """
    Seconds that each measure took.
    """
    sessions: NotRequired[OutcomeSessions]
    """
    Records of one five-tuple after one another.
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
    What every column of sizes or durations adds up to.
    """
    two_way: OutcomeTwoWay
    """
    Every pair of measured columns.
    """
    validity: OutcomeValidity
    """
    Records and values that cannot be.
    """
    verdict: list[Finding]
    """
    What the figures say, most important first.
    """
    version: int
    """
    Of the JSON form.
    """
    volumes: NotRequired[OutcomeVolumes]
    """
    When bytes come, and how large records are. Reports before version 4 have none, nor the next three.
    """


class StoredReport(Fidelity):
    """
    What a generation keeps of a release: made from the model alone.
    """

    convergence: Convergence
    """
    How generating went.
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
    Whether it is measured. A column that is not carries no structure worth paying for and is drawn uniformly.
    """
    name: str
    """
    Its name in the header.
    """
    notation: NotRequired[Notation | None]
    optional: NotRequired[bool]
    """
    A file may lack it.
    """
    role: NotRequired[Roles]
    """
    What they mean.
    """
    special: NotRequired[list[str]]
    """
    Cells that are no value of the type: an empty one, `-`, `NaN`, `EXT_SERVER`. Each is a value of its own, and written as it stands here.
    """
    type: Field
    """
    What its values are.
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
    The column that has the role `key`: how version 1 says it, and version 2 may, too.
    """
    kind: Kind
    """
    Flows or packets.
    """
    mtu: NotRequired[int | None]
    """
    The largest packet of a flow in bytes, if it is known: bytes fit packets of this size. When absent: 65,535.
    """
    name: str
    """
    The preset it came from, or a name of the steward's.
    """
    reading: NotRequired[Reading]
    """
    How the text of the trace is laid out, and its cells are written.
    """
    version: NotRequired[int | None]
    """
    Of the schema. 5, the usual where it says when records end or what is made of a capture. 4, the usual where a column has special values or addresses of any family. 3, the usual where it says how text is read. 2, the usual where a column says its role: roles say what columns are. 1, the usual where none does: the names of the
    presets' columns do.
    """
    window: NotRequired[str | None]
    """
    The declared capture window.
    """


class DatasetPatch(TypedDict):
    """
    A change of a declaration, possible until the first fit is accepted.
    """

    addresses: NotRequired[Families | None]
    categories: NotRequired[dict[str, list[str]]]
    """
    The values of categorical columns.
    """
    name: NotRequired[Name | None]
    networks: NotRequired[dict[str, list[str]]]
    """
    Networks of address columns, as 192.0.2.0/24, in place of the paid search for prefixes.
    """
    preset: NotRequired[Preset | None]
    reading: NotRequired[Reading | None]
    schema: NotRequired[Schema | None]
    special: NotRequired[dict[str, list[str]]]
    """
    Cells of columns that are no value of their type, each a value of its own: `{"srcport": ["", "-"]}`; `*` in place of a column means every one that can have them.
    """
    window: NotRequired[str | None]
    """
    The capture window, START/END.
    """


class DatasetView(TypedDict):
    """
    A dataset, as its steward sees it.
    """

    created_at: str
    """
    When it was made.
    """
    frozen: bool
    """
    Whether a fit was accepted: from then on the declaration stands.
    """
    id: str
    """
    Its id.
    """
    name: str
    """
    Its name.
    """
    parse_report: NotRequired[dict[str, Any] | None]
    """
    What parsing found. Private to the steward.
    """
    population_id: str
    """
    The people behind it.
    """
    problem: NotRequired[Problem | None]
    schema: Schema
    """
    The declared schema: of version 2, with roles, or of version 1 where names mean what no role of their types can.
    """
    state: DatasetState
    """
    Where it stands.
    """
    undeclared: list[str]
    """
    What is still to be declared before a fit.
    """


class NewDataset(TypedDict):
    """
    A dataset to be made.
    """

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
    Networks of address columns, as 192.0.2.0/24, in place of the paid search for prefixes.
    """
    population_id: NotRequired[str | None]
    """
    The people behind it; the tenant's default population otherwise.
    """
    preset: NotRequired[Preset | None]
    reading: NotRequired[Reading | None]
    schema: NotRequired[Schema | None]
    special: NotRequired[dict[str, list[str]]]
    """
    Cells of columns that are no value of their type, each a value of its own: `{"srcport": ["", "-"]}`; `*` in place of a column means every one that can have them.
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
    Where the next page starts; absent on the last.
    """
