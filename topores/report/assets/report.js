// --- all together ---

let resting = 0;

// Shows the selection; `changes` names what is new, so that the rest is not drawn again.
function show(changes) {
  const moved = ["state", "layer", "cloud"].some((what) => what in changes);
  showControls();
  if (moved) {
    showChange();
    showHeat();
  }
  if (moved || "loop" in changes) {
    showShape();
    showLoop();
  }
  showPassage();
  showMap(changes);
  // Long tables follow when the slider rests.
  clearTimeout(resting);
  resting = setTimeout(() => {
    showTables();
    fillMapTable();
  }, 120);
}

// Print unfolds everything, on white, and folds it again afterwards.
function bindPrint() {
  let folded = [];
  const begin = () => {
    if (view.printing) return;
    view.printing = true;
    showTables();
    folded = all("details:not([open]):not(.map-table)");
    for (const one of folded) one.open = true;
    drawMap();
  };
  const end = () => {
    view.printing = false;
    for (const one of folded) one.open = false;
    drawMap();
  };
  on(window, "beforeprint", begin);
  on(window, "afterprint", end);
  on(matchMedia("print"), "change", ({ matches }) => (matches ? begin() : end()));
}

bindControls();
bindMap();
bindHeat();
bindLoop();
bindPassage();
bindPrint();
on(window, "hashchange", () => {
  // A link to a section has no selection: the page goes there, and the address keeps the selection.
  if (!readHash()) return writeHash();
  view.stopPlay?.();
  show({ ...shown });
  return bring(first("#space .place"));
});
// Without a selection in the address, a loop and one of its passages are shown as an example.
if (!readHash()) {
  const track = numbers.tracks.findIndex(({ members }) => members[shown.state].length);
  if (track >= 0) Object.assign(shown, { loop: { track }, passage: numbers.tracks[track].members[shown.state][0] });
}
show({ ...shown });
document.documentElement.dataset.ready = "yes";
