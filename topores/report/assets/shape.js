// --- clusters and loops ---

// Loops have another range in each state, layer and cloud, so their axes are redrawn from about the first birth on.
function showAxes(svg, bars) {
  const ends = bars.flat().filter(Number.isFinite);
  const { left, right, top, bottom } = index.edge;
  const x = axisOf(ends, left, right - 8);
  const y = svg.dataset.diagram ? axisOf(ends, bottom, top + 12) : { line: svg.dataset.y, ticks: [] };
  [svg.dataset.x, svg.dataset.y] = [x.line, y.line];
  const label = (words, attributes) => {
    const text = draw("text", { class: "tick", ...attributes });
    text.textContent = words;
    return text;
  };
  first(".frame", svg).replaceChildren(
    ...y.ticks.flatMap(([at, words]) => [
      draw("path", { class: "grid", d: `M${left} ${at}H${right}` }),
      label(words, { x: left - 6, y: at + 3.5, "text-anchor": "end" }),
    ]),
    draw("path", { class: "axis", d: `M${left} ${bottom}H${right}` }),
    ...x.ticks.flatMap(([at, words]) => [
      draw("path", { class: "axis", d: `M${at} ${bottom}v4` }),
      label(words, { x: at, y: bottom + 19, "text-anchor": "middle" }),
    ]),
  );
  const [along, up] = [scale(x.line), scale(y.line)];
  first(".diagonal", svg)?.setAttribute("d", `M${along(along.low)} ${up(up.low)}L${along(along.high)} ${up(up.high)}`);
}

// Widened to round numbers, as axes.py does it.
function axisOf(ends, start, end) {
  const [low, high] = ends.length ? [Math.min(...ends), Math.max(...ends)] : [0, 1];
  const rough = (high - low || 1) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((one) => one >= rough * (1 - 1e-9));
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const line = [first * step, last * step, start, end].join(" ");
  const place = scale(line);
  const values = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  return { line, ticks: values.map((value) => [place(value), localised(value ? value.toFixed(decimals) : "0")]) };
}

// Height of one bar with its margin.
const heightOf = ({ length }) => Math.min((index.edge.bottom - index.edge.top) / Math.max(length, 1), 9);

function showBarcode(svg, degree) {
  const { bars } = barsOf(degree);
  const along = scale(svg.dataset.x);
  const { top, right } = index.edge;
  const step = heightOf(bars);
  const width = cut(Math.max(step * 0.7, 0.5));
  const { known, chosen } = index.degrees[degree] === 1 ? marked() : { known: new Map(), chosen: null };
  const marks = bars.map(([birth, death], i) => ({
    class: `${known.has(i) ? "pinned" : "bar"}${i === chosen ? " chosen" : ""}`,
    "stroke-width": known.has(i) || i === chosen ? Math.max(width, 3) : width,
    d: `M${along(birth)} ${cut(top + (i + 0.5) * step)}H${death === Infinity ? right : along(death)}`,
  }));
  // The selected bar is drawn last, so that its neighbours do not hide it.
  if (chosen !== null && chosen in marks) marks.push(...marks.splice(chosen, 1));
  const reach = index.degrees[degree] === 1 ? numbers.reach[placeOf(shown)] : null;
  const band = reach === null ? [] : [{
    class: "band",
    d: bars.map(([birth], i) => `M${along(birth)} ${cut(top + i * step)}H${Math.min(along(birth * reach), right)}v${cut(step)}H${along(birth)}Z`).join(""),
  }];
  redraw(first(".bars", svg), marks.length ? [...band, ...marks] : []);
  if (!marks.length) first(".bars", svg).append(nothing(svg));
}

// Paths are created once and reused: hundreds of new ones per state would be slow.
function redraw(group, marks) {
  for (const child of [...group.children].filter(({ tagName }, i) => tagName !== "path" || i >= marks.length)) child.remove();
  marks.forEach((attributes, i) => set(group.children[i] ?? group.appendChild(draw("path")), attributes));
}

function nothing(svg) {
  const { width, height } = svg.viewBox.baseVal;
  const text = draw("text", { class: "title", x: width / 2, y: height / 2, "text-anchor": "middle" });
  text.textContent = say("none");
  return text;
}

function showDiagram(svg) {
  const [along, up] = [scale(svg.dataset.x), scale(svg.dataset.y)];
  const { known, chosen } = marked();
  const marks = [];
  for (const degree of svg.dataset.diagram.split(" ").map(Number)) {
    const shape = first(`#mark-degree${Math.min(degree, 2)} path`).getAttribute("d");
    barsOf(index.degrees.indexOf(degree)).bars.forEach(([birth, death], i) => {
      const pin = degree === 1 && known.has(i) ? " pinned" : "";
      const pick = degree === 1 && i === chosen ? " chosen" : "";
      const place = `${along(birth)} ${death === Infinity ? index.edge.top : up(death)}`;
      marks.push({ class: `mark degree${degree}${pin}${pick}`, d: shape, transform: `translate(${place})` });
    });
  }
  redraw(first(".points", svg), marks.sort((a, b) => a.class.endsWith(" chosen") - b.class.endsWith(" chosen")));
  showReach(first(".reach", svg), along, up);
}

// Death at `reach` times birth, as far as the diagram goes.
function showReach(line, along, up) {
  const reach = numbers.reach[placeOf(shown)];
  if (!line) return;
  const [left, right] = [Math.max(along.low, up.low / reach), Math.min(along.high, up.high / reach)];
  const [from, to] = [left, right].map((birth) => `${along(birth)} ${up(birth * reach)}`);
  line.setAttribute("d", reach !== null && left < right ? `M${from}L${to}` : "");
}

function showCurve(svg, [thresholds, counts]) {
  const [along, up] = [scale(svg.dataset.x), scale(svg.dataset.y)];
  // A count holds until the next threshold: steps, not slopes.
  const points = thresholds.flatMap((t, i) => [counts[i - 1], counts[i]]
    .filter((count) => count !== undefined)
    .map((count) => `${along(t)},${up(count)}`));
  first("polyline", svg).setAttribute("points", points.join(" "));
}

function showShape() {
  const at = (degree) => index.degrees.indexOf(Number(degree));
  const curves = numbers.betti[placeOf(shown)];
  for (const svg of all("svg[data-barcode], svg[data-diagram]")) {
    const { barcode, diagram } = svg.dataset;
    if ((barcode ?? diagram) === "1") showAxes(svg, loopBars());
    if (barcode) showBarcode(svg, at(barcode));
    else showDiagram(svg);
    showDrawn(svg, (barcode ?? diagram).split(" ").map(at));
  }
  for (const svg of all("svg[data-betti]")) showCurve(svg, curves[at(svg.dataset.betti)]);
  for (const span of all("[data-count]")) {
    const { count } = barsOf(at(span.dataset.count));
    const bars = many(count, "bar");
    const told = count > index.most ? say("{bars}, the longest {most} drawn", { bars, most: index.most }) : bars;
    span.textContent = say("{kind}: {bars}. ", { kind: index.kinds[at(span.dataset.count)], bars: told });
  }
}

// Number of bars, for screen readers; and visibly if only the longest are drawn.
function showDrawn(svg, degrees) {
  const counted = degrees.map((degree) => {
    const { count, bars } = barsOf(degree);
    const noun = ["cluster", "loop"][index.degrees[degree]];
    const every = noun ? many(count, noun) : `${index.kinds[degree]}: ${whole(count)}`;
    return count > bars.length ? say(svg.dataset.longest, { drawn: bars.length, every }) : every;
  }).join(", ");
  const some = degrees.some((degree) => barsOf(degree).count > index.most);
  svg.setAttribute("aria-label", say(svg.dataset.label, { counted }));
  first("[data-drawn]", svg.closest("figure")).textContent = some ? counted : "";
}

function barRows({ bars }, kind) {
  return [...bars]
    .sort((a, b) => (b[1] === a[1] && b[1] === Infinity ? 0 : b[1] - b[0] - (a[1] - a[0])))
    .map(([birth, death]) => (death === Infinity
      ? [kind, digits(birth), say("never"), "–"]
      : [kind, digits(birth), digits(death), digits(death - birth)]));
}

function showTables() {
  const curves = numbers.betti[placeOf(shown)];
  const rows = index.kinds.flatMap((kind, degree) => barRows(barsOf(degree), kind));
  fill(first(".bars-table"), rows);
  fill(first(".betti-table"), curves.flatMap(([thresholds, counts], i) =>
    thresholds.map((t, k) => [index.kinds[i], digits(t), whole(counts[k])])));
}
