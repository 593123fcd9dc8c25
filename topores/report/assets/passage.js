// --- the selected passage, and those that were found ---

const MOST_FOUND = 40;
const SPLITS = ["trained on", "held out", "in neither split"];

function sourceOf(passage) {
  const { texts, passages } = numbers;
  if (!texts.side) return say("point {n}", { n: passages[passage] });
  const document = texts.documents[texts.document[passage]];
  return `${["T1", "T2"][texts.side[passage]]} · ${document}, ${say("passage {n}", { n: texts.position[passage] })}`;
}

function sourceLine(passage, more = "") {
  const line = make("p", { class: "source" });
  const { texts } = numbers;
  if (texts.side) line.append(make("span", { class: `side t${texts.side[passage] + 1}` }, ["T1", "T2"][texts.side[passage]]), " ");
  const rest = sourceOf(passage).replace(/^T[12] · /, "");
  line.append(make("bdi", {}, rest), more);
  return line;
}

// A selectable passage: its place and its words.
function passageButton(passage, more = "") {
  const words = numbers.texts.text?.[passage] ?? say("No text was supplied.");
  const button = make("button", { type: "button", class: "pick", "aria-pressed": passage === shown.passage },
    sourceLine(passage, more), make("span", { class: "passage", dir: "auto" }, words));
  on(button, "click", () => choose({ passage }));
  return button;
}

// The nearest passages of the other text in this state: { passage, far }; none where they were not measured.
function nearest(passage) {
  const at = index.near.indexOf(shown.state);
  const place = numbers.onMap[passage];
  if (at < 0 || place < 0) return [];
  const { near, far } = numbers;
  const each = near.length / (index.near.length * numbers.mapped.length);
  const start = (at * numbers.mapped.length + place) * each;
  return [...near.subarray(start, start + each)].flatMap((other, i) =>
    (other === NONE ? [] : [{ passage: other, far: far[start + i] * index.farStep }]));
}

function showPassage() {
  const told = byId("passage-told");
  if (!told) return;
  const { passage } = shown;
  for (const button of all(".pick[aria-pressed='true']")) press(button, false);
  read();
  if (passage === null) {
    told.replaceChildren(...view.asked);
    return;
  }
  const { texts } = numbers;
  const split = texts.split ? `, ${say(SPLITS[texts.split[passage]])}` : "";
  const words = texts.text?.[passage] ?? say("No text was supplied.");
  told.replaceChildren(sourceLine(passage, split), make("p", { class: "passage whole", dir: "auto" }, words),
    ...partnersTold(passage), ...nearestTold(passage));
}

function partnersOf(passage) {
  return (numbers.texts.pairs ?? []).flatMap(([one, two]) => (one === passage ? [two] : two === passage ? [one] : []));
}

function partnersTold(passage) {
  if (!numbers.texts.pairs?.length) return [];
  const partners = partnersOf(passage);
  if (!partners.length) return [note("It has no aligned partner.")];
  const title = partners.length > 1 ? "Its partners" : "Its partner";
  return [make("h4", {}, say(title)), ...partners.map((other) => passageButton(other))];
}

function nearestTold(passage) {
  const found = nearest(passage);
  if (!found.length) {
    if (!index.near.length) return [];
    const states = index.near.map((s) => index.states[s].label).join(", ");
    return [note("Neighbours were kept for {states} only.", { states })];
  }
  const partners = partnersOf(passage);
  const title = numbers.texts.side?.includes(1) ? "Nearest in the other text, {state}, at the output" : "Nearest, {state}, at the output";
  const list = make("ol", {}, ...found.map(({ passage: other, far }) => {
    const more = `, ${inUnit(far)}${partners.includes(other) ? ` · ${say("partner")}` : ""}`;
    return make("li", {}, passageButton(other, more));
  }));
  return [make("h4", {}, say(title, { state: stateName() })), list];
}

function showFound(found, title, ...told) {
  const list = byId("found");
  view.found = new Set(found);
  if (!list) return;
  drawMap();
  if (title === null) {
    list.replaceChildren();
    return;
  }
  if (!found.length) {
    list.replaceChildren(note("Nothing found."), ...told);
    return;
  }
  const cut = found.length > MOST_FOUND ? `; ${say("the first {n} are listed", { n: MOST_FOUND })}` : "";
  const head = make("h4", {}, say(title, { found: many(found.length, "passage") }) + cut);
  list.replaceChildren(head, ...told, make("div", { class: "found" }, ...found.slice(0, MOST_FOUND).map((p) => passageButton(p))));
}

function search(words) {
  const wanted = words.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const texts = numbers.texts.text ?? [];
  numbers.folded ??= texts.map((text) => text.toLocaleLowerCase());
  const found = numbers.folded.flatMap((text, i) => (wanted.every((word) => text.includes(word)) ? [i] : []));
  if (!wanted.length) return showFound([], null);
  const { searched } = byId("found").dataset;
  showFound(found, "{found} found", ...(searched ? [note(searched)] : []));
  return bring(byId("passage"));
}

// Clears what search or outline found.
function clearFound() {
  const field = byId("search");
  if (field) field.value = "";
  showFound([], null);
}

function bindPassage() {
  view.asked = [...(byId("passage-told")?.childNodes ?? [])];
  on(byId("search"), "input", (event) => search(event.target.value));
}
