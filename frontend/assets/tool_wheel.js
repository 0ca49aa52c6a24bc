// The wheel: a lane's live hyper-parameters while it runs; back to a checkpoint and on from there, differently; and the
// whole race again as it was steered, to see that the numbers are the same.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});
  const { make, button, labelled, fill, landscape, makers } = gradscape.strips;

  const TICK = 500; // milliseconds
  const MEANT = 250; // until a value counts
  const OFTEN = 2000; // between two questions for checkpoints, while they are made
  const ALL = "";
  const ON_PLANE = ["surface", "trajectory"];
  const keyOf = ({ run, name }) => JSON.stringify([run, name]);
  const number = (value) => gradscape.wire.number(value);
  const part = (strip, name) => strip.querySelector(`[data-wheel-${name}]`);
  const write = (element, text) => element.textContent !== text && (element.textContent = text);
  const say = (strip, text) => write(part(strip, "said"), text);

  const fieldsOf = (strip, lane) => JSON.parse(strip.dataset.live)[lane.optimizer.kind] || [];
  const runOf = (lane) => gradscape.current.known.get(lane.run);

  // The lanes of races, whose rules are known.
  const lanes = () => (gradscape.current ? gradscape.current.lanes().filter((lane) => lane.optimizer && runOf(lane).kind === "train") : []);

  function chosen(strip) {
    const { value } = part(strip, "lane");
    return lanes().find((lane) => keyOf(lane) === value) || null;
  }

  const told = (kind, lane) => gradscape.current.buffers.ofKind(kind, lane.run, { lane: lane.name });

  const hasEnded = (lane) => {
    const ended = new Set(told("lane_ended", lane).map(({ keys }) => keys.repeat));
    return runOf(lane).status !== "running" || ended.size >= (runOf(lane).request.repeats || 1);
  };

  // What a hyper-parameter is now: as it was set last, or as it was asked for.
  function valueOf(lane, field) {
    const sets = told("controlled", lane).filter(({ last }) => last.field === field && last.action === "set");
    const newest = sets.reduce((best, table) => (!best || table.last.step >= best.step ? table.last : best), null);
    return newest ? newest.value : lane.optimizer[field];
  }

  // --- the fields -------------------------------------------------------------------------------------------------

  // The numbers that the reader typed and that differ from what holds: {field: value}.
  function edits(strip) {
    const lane = chosen(strip);
    const found = {};
    for (const input of part(strip, "fields").querySelectorAll("input")) {
      const value = Number(input.value);
      if (lane && input.value !== "" && Number.isFinite(value) && value !== valueOf(lane, input.name)) found[input.name] = value;
    }
    return found;
  }

  async function set(strip, field, text) {
    const lane = chosen(strip);
    const value = Number(text);
    if (!lane || text === "" || !Number.isFinite(value) || hasEnded(lane) || value === valueOf(lane, field)) return;
    const { error } = await gradscape.ask("POST", `/api/runs/${lane.run}/control`, { action: "set", lane: lane.name, field, value });
    say(strip, error ? `Not set: ${error.message}.` : `${lane.name}: ${field} set to ${number(value)}, from the next step on.`);
  }

  function offerFields(strip) {
    const lane = chosen(strip);
    const place = part(strip, "fields");
    const known = lane ? `${keyOf(lane)} ${lane.optimizer.kind}` : "";
    if (place.dataset.known !== known) {
      place.dataset.known = known;
      place.replaceChildren(...(lane ? fieldsOf(strip, lane) : []).map(([name, title]) => {
        const input = make("input", { type: "number", step: "any", name, className: "gs-number-field", "aria-label": `${title} of ${lane.name}` });
        let timer = null;
        input.addEventListener("input", () => {
          clearTimeout(timer);
          input.dataset.touched = "yes";
          timer = setTimeout(() => set(strip, name, input.value), MEANT);
        });
        return labelled(title, input);
      }));
    }
    for (const input of place.querySelectorAll("input")) {
      if (input.dataset.touched || document.activeElement === input) continue;
      const value = String(valueOf(lane, input.name));
      if (input.value !== value) input.value = value;
    }
    const now = !lane ? "" : hasEnded(lane) ? "Ended: a change holds from the step it goes back to." : "Changes hold from the next step on.";
    write(part(strip, "hint"), now);
    part(strip, "hint").hidden = !now;
  }

  // --- back to a checkpoint ---------------------------------------------------------------------------------------

  async function offerSteps(strip) {
    const lane = chosen(strip);
    const select = part(strip, "step");
    if (!lane) return fill(select, [["", "–"]], "");
    const { status } = runOf(lane);
    const known = `${keyOf(lane)} ${status} ${status === "running" ? Math.floor(performance.now() / OFTEN) : gradscape.current.moment}`;
    if (select.dataset.known === known) return null;
    select.dataset.known = known;
    const { json } = await gradscape.ask("GET", `/api/runs/${lane.run}/snapshots`);
    const kept = json ? json.items.filter((one) => one.lane === lane.name && one.repeat === 0 && one.resumable).map(({ step }) => step) : [];
    const options = kept.length ? kept.map((step) => [String(step), `step ${step}`]) : [["", "no checkpoint yet"]];
    const { moment } = gradscape.current;
    const before = kept.filter((step) => step <= (moment ?? kept[kept.length - 1] - 1));
    const usual = before.length ? String(before[before.length - 1]) : options[0][0];
    fill(select, options, usual);
    part(strip, "rewind").disabled = kept.length === 0;
    return null;
  }

  // The probes of a race that goes on: what is drawn on a plane is drawn on the one that is shown.
  function probesOf({ id, request }) {
    const picture = landscape();
    const page = picture && picture.page;
    if (!page || page.run !== id) return request.probes || [];
    const plane = { kind: "kept", run: page.run, plane: page.value };
    return (request.probes || []).map((probe) => (ON_PLANE.includes(probe.analysis.kind)
      ? { ...probe, analysis: { ...probe.analysis, plane, ...(probe.analysis.kind === "surface" ? { extent: page.event.extent } : {}) } }
      : probe));
  }

  const started = (strip, { json, error }, text) => {
    gradscape.bar.refuse(error);
    say(strip, json ? text : "Not started.");
    if (json) gradscape.members.join(json.id);
    return json;
  };

  async function rewind(strip) {
    const lane = chosen(strip);
    const step = Number(part(strip, "step").value);
    if (!lane) return say(strip, "There is no lane yet; press Start first.");
    if (gradscape.members.room() < 1) return say(strip, "The view is full: take a run out of it (✕), and try again.");
    const race = runOf(lane);
    const until = Number(part(strip, "until").value) || race.request.steps;
    if (until <= step) return say(strip, `Nothing is left to do from step ${step} to step ${until}: give a later last step.`);
    const whole = part(strip, "whole").value === ALL;
    const changed = edits(strip);
    const changes = Object.entries(changed).map(([field, value]) => ({ step, lane: lane.name, field, value }));
    if (race.status === "running" && !whole) await gradscape.ask("POST", `/api/runs/${race.id}/control`, { action: "cancel", lane: lane.name });
    else if (race.status === "running") await gradscape.ask("POST", `/api/runs/${race.id}/control`, { action: "cancel" });
    const words = Object.entries(changed).map(([field, value]) => `${field} ${number(value)}`).join(", ");
    const body = {
      ...race.request,
      name: `${whole ? race.name : lane.name} from step ${step}${words ? `, ${words}` : ""}`.slice(0, 200),
      steps: until,
      lanes: whole ? race.request.lanes : race.request.lanes.filter(({ name }) => name === lane.name),
      origin: { run: race.id, lane: whole ? null : lane.name, step },
      resume: true,
      changes,
      probes: probesOf(race),
    };
    for (const input of part(strip, "fields").querySelectorAll("input")) delete input.dataset.touched;
    const waits = race.status === "running" && !whole && race.request.lanes.length > 1 ? " It starts when the other lanes have ended." : "";
    return started(strip, await gradscape.ask("POST", "/api/runs", body), `Going on from step ${step}${words ? ` with ${words}` : " as before"}.${waits}`);
  }

  // --- the race again ---------------------------------------------------------------------------------------------

  const watched = new Map(); // replay → the race that it repeats

  async function replay(strip) {
    const lane = chosen(strip);
    if (!lane) return say(strip, "There is no lane yet; press Start first.");
    if (gradscape.members.room() < 1) return say(strip, "The view is full: take a run out of it (✕), and try again.");
    const race = runOf(lane);
    const { json, error } = await gradscape.ask("GET", `/api/runs/${race.id}/events?kinds=controlled&limit=1000`);
    if (error) return say(strip, "The race's changes could not be read.");
    const sets = json.items.map(({ event }) => event).filter(({ action, lane: name, value }) => action === "set" && name && typeof value === "number");
    const changes = sets.map(({ step, lane: name, field, value, repeats }) => ({ step, lane: name, field, value, repeats: repeats || [] }));
    const body = { ...race.request, name: `Replay of ${race.name}`.slice(0, 200), changes, pace: null };
    const answer = await gradscape.ask("POST", "/api/runs", body);
    const text = `Runs again, with ${changes.length === 1 ? "its one change" : changes.length ? `its ${changes.length} changes` : "no change, as none was made"}.`;
    const run = started(strip, answer, text);
    if (run) watched.set(run.id, race.id);
    return null;
  }

  // Compares the rows of a replay that has ended with those of its race: how many are the same to the last bit.
  function judge(strip) {
    const view = gradscape.current;
    for (const [again, first] of watched) {
      const [one, other] = [view.known.get(again), view.known.get(first)];
      if (!one || !other || !view.ended(again)) continue; // the view may take a moment to know it at all
      watched.delete(again);
      if (one.status !== "succeeded") continue;
      let [rows, same] = [0, 0];
      for (const table of view.buffers.ofKind("train_chunk", again)) {
        const before = view.buffers.ofKind("train_chunk", first, { lane: table.keys.lane, repeat: table.keys.repeat })[0];
        const [losses, others] = [table.values("loss"), before ? before.values("loss") : []];
        const count = Math.min(losses.length, others.length);
        rows += count;
        for (let i = 0; i < count; i += 1) same += Object.is(losses[i], others[i]) ? 1 : 0;
      }
      say(strip, same === rows ? `Replayed: all ${rows} losses are the same numbers.` : `Replayed: ${same} of ${rows} losses are the same numbers.`);
    }
  }

  // --- the strip --------------------------------------------------------------------------------------------------

  function refresh(strip) {
    const select = part(strip, "lane");
    const found = lanes();
    fill(select, found.length ? found.map((lane) => [keyOf(lane), lane.title]) : [["", "no lane yet"]], found.length ? keyOf(found[0]) : "");
    const lane = chosen(strip);
    if (lane) part(strip, "mark").style.background = gradscape.current.styleOf(lane).color;
    part(strip, "mark").hidden = !lane;
    const several = Boolean(lane) && runOf(lane).request.lanes.length > 1;
    part(strip, "whole").hidden = !several;
    if (lane && part(strip, "until").placeholder !== String(runOf(lane).request.steps)) part(strip, "until").placeholder = String(runOf(lane).request.steps);
    part(strip, "replay").disabled = !lane;
    if (!lane) part(strip, "rewind").disabled = true;
    offerFields(strip);
    offerSteps(strip);
    judge(strip);
  }

  makers.wheel = {
    make(strip) {
      const lane = make("select", { className: "gs-series", "data-wheel-lane": "", "aria-label": "Lane that is steered" });
      lane.addEventListener("change", () => refresh(strip));
      const whole = make("select", { className: "gs-series", "data-wheel-whole": "", "aria-label": "What goes back" });
      whole.append(new Option("this lane", "lane"), new Option("all lanes", ALL));
      const row = (...children) => make("div", { className: "gs-wheel-row" }, ...children);
      strip.append(
        row(
          make("span", { className: "gs-mark", "data-wheel-mark": "" }), lane, make("span", { className: "gs-boxes", "data-wheel-fields": "" }),
          make("span", { className: "gs-hint", "data-wheel-hint": "" }),
        ),
        row(
          make("span", { className: "gs-hint", textContent: "Rewind" }), whole, labelled("to", make("select", { className: "gs-series", "data-wheel-step": "", "aria-label": "Checkpoint to go back to" })),
          labelled("and go on until", make("input", { type: "number", min: "1", className: "gs-number-field", "data-wheel-until": "", "aria-label": "Last step" })),
          button("Rewind", () => rewind(strip), { "data-wheel-rewind": "", title: "A new run goes on from this checkpoint with the values above; the race there is stays as it is" }),
          button("Replay", () => replay(strip), { "data-wheel-replay": "", title: "Run the whole race again with every change at its step, and compare the numbers" }),
          make("span", { className: "gs-said", role: "status", "data-wheel-said": "" }),
        ),
      );
    },
    open(strip) {
      refresh(strip);
      strip.watching = setInterval(() => refresh(strip), TICK);
    },
    close(strip) {
      clearInterval(strip.watching);
    },
  };
})();
