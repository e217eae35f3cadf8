"""What programs of others say of a release's documents: SHACL shapes of DCAT-AP 3.0.1, CKAN's reader of DCAT, Croissant's and Frictionless's own. Nothing is fetched
but the files of a release, and those only where they lie on this machine."""

import json
import os
import socket
import warnings
from pathlib import Path

warnings.simplefilter("ignore")
os.environ["HF_HUB_OFFLINE"] = "1"

import frictionless
import mlcroissant
import pyshacl
import rdflib
from ckanext.dcat.processors import RDFParser
from ckanext.dcat.profiles import base

HERE = Path(__file__).parent
SHARED = Path(os.environ.get("NETDPSYN_SHARED", HERE.parents[2] / "shared")) / "data/standards/dcat-ap-3.0.1"
SHAPES = ("dcat-ap-SHACL.ttl", "ranges.ttl")
RECOMMENDED = "shapes_recommended.ttl"


SH = rdflib.Namespace("http://www.w3.org/ns/shacl#")


class Finding(Exception):
    """A reader found something; the text is the evidence."""


def no_instance(action):
    """What an instance of CKAN without extensions says of actions: there is none here."""
    raise KeyError(action)


base.get_action = no_instance


def offline():
    """From here on no name is resolved but this machine's own."""
    real = socket.getaddrinfo

    def own(host, *rest, **more):
        if host not in ("127.0.0.1", "localhost", None):
            raise OSError(f"{host} is asked for: nothing but this machine is")
        return real(host, *rest, **more)

    socket.getaddrinfo = own


def graph(text):
    return rdflib.Graph().parse(data=text, format="json-ld")


def shapes(*names):
    """The shapes, or nothing where they are not at hand."""
    if not SHARED.is_dir():
        return None
    of = rdflib.Graph()
    for name in names:
        of.parse(SHARED / name, format="turtle")
    # The published files name some shapes that none of them defines: those say nothing.
    for shape, named in list(of.subject_objects(SH.property)):
        if (named, SH.path, None) not in of:
            of.remove((shape, SH.property, named))
    return of


def dcat_ap(text):
    """The number of triples; a finding where a shape is violated. What the profile only recommends is told."""
    data = graph(text)
    must = shapes(*SHAPES)
    if must is None:
        return f"{len(data)} triples; no shapes here: set NETDPSYN_SHARED"
    fits, _, report = pyshacl.validate(data, shacl_graph=must, advanced=True)
    if not fits:
        raise Finding(report)
    _, found, _ = pyshacl.validate(data, shacl_graph=shapes(RECOMMENDED), advanced=True, allow_warnings=True)
    missing = sorted({str(path).rsplit("/")[-1].rsplit("#")[-1] for path in found.objects(None, SH.resultPath)})
    return f"{len(data)} triples" + (f"; recommended and not said of all: {', '.join(missing)}" if missing else "")


def ckan(text):
    """The datasets that CKAN would make of a page, and the next page."""
    parser = RDFParser()
    parser.parse(text, _format="json-ld")
    found = []
    for dataset in parser.datasets():
        if not dataset["title"] or not dataset["notes"]:
            raise Finding(f"a dataset without title or description: {dataset}")
        found.append(dataset)
    return found, parser.next_page()


def croissant(path):
    """The data set as mlcroissant reads it, and what it would have liked to be told; an error of its own is a finding."""
    dataset = mlcroissant.Dataset(jsonld=json.loads(Path(path).read_text()))
    issues = dataset.metadata.ctx.issues
    if issues.errors:
        raise Finding(issues.report())
    return dataset, sorted(str(warning) for warning in issues.warnings)


def datapackage(path, with_data):
    """A finding where the package, or with its data a cell of it, is not what it says."""
    document = json.loads(Path(path).read_text())
    # The library does not hold a package without tables for one; that there are none is said in the document.
    if not document["resources"]:
        if "withdrawn" not in document:
            raise Finding(f"{path} has no resources and is not withdrawn")
        return 0
    if not with_data:
        package = frictionless.Package.from_descriptor(document)
        return len(package.resources[0].schema.fields)
    report = frictionless.validate(document, type="package")
    if not report.valid:
        raise Finding(str(report.flatten(["type", "rowNumber", "fieldName", "message"])[:8]))
    return report.tasks[0].stats["rows"]
