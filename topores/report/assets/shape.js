// --- clusters and loops ---

// Loops live in another range in each layer: their axes are drawn anew.
function showAxes(svg, kind) {
  const [x, y] = index.loopAxes[shown.layer][kind];
  if (svg.dataset.x === x.line && svg.dataset.y === y.line) return;
  [svg.dataset.x, svg.dataset.y] = [x.line, y.line];
  const { left, right, bottom } = index.edge;
  const label = (words, attributes) => {
    const text = draw("text", { class: "tick", ...attributes });
    text.textContent = words;
    return text;
  };
  svg.querySelector(".frame").replaceChildren(
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
  svg.querySelector(".diagonal")?.setAttribute("d", `M${along(along.low)} ${up(up.low)}L${along(along.high)} ${up(up.high)}`);
}

function showBarcode(svg, numbers, degree) {
  const { bars } = barsOf(numbers, degree);
  const along = scale(svg.dataset.x);
  const [, , bottom, top] = svg.dataset.y.split(" ").map(Number);
  const step = Math.min((bottom - top) / Math.max(bars.length, 1), 9);
  const width = Math.max(step * 0.7, 0.5);
  const { known, chosen } = index.degrees[degree] === 1 ? marked(numbers) : { known: new Map(), chosen: null };
  const marks = bars.map(([birth, death], i) => {
    const heavy = known.has(i) || i === chosen;
    return draw("path", {
      class: `${known.has(i) ? "pinned" : "bar"}${i === chosen ? " chosen" : ""}`,
      "stroke-width": (heavy ? Math.max(width, 3) : width).toFixed(2),
      d: `M${along(birth).toFixed(2)} ${(top + (i + 0.5) * step).toFixed(2)}H${death === Infinity ? index.edge.right : along(death).toFixed(2)}`,
    });
  });
  // The chosen one lies on top, so that its neighbours do not hide it.
  if (chosen !== null && chosen in marks) marks.push(...marks.splice(chosen, 1));
  const reach = index.degrees[degree] === 1 ? numbers.reach[placeOf(shown)] : null;
  const band = reach === null ? [] : [draw("path", {
    class: "band",
    d: bars.map(([birth], i) => `M${along(birth).toFixed(2)} ${(top + i * step).toFixed(2)}H${Math.min(along(birth * reach), index.edge.right).toFixed(2)}v${step.toFixed(2)}H${along(birth).toFixed(2)}Z`).join(""),
  })];
  svg.querySelector(".bars").replaceChildren(...(marks.length ? [...band, ...marks] : [nothing(svg)]));
}

function nothing(svg) {
  const { width, height } = svg.viewBox.baseVal;
  const text = draw("text", { class: "title", x: width / 2, y: height / 2, "text-anchor": "middle" });
  text.textContent = say("none");
  return text;
}

function showDiagram(svg, numbers) {
  const [along, up] = [scale(svg.dataset.x), scale(svg.dataset.y)];
  const { known, chosen } = marked(numbers);
  const marks = [];
  for (const degree of svg.dataset.diagram.split(" ").map(Number)) {
    const shape = document.querySelector(`#mark-degree${Math.min(degree, 2)} path`).getAttribute("d");
    barsOf(numbers, index.degrees.indexOf(degree)).bars.forEach(([birth, death], i) => {
      const pin = degree === 1 && known.has(i) ? " pinned" : "";
      const pick = degree === 1 && i === chosen ? " chosen" : "";
      const place = `${along(birth).toFixed(2)} ${death === Infinity ? index.edge.top : up(death).toFixed(2)}`;
      marks.push(draw("path", { class: `mark degree${degree}${pin}${pick}`, d: shape, transform: `translate(${place})` }));
    });
  }
  svg.querySelector(".points").replaceChildren(...marks.filter((m) => !m.classList.contains("chosen")), ...marks.filter((m) => m.classList.contains("chosen")));
  showReach(svg.querySelector(".reach"), numbers, along, up);
}

// Death at `reach` times birth, as far as the diagram goes.
function showReach(line, numbers, along, up) {
  const reach = numbers.reach[placeOf(shown)];
  if (!line) return;
  const [left, right] = [Math.max(along.low, up.low / reach), Math.min(along.high, up.high / reach)];
  const [from, to] = [left, right].map((birth) => `${along(birth).toFixed(2)} ${up(birth * reach).toFixed(2)}`);
  line.setAttribute("d", reach !== null && left < right ? `M${from}L${to}` : "");
}

function showCurve(svg, [thresholds, counts]) {
  const [along, up] = [scale(svg.dataset.x), scale(svg.dataset.y)];
  // A count holds until the next threshold: steps, not slopes.
  const points = thresholds.flatMap((t, i) => [counts[i - 1], counts[i]]
    .filter((count) => count !== undefined)
    .map((count) => `${along(t).toFixed(2)},${up(count).toFixed(2)}`));
  svg.querySelector("polyline").setAttribute("points", points.join(" "));
}

function showShape(numbers) {
  const at = (degree) => index.degrees.indexOf(Number(degree));
  const curves = numbers.betti[placeOf(shown)];
  for (const svg of all("svg[data-barcode]")) {
    if (svg.dataset.barcode === "1") showAxes(svg, "barcode");
    showBarcode(svg, numbers, at(svg.dataset.barcode));
  }
  for (const svg of all("svg[data-diagram]")) {
    if (svg.dataset.diagram === "1") showAxes(svg, "diagram");
    showDiagram(svg, numbers);
  }
  for (const svg of all("svg[data-betti]")) showCurve(svg, curves[at(svg.dataset.betti)]);
  for (const span of all("[data-count]")) {
    const { count } = barsOf(numbers, at(span.dataset.count));
    const bars = many(count, "bar");
    const told = count > index.most ? say("{bars}, the longest {most} drawn", { bars, most: index.most }) : bars;
    span.textContent = say("{kind}: {bars}. ", { kind: index.kinds[at(span.dataset.count)], bars: told });
  }
}

function barRows({ bars }, kind) {
  return [...bars]
    .sort((a, b) => (b[1] === a[1] && b[1] === Infinity ? 0 : b[1] - b[0] - (a[1] - a[0])))
    .map(([birth, death]) => (death === Infinity
      ? [kind, digits(birth), say("never"), "–"]
      : [kind, digits(birth), digits(death), digits(death - birth)]));
}

function showTables(numbers) {
  const curves = numbers.betti[placeOf(shown)];
  const rows = index.kinds.flatMap((kind, degree) => barRows(barsOf(numbers, degree), kind));
  fill(document.querySelector(".bars-table"), rows);
  fill(document.querySelector(".betti-table"), curves.flatMap(([thresholds, counts], i) =>
    thresholds.map((t, k) => [index.kinds[i], digits(t), whole(counts[k])])));
}
