"""The page in a real browser: its script shows other states, and nothing hostile runs."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from topores.domain import Analysis
from topores.report import write_report
from topores.report.numbers import digits

from .reading import Page, cells, tables

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--enable-logging=stderr",
    "--virtual-time-budget=5000", "--dump-dom",
)  # fmt: skip

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")]


def opened(analysis: Analysis, folder: Path, place: str = "") -> str:
    """The page's elements after its script ran; fails on any message of the console."""
    page = write_report(analysis, folder / "page.html")
    command = [CHROMIUM or "", *FLAGS, f"--user-data-dir={folder / 'profile'}", page.resolve().as_uri() + place]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in done.stderr, done.stderr
    return done.stdout


def section(html: str, name: str) -> str:
    return html[html.index(f'<section id="{name}"') :].split("</section>")[0] + "</section>"


def test_another_state_is_shown_as_measured(full: Analysis, tmp_path: Path) -> None:
    html = opened(full, tmp_path, "#cycle=5&layer=2&cloud=t1")
    assert '<p class="place">Shown: <span data-shown="state">cycle 5</span>' in html
    table = {row[0]: row[1:] for row in cells(section(html, "change"))}
    assert table["Scale, against the first state (ratio)"][3] == digits(
        full.value("procrustes.scale", 5, 2, "t1", against=0)
    )
    rows = [row for row in cells(section(html, "shape"))[1:] if row[0] == "loops"]
    bars = full.diagrams[5, 2, "t1", 1]
    shown = sorted((float(birth), float(death)) for _, birth, death, _ in rows)
    np.testing.assert_allclose(shown, bars, atol=1e-3)


def test_the_script_draws_the_last_state_as_the_page_did(full: Analysis, page: str, tmp_path: Path) -> None:
    html = opened(full, tmp_path, "#cycle=2000&layer=6&cloud=union")
    assert cells(section(html, "change")) == cells(section(page, "change"))
    drawn, made = tables(section(html, "shape")), tables(section(page, "shape"))
    assert drawn[1] == made[1]
    assert [row[0] for row in drawn[0]] == [row[0] for row in made[0]]
    for mark in ("mark degree0", "mark degree1", 'class="bar"', 'class="pinned"'):
        assert section(html, "shape").count(mark) == section(page, "shape").count(mark)


def test_nothing_hostile_runs(hostile: Analysis, tmp_path: Path) -> None:
    html = opened(hostile, tmp_path, "#cycle=5")
    assert "<img" not in html
    assert html.count("<script") == 3
    assert "<title>ran</title>" not in html


def test_a_bare_array_works_without_a_choice(bare: Analysis, tmp_path: Path) -> None:
    html = opened(bare, tmp_path, "#cycle=0")
    assert cells(section(html, "shape"))[1] == ["clusters", "0", "never", "–"]
    assert Page(section(html, "shape")).all("form") == []
