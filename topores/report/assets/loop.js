// --- the selected loop ---

// Bars at this place with known passages, and the selected one.
function marked() {
  const known = numbers.outlines[placeOf(shown)] ?? new Map();
  const { track, bar = null } = shown.loop ?? {};
  return { known, chosen: atOutput() ? numbers.tracks[track]?.bars[shown.state] ?? bar : bar };
}

// Followed loops are those of both texts together at the output.
const atOutput = () => shown.layer === index.layers.length - 1 && shown.cloud === index.clouds.indexOf("union");

function membersOf() {
  const { track, bar } = shown.loop ?? {};
  return numbers.tracks[track]?.members[shown.state] ?? numbers.outlines[placeOf(shown)]?.get(bar) ?? [];
}

// Selecting a followed bar selects its loop.
function loopOf(bar) {
  const track = atOutput() ? numbers.tracks.findIndex(({ bars }) => bars[shown.state] === bar) : -1;
  return track < 0 ? { bar } : { track };
}

function showLoop() {
  const told = byId("loop-told");
  if (!told) return;
  const track = shown.loop?.track ?? null;
  for (const chip of all("[data-track]")) press(chip, Number(chip.dataset.track) === track);
  for (const line of all("#loop polyline.line")) {
    line.classList.toggle("faint", track !== null && !line.classList.contains(`look-track${track}`));
  }
  told.replaceChildren(...(shown.loop ? loopTold(track) : view.askedForLoop));
  const members = membersOf();
  byId("loop-around").hidden = !members.length;
  byId("loop-counted").textContent = say("{passages} around it, in order:", { passages: many(members.length, "passage") });
  byId("loop-passages").replaceChildren(...members.map((passage) => make("li", {}, passageButton(passage))));
}

const note = (english, values) => make("p", { class: "note" }, say(english, values));

function loopTold(track) {
  const { chosen } = marked();
  const place = `${stateName()}, ${index.layerNames[shown.layer]}, ${index.cloudNames[shown.cloud]}`;
  const title = track === null ? say("A bar of {place}", { place }) : say("Loop {n}, followed through the states", { n: track + 1 });
  const lines = [make("p", { class: "answer" }, title)];
  const bar = chosen === null ? undefined : loopBars()[chosen];
  const length = track === null ? null : numbers.tracks[track].persistence[shown.state];
  if (bar) lines.push(...barTold(bar));
  else if (length === null) lines.push(note("It does not exist in this state."));
  else lines.push(note(byId("loop-told").dataset.elsewhere, { length: inUnit(length) }));
  const judged = numbers.judged.find((one) => one.place === placeOf(shown) && one.bar === chosen);
  const { p = null, stability = null } = judged ?? numbers.tracks[track] ?? {};
  if (judged) {
    lines.push(note("p = {p}: {universal} by the universal law of noise bars, {spectrum} among clouds of the same spectrum.",
      { p: digits(p), universal: digits(judged.universal), spectrum: digits(judged.spectrum) }));
  } else if (p !== null) lines.push(note("p = {p} where it is longest.", { p: digits(p) }));
  if (stability !== null) lines.push(note("Found again in {share} of subsamples.", { share: percent(stability) }));
  if (bar && !membersOf().length) lines.push(note("The passages around it were not computed."));
  return lines;
}

function barTold([birth, death]) {
  if (death === Infinity) return [note("never dies")];
  const lines = [make("p", {}, say("born at {birth}, dies at {death}: it lasts {length}", {
    birth: inUnit(birth), death: inUnit(death), length: inUnit(death - birth),
  }))];
  const reach = numbers.reach[placeOf(shown)];
  if (reach !== null) {
    const noise = (reach - 1) * birth;
    const longer = death - birth > noise;
    lines.push(note(longer ? "Noise bars born here last up to {reach}: this one is longer."
      : "Noise bars born here last up to {reach}: this one is not longer.", { reach: inUnit(noise) }));
  }
  return lines;
}

function bindLoop() {
  view.askedForLoop = [...(byId("loop-told")?.childNodes ?? [])];
  for (const chip of all("[data-track]")) {
    const track = Number(chip.dataset.track);
    on(chip, "click", () => choose({ loop: shown.loop?.track === track ? null : { track } }));
  }
  const barcode = first('svg[data-barcode="1"]');
  on(barcode, "click", (event) => {
    const [, up] = within(barcode, event);
    const bars = loopBars();
    const bar = Math.floor((up - index.edge.top) / heightOf(bars));
    if (bar in bars) choose({ loop: loopOf(nearestKnown(bar, bars.length)) });
  });
  on(first("[data-chooser]"), "keydown", stepBars);
  const diagram = first('svg[data-diagram="1"]');
  on(diagram, "click", (event) => {
    const bar = nearestPoint(diagram, loopBars(), within(diagram, event));
    if (bar !== null) choose({ loop: loopOf(bar) });
  });
}

// Thin bars are hard to hit, so a bar with passages within a few pixels counts.
function nearestKnown(bar, length) {
  const near = Math.max(1, Math.round(length / 40));
  const known = [...marked().known.keys()].sort((a, b) => Math.abs(a - bar) - Math.abs(b - bar));
  return known.length && Math.abs(known[0] - bar) <= near ? known[0] : bar;
}

function nearestPoint(svg, bars, [x, y]) {
  const [along, up] = [scale(svg.dataset.x), scale(svg.dataset.y)];
  let [best, least] = [null, 15 ** 2];
  bars.forEach(([birth, death], i) => {
    const far = (along(birth) - x) ** 2 + ((death === Infinity ? index.edge.top : up(death)) - y) ** 2;
    if (far < least) [best, least] = [i, far];
  });
  return best;
}

// Arrow keys go through the bars with known passages, longest first.
function stepBars(event) {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (event.key === "Escape") choose({ loop: null });
  if (!step) return;
  event.preventDefault();
  const { known, chosen } = marked();
  const bars = [...known.keys()].sort((a, b) => a - b);
  if (!bars.length) return;
  const now = bars.indexOf(chosen);
  const next = now < 0 ? (step > 0 ? 0 : bars.length - 1) : Math.min(bars.length - 1, Math.max(0, now + step));
  choose({ loop: loopOf(bars[next]) });
}
