// --- the chosen loop ---

// Bars at this place whose passages are known, and the one that is chosen.
function marked(numbers) {
  const known = numbers.outlines[placeOf(shown)] ?? new Map();
  const { loop } = shown;
  if (!loop) return { known, chosen: null };
  if ("bar" in loop) return { known, chosen: loop.bar };
  return { known, chosen: atOutput() ? numbers.tracks[loop.track].bars[shown.state] : null };
}

// Followed loops are those of both texts together at the output.
const atOutput = () => shown.layer === index.layers.length - 1 && shown.cloud === index.clouds.indexOf("union");

function membersOf(numbers) {
  const { loop } = shown;
  if (!loop) return [];
  if ("track" in loop) return numbers.tracks[loop.track].members[shown.state];
  return numbers.outlines[placeOf(shown)]?.get(loop.bar) ?? [];
}

// A bar that is followed is chosen as the loop it belongs to.
function loopOf(numbers, bar) {
  const track = atOutput() ? numbers.tracks.findIndex(({ bars }) => bars[shown.state] === bar) : -1;
  return track < 0 ? { bar } : { track };
}

function showLoop(numbers) {
  const told = byId("loop-told");
  if (!told) return;
  const { loop } = shown;
  const track = loop && "track" in loop ? loop.track : null;
  for (const chip of all("[data-track]")) chip.setAttribute("aria-pressed", Number(chip.dataset.track) === track);
  for (const line of all("#loop polyline.line")) {
    line.classList.toggle("faint", track !== null && !line.classList.contains(`look-track${track}`));
  }
  told.replaceChildren(...(loop ? loopTold(numbers, track) : view.askedForLoop));
  const members = membersOf(numbers);
  const counted = say("{passages} around it, in order:", { passages: many(members.length, "passage") });
  byId("loop-around").hidden = !members.length;
  byId("loop-counted").textContent = counted;
  byId("loop-passages").replaceChildren(...members.map((passage) => make("li", {}, passageButton(numbers, passage))));
}

const note = (english, values) => make("p", { class: "note" }, say(english, values));

function loopTold(numbers, track) {
  const { chosen } = marked(numbers);
  const place = `${stateName()}, ${index.layerNames[shown.layer]}, ${index.cloudNames[shown.cloud]}`;
  const title = track === null ? say("A bar of {place}", { place }) : say("Loop {n}, followed through the states", { n: track + 1 });
  const lines = [make("p", { class: "answer" }, title)];
  const bar = chosen === null ? undefined : loopBars(numbers)[chosen];
  if (bar) lines.push(...barTold(numbers, bar, chosen));
  else lines.push(note("It is not there in this state."));
  const judged = bar && numbers.judged.some((one) => one.place === placeOf(shown) && one.bar === chosen);
  if (track !== null && !judged) {
    const { p, stability } = numbers.tracks[track];
    const words = [];
    if (p !== null) words.push(say("p = {p} where it is longest.", { p: digits(p) }));
    if (stability !== null) words.push(say("Found again in {share} of subsamples.", { share: percent(stability) }));
    if (words.length) lines.push(make("p", { class: "note" }, words.join(" ")));
  }
  if (bar && !membersOf(numbers).length) lines.push(note("The passages around it were not looked for."));
  return lines;
}

function barTold(numbers, [birth, death], chosen) {
  if (death === Infinity) return [note("never dies")];
  const lines = [make("p", {}, say("born at {birth}, dies at {death}: it lasts {length}", {
    birth: inUnit(birth), death: inUnit(death), length: inUnit(death - birth),
  }))];
  const reach = numbers.reach[placeOf(shown)];
  if (reach !== null) {
    const noise = (reach - 1) * birth;
    const longer = death - birth > noise;
    lines.push(note(longer ? "Noise of this kind lasts up to {reach}: it is longer."
      : "Noise of this kind lasts up to {reach}: it is no longer than that.", { reach: inUnit(noise) }));
  }
  const judged = numbers.judged.find((one) => one.place === placeOf(shown) && one.bar === chosen);
  if (judged) {
    lines.push(note("p = {p}, the larger of two: {universal} by the universal law of noise bars, {spectrum} among clouds of the same spectrum.",
      { p: digits(judged.p), universal: digits(judged.universal), spectrum: digits(judged.spectrum) }));
    if (judged.stability !== null) lines.push(note("Found again in {share} of subsamples.", { share: percent(judged.stability) }));
  }
  return lines;
}

function bindLoop(numbers) {
  view.askedForLoop = [...(byId("loop-told")?.childNodes ?? [])];
  for (const chip of all("[data-track]")) {
    const track = Number(chip.dataset.track);
    chip.addEventListener("click", () => choose({ loop: shown.loop?.track === track ? null : { track } }));
  }
  const barcode = document.querySelector('svg[data-barcode="1"]');
  barcode?.addEventListener("click", (event) => {
    const [, up] = within(barcode, event);
    const [, , bottom, top] = barcode.dataset.y.split(" ").map(Number);
    const { length } = loopBars(numbers);
    const bar = Math.floor((up - top) / Math.min((bottom - top) / Math.max(length, 1), 9));
    if (bar >= 0 && bar < length) choose({ loop: loopOf(numbers, nearestKnown(numbers, bar, length)) });
  });
  document.querySelector("[data-chooser]")?.addEventListener("keydown", (event) => stepBars(numbers, event));
  const diagram = document.querySelector('svg[data-diagram="1"]');
  diagram?.addEventListener("click", (event) => {
    const bar = nearestPoint(diagram, loopBars(numbers), within(diagram, event));
    if (bar !== null) choose({ loop: loopOf(numbers, bar) });
  });
}

// Thin bars are hard to hit: a bar with passages that lies within a few pixels is meant.
function nearestKnown(numbers, bar, length) {
  const near = Math.max(1, Math.round(length / 40));
  const known = [...marked(numbers).known.keys()].sort((a, b) => Math.abs(a - bar) - Math.abs(b - bar));
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

// Arrow keys go through the bars whose passages are known, the longest first.
function stepBars(numbers, event) {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (event.key === "Escape") choose({ loop: null });
  if (!step) return;
  event.preventDefault();
  const { known, chosen } = marked(numbers);
  const bars = [...known.keys()].sort((a, b) => a - b);
  if (!bars.length) return;
  const now = bars.indexOf(chosen);
  const next = now < 0 ? (step > 0 ? 0 : bars.length - 1) : Math.min(bars.length - 1, Math.max(0, now + step));
  choose({ loop: loopOf(numbers, bars[next]) });
}
