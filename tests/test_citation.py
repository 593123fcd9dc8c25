"""CITATION.cff says of topores what setup.cfg says, in the format that GitHub and Zenodo read."""

import configparser
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
REQUIRED = {"cff-version", "message", "title", "authors"}
"""https://github.com/citation-file-format/citation-file-format/blob/main/schema-guide.md"""


def test_the_citation_agrees_with_the_package() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    package = setup["metadata"]
    assert set(citation) >= REQUIRED
    assert citation["cff-version"] == "1.2.0"
    assert citation["title"] == package["name"]
    assert citation["version"] == package["version"]
    assert citation["license"] == package["license"]
    assert citation["abstract"] == package["description"]
    assert citation["keywords"] == package["keywords"].split(", ")
    assert citation["authors"] == [{"name": "The topores authors"}]
