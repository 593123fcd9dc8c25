// --- choosing ---

const PAUSE = 900; // milliseconds from one state to the next while playing

function showControls() {
  const label = stateName();
  for (const control of all("[data-choose]")) control.value = shown[control.dataset.choose];
  for (const slider of all('input[data-choose="state"]')) slider.setAttribute("aria-valuetext", label);
  for (const button of all("[data-step]")) {
    button.disabled = !(shown.state + Number(button.dataset.step) in index.states);
  }
  for (const place of all("[data-shown]")) {
    const what = place.dataset.shown;
    place.textContent = { state: label, layer: index.layerNames[shown.layer], cloud: index.cloudNames[shown.cloud] }[what];
  }
}

function bindControls() {
  for (const control of all("[data-choose]")) {
    on(control, "input", () => choose({ [control.dataset.choose]: Number(control.value) }));
  }
  for (const button of all("[data-step]")) {
    on(button, "click", () => choose({ state: shown.state + Number(button.dataset.step) }));
  }
  for (const form of all("form.controls")) {
    form.hidden = false;
    on(form, "submit", (event) => event.preventDefault());
  }
  bindPlay();
}

// Plays the states in order, over and over; selecting a state stops it.
function bindPlay() {
  const button = byId("play");
  if (!button) return;
  let timer = 0;
  const tell = (sign, word) => {
    press(button, timer > 0);
    button.firstChild.textContent = sign;
    button.lastChild.textContent = word;
  };
  view.stopPlay = () => {
    clearInterval(timer);
    timer = 0;
    tell("▶ ", say("Play"));
  };
  const step = () => {
    if (shown.state + 1 in index.states) choose({ state: shown.state + 1 }, true);
    else view.stopPlay();
  };
  on(button, "click", () => {
    if (timer) return view.stopPlay();
    timer = setInterval(step, PAUSE);
    tell("❚❚ ", say("Pause"));
    return choose({ state: shown.state + 1 in index.states ? shown.state + 1 : 0 }, true);
  });
}
