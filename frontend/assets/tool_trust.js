// "Can I believe this?": the questions of Trust to the very maps that are shown, as a run of its own that joins the view.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const MOST = 50; // samples: every question asks for many maps
  const panelOf = (name) => document.querySelector(`[data-panel='${name}']`);

  // What the panel shows now: the maps' events, newest look alone.
  function shown() {
    const target = panelOf("saliency") && panelOf("saliency").querySelector("[data-graph='saliency']");
    const cells = target && target.tiles && target.offsetParent ? [...target.tiles.shown.values()] : [];
    return cells.map(({ cell }) => cell).filter(({ table }) => table.last.kind === "saliency_map");
  }

  // Where the maps are of: the analysis' own point, or the race's lane at this step.
  function placeOf({ run, keys }) {
    const { request } = gradscape.current.known.get(run);
    if (request.at && request.at.length) return { at: [request.at[keys.point ?? 0]] };
    if (request.lanes) return { at: [{ run, lane: keys.lane, step: keys.step, repeat: keys.repeat || 0 }] };
    return { problem: request.problem };
  }

  // The spec that made them.
  function specOf({ run }) {
    const { request } = gradscape.current.known.get(run);
    const specs = [request.analysis, ...(request.probes || []).map(({ analysis }) => analysis)];
    return specs.find((spec) => spec && spec.kind === "saliency") || {};
  }

  function questionTo(cells) {
    const [{ table }] = cells;
    const spec = specOf(table);
    const { samples = MOST, split = "test", target = null } = spec;
    const names = document.querySelector("[data-trust]").dataset.trust.split(" "); // of the settings that maps are made with
    const settings = Object.fromEntries(names.filter((name) => name in spec).map((name) => [name, spec[name]]));
    const examples = [...new Set(cells.map(({ column }) => Number(column)))];
    if (examples.length < 2) examples.push(examples[0] + (examples[0] > 0 ? -1 : 1)); // of one alone nothing can be said
    const methods = [...new Set(cells.map(({ row }) => row))];
    return { kind: "saliency_trust", ...settings, methods, examples, split, target, samples: Math.min(samples, MOST) };
  }

  async function ask(button) {
    const cells = shown();
    if (!cells.length) return;
    if (gradscape.members.room() < 1) {
      gradscape.bar.refuse({ code: "invalid_request", message: "The view is full.", hint: "Take a run out of it (✕), and try again." });
      return;
    }
    const [{ table }] = cells;
    const { request, name } = gradscape.current.known.get(table.run);
    const body = {
      kind: "analyse",
      name: `Trust in ${name || "the maps"}`.slice(0, 200),
      ...placeOf(table),
      analysis: questionTo(cells),
      seed: request.seed || 0,
      dtype: request.dtype || "float32",
      device: request.device || "auto",
    };
    button.disabled = true;
    const { json, error } = await gradscape.ask("POST", "/api/runs", body);
    gradscape.bar.refuse(error);
    button.disabled = false;
    if (!json) return;
    gradscape.members.join(json.id);
    appear(panelOf("trust"));
  }

  // Brings a panel into sight once it is there.
  function appear(panel, tries = 40) {
    if (!panel || tries === 0) return;
    if (panel.hidden) setTimeout(() => appear(panel, tries - 1), 50);
    else panel.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  document.addEventListener("gradscape:painted", ({ detail }) => {
    const button = detail.graph === "saliency" && document.querySelector("[data-trust]");
    if (button) button.disabled = !shown().length;
  });

  document.addEventListener("click", ({ target }) => {
    const button = target instanceof Element && target.closest("[data-trust]");
    if (button && !button.disabled) ask(button);
  });
})();
