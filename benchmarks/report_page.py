"""Load time, slider speed and size of reports in a headless browser.

    python -m benchmarks.report_page --output benchmarks/results/report_page.json

Uses synthetic analyses at the promised sizes. Needs the extra 'browser' and Chromium; see make test-browser.
"""

import argparse
import os
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.made import SIZES, made_large
from topores.compute.files import write_json
from topores.report import write_report

WHEN_READY = """new MutationObserver(() => requestAnimationFrame(() => { window.ready ??= performance.now(); }))
  .observe(document, { attributes: true, subtree: true, attributeFilter: ["data-ready"] });"""
"""Milliseconds from the start of navigation to the first frame in which all controls work."""

EACH_STEP = """async () => {
  const slider = document.querySelector("input[type=range]");
  const painted = () => new Promise((done) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = done;
    port2.postMessage(0);
  }));
  const steps = [];
  for (let at = Number(slider.max) - 1; at >= 0; at -= 1) {
    // Long tables are updated when the slider rests, so wait for that before the next step.
    await new Promise((done) => setTimeout(done, 300));
    await painted();
    const began = performance.now();
    slider.value = at;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await painted();
    steps.push(performance.now() - began);
  }
  return steps;
}"""
"""Milliseconds from each input event to the frame that shows its state."""


def main() -> None:
    arguments = _arguments()
    rows = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=arguments.chromium)
        for size in SIZES:
            analysis = made_large(size.passages, size.cycles, size.layers)
            path = write_report(analysis, Path(folder) / f"{size.passages}.html")
            rows.append(
                {**asdict(size), "bytes": path.stat().st_size, **_measure_report(browser, path, arguments.repeats)}
            )
            print(_describe(rows[-1]), flush=True)
        version = browser.version
        browser.close()
    if arguments.output:
        facts = {"machine": arguments.machine, "load": os.getloadavg()[0], "chromium": version}
        write_json(arguments.output, {**facts, "pages": rows})


def _measure_report(browser: Browser, path: Path, repeats: int) -> dict[str, Any]:
    """Each repeat opens the page again; the first is a warm-up."""
    pages = [_open_page(browser, path) for _ in range(repeats + 1)]
    ready = [page.evaluate("window.ready") for page in pages[1:]]
    steps = [step for page in pages[1:] for step in page.evaluate(EACH_STEP)]
    for page in pages:
        page.context.close()
    return {"ready_ms": _summary(ready), "step_ms": _summary(steps)}


def _open_page(browser: Browser, path: Path) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True).new_page()
    page.add_init_script(WHEN_READY)
    page.goto(path.as_uri())
    page.locator("html[data-ready]").wait_for(state="attached")
    page.wait_for_timeout(500)
    return page


def _summary(values: Sequence[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values), 1), "most": round(max(values), 1)}


def _describe(row: dict[str, Any]) -> str:
    ready, step = row["ready_ms"], row["step_ms"]
    return (
        f"{row['passages']:>7,} passages x {row['cycles']:>2} cycles x {row['layers']} layers: "
        f"{row['bytes'] / 1e6:.2f} MB, ready after {ready['median']:.0f} ms (at most {ready['most']:.0f}), "
        f"slider step {step['median']:.0f} ms (at most {step['most']:.0f})"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="path of the browser")
    parser.add_argument("--machine", default="", help="description of the machine, for the JSON")
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
