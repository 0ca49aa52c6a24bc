// What is explained, and how: methods, examples, class, samples and noise. Every change asks anew at the moment that is
// shown; the picture before stays until the new one has begun, and is then forgotten.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});
  const { make, makers } = gradscape.strips;

  const MEANT = 150; // milliseconds until a slider counts as let go
  const PATIENCE = 60; // milliseconds between looks at whether the new picture has begun
  const AWHILE = 500; // milliseconds after which the page keeps a run that has told nothing yet
  const MOST = 8; // runs of a view
  const FOLLOW = 200; // milliseconds between looks at the time line
  const TRIES = 170;
  const AVERAGING = ["smoothgrad", "smoothgrad_squared", "vargrad", "integrated_gradients", "expected_gradients", "moreau_grad", "frequency_integrated_gradients"];
  const NOISY = ["smoothgrad", "smoothgrad_squared", "vargrad", "moreau_grad"];

  const part = (strip, name) => strip.querySelector(`[data-${name}]`);
  const say = (strip, text) => (part(strip, "said").textContent = text);
  const panelOf = (strip) => strip.closest("[data-panel]").panelView;
  const known = (strip) => (strip.asked = strip.asked || JSON.parse(strip.dataset.asked));

  // The spec of the newest look in the view, or of a race's probe; else the usual one.
  function specOf(strip) {
    const runs = gradscape.current.runs();
    const specs = runs.flatMap(({ request }) => [...(request.probes || []).map(({ analysis }) => analysis), request.analysis]);
    const found = specs.filter((spec) => spec && spec.kind === "saliency").pop();
    return { ...known(strip).usual, ...found };
  }

  const methodsOf = (spec) => [...new Set([spec.method, ...spec.compare])];
  const titleOf = (strip, method) => known(strip).methods.find(([name]) => name === method)[1];

  function show(strip) {
    const { spec } = strip;
    const methods = methodsOf(spec);
    part(strip, "methods").replaceChildren(...methods.map((method) => {
      const chip = make("button", { type: "button", className: "gs-chip", textContent: `${titleOf(strip, method)} ✕`, "aria-label": `Without ${titleOf(strip, method)}` });
      chip.disabled = methods.length === 1;
      chip.addEventListener("click", () => change(strip, withMethods(spec, methods.filter((other) => other !== method))));
      return chip;
    }));
    const more = part(strip, "more");
    more.replaceChildren(new Option("+ method", ""), ...known(strip).methods.filter(([name]) => !methods.includes(name)).map(([name, title]) => new Option(title, name)));
    offerClasses(strip);
    part(strip, "examples").value = listed(spec.examples);
    part(strip, "samples").value = String(Math.log10(spec.samples));
    part(strip, "level").value = String(Math.log10(spec.level));
    tellNumbers(strip);
    part(strip, "samples").closest("label").hidden = !methods.some((method) => AVERAGING.includes(method));
    part(strip, "level").closest("label").hidden = !methods.some((method) => NOISY.includes(method));
  }

  const withMethods = (spec, [method, ...compare]) => ({ ...spec, method, compare });

  function offerClasses(strip) {
    const problem = (gradscape.current.runs().find(({ request }) => request.problem) || { request: {} }).request.problem || {};
    const count = problem.data ? known(strip).classes[problem.data.kind] || 0 : 0;
    const options = [["", "own class"], ...Array.from({ length: count }, (_, i) => [String(i), `class ${i}`])];
    part(strip, "target").replaceChildren(...options.map(([value, text]) => new Option(text, value)));
    part(strip, "target").value = strip.spec.target === null ? "" : String(strip.spec.target);
    part(strip, "target").closest("label").hidden = count === 0;
  }

  // "0–3, 7" for 0, 1, 2, 3, 7, and back; null where it is no such list.
  function listed(numbers) {
    const parts = [];
    numbers.forEach((number, i) => {
      const last = parts[parts.length - 1];
      if (i && number === numbers[i - 1] + 1) last[1] = number;
      else parts.push([number, number]);
    });
    return parts.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(", ");
  }

  function read(text) {
    const found = text.split(",").map((one) => /^\s*(\d+)\s*(?:[-–]\s*(\d+)\s*)?$/.exec(one));
    if (!found.every(Boolean)) return null;
    const numbers = found.flatMap(([, from, to = from]) => Array.from({ length: Math.min(Number(to) - Number(from) + 1, 64) }, (_, i) => Number(from) + i));
    return numbers.length && numbers.length <= 64 ? numbers : null;
  }

  const samplesOf = (strip) => Math.max(1, Math.round(10 ** Number(part(strip, "samples").value)));
  const levelOf = (strip) => Number((10 ** Number(part(strip, "level").value)).toPrecision(2));

  function tellNumbers(strip) {
    part(strip, "samples-text").textContent = `n = ${samplesOf(strip)}`;
    part(strip, "level-text").textContent = `σ = ${gradscape.wire.number(levelOf(strip))} of the range`;
  }

  function change(strip, spec) {
    strip.spec = spec;
    show(strip);
    clearTimeout(strip.waiting);
    ask(strip);
  }

  function later(strip) {
    clearTimeout(strip.waiting);
    strip.waiting = setTimeout(() => ask(strip), MEANT);
  }

  // Asks at the moment that is shown, or again of what was looked at by itself.
  async function request(strip) {
    const view = gradscape.current;
    const [race] = gradscape.look.racesOf(view).toReversed();
    const spec = strip.spec;
    if (race) {
      const panel = panelOf(strip);
      const page = panel.pageOf(panel.graphs[0].graph);
      const names = race.request.lanes.map(({ name }) => name);
      const lane = page && names.includes(page.value) ? page.value : names[0];
      return gradscape.look.look(race, { title: "Saliency", spec, exact: true }, lane, view.moment);
    }
    const last = view.runs().filter(({ request: asked }) => asked.analysis && asked.analysis.kind === "saliency").pop();
    if (!last) return { error: { code: "invalid_request", message: "There is nothing to explain yet.", hint: "Press Start first." } };
    const answer = await gradscape.ask("POST", "/api/runs", { ...last.request, analysis: spec });
    return answer.error ? answer : { id: answer.json.id, run: answer.json };
  }

  async function ask(strip) {
    const turn = (strip.turn = (strip.turn || 0) + 1);
    say(strip, "Asking …");
    gradscape.draw.first(panelOf(strip).painter);
    const since = gradscape.current.row;
    const { id, run, error } = await request(strip);
    if (turn !== strip.turn) return id && forget(id); // another change came meanwhile
    say(strip, error ? [error.message, error.hint].filter(Boolean).join(" ") : "");
    if (error) return;
    const before = strip.run;
    strip.run = id;
    const { order } = gradscape.current;
    gradscape.present(run, order.length < MOST ? order : order.filter((other) => other !== before), since);
    const there = begun(id);
    const early = await Promise.race([there, pause(AWHILE)]);
    if (!early) keep(strip, id); // the bar can cancel it meanwhile
    await there;
    const refusal = (gradscape.current.known.get(id) || {}).error;
    if (refusal) { // the maps before stay, and why there are no others is said here
      if (strip.run === id) strip.run = before;
      say(strip, refusal.message);
      gradscape.keep({}, gradscape.current.order.filter((run) => run !== id));
      forget(id);
      return;
    }
    keep(strip, id, before);
    if (before) forget(before);
  }

  // The picture takes precedence over the address, which takes the page a while. Where more was asked for meanwhile, that
  // one keeps itself.
  function keep(strip, id, without = null) {
    const asked = strip.run === id ? [id] : [];
    gradscape.keep({}, [...new Set([...gradscape.current.order, ...asked])].filter((run) => run !== without));
  }

  // Where the time line was moved and rests, the same is asked there: what these controls say is what the maps show. A
  // race's own maps, as long as nobody asked for others, are there at every step already.
  function follow(strip) {
    const { moment } = gradscape.current;
    const rests = moment === strip.seen;
    strip.seen = moment;
    if (moment === strip.moment || !rests) return;
    strip.moment = moment;
    if (strip.run || panelOf(strip).blank()) later(strip);
  }

  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds, false));

  // Waits until a run has told its first pictures and they are drawn, or has ended.
  async function begun(id) {
    for (let i = 0; i < TRIES; i += 1) {
      const { buffers, known: runs } = gradscape.current;
      if (!runs.has(id)) return true; // taken out
      if (buffers.ofKind("saliency_map", id).length || gradscape.current.ended(id)) break;
      await pause(PATIENCE);
    }
    await pause(PATIENCE);
    return true;
  }

  // A picture that another has replaced is not kept: it would fill the list of runs.
  async function forget(id) {
    const { json } = await gradscape.ask("GET", `/api/runs/${id}`);
    const live = json && ["queued", "running"].includes(json.status);
    if (live) await gradscape.ask("POST", `/api/runs/${id}/control`, { action: "cancel" });
    setTimeout(() => gradscape.ask("DELETE", `/api/runs/${id}`), live ? 2000 : 0);
  }

  function slider(name, min, max, label) {
    const range = make("input", { type: "range", min: String(min), max: String(max), step: "0.01", "aria-label": label });
    range.setAttribute(`data-${name}`, "");
    return make("label", { className: "gs-slide" }, make("output", { [`data-${name}-text`]: "" }), range);
  }

  makers.saliency = {
    make(strip) {
      const most = Math.log10(Math.min(known(strip).most, 1000));
      const more = make("select", { className: "gs-series", "aria-label": "Add a method", "data-more": "" });
      const target = make("select", { className: "gs-series", "aria-label": "Class that is explained", "data-target": "" });
      const examples = make("input", { type: "text", className: "gs-number-field gs-examples", "aria-label": "Examples, such as 0–7", "data-examples": "" });
      strip.append(
        make("span", { className: "gs-boxes", "data-methods": "", role: "group", "aria-label": "Methods" }), more,
        make("label", {}, "why ", target), make("label", {}, "examples ", examples),
        slider("samples", 0, most, "Samples n of the methods that average"), slider("level", -2, 0.3, "Noise σ as a share of an example's range"),
        make("span", { className: "gs-said", role: "status", "data-said": "" }),
      );
      more.addEventListener("change", () => more.value && change(strip, withMethods(strip.spec, [...methodsOf(strip.spec), more.value])));
      target.addEventListener("change", () => change(strip, { ...strip.spec, target: target.value === "" ? null : Number(target.value) }));
      examples.addEventListener("change", () => {
        const numbers = read(examples.value);
        if (numbers) change(strip, { ...strip.spec, examples: [...new Set(numbers)] });
        else say(strip, "Write examples as 0–7 or 0, 4, 9; at most 64.");
      });
      for (const name of ["samples", "level"]) {
        part(strip, name).addEventListener("input", () => {
          tellNumbers(strip);
          strip.spec = { ...strip.spec, samples: samplesOf(strip), level: levelOf(strip) };
          later(strip);
        });
      }
    },
    open(strip) {
      strip.spec = specOf(strip);
      show(strip);
      strip.moment = gradscape.current.moment;
      strip.watching = setInterval(() => follow(strip), FOLLOW);
    },
    close(strip) {
      clearTimeout(strip.waiting);
      clearInterval(strip.watching);
    },
  };
})();
