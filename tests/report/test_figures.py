"""Figures for papers: what they draw is what was measured, and their files are safe, whole and the same again."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.collections import LineCollection, PathCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.image import imread

from tests.report.made import CYCLES, LAYERS
from topores import variants
from topores.analysis.analyse import fingerprint
from topores.analysis.opening import open_source
from topores.cli import main
from topores.config import TopologyConfig
from topores.domain import Analysis, Measurement, NullMeasurement, State
from topores.errors import ToporesError, UsageError
from topores.report.figures import FIGURES, figures_in, folder_beside, need_matplotlib, write_figures
from topores.report.figures._files import draw_all_formats as svg_and_png
from topores.report.figures._files import our_style
from topores.report.figures._paper import BAND, INK
from topores.runs import held_out_mrr
from topores.topology import persistent_homology, universal_p_values

# The figures these tests say something of; the folder may hold more.
NAMES = ["barcode", "diagram", "heat_map", "loops_and_retrieval", "movement", "tracks"]
LAST = (CYCLES[-1], LAYERS[-1], "union")
SVG = "{http://www.w3.org/2000/svg}"


def draw_all_formats(name: str, analysis: Analysis) -> Figure:
    with our_style():
        figure = variants.load(FIGURES, name).draw(analysis)
    assert figure is not None
    return figure


def files(*names: str) -> list[str]:
    return [f"{name.replace('_', '-')}.{kind}" for name in names for kind in ("png", "svg")]


def known(paths: Iterable[Path]) -> list[str]:
    """Names of those files that the figures of NAMES are written to: another figure may stand beside them."""
    return [path.name for path in paths if path.name in files(*NAMES)]


def total(analysis: Analysis, cycle: int, layer: int = LAYERS[-1]) -> float | None:
    return analysis.value("total_persistence", cycle, layer, "union", degree=1)


@pytest.fixture(scope="module")
def written(full: Analysis, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_figures(full, tmp_path_factory.mktemp("reports") / "full-figures")


@pytest.fixture(scope="module")
def written_hostile(hostile: Analysis, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_figures(hostile, tmp_path_factory.mktemp("reports") / "hostile-figures")


@pytest.fixture(scope="module")
def ring(full: Analysis) -> Analysis:
    """The full analysis, with a ring in noise as its last state."""
    turn = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    noise = np.random.default_rng(0).normal(0, 0.1, (120, 4))
    points = noise + np.column_stack([np.cos(turn), np.sin(turn), np.zeros((120, 2))])
    loops = persistent_homology(points, metric="euclidean", max_degree=1)[1]
    return dataclasses.replace(full, diagrams=full.diagrams | {(*LAST, 1): loops})


def first_and_last(full: Analysis) -> Analysis:
    """Two states, one layer, nothing followed and no null."""
    return dataclasses.replace(
        full, states=(full.states[0], full.states[-1]), layers=LAYERS[-1:], tracks=(), nulls=(), metrics=()
    )


# The files.


def test_every_figure_is_written_in_both_formats_and_returned(written: list[Path]) -> None:
    assert set(NAMES) <= set(variants.names(FIGURES))
    assert known(written) == files(*NAMES)
    assert sorted(written[0].parent.iterdir()) == sorted(written)
    assert {path.name for path in written} <= set(files(*variants.names(FIGURES)))


def test_widths_are_those_of_one_and_two_columns_at_300_dots_per_inch(written: list[Path]) -> None:
    inches = {"barcode": 7, "movement": 7}
    for path in (path for path in written if path.name in files(*NAMES)):
        width = inches.get(path.stem, 3.5)
        if path.suffix == ".png":
            assert imread(path).shape[1] == 300 * width
            assert b"pHYs" + (11811).to_bytes(4, "big") in path.read_bytes()[:100]  # dots per metre
        else:
            assert ElementTree.parse(path).getroot().get("width") == f"{72 * width:g}pt"


def test_only_what_there_is_data_for_is_drawn(bare: Analysis, full: Analysis, tmp_path: Path) -> None:
    assert known(write_figures(bare, tmp_path)) == files("barcode", "diagram")
    small = first_and_last(full)
    drawn_of_small = ["barcode", "diagram", "loops_and_retrieval", "movement"]
    assert known(write_figures(small, tmp_path)) == files(*drawn_of_small)
    empty = dataclasses.replace(bare, diagrams={}, measurements=())
    assert known(write_figures(empty, tmp_path)) == []


def test_figures_that_are_no_longer_drawn_go_and_other_files_stay(bare: Analysis, tmp_path: Path) -> None:
    (tmp_path / "movement.svg").write_text("of an earlier run")
    (tmp_path / "notes.txt").write_text("mine")
    drawn_of_bare = write_figures(bare, tmp_path)
    assert known(drawn_of_bare) == files("barcode", "diagram")
    assert sorted(tmp_path.iterdir()) == [*drawn_of_bare, tmp_path / "notes.txt"]


@pytest.mark.slow
def test_the_same_analysis_gives_the_same_bytes(full: Analysis, written: list[Path], tmp_path: Path) -> None:
    """Whatever the user's own style is, which is left as it was."""
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "path", "axes.grid": True}):
        again = write_figures(full, tmp_path)
        assert matplotlib.rcParams["font.size"] == 30
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in written]


@pytest.mark.slow
def test_another_process_writes_the_same_bytes_and_needs_no_display(bare: Analysis, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.report.made import make_bare\n"
        "from topores.report.figures import write_figures\n"
        "write_figures(make_bare(), Path(sys.argv[1]))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    other = tmp_path / "other"
    root = Path(__file__).parent.parent.parent
    own = {name: value for name, value in os.environ.items() if name != "DISPLAY"} | {"PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", code, str(other)], check=True, cwd=root, env=own)
    here = write_figures(bare, tmp_path / "here")
    assert [path.read_bytes() for path in figures_in(other)] == [path.read_bytes() for path in here]


def test_a_place_that_cannot_be_written_to_is_one_line(bare: Analysis, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ToporesError, match="cannot be written"):
        write_figures(bare, tmp_path / "file" / "x-figures")


def test_text_is_text(written: list[Path]) -> None:
    """It can be searched, and set in the paper's own letters."""
    texts = [text.text for text in ElementTree.parse(written[1]).iter(f"{SVG}text")]
    assert "distance (rad)" in texts
    assert any(text.endswith("cycle 2,000: 46 loops, none beyond noise") for text in texts if text)


# Safety.


def test_an_svg_holds_no_script_and_no_address(written: list[Path], written_hostile: list[Path]) -> None:
    for path in (path for path in [*written, *written_hostile] if path.suffix == ".svg"):
        source = path.read_text(encoding="utf-8")
        known = ("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink")
        assert set(re.findall(r"https?://[^\"'\s<]*", source)) <= set(known)
        assert "<!DOCTYPE" not in source
        for element in ElementTree.fromstring(source).iter():
            assert element.tag.removeprefix(SVG) not in ("script", "foreignObject", "image", "a", "metadata")
            for name, value in element.attrib.items():
                assert not name.startswith("on")
                assert not name.endswith("href") or value.startswith("#")
                assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", value))


def test_no_file_is_named_by_the_analysis(written_hostile: list[Path]) -> None:
    folder = written_hostile[0].parent
    assert known(written_hostile) == files(*NAMES)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_label_is_shown_as_it_is_written(bare: Analysis) -> None:
    r"""Where `$\frac$` would be a formula, and one that cannot be read."""
    for label, told in ((r"$\frac$.npy", r"$\frac$.npy"), ("_x", "_x"), ("a\u202eb\nc", "a⟨U+202E⟩b c"), ("名", "名")):
        named = dataclasses.replace(bare, states=(State(0, label, Path("x")),))
        svg = svg_and_png(variants.load(FIGURES, "diagram"), named)["svg"]
        texts = [str(text.text).strip() for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]
        assert f"{told}: 1 loop, none beyond noise" in texts


def test_a_long_label_is_cut(bare: Analysis) -> None:
    named = dataclasses.replace(bare, states=(State(0, "x" * 1_000_000, Path("x")),))
    assert draw_all_formats("barcode", named).axes[0].get_title(loc="left").startswith(f"{'x' * 24}…: ")


@pytest.mark.parametrize("name", NAMES)
def test_no_text_is_cut_off_or_covers_another(hostile: Analysis, ring: Analysis, name: str) -> None:
    for analysis in (hostile, ring):
        figure = draw_all_formats(name, analysis)
        with our_style():
            figure.draw_without_rendering()
            texts = [text for axes in figure.axes for text in _texts(axes)]
            texts += [text for legend in figure.legends for text in legend.get_texts()]
            boxes = [text.get_window_extent() for text in texts if text.get_text() and text.get_visible()]
        assert len(boxes) > 5
        for number, box in enumerate(boxes):
            assert box.x0 > -0.5
            assert box.y0 > -0.5
            assert box.x1 < figure.bbox.x1 + 0.5
            assert box.y1 < figure.bbox.y1 + 0.5
            assert not [other for other in boxes[:number] if box.shrunk(0.98, 0.9).overlaps(other.shrunk(0.98, 0.9))]


def _texts(axes: matplotlib.axes.Axes) -> list[matplotlib.text.Text]:
    ticks = [text for axis in (axes.xaxis, axes.yaxis) for text in axis.get_ticklabels() if _within(text, axes)]
    return [*ticks, axes.xaxis.label, axes.yaxis.label, axes._left_title, *axes.texts]


def _within(text: matplotlib.text.Text, axes: matplotlib.axes.Axes) -> bool:
    """Ticks beyond the axes are not drawn."""
    x, y = axes.transAxes.inverted().transform(text.get_window_extent().get_points().mean(axis=0))
    return -1e-9 <= x <= 1 + 1e-9 or -1e-9 <= y <= 1 + 1e-9


# What is drawn.


def test_total_persistence_and_retrieval_are_those_measured(full: Analysis) -> None:
    loops, found = draw_all_formats("loops_and_retrieval", full).axes
    null, own = loops.lines
    assert own.get_xdata().tolist() == list(CYCLES)
    assert own.get_ydata().tolist() == [total(full, cycle) for cycle in CYCLES]
    # Draws of 2, 3 and 4 + .1 for each state.
    assert null.get_ydata() == pytest.approx([3 + 0.1 * age for age in range(len(CYCLES))])
    corners = loops.collections[0].get_paths()[0].vertices
    assert corners[:, 1].min() == pytest.approx(2.0)
    assert corners[:, 1].max() == pytest.approx(4 + 0.1 * (len(CYCLES) - 1))
    null, own = found.lines
    assert own.get_ydata() == pytest.approx([held_out_mrr(line) for line in full.metrics])
    assert null.get_ydata() == pytest.approx([0.41] * len(CYCLES))


def test_a_state_without_a_value_is_a_gap(full: Analysis) -> None:
    kept = tuple(m for m in full.measurements if m.cycle != 5)
    own = draw_all_formats("loops_and_retrieval", dataclasses.replace(full, measurements=kept)).axes[0].lines[-1]
    assert np.isnan(own.get_ydata()).tolist() == [cycle == 5 for cycle in CYCLES]


def test_what_was_logged_is_not_trusted_to_be_a_number(full: Analysis) -> None:
    odd = ({"cycle": 0, "held_out_mrr_1to2": "high"}, {"cycle": 1, "held_out_mrr_1to2": 0.5, "held_out_mrr_2to1": None})
    own = draw_all_formats("loops_and_retrieval", dataclasses.replace(full, metrics=odd)).axes[1].lines[-1]
    assert own.get_ydata() == pytest.approx([np.nan, 0.5], nan_ok=True)


def test_without_nulls_the_run_stands_alone(full: Analysis) -> None:
    figure = draw_all_formats("loops_and_retrieval", dataclasses.replace(full, nulls=()))
    assert [len(axes.lines) for axes in figure.axes] == [1, 1]
    assert not figure.axes[0].collections
    assert not figure.legends


def test_bars_are_those_of_the_diagrams_and_noise_reaches_as_far_as_its_law_says(ring: Analysis) -> None:
    for axes, cycle in zip(draw_all_formats("barcode", ring).axes, (CYCLES[0], CYCLES[-1]), strict=True):
        bars = ring.diagrams[cycle, LAYERS[-1], "union", 1]
        groups = [c for c in axes.collections if isinstance(c, LineCollection)]
        segments = [segment for group in groups for segment in group.get_segments()]
        seen = sorted((start[0], end[0]) for start, end in segments)
        assert np.allclose(seen, sorted(bars.tolist()))
        assert sorted(start[1] for start, _ in segments) == list(range(len(bars)))
        dark = next(g for g in groups if matplotlib.colors.same_color(g.get_color()[0], INK))
        beyond = bars[universal_p_values(bars) * len(bars) < 0.05]
        assert np.allclose(sorted((s[0][0], s[1][0]) for s in dark.get_segments()), sorted(beyond.tolist()))
        assert len(beyond) == (cycle == CYCLES[-1])


def test_the_band_of_noise_ends_where_p_is_5_percent(ring: Analysis) -> None:
    axes = draw_all_formats("barcode", ring).axes[1]
    band = next(c for c in axes.collections if matplotlib.colors.same_color(c.get_facecolor()[0], BAND))
    corners = band.get_paths()[0].vertices
    bars = ring.diagrams[(*LAST, 1)]
    row, last_birth = len(bars) - 1, bars[:, 0].max()
    at_row = corners[np.abs(corners[:, 1] - row) < 0.6, 0]
    assert at_row.max() > last_birth
    # A bar as long as the band is judged at .05 by a law that depends on the mean of all bars.
    log_log = np.log(np.log(bars[:, 1] / bars[:, 0]))
    surprise = np.log(np.log(at_row.max() / last_birth)) - log_log.mean() - np.euler_gamma
    assert len(bars) * np.exp(-np.exp(surprise)) == pytest.approx(0.05, rel=1e-3)


def test_of_many_bars_those_that_matter_most_are_drawn_and_it_is_said(bare: Analysis) -> None:
    births = np.linspace(0.5, 1, 700)
    ratios = 1 + np.random.default_rng(1).permutation(np.linspace(0.001, 0.2, 700))
    many = {(0, 0, "union", 1): np.column_stack([births, births * ratios])}
    axes = draw_all_formats("barcode", dataclasses.replace(bare, diagrams=many)).axes[0]
    bars = [s for c in axes.collections if isinstance(c, LineCollection) for s in c.get_segments()]
    assert len(bars) == 500
    assert min(end[0] / start[0] for start, end in bars) == pytest.approx(np.sort(ratios)[200])
    assert "drawn: the 500" in axes.texts[0].get_text()
    assert axes.get_title(loc="left") == "points.npy: 700 loops, none beyond noise"


def test_a_loop_that_never_dies_runs_to_the_edge(bare: Analysis) -> None:
    loops = np.array([[0.5, 0.6], [0.7, np.inf], [0.8, 1.0]])
    endless = dataclasses.replace(bare, diagrams={(0, 0, "union", 1): loops})
    axes = draw_all_formats("barcode", endless).axes[0]
    ends = {s[0][0]: s[1][0] for c in axes.collections if isinstance(c, LineCollection) for s in c.get_segments()}
    assert ends == {0.5: 0.6, 0.7: axes.get_xlim()[1], 0.8: 1.0}
    assert "never dies" in axes.texts[0].get_text()
    points = draw_all_formats("diagram", endless).axes[0]
    assert points.collections[0].get_offsets()[1].tolist() == [0.7, points.get_ylim()[1]]


def test_points_of_the_diagram_are_births_and_deaths_of_both_states(ring: Analysis) -> None:
    axes = draw_all_formats("diagram", ring).axes[0]
    marks = [c for c in axes.collections if isinstance(c, PathCollection)]
    for points, cycle in zip(marks, (CYCLES[0], CYCLES[-1]), strict=True):
        bars = ring.diagrams[cycle, LAYERS[-1], "union", 1]
        assert np.allclose(sorted(points.get_offsets().tolist()), sorted(bars.tolist()))
    told = [text.get_text() for text in axes.figure.legends[0].get_texts()]
    assert told[0].startswith("cycle 0: 24 loops, none beyond noise")
    assert any(text.endswith(", 1 beyond noise") for text in told)


def test_cells_of_the_heat_map_are_layers_by_states(full: Analysis) -> None:
    axes = draw_all_formats("heat_map", full).axes[0]
    mesh = next(c for c in axes.collections if isinstance(c, QuadMesh))
    expected = [[total(full, cycle, layer) for cycle in CYCLES] for layer in LAYERS]
    assert mesh.get_array().tolist() == expected
    assert [text.get_text() for text in axes.get_xticklabels()][-2:] == ["1k", "2k"]
    assert [text.get_text() for text in axes.get_yticklabels()] == [str(layer) for layer in LAYERS]


def test_a_cell_that_was_not_measured_is_hatched(full: Analysis) -> None:
    kept = tuple(m for m in full.measurements if (m.cycle, m.layer) != (5, 2))
    axes = draw_all_formats("heat_map", dataclasses.replace(full, measurements=kept)).axes[0]
    mesh = next(c for c in axes.collections if isinstance(c, QuadMesh))
    assert np.argwhere(mesh.get_array().mask).tolist() == [[2, CYCLES.index(5)]]
    assert axes.get_title(loc="left") == "hatched: not measured"
    assert axes.patch.get_hatch()


def test_movement_is_that_against_the_first_state_and_the_one_before(full: Analysis) -> None:
    dropout = [
        NullMeasurement("dropout", draw, Measurement(*LAST, "procrustes.scale", value, "ratio", against=LAST[0]))
        for draw, value in enumerate((0.97, 1.01, 0.99))
    ]
    figure = draw_all_formats("movement", dataclasses.replace(full, nulls=(*full.nulls, *dropout)))
    names = ["largest rotation (rad)", "scale (ratio)", "deformation (share of the spread)"]
    assert [axes.get_ylabel() for axes in figure.axes] == names
    for axes, measure in zip(figure.axes, ("angle", "scale", "residual"), strict=True):
        for line, before in zip(axes.lines, ([CYCLES[0]] * len(CYCLES), [0, *CYCLES]), strict=True):
            expected = [
                full.value(f"procrustes.{measure}", cycle, LAYERS[-1], "union", against=against)
                for cycle, against in list(zip(CYCLES, before, strict=False))[1:]
            ]
            assert np.isnan(line.get_ydata()[0])
            assert line.get_ydata()[1:].tolist() == expected
    box = figure.axes[1].patches[0].get_bbox()
    assert (box.y0, box.y1) == pytest.approx((0.97, 1.01))
    assert not figure.axes[0].patches
    assert "dropout alone: range" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_tracks_are_drawn_where_they_are_there_and_dotted_where_not_sure(full: Analysis) -> None:
    axes = draw_all_formats("tracks", full).axes[0]
    marks = [line for line in axes.lines if line.get_linestyle() == "None"]
    for line, track in zip(marks, full.tracks, strict=True):
        there = [(c, d - b) for c, b, d in zip(CYCLES, track.births, track.deaths, strict=True) if b is not None]
        assert list(zip(line.get_xdata(), line.get_ydata(), strict=True)) == there
    steps = [
        (line.get_linestyle(), line.get_xdata().tolist(), line.get_ydata().tolist())
        for line in axes.lines
        if line.get_color() == marks[1].get_color() and len(line.get_xdata()) == 2
    ]
    assert [across for dashes, across, _ in steps if dashes == ":"] == [[50, 100]]
    # It opens out of nothing before the fifth state, and closes into nothing after the ninth.
    assert [across for _, across, _ in steps] == [[5, 10], [10, 20], [20, 50], [50, 100], [100, 200], [200, 500]]
    assert (steps[0][2][0], steps[-1][2][-1]) == (0.0, 0.0)
    assert "loop 2 (p = 0.01)" in [text.get_text() for text in axes.figure.legends[0].get_texts()]


# The command.


def test_figures_stand_beside_their_report() -> None:
    assert folder_beside(Path("reports/v1.5 mine.html")) == Path("reports/v1.5 mine-figures")


def test_without_matplotlib_it_is_one_line_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"pip install 'topores\[figures\]'"):
        need_matplotlib()
    # Told before anything is measured, and even looked for.
    for command in (["report", "none"], ["topology", "--checkpoint", "none.npy"], ["demo"]):
        done = CliRunner().invoke(main, [*command, "--figures"])
        assert done.exit_code == 2
        assert done.stderr == (
            "topores: --figures needs matplotlib, which is not installed; pip install 'topores[figures]'.\n"
        )


def test_the_command_lists_figures_where_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    points = np.random.default_rng(3).normal(size=(12, 3))
    np.save("points.npy", points)
    command = ["topology", "--checkpoint", "points.npy", "--nulls", "none", "--json", "--quiet"]
    plain = CliRunner().invoke(main, command)
    assert plain.exit_code == 0, plain.output
    assert "figures" not in json.loads(plain.stdout)
    assert not Path("reports/points-figures").exists()
    told = json.loads(CliRunner().invoke(main, [*command, "--figures"]).stdout)
    assert {f"reports/points-figures/{name}" for name in files("barcode", "diagram")} <= set(told["figures"])
    assert all(Path(path).is_file() for path in told["figures"])


def test_asking_for_figures_computes_nothing_again(tmp_path: Path) -> None:
    np.save(tmp_path / "points.npy", np.eye(4))
    config = TopologyConfig(checkpoint=(str(tmp_path / "points.npy"),))
    with_figures = dataclasses.replace(config, figures=True)
    source = open_source(config)
    assert fingerprint(source, with_figures, None) == fingerprint(source, config, None)
    assert fingerprint(source, dataclasses.replace(config, seed=1), None) != fingerprint(source, config, None)
