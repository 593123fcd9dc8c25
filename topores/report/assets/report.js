// The page is whole without this file: it shows the last state. This lets a reader choose another one.

const index = JSON.parse(document.getElementById("index").textContent);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// What is shown: places in the lists of states, layers and clouds.
const [state, layer, cloud] = index.shown;
const shown = { state, layer, cloud };
const lists = { state: index.states.map((s) => s.cycle), layer: index.layers, cloud: index.clouds };
const inHash = { state: "cycle", layer: "layer", cloud: "cloud" };

async function unpack(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// A count, its thousands apart.
const whole = (value) => value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ",");

// Three significant digits, as numbers.py writes them.
function digits(value) {
  if (value === null) return "–";
  const size = Math.abs(value);
  let text;
  if (size === 0) text = "0";
  else if (size >= 999.5) text = whole(value);
  else if (size < 0.001) {
    text = value.toExponential(2).replace(/e-(\d+)/, (_, power) => `×10⁻${[...power].map((d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]).join("")}`);
  }
  else text = value.toPrecision(3);
  return text.replaceAll("-", "−");
}

function scale(words) {
  const [low, high, start, end] = words.split(" ").map(Number);
  return (value) => start + ((value - low) / (high - low)) * (end - start);
}

function draw(name, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

// --- how the space changed ---

function showChange(change) {
  for (const line of all("polyline[data-series]")) {
    const { x, y } = line.ownerSVGElement.dataset;
    const places = x.split(" ");
    const up = scale(y);
    const values = change[line.dataset.series][shown.layer][shown.cloud];
    const points = values.flatMap((value, i) => (value === null ? [] : [`${places[i]},${up(value).toFixed(2)}`]));
    line.setAttribute("points", points.join(" "));
  }
  for (const row of all("tr[data-row]")) {
    const values = change[row.dataset.row][shown.layer][shown.cloud];
    all("td", row).forEach((cell, i) => { cell.textContent = digits(values[i]); });
  }
}

// --- clusters and loops ---

// Packed bars of one degree as { count, bars: [birth, death, pinned] }; a death of Infinity never comes.
function unfold([count, births, lengths, pins]) {
  let birth = 0;
  const pinned = new Set(pins);
  const bars = births.map((step, i) => {
    birth += step;
    const death = lengths[i] < 0 ? Infinity : (birth + lengths[i]) * index.step;
    return [birth * index.step, death, pinned.has(i)];
  });
  return { count, bars };
}

function showBarcode(svg, bars) {
  const { x, y } = svg.dataset;
  const along = scale(x);
  const [, , bottom, top] = y.split(" ").map(Number);
  const step = Math.min((bottom - top) / Math.max(bars.length, 1), 9);
  const width = Math.max(step * 0.7, 0.5);
  const marks = bars.map(([birth, death, pin], i) => draw("path", {
    class: pin ? "pinned" : "bar",
    "stroke-width": (pin ? Math.max(width, 3) : width).toFixed(2),
    d: `M${along(birth).toFixed(2)} ${(top + (i + 0.5) * step).toFixed(2)}H${death === Infinity ? index.edge.right : along(death).toFixed(2)}`,
  }));
  svg.querySelector(".bars").replaceChildren(...(marks.length ? marks : [nothing(svg)]));
}

function nothing(svg) {
  const { width, height } = svg.viewBox.baseVal;
  const text = draw("text", { class: "title", x: width / 2, y: height / 2, "text-anchor": "middle" });
  text.textContent = "none";
  return text;
}

function showDiagram(svg, degrees) {
  const along = scale(svg.dataset.x);
  const up = scale(svg.dataset.y);
  const shapes = [0, 1, 2].map((degree) => document.querySelector(`#mark-degree${degree} path`).getAttribute("d"));
  const told = svg.dataset.diagram.split(" ").map(Number);
  const marks = degrees.flatMap(({ bars }, i) => (told.includes(index.degrees[i]) ? bars : []).map(([birth, death, pin]) => draw("path", {
    class: `mark degree${index.degrees[i]}${pin ? " pinned" : ""}`,
    d: shapes[Math.min(index.degrees[i], 2)],
    transform: `translate(${along(birth).toFixed(2)} ${death === Infinity ? index.edge.top : up(death).toFixed(2)})`,
  })));
  svg.querySelector(".points").replaceChildren(...marks);
}

function showCurve(svg, [thresholds, counts]) {
  const along = scale(svg.dataset.x);
  const up = scale(svg.dataset.y);
  // A count holds until the next threshold: steps, not slopes.
  const points = thresholds.flatMap((t, i) => [counts[i - 1], counts[i]]
    .filter((count) => count !== undefined)
    .map((count) => `${along(t).toFixed(2)},${up(count).toFixed(2)}`));
  svg.querySelector("polyline").setAttribute("points", points.join(" "));
}

function fill(table, rows) {
  if (!table) return;
  table.tBodies[0].replaceChildren(...rows.map(([head, ...cells]) => {
    const row = document.createElement("tr");
    const first = document.createElement("th");
    first.scope = "row";
    first.textContent = head;
    row.append(first);
    for (const cell of cells) row.insertCell().textContent = cell;
    return row;
  }));
}

function barRows(degrees) {
  return degrees.flatMap(({ bars }, i) => [...bars]
    .sort((a, b) => (b[1] === a[1] && b[1] === Infinity ? 0 : b[1] - b[0] - (a[1] - a[0])))
    .map(([birth, death]) => (death === Infinity
      ? [index.kinds[i], digits(birth), "never", "–"]
      : [index.kinds[i], digits(birth), digits(death), digits(death - birth)])));
}

function showShape({ bars, betti }) {
  const degrees = bars[shown.state][shown.layer][shown.cloud].map(unfold);
  const curves = betti[shown.state][shown.layer][shown.cloud];
  const at = (degree) => index.degrees.indexOf(Number(degree));
  for (const svg of all("svg[data-barcode]")) showBarcode(svg, degrees[at(svg.dataset.barcode)].bars);
  for (const svg of all("svg[data-diagram]")) showDiagram(svg, degrees);
  for (const svg of all("svg[data-betti]")) showCurve(svg, curves[at(svg.dataset.betti)]);
  for (const span of all("[data-count]")) {
    const { count } = degrees[at(span.dataset.count)];
    const cut = count > index.most ? `, the longest ${index.most} drawn` : "";
    span.textContent = `${index.kinds[at(span.dataset.count)]}: ${whole(count)} ${count === 1 ? "bar" : "bars"}${cut}. `;
  }
}

function showTables({ bars, betti }) {
  const curves = betti[shown.state][shown.layer][shown.cloud];
  fill(document.querySelector(".bars-table"), barRows(bars[shown.state][shown.layer][shown.cloud].map(unfold)));
  fill(document.querySelector(".betti-table"), curves.flatMap(([thresholds, counts], i) =>
    thresholds.map((t, k) => [index.kinds[i], digits(t), whole(counts[k])])));
}

// --- choosing ---

function showControls() {
  const label = index.states[shown.state].label;
  for (const control of all("[data-choose]")) control.value = shown[control.dataset.choose];
  for (const slider of all('input[data-choose="state"]')) slider.setAttribute("aria-valuetext", label);
  for (const button of all("[data-step]")) {
    button.disabled = !(shown.state + Number(button.dataset.step) in index.states);
  }
  for (const place of all("[data-shown]")) {
    const select = document.querySelector(`select[data-choose="${place.dataset.shown}"]`);
    if (place.dataset.shown === "state") place.textContent = label;
    else if (select) place.textContent = select.options[select.selectedIndex].textContent;
  }
}

// Takes what the address names and the analysis has; says whether it named anything.
function readHash() {
  const words = new URLSearchParams(location.hash.slice(1));
  let named = false;
  for (const [what, word] of Object.entries(inHash)) {
    const place = lists[what].findIndex((entry) => String(entry) === words.get(word));
    if (place < 0) continue;
    shown[what] = place;
    named = true;
  }
  return named;
}

function writeHash() {
  const words = Object.entries(inHash).map(([what, word]) => [word, lists[what][shown[what]]]);
  history.replaceState(null, "", `#${new URLSearchParams(words)}`);
}

let tables = 0;

function show(numbers) {
  showControls();
  showChange(numbers.change);
  showShape(numbers);
  // Long tables follow when the slider rests.
  clearTimeout(tables);
  tables = setTimeout(showTables, 120, numbers);
}

function bind(numbers) {
  const choose = (what, place) => {
    if (!(place in lists[what])) return;
    shown[what] = place;
    writeHash();
    show(numbers);
  };
  for (const control of all("[data-choose]")) {
    control.addEventListener("input", () => choose(control.dataset.choose, Number(control.value)));
  }
  for (const button of all("[data-step]")) {
    button.addEventListener("click", () => choose("state", shown.state + Number(button.dataset.step)));
  }
  for (const form of all("form.controls")) form.hidden = false;
  addEventListener("hashchange", () => {
    if (!readHash()) return;
    show(numbers);
    document.getElementById("shape")?.scrollIntoView();
  });
  if (readHash()) show(numbers);
}

// Print shows what is folded, and folds it again after.
function bindPrint(numbers) {
  let folded = [];
  addEventListener("beforeprint", () => {
    showTables(numbers);
    folded = all("details:not([open])");
    for (const one of folded) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of folded) one.open = false;
  });
}

const numbers = await unpack(document.getElementById("numbers").textContent);
bind(numbers);
bindPrint(numbers);
