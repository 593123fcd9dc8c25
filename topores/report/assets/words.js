// --- words and numbers, in the language of the page ---

const say = (english, values = {}) =>
  (index.words[english] ?? english).replace(/\{(\w+)\}/g, (_, name) => values[name]);

const plurals = new Intl.PluralRules(index.lang);

function many(count, noun) {
  const [one, few, most] = index.nouns[noun];
  return `${whole(count)}${index.lang === "en" ? " " : "\u00a0"}${{ one, few }[plurals.select(count)] ?? most}`;
}

const localised = (text) =>
  (index.lang === "ru" ? text.replace(/[.,]/g, (mark) => (mark === "." ? "," : "\u202f")) : text);

// A count with separated thousands.
const whole = (value) => localised(value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ","));

// Three significant digits, as numbers.py writes them.
function digits(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  let text;
  if (size === 0) text = "0";
  else if (size >= 999.5) text = whole(value);
  else if (size < 0.001) {
    const raised = (power) => [...power].map((d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]).join("");
    text = localised(value.toExponential(2).replace(/e-(\d+)/, (_, power) => `×10⁻${raised(power)}`));
  } else text = localised(value.toPrecision(3));
  return text.replaceAll("-", "−");
}

const percent = (share) => `${localised(String(Number((share * 100).toPrecision(3))))} %`;
const inUnit = (value) => (index.unit ? `${digits(value)} ${index.unit}` : digits(value));
const stateName = () => index.states[shown.state].label;
