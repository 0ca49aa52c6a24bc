// Zooming into a slice evaluates the interval that is shown anew: as many points on a shorter line, as a run that joins
// the view and is drawn over what is there.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const SETTLED = 500; // milliseconds after the last zoom
  const NARROWER = 0.8; // of the interval there is: otherwise there is nothing to gain
  const LIMIT = 1e6; // of t
  const round = (value) => Number(value.toPrecision(6));
  let timer = null;

  const slices = () => gradscape.current.runs().filter(({ request }) => request.kind === "analyse" && request.analysis.kind === "slice");
  const lineOf = ({ request }) => JSON.stringify([request.at, request.problem, request.seed, request.analysis.line]);
  const width = ({ low, high }) => high - low;

  // Of each line the widest run, where no run of it is as narrow as this interval already.
  function wanting(low, high) {
    const lines = new Map();
    for (const run of slices()) lines.set(lineOf(run), [...(lines.get(lineOf(run)) || []), run]);
    return [...lines.values()].filter((runs) => {
      const near = runs.filter(({ request: { analysis } }) => analysis.low < high && analysis.high > low);
      return near.length > 0 && near.every(({ request: { analysis } }) => high - low < NARROWER * width(analysis));
    }).map((runs) => runs.reduce((one, other) => (width(other.request.analysis) > width(one.request.analysis) ? other : one)));
  }

  async function refine(low, high) {
    for (const { request } of wanting(low, high)) {
      if (gradscape.members.room() < 1) {
        gradscape.bar.refuse({ code: "unsupported", message: "The view is full, so nothing finer is worked out here.", hint: "Take a run out of it (✕), and zoom again." });
        return;
      }
      const name = `Slice from ${gradscape.wire.number(low)} to ${gradscape.wire.number(high)}`;
      const { json, error } = await gradscape.ask("POST", "/api/runs", { ...request, name, analysis: { ...request.analysis, low, high } });
      gradscape.bar.refuse(error);
      if (json) gradscape.members.join(json.id);
    }
  }

  function zoomed(change) {
    const [low, high] = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (!Number.isFinite(low) || !Number.isFinite(high) || !gradscape.members) return;
    clearTimeout(timer);
    timer = setTimeout(() => refine(round(Math.max(low, -LIMIT)), round(Math.min(high, LIMIT))), SETTLED);
  }

  document.addEventListener("gradscape:painted", ({ target }) => {
    if (target.dataset.graph !== "slice" || target.dataset.zooms || !target.on) return;
    target.dataset.zooms = "yes";
    target.on("plotly_relayout", zoomed);
  });
})();
