// What the page's controls do in the browser alone: errors at their fields, sliders, keys, the link.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});
  const noUpdate = () => window.dash_clientside.no_update;
  const triggered = () => (window.dash_clientside.callback_context.triggered[0] || { prop_id: "" }).prop_id.replace(/\.[^.]*$/, "");

  // The view changed, or the page came: the bar and the panels show it.
  function applyView(view) {
    const { runs = [], choices = {} } = view || {};
    gradscape.members.show({ runs, choices });
    gradscape.compare.show(runs);
    requestAnimationFrame(() => gradscape.bar.watch(runs));
    requestAnimationFrame(gradscape.menu.found);
    gradscape.setView({ runs, choices });
  }

  // Each error at the field it is about; what is folded away is opened, and the first one gets the focus.
  function showErrors(error, fieldIds, kindIds) {
    gradscape.bar.refuse(error && { ...error, errors: error.errors.map((one) => ({ ...one, path: nameOf(one.path) })) });
    const told = new Map(((error && error.errors) || []).map((one) => [one.path, one.message]));
    const of = ({ path }) => told.get(path) || told.get(`${path}.kind`) || firstWithin(path, told) || null;
    if (told.size) setTimeout(openWrong, 50);
    return [fieldIds.map(of), kindIds.map(({ path }) => told.get(path) || told.get(`${path}.kind`) || null)];
  }

  // A field as the set-up calls it, with its lane: "Adam · Learning rate"; its path where it has no control.
  function nameOf(path) {
    const label = document.querySelector(`#setup label[for*='"path":"${path}"']`);
    const lane = /^lanes\.\d+/.exec(path);
    const title = lane && document.querySelector(`#setup input[id*='"path":"${lane[0]}.name"']`);
    return label ? [title && title.value, label.textContent].filter(Boolean).join(" · ") : path;
  }

  // Of a list's items the first complaint: "32, x" is one field.
  function firstWithin(path, told) {
    const found = [...told].find(([other]) => other.startsWith(`${path}.`) && /^\d+$/.test(other.slice(path.length + 1)));
    return found && found[1];
  }

  function openWrong() {
    const wrong = [...document.querySelectorAll("#setup [aria-invalid='true']")];
    for (const element of wrong) {
      for (let part = element.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
    }
    if (wrong.length) wrong[0].focus();
  }

  function toggleSetup(clicks) {
    const shown = (clicks || 0) % 2 === 0;
    requestAnimationFrame(() => window.dispatchEvent(new Event("resize")));
    return [shown ? "lab" : "lab lab-wide", String(shown)];
  }

  // A field and its slider, which moves by powers of ten, say the same.
  const HALF_STEP = 0.026;
  function moveTogether(text, power) {
    const value = Number(text);
    if (triggered().includes('"field"')) return [noUpdate(), value > 0 ? Math.log10(value) : noUpdate()];
    if (value > 0 && Math.abs(Math.log10(value) - power) < HALF_STEP) return [noUpdate(), noUpdate()];
    return [shortNumber(10 ** power), noUpdate()];
  }

  // A learning rate, momentum or weight decay changed in the set-up also steers the race that was started from it, where
  // it still runs.
  const MEANT = 200; // milliseconds until a value counts
  const WHEEL = /^lanes\.(\d+)\.optimizer\.(lr|momentum|weight_decay)$/;
  let steering = null;
  function steer(rates, numbers, rateIds, numberIds, from) {
    const [texts, names] = [[...rates, ...numbers], [...rateIds, ...numberIds]];
    const at = names.findIndex(({ path }) => triggered().includes(`"${path}"`));
    const field = at < 0 ? null : WHEEL.exec(names[at].path);
    if (!field) return;
    const value = String(texts[at]).trim() === "" ? NaN : Number(texts[at]);
    clearTimeout(steering);
    if (value > 0 || (value === 0 && field[2] !== "lr")) {
      steering = setTimeout(() => gradscape.bar.set(from, Number(field[1]), field[2], value), MEANT);
    }
  }

  async function copyLink(clicks) {
    if (!clicks) return noUpdate();
    try {
      await navigator.clipboard.writeText(window.location.href);
      return "Link copied";
    } catch {
      return "Copy the address from the browser's bar";
    }
  }

  function shortNumber(value) {
    const short = Number(value.toPrecision(2));
    return short >= 1e-4 && short < 1e5 ? String(short) : short.toExponential().replace("e+", "e");
  }

  const markPage = (path, links) => links.map((link) => (link.path === path || (link.path !== "/" && path.startsWith(`${link.path}/`)) ? "page" : null));
  const openKeys = (clicks, opened) => (clicks ? !opened : noUpdate());
  // The Lab opens as it was left; so does the Compare page, which shows the Lab's runs where it was not used yet.
  const viewHrefs = (lab, compare) => [`/${lab || ""}`, `/compare${compare || runsOf(lab)}`];
  const remember = (search) => ["/", "/compare"].map((path) => (window.location.pathname === path ? search : noUpdate()));

  function runsOf(search) {
    const runs = new URLSearchParams(search || "").get("runs");
    return runs ? `?runs=${runs}` : "";
  }

  window.dashMantineFunctions = Object.assign(window.dashMantineFunctions || {}, {
    powerOfTen: (power) => shortNumber(10 ** power),
  });
  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    gradscape: { applyView, showErrors, toggleSetup, moveTogether, steer, copyLink, markPage, openKeys, viewHrefs, remember },
  });

  // Keys: nothing is taken from a field, a button or a slider that has the focus and uses the key itself.
  const TYPING = "input, textarea, select, [contenteditable='true'], [role='textbox'], [role='slider'], [role='dialog'] *";
  const WRITING = "input:not([type='radio'], [type='checkbox']), textarea, [contenteditable='true'], [role='textbox']";
  const PRESSING = "button, a, summary, [role='button'], [role='switch'], [role='menuitem'], [role='option']";
  const KEYS = { " ": "pause", ArrowRight: "step", "?": "keys-button" };
  document.addEventListener("keydown", (event) => {
    const name = KEYS[event.key];
    if (!name || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = event.target instanceof Element ? event.target : document.body;
    if (at.matches(event.key === "?" ? WRITING : TYPING) || (event.key === " " && at.matches(PRESSING)) || at.closest(".ag-root")) return;
    const button = document.getElementById(name);
    if (!button || button.disabled) return;
    event.preventDefault();
    button.click();
  });
})();
