// The same picture with four times as many points: a run of its own on the plane that is shown, which joins the view and
// takes the coarser picture's place as soon as it is the finer one.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const MOST = 129; // points a side
  const KINDS = ["surface", "connectivity"];

  // What is shown, and how it was asked for; null where there is nothing that can be drawn finer.
  function shown() {
    const { page, panel } = gradscape.strips.landscape() || {};
    const run = page && gradscape.current.known.get(page.run);
    if (!run) return null;
    const { request } = run;
    const specs = [...(request.probes || []).map(({ analysis }) => analysis), request.analysis].filter(Boolean);
    const asked = specs.find(({ kind }) => KINDS.includes(kind));
    const { graph, bindings } = panel.graphs.find(({ target }) => !target.hidden);
    const { source } = bindings.find((binding) => binding.source.kind === "surface_tile");
    const [table] = gradscape.current.tablesOf(source, graph, page);
    if (!asked || !table) return null;
    const { coarsest, finest } = table.last;
    return { page, asked, request, whole: coarsest === finest, next: 2 * finest - 1 };
  }

  function offer() {
    const button = document.querySelector("[data-finer]");
    if (!button || button.dataset.busy) return;
    const now = shown();
    const whole = now !== null && now.whole;
    const possible = whole && now.next <= MOST;
    button.disabled = !possible;
    button.title = possible
      ? `Draw this plane again at ${now.next}×${now.next} points`
      : whole ? "This is the finest grid there is" : "Once the picture is whole, it can be drawn finer";
  }

  async function draw() {
    const { page, asked, request, next } = shown();
    if (gradscape.members.room() < 1) {
      gradscape.bar.refuse({ code: "unsupported", message: "The view is full, so there is no room for a finer picture.", hint: "Take a run out of it (✕), and try again." });
      return;
    }
    const plane = { run: page.run, plane: page.value };
    const same = Object.fromEntries(["data_fraction", "batchnorm", "arithmetic"].filter((name) => name in asked).map((name) => [name, asked[name]]));
    const { seed, dtype, device } = request;
    const body = {
      kind: "analyse", name: `At ${next}×${next} points`, seed, dtype, device,
      at: [{ ...plane, a: 0, b: 0 }],
      analysis: { kind: "surface", ...same, plane: { kind: "kept", ...plane }, extent: page.event.extent, resolution: next },
    };
    const { json, error } = await gradscape.ask("POST", "/api/runs", body);
    gradscape.bar.refuse(error);
    if (json) gradscape.members.join(json.id);
  }

  document.addEventListener("click", async ({ target }) => {
    const button = target instanceof Element && target.closest("[data-finer]");
    if (!button || button.disabled) return;
    button.disabled = true;
    button.dataset.busy = "yes";
    await draw().finally(() => delete button.dataset.busy);
  });
  document.addEventListener("gradscape:painted", ({ target }) => {
    if (target.dataset.graph.startsWith("landscape-")) offer();
  });
})();
