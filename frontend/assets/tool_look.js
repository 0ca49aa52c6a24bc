// Another picture of the same runs: a plane or a slice at the chosen lanes' newest kept steps, as a run of its own.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});
  const { make, button, labelled, makers } = gradscape.strips;

  const MOST_RULES = 6;
  const FARTHEST = 1000; // in units of the directions

  let looks = null;
  const all = () => (looks = looks || JSON.parse(document.querySelector("[data-looks]").dataset.looks));
  const say = (strip, text) => (strip.querySelector("[data-said]").textContent = text);
  const laneKey = ({ run, name }) => JSON.stringify([run, name]);

  function kinds() {
    const select = make("select", { className: "gs-series", "aria-label": "Kind of picture" });
    for (const family of [...new Set(all().map((look) => look.family))]) {
      const group = make("optgroup", { label: family });
      group.append(...all().filter((look) => look.family === family).map(({ value, label }) => new Option(label, value)));
      select.append(group);
    }
    return select;
  }

  // The lanes to choose from, as boxes; those that were taken off stay off.
  function offerLanes(place) {
    const lanes = gradscape.current ? gradscape.current.lanes() : [];
    const keys = lanes.map((lane) => `${laneKey(lane)} ${lane.title}`).join();
    if (place.dataset.offered === keys) return;
    const off = new Set([...place.querySelectorAll("input:not(:checked)")].map((box) => box.value));
    place.dataset.offered = keys;
    place.replaceChildren(...lanes.map((lane) => {
      const box = make("input", { type: "checkbox", value: laneKey(lane), checked: !off.has(laneKey(lane)) });
      const { color } = gradscape.current.styleOf(lane);
      const mark = make("span", { className: "gs-mark" });
      mark.style.background = color;
      return make("label", { className: "gs-box", title: lane.title }, box, mark, lane.name);
    }));
  }

  const chosen = (strip) => [...strip.querySelectorAll("[data-lanes] input:checked")].map((box) => JSON.parse(box.value));
  const far = ({ family }) => ["Plane", "Slice"].includes(family); // it reaches as far as the reader says
  const lookOf = (strip) => all().find(({ value }) => value === strip.querySelector("select").value);

  function explain(strip) {
    const look = lookOf(strip);
    const needs = look.points > 1 ? ` Choose ${look.points} lanes.` : "";
    say(strip, `${look.summary}${needs}${look.start ? " From the first lane's initial point." : ""}`);
    strip.querySelector("[data-reach]").closest("label").hidden = !far(look);
  }

  // A comparison of rules is of the lanes' rules themselves, from the initial point; names differ within it.
  function compare(analysis, lanes, request) {
    const found = new Map();
    for (const [run, name] of lanes) {
      const lane = (gradscape.current.known.get(run).request.lanes || []).find((asked) => asked.name === name);
      if (lane && !found.has(name)) found.set(name, { name, optimizer: lane.optimizer });
    }
    analysis.rules = [...found.values()].slice(0, MOST_RULES);
    if (analysis.kind === "sweep" && request.batch_size) analysis.batch_size = request.batch_size;
  }

  async function draw(strip) {
    const look = lookOf(strip);
    const lanes = chosen(strip);
    if (lanes.length < look.points) {
      say(strip, lanes.length || look.points > 1 ? `Choose at least ${look.points} lanes; ${lanes.length} chosen.` : "Choose a lane; its newest step is the middle of the picture.");
      return;
    }
    if (gradscape.members.room() < 1) {
      say(strip, "The view is full: take a run out of it (✕), and try again.");
      return;
    }
    const reach = Number(strip.querySelector("[data-reach]").value);
    if (far(look) && !(reach > 0 && reach <= FARTHEST)) {
      say(strip, `How far the picture reaches (±) must be above 0 and at most ${FARTHEST}.`);
      return;
    }
    const { moment } = gradscape.current; // the step that all panels show, where one was chosen
    const ofRules = look.family === "Rules";
    const at = look.start ? { step: 0 } : Number.isFinite(moment) && !ofRules ? { step: moment } : {};
    const of = look.start ? lanes.slice(0, 1) : lanes;
    const { request } = gradscape.current.known.get(lanes[0][0]);
    const analysis = { ...look.analysis };
    if (ofRules) compare(analysis, lanes, request);
    else if (analysis.kind === "surface") analysis.extent = reach;
    else if (analysis.kind === "slice" && look.points < 2) Object.assign(analysis, { low: -reach, high: reach });
    const body = {
      kind: "analyse",
      name: `${look.family === "Slice" ? "Slice: " : ""}${look.label}${"step" in at && !look.start ? `, step ${moment}` : ""}`,
      seed: request.seed || 0,
      dtype: request.dtype || "float32",
      ...(ofRules ? { problem: request.problem } : { at: of.map(([run, lane]) => ({ run, lane, ...at })) }),
      analysis,
    };
    say(strip, "Starting …");
    const { json, error } = await gradscape.ask("POST", "/api/runs", body);
    gradscape.bar.refuse(error);
    say(strip, json ? "" : "Not started.");
    if (!json) return;
    gradscape.members.join(json.id);
    document.querySelector("[data-tool='look']").click(); // out of the picture's way
  }

  makers.look = {
    make(strip) {
      const kind = kinds();
      kind.addEventListener("change", () => explain(strip));
      const reach = make("input", { type: "number", value: "1", min: "0", step: "any", className: "gs-number-field", "data-reach": "", "aria-label": "How far the picture reaches, in units of its directions" });
      strip.append(
        kind, labelled("±", reach), make("span", { className: "gs-boxes", "data-lanes": "", role: "group", "aria-label": "Lanes" }),
        button("Draw", () => draw(strip)), make("span", { className: "gs-said", role: "status", "data-said": "" }),
      );
      explain(strip);
    },
    open(strip) {
      offerLanes(strip.querySelector("[data-lanes]"));
      strip.watching = setInterval(() => offerLanes(strip.querySelector("[data-lanes]")), 1000);
    },
    close(strip) {
      clearInterval(strip.watching);
    },
  };
})();
