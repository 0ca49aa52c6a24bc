// The time line below the panels: every panel shows the step that is chosen on it; at its right end all follow live.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});
  const KEY = "time.step"; // among the view's choices

  const REST = 250; // milliseconds

  let pending = false;
  let resting = null;

  const part = (name) => document.querySelector(`[data-timeline] [data-${name}]`);
  const write = (element, text) => element.textContent !== text && (element.textContent = text);

  // Takes the view's choices; the step of an address may lie beyond what has come so far.
  function apply(choices) {
    const asked = choices[KEY] ? Number(choices[KEY]) : NaN;
    const step = Number.isInteger(asked) && asked >= 0 ? asked : null;
    if (gradscape.current.moment === step) return;
    gradscape.current.setMoment(step);
    gradscape.touch();
  }

  // Shows a step at once; null follows. The address learns it when the reader has let go, and rests.
  function choose(step, keep) {
    const value = step === null ? null : String(step);
    gradscape.choose(KEY, value);
    touch();
    if (!keep) return;
    clearTimeout(resting);
    resting = setTimeout(() => gradscape.keep({ [KEY]: value }), REST);
  }

  function touch() {
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => {
      pending = false;
      show();
    });
  }

  // The browser's own slider, for the keyboard's sake.
  function makeRange() {
    const range = document.createElement("input");
    Object.assign(range, { type: "range", min: 0, step: 1 });
    range.setAttribute("data-range", "");
    range.setAttribute("aria-label", "Step that is shown");
    part("range-place").append(range);
    return range;
  }

  function show() {
    const bar = document.querySelector("[data-timeline]");
    if (!bar) return;
    const view = gradscape.current;
    const reach = view.reach();
    bar.hidden = reach === 0;
    if (bar.hidden) return;
    const { moment } = view;
    const [range, live] = [part("range") || makeRange(), part("live")];
    const shown = moment === null ? reach : Math.min(moment, reach);
    if (range.max !== String(reach)) range.max = String(reach);
    if (range.value !== String(shown)) range.value = String(shown);
    range.style.setProperty("--share", `${(100 * shown) / reach}%`);
    const text = moment === null ? `step ${reach}` : `step ${shown} of ${reach}`;
    write(part("step"), text);
    const told = moment === null ? `live, ${text}` : text;
    if (range.getAttribute("aria-valuetext") !== told) range.setAttribute("aria-valuetext", told);
    live.setAttribute("aria-pressed", String(moment === null));
    gradscape.look.offer();
  }

  const stepOf = (range) => (Number(range.value) >= Number(range.max) ? null : Number(range.value));

  document.addEventListener("input", ({ target }) => target === part("range") && choose(stepOf(target), false));
  document.addEventListener("change", ({ target }) => target === part("range") && choose(stepOf(target), true));
  document.addEventListener("click", ({ target }) => {
    if (target instanceof Element && target.closest("[data-timeline] [data-live]")) choose(null, true);
  });

  gradscape.timeline = { apply, choose, touch };
})();
