// "Look": an analysis of the kept moments nearest to the step that the time line shows; what it finds joins the view.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});
  const MOST_RUNS = 8; // of a view

  const part = (name) => document.querySelector(`[data-timeline] [data-look-${name}]`);
  const racesOf = (view) => view.runs().filter(({ request }) => (request.lanes || []).length > 0);

  // What can be looked for, as the panels declare it: {panel, title, spec}.
  function offers() {
    const problems = racesOf(gradscape.current).map(({ request }) => request.problem || {});
    const fits = ({ look, look_needs: family }) => look && (!family || problems.some((problem) => problem[family]));
    return gradscape.panels().filter(fits).map(({ name, title, look, asked_with: fields }) => ({ name, title, spec: look, fields }));
  }

  function fill(select, options) {
    const offered = JSON.stringify(options);
    if (select.dataset.offered === offered) return;
    const before = select.value;
    select.dataset.offered = offered;
    select.replaceChildren(...options.map(([value, label]) => new Option(label, value)));
    if (options.some(([value]) => value === before)) select.value = before;
  }

  // Until the reader has chosen, the first panel that the view's runs ask for is meant.
  function suggest(select, offered) {
    if (select.dataset.chosen) return;
    const asked = offered.find(({ name }) => document.querySelector(`[data-panel='${name}']:not([hidden])`));
    const meant = (asked || offered[0] || {}).name;
    if (meant && select.value !== meant) select.value = meant;
  }

  document.addEventListener("change", ({ target }) => {
    if (target instanceof Element && target.matches("[data-look-what]")) target.dataset.chosen = "yes";
  });

  // Shows what can be looked at now.
  function offer() {
    if (!part("start")) return;
    const offered = offers();
    fill(part("what"), offered.map(({ name, title }) => [name, title]));
    suggest(part("what"), offered);
    const lanes = racesOf(gradscape.current).flatMap((run) => run.request.lanes.map(({ name }) => name));
    fill(part("lane"), [["", "all lanes"], ...[...new Set(lanes)].map((name) => [name, name])]);
    part("lane").hidden = lanes.length < 2;
    const nothing = lanes.length === 0 || offers().length === 0;
    if (part("start").disabled !== nothing && !part("start").dataset.busy) part("start").disabled = nothing;
  }

  // Of each lane (of the chosen one) the kept moment nearest to a step; the last one where there is no step.
  function nearest(kept, lane, step) {
    const found = new Map();
    for (const one of kept) {
      if (one.repeat !== 0 || (lane && one.lane !== lane)) continue;
      const gap = ({ step: at }) => (step === null ? -at : Math.abs(at - step));
      const other = found.get(one.lane);
      if (!other || gap(one) < gap(other)) found.set(one.lane, one);
    }
    return [...found.values()];
  }

  async function start() {
    const view = gradscape.current;
    const { moment } = view;
    const offered = offers().find(({ name }) => name === part("what").value);
    const lane = part("lane").value;
    const answers = await Promise.all(racesOf(view).map((race) => look(race, offered, lane, moment)));
    const refusal = answers.map(({ error }) => error).find(Boolean) || null;
    gradscape.bar.refuse(refusal);
    const made = answers.filter(({ id }) => id);
    if (made.length === 0) return;
    const latest = Math.max(...made.flatMap(({ steps }) => steps));
    if (moment !== null && latest > moment) gradscape.timeline.choose(latest, false); // the moments that were kept
    const races = racesOf(view).map(({ id }) => id);
    const others = view.order.filter((id) => !races.includes(id));
    const room = MOST_RUNS - races.length - made.length;
    const runs = [...races, ...(room > 0 ? others.slice(-room) : []), ...made.map(({ id }) => id)];
    const shown = gradscape.current.moment;
    gradscape.keep({ "time.step": shown === null ? null : String(shown) }, runs);
  }

  // Asks for an analysis of a race's kept moments; as the race itself asked for it where it did, unless it is `exact`.
  async function look(race, { title, spec, fields = {}, exact = false }, lane, moment) {
    const { json, error } = await gradscape.ask("GET", `/api/runs/${race.id}/snapshots`);
    if (error) return { error };
    const kept = nearest(json.items, lane, moment);
    if (kept.length === 0) {
      const hint = "Moments are kept while a race runs, within its budget for snapshots; wait for the first.";
      return { error: { code: "invalid_request", message: `${race.name} has kept no moment of ${lane || "its lanes"} yet.`, hint } };
    }
    const along = !exact && (race.request.probes || []).find(({ analysis }) => analysis.kind === spec.kind && gradscape.panel.asks(analysis, fields));
    const { dtype, seed, device } = race.request;
    const at = kept.map(({ lane: name, step }) => ({ run: race.id, lane: name, step }));
    const steps = [...new Set(kept.map(({ step }) => step))];
    const name = `${title} of ${race.name} at step ${steps.join(", ")}`.slice(0, 200);
    const request = { kind: "analyse", name, at, analysis: along ? along.analysis : spec, dtype, seed, device };
    const answer = await gradscape.ask("POST", "/api/runs", request);
    return answer.error ? { error: answer.error } : { id: answer.json.id, run: answer.json, steps };
  }

  document.addEventListener("click", async ({ target }) => {
    const button = target instanceof Element && target.closest("[data-look-start]");
    if (!button || button.disabled) return;
    button.disabled = true;
    button.dataset.busy = "yes";
    await start().finally(() => {
      delete button.dataset.busy;
      button.disabled = false;
    });
  });

  gradscape.look = { offer, look, racesOf };
})();
