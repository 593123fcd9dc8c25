// The page is complete without its script and shows the last state. These files let a reader select another state,
// and go from a loop to its passages. The selection is in `shown`, and in the address.

const index = JSON.parse(document.getElementById("index").textContent);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const first = (selector, within = document) => within.querySelector(selector);
const byId = (id) => document.getElementById(id);
const on = (node, type, act) => node?.addEventListener(type, act);
const press = (button, pressed) => button.setAttribute("aria-pressed", pressed);

// Places in the lists of states, layers and clouds; a loop as { track } or { bar }; the number of a passage.
const [state, layer, cloud] = index.shown;
const shown = { state, layer, cloud, loop: null, passage: null };
const lists = { state: index.states.map((s) => s.cycle), layer: index.layers, cloud: index.clouds };
const inHash = { state: "cycle", layer: "layer", cloud: "cloud" };

// Index of a place in data that is packed by place.
const placeOf = ({ state: s, layer: l, cloud: c }) => (s * index.layers.length + l) * index.clouds.length + c;

// Selects what the address names and the analysis has; returns whether it named anything.
function readHash() {
  const words = new URLSearchParams(location.hash.slice(1));
  if (![...Object.values(inHash), "loop", "passage"].some((word) => words.has(word))) return false;
  Object.assign(shown, { state, layer, cloud, loop: null, passage: null });
  for (const [what, word] of Object.entries(inHash)) {
    const place = lists[what].findIndex((entry) => String(entry) === words.get(word));
    if (place >= 0) shown[what] = place;
  }
  const [, kind, number] = /^([tb])(\d+)$/.exec(words.get("loop") ?? "") ?? [];
  if (kind === "t" && Number(number) in numbers.tracks) shown.loop = { track: Number(number) };
  if (kind === "b" && Number(number) in loopBars()) shown.loop = { bar: Number(number) };
  const passage = words.get("passage");
  if (/^\d+$/.test(passage ?? "") && Number(passage) < numbers.passages.length) shown.passage = Number(passage);
  return true;
}

function writeHash() {
  const words = Object.entries(inHash).map(([what, word]) => [word, lists[what][shown[what]]]);
  if (shown.loop) words.push(["loop", "track" in shown.loop ? `t${shown.loop.track}` : `b${shown.loop.bar}`]);
  if (shown.passage !== null) words.push(["passage", shown.passage]);
  history.replaceState(null, "", `#${new URLSearchParams(words)}`);
}

// A bar belongs to its place, so leaving the place deselects it; a followed loop stays.
function choose(changes, playing = false) {
  if ("state" in changes && !playing) view.stopPlay?.();
  const moved = ["state", "layer", "cloud"].some((what) => what in changes && changes[what] !== shown[what]);
  if (moved && shown.loop && "bar" in shown.loop) shown.loop = null;
  Object.assign(shown, changes);
  writeHash();
  show(changes);
}
