"""Makes src/netdpsyn/models.py from openapi/openapi.json; with --check, says whether it is current."""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "openapi/openapi.json"
MODELS = HERE / "src/netdpsyn/models.py"
HEADER = (
    '''"""The API's documents as types. Generated from openapi/openapi.json by `./run client generate`; not to be edited."""'''
)
# Answers are what the server sent, typed and not converted: a later server may add members and words, and no client breaks.
# So times and ids are the text that they are in JSON.
OPTIONS = [
    "--input-file-type=openapi",
    "--output-model-type=typing.TypedDict",
    "--no-use-closed-typed-dict",
    "--target-python-version=3.10",
    "--enum-field-as-literal=all",
    "--use-standard-collections",
    "--use-union-operator",
    "--use-schema-description",
    "--use-field-description",
    "--use-double-quotes",
    "--disable-timestamp",
    "--disable-warnings",
    "--formatters=builtin",
    f"--custom-file-header={HEADER}",
]
TEXT = ["uuid", "date-time", "date", "uri-reference", "binary"]


def generated() -> str:
    """The module as it should be."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "models.py"
        program = [sys.executable, "-W", "ignore", "-m", "datamodel_code_generator", *OPTIONS]
        types = ["--type-mappings", *(f"{format}=string" for format in TEXT)]
        subprocess.run([*program, f"--input={DOCUMENT}", f"--output={out}", *types], check=True)
        module = out.read_text(encoding="utf-8")
    # Validators that go by these types take TypedDict of typing from Python 3.12 on alone.
    for written, meant in [(", TypedDict\n", "\n"), ("import NotRequired\n", "import NotRequired, TypedDict\n")]:
        if module.count(written) != 1:
            sys.exit(f"the generator writes its imports otherwise: {written!r} stands {module.count(written)} times")
        module = module.replace(written, meant)
    return module


def main() -> None:
    """Writes the module, or compares it."""
    module = generated()
    if "--check" not in sys.argv[1:]:
        MODELS.write_text(module, encoding="utf-8")
    elif module != MODELS.read_text(encoding="utf-8"):
        sys.exit(f"{MODELS.name} is not what openapi/openapi.json says: ./run client generate")


if __name__ == "__main__":
    main()
