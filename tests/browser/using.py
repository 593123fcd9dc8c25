"""What a reader can do with a page, done all at once: whatever is lazily made is made then."""

from playwright.sync_api import Page

EVERYTHING = """async (words) => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const told = (node, ...names) => names.forEach((name) => node.dispatchEvent(new Event(name, { bubbles: true })));
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  for (const one of all("details")) one.open = true;
  for (const list of all("select")) {
    for (const option of [...list.options]) { list.value = option.value; told(list, "input", "change"); }
    await frame();
  }
  for (const slider of all("input[type=range]")) {
    for (let at = Number(slider.max); at >= Number(slider.min); at -= Number(slider.step) || 1) {
      slider.value = at;
      told(slider, "input", "change");
      await frame();
    }
  }
  for (const box of all("input[type=search], input[type=text], input:not([type])")) {
    for (const word of words) { box.value = word; told(box, "input", "change"); await frame(); }
  }
  for (const seen of all("canvas, [role=img], [role=group][tabindex]")) {
    const { left, top, width, height } = seen.getBoundingClientRect();
    for (const name of ["pointermove", "pointerdown", "pointerup", "click"]) {
      const at = { bubbles: true, clientX: left + width / 2, clientY: top + height / 2, pointerId: 1 };
      seen.dispatchEvent(new PointerEvent(name, at));
    }
    for (const key of ["ArrowRight", "ArrowDown", "Enter"]) {
      seen.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    }
    await frame();
  }
  for (const button of all("button")) { button.click(); await frame(); }
  for (const link of all('a[href^="#"]')) { link.click(); await frame(); }
}"""


def use_everything(page: Page, words: tuple[str, ...] = ()) -> None:
    """Opens what is folded, takes every choice, moves every slider, searches for `words`, presses and follows all."""
    page.evaluate(EVERYTHING, list(words))
    # Long tables follow when the slider rests.
    page.wait_for_timeout(400)
