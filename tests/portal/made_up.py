"""Checks the documents of made-up releases: `made_up.py FOLDER`, as the example of the catalogue's crate writes them."""

import sys
from pathlib import Path

import checks

checks.offline()
folder = Path(sys.argv[1])
# A check that lets everything pass proves nothing.
text = (folder / "catalogue.jsonld").read_text()
for wrong in (text.replace('"dct:title"', '"dct:tilte"'), text.replace('"foaf:Agent"', '"foaf:Person"')):
    try:
        checks.dcat_ap(wrong)
    except checks.Finding:
        continue
    assert checks.shapes(*checks.SHAPES) is None, "a fault was let pass"
print("DCAT-AP, a page of the catalogue:", checks.dcat_ap(text))
found, following = checks.ckan(text)
assert len(found) == 4 and following.endswith("after=c"), (found, following)
print("CKAN:", len(found), "datasets,", sum(len(d["resources"]) for d in found), "resources, next page", following)
for path in sorted(folder.glob("*.dcat.jsonld")):
    print(path.name, checks.dcat_ap(path.read_text()))
for path in sorted(folder.glob("*.croissant.json")):
    _, missing = checks.croissant(path)
    # The last one has nothing that its steward may leave out.
    assert len(missing) == (path.name == "c.croissant.json"), missing
    print(path.name, "is Croissant", *missing)
for path in sorted(folder.glob("*.datapackage.json")):
    print(path.name, "is a data package of", checks.datapackage(path, with_data=False), "columns")
