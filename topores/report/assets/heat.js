// --- the heat map of layers and states ---

function showHeat() {
  const select = byId("heat-measure");
  if (!select) return;
  const { title, unit, values } = numbers.heat[Number(select.value)];
  const flat = values.flatMap((layers) => layers[shown.cloud]).filter((value) => value !== null);
  const [low, high] = [Math.min(...flat), Math.max(...flat)];
  [low, high].forEach((end, i) => { all(".heat-scale span")[i].textContent = flat.length ? digits(end) : "–"; });
  for (const row of all(".heat-table tr[data-layer]")) {
    const at = Number(row.dataset.layer);
    all("button", row).forEach((cell, s) => {
      const value = values[at][shown.cloud][s];
      const here = s === shown.state && at === shown.layer;
      cell.textContent = value === null ? "–" : brief(value);
      cell.style.setProperty("--share", value === null || high === low ? 0 : (value - low) / (high - low));
      // The visible text comes first, so that voice control finds the cell.
      cell.setAttribute("aria-label", `${cell.textContent} · ${toldOfCell(s, at, value, unit)}`);
      press(cell, here);
      cell.tabIndex = here ? 0 : -1;
    });
  }
  const now = values[shown.layer][shown.cloud][shown.state];
  byId("heat-reading").textContent = `${title}: ${toldOfCell(shown.state, shown.layer, now, unit)}`;
}

// Two digits fit a cell; its label and the line below have three.
function brief(value) {
  const size = Math.abs(value);
  if (size >= 9950) return `${localised((value / 1000).toFixed(0))}k`;
  const text = size >= 99.5 ? value.toFixed(0) : size > 0 && size < 0.01 ? value.toExponential(0) : value.toPrecision(2);
  return localised(text).replaceAll("-", "−");
}

function toldOfCell(s, at, value, unit) {
  const number = value === null ? say("not measured") : `${digits(value)} ${unit}`.trim();
  return say("{state}, {layer}: {value}", { state: index.states[s].label, layer: index.layerNames[at], value: number });
}

function bindHeat() {
  const table = first(".heat-table");
  if (!table) return;
  on(byId("heat-measure"), "input", showHeat);
  const place = (cell) => ({ state: Number(cell.dataset.cell), layer: Number(cell.closest("tr").dataset.layer) });
  on(table, "click", (event) => {
    const cell = event.target.closest("button");
    if (cell) choose(place(cell));
  });
  on(table, "keydown", (event) => {
    const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = { state: shown.state + step[0], layer: shown.layer + step[1] };
    if (!(next.state in index.states) || !(next.layer in index.layers)) return;
    choose(next);
    first('button[aria-pressed="true"]', table).focus();
  });
}
