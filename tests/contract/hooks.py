"""What schemathesis cannot know of the service: things that are there, how a capture window is written, and which refusals of a well-formed request
hang on more than the document can say. Each exception here names its reason; all else is a finding."""

import itertools
import json
import os
from collections import defaultdict
from pathlib import Path

import schemathesis
from hypothesis import strategies as st

THINGS = json.loads(Path(os.environ["NETDPSYN_CONTRACT_THINGS"]).read_text())["ids"]

# Refusals (422 of the kind /problems/invalid) that hang on more than JSON Schema can say, by operation and field.
COLUMNS = {"preset", "schema", "categories", "networks", "reading", "special", "window", "about"}
BEYOND_THE_DOCUMENT = {
    # A preset or a schema, one of both; parts of a reading exclude each other; an address has a host that is one; declared columns are columns of it and of the right type; names are unique; a window ends after it starts.
    "create_dataset": COLUMNS,
    "change_dataset": COLUMNS,
    # The key was used with another body. A seed may not be given where the population is strict. More rows than a hundred times those of the model, or
    # than the server's setting. The dataset's declaration has gaps. A condition names a column and categories of the
    # trace, and a share is more than 0.
    "submit_job": {"Idempotency-Key", "seed", "rows", "window", "categories", "schema", "condition"},
    # The digest is not the body's.
    "upload_trace": {"Content-Digest"},
    # An id that is none of the list's.
    "list_datasets": {"after"},
    "list_entries": {"after"},
    "list_populations": {"after"},
    "list_releases": {"after"},
    "catalogue": {"after"},
    # A layout is one of text: it goes with no other format.
    "download_trace": {"layout"},
    "public_content": {"layout"},
    # Up to five together.
    "compare_fits": {"model"},
    # What is published for everybody has a title, a description, a publisher and a licence.
    "publish_release": {"about"},
    # A repository that the settings name, a deposit that came to its end there, and a dataset that says what the repository requires.
    "create_deposit": {"repository", "new_version_of", "about"},
}

# The trace stays listed as erased, and what was made from it stays: erasing a dataset is not removing it.
STAYS_AFTER_DELETE = "DELETE /v1/datasets/{id}"

schemathesis.openapi.format(
    "capture-window",
    st.tuples(st.integers(0, 2_000_000_000), st.integers(1, 100_000_000)).map(lambda window: f"{window[0]}/{window[0] + window[1]}"),
)

turns = defaultdict(itertools.count)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Every other well-formed request is about things that are there. What a DELETE removes is what the run itself has made."""
    if case.meta is None or case.meta.generation.mode.is_negative or case.method.upper() == "DELETE":
        return
    turn = next(turns[case.operation.label])
    if turn % 2:
        return
    kind = case.operation.path.split("/")[2].rstrip("s") if case.operation.path.count("/") > 2 else None
    if kind in THINGS and "id" in (case.path_parameters or {}):
        case.path_parameters["id"] = THINGS[kind][turn // 2 % len(THINGS[kind])]
    if "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = f"{os.getpid()}-{turn}"
    if isinstance(case.body, dict):
        for kind, ids in THINGS.items():
            if f"{kind}_id" in case.body:
                case.body[f"{kind}_id"] = ids[turn // 2 % len(ids)]


def passed_over(why):
    """Keeps what is no finding, for the lane to tell."""
    with open("passed-over", "a") as kept:
        print(why, file=kept)
    return False


# Right answers to requests that the document allows: any text is a header's value.
ANSWERS = {406: "no format that it asks for", 410: "withdrawn", 416: "a range outside the content"}


@schemathesis.hook
def filter_failure(context, failure, case, response):
    if type(failure).__name__ == "RejectedPositiveData" and response.status_code == 422:
        problem = response.json()
        kind, field = problem["type"], problem.get("field", "").split(".")[0].split("[")[0]
        operation = case.operation.definition.raw["operationId"]
        # Any other kind hangs on what is stored: a trace that is refused, a fit that waits for a word, memory that is not there.
        if kind != "/problems/invalid" or field in BEYOND_THE_DOCUMENT.get(operation, ()):
            return passed_over(f"{operation}: {kind} {field}")
    if type(failure).__name__ == "RejectedPositiveData" and response.status_code in ANSWERS:
        return passed_over(f"{case.operation.definition.raw['operationId']}: {ANSWERS[response.status_code]}")
    if type(failure).__name__ == "UseAfterFree" and failure.free == STAYS_AFTER_DELETE:
        return passed_over(f"{failure.usage} after {failure.free}")
    return True
