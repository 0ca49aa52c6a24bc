// Paths between two ends: which two of the view's lanes (or repeats of one), and along which path. A run of its own.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});
  const { make, button, labelled, fill, makers } = gradscape.strips;

  const say = (strip, text) => (strip.querySelector("[data-said]").textContent = text);
  const pathsOf = (strip) => JSON.parse(strip.dataset.paths);

  // Every lane of every race, each of its repeats by itself: [[key, title], …].
  function ends() {
    const lanes = gradscape.current ? gradscape.current.lanes() : [];
    return lanes.flatMap(({ run, name, title }) => {
      const known = gradscape.current.known.get(run);
      if (!known || known.kind !== "train") return [];
      const repeats = known.request.repeats || 1;
      return Array.from({ length: repeats }, (_, repeat) => [
        JSON.stringify({ run, lane: name, repeat }), repeats > 1 ? `${title} · repeat ${repeat + 1}` : title,
      ]);
    });
  }

  function offer(strip) {
    const found = ends();
    const [first, second] = strip.querySelectorAll("[data-end]");
    fill(first, found, found.length ? found[0][0] : "");
    fill(second, found, found.length ? found[Math.min(1, found.length - 1)][0] : "");
  }

  async function draw(strip) {
    const [first, second] = [...strip.querySelectorAll("[data-end]")].map(({ value }) => value);
    const chosen = pathsOf(strip).find(({ value }) => value === strip.querySelector("[data-path]").value);
    if (!first || !second) return say(strip, "There is no lane yet; press Start first.");
    if (first === second) return say(strip, "Choose two different ends: two lanes, or two repeats of one.");
    if (gradscape.members.room() < 1) return say(strip, "The view is full: take a run out of it (✕), and try again.");
    const { moment } = gradscape.current; // the step that all panels show, where one was chosen
    const step = Number.isFinite(moment) ? { step: moment } : {};
    const at = [first, second].map((end) => ({ ...JSON.parse(end), ...step }));
    const { request } = gradscape.current.known.get(at[0].run);
    const named = ({ lane, repeat }) => (repeat ? `${lane} ${repeat + 1}` : lane);
    const body = {
      kind: "analyse",
      name: `${chosen.label}: ${named(at[0])} to ${named(at[1])}${"step" in step ? `, step ${moment}` : ""}`.slice(0, 200),
      seed: request.seed || 0,
      dtype: request.dtype || "float32",
      at,
      analysis: chosen.analysis,
    };
    say(strip, "Starting …");
    const { json, error } = await gradscape.ask("POST", "/api/runs", body);
    gradscape.bar.refuse(error);
    say(strip, json ? "" : "Not started.");
    if (!json) return null;
    gradscape.members.join(json.id);
    document.querySelector("[data-tool='path']").click(); // out of the picture's way
    return null;
  }

  makers.path = {
    make(strip) {
      const end = (label) => make("select", { className: "gs-series", "data-end": "", "aria-label": label });
      const path = make("select", { className: "gs-series", "data-path": "", "aria-label": "Path" });
      fill(path, pathsOf(strip).map(({ value, label }) => [value, label]), pathsOf(strip)[0].value);
      const explain = () => say(strip, pathsOf(strip).find(({ value }) => value === path.value).summary);
      path.addEventListener("change", explain);
      strip.append(
        labelled("From", end("First end")), labelled("to", end("Second end")), path,
        button("Draw", () => draw(strip)), make("span", { className: "gs-said", role: "status", "data-said": "" }),
      );
      explain();
    },
    open(strip) {
      offer(strip);
      strip.watching = setInterval(() => offer(strip), 1000);
    },
    close(strip) {
      clearInterval(strip.watching);
    },
  };
})();
