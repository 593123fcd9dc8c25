// --- all together ---

let resting = 0;

// Shows what was chosen; `changes` names what is new, so that the rest need not be drawn again.
function show(changes) {
  const moved = ["state", "layer", "cloud"].some((what) => what in changes);
  showControls();
  if (moved) {
    showChange(numbers);
    showHeat(numbers);
  }
  if (moved || "loop" in changes) {
    showShape(numbers);
    showLoop(numbers);
  }
  showPassage(numbers);
  showMap(numbers, changes);
  // Long tables follow when the slider rests.
  clearTimeout(resting);
  resting = setTimeout(() => {
    showTables(numbers);
    fillMapTable(numbers);
  }, 120);
}

// Print shows what is folded, on white, and folds it again after.
function bindPrint() {
  let folded = [];
  const begin = () => {
    if (view.printing) return;
    view.printing = true;
    showTables(numbers);
    folded = all("details:not([open]):not(.map-table)");
    for (const one of folded) one.open = true;
    drawMap(numbers);
  };
  const end = () => {
    view.printing = false;
    for (const one of folded) one.open = false;
    drawMap(numbers);
  };
  addEventListener("beforeprint", begin);
  addEventListener("afterprint", end);
  matchMedia("print").addEventListener("change", ({ matches }) => (matches ? begin() : end()));
}

const numbers = await readNumbers();
numbers.texts = await jsonOf("texts");
bindControls();
bindMap(numbers);
bindHeat(numbers);
bindLoop(numbers);
bindPassage(numbers);
bindPrint();
addEventListener("hashchange", () => { if (readHash(numbers)) show({ ...shown }); });
// Without an address a loop and a passage of it are shown, as an example of what can be chosen.
if (!readHash(numbers) && numbers.tracks.length) {
  shown.loop = { track: 0 };
  shown.passage = numbers.tracks[0].members[shown.state][0] ?? null;
}
show({ ...shown });
document.documentElement.dataset.ready = "yes";
