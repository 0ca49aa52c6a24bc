// Balls and forks. A click on the surface drops a ball: a run that starts at that place of the plane and joins the view.
// A fork starts at a kept step of a lane. Dash makes the request, as only it knows the set-up (branch_callbacks.py).
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});
  const { make, button, labelled, fill, landscape, lanesOfSetup, makers } = gradscape.strips;

  const STILL = 4; // pixels that a click may move
  const CONTOUR = "landscape-contour";
  const RELIEF = "landscape-relief";
  const short = (value) => gradscape.wire.number(Number(value.toPrecision(3)));

  let armed = null; // the strip, while balls can be dropped
  let asked = null; // {text, strip}: what Dash was asked for and has not answered
  const dropped = []; // runs that came of it, the newest last
  let count = 0;

  function ask(strip, data, text) {
    asked = { strip, text };
    say(strip, `Starting ${text} …`);
    window.dash_clientside.set_props("branch", { data: { ...data, count: (count += 1) } });
  }

  const say = (strip, text) => (strip.querySelector("[data-said]").textContent = text);

  // Dash has answered: a run, or nothing where it was refused (the notice says why).
  function joined(answer) {
    if (!asked || !answer) return;
    const { run } = answer;
    const { strip, text } = asked;
    asked = null;
    if (run) dropped.push(run);
    say(strip, run ? `Started ${text}.` : "Not started.");
    showUndo();
  }

  function showUndo() {
    for (const undo of document.querySelectorAll("[data-undo]")) undo.hidden = dropped.length === 0;
  }

  async function undo(strip) {
    const run = dropped.pop();
    if (!run) return;
    gradscape.ask("POST", `/api/runs/${run}/control`, { action: "cancel" });
    gradscape.members.remove(run);
    say(strip, "Taken back.");
    showUndo();
  }

  function withSelect() {
    const select = make("select", { className: "gs-series", "data-with": "", "aria-label": "Lanes of the set-up that start" });
    const offer = () => fill(select, [["", "all lanes of the set-up"], ...lanesOfSetup().map((name) => [name, name])], "");
    select.addEventListener("pointerdown", offer);
    select.addEventListener("focus", offer);
    offer();
    return select;
  }

  const said = () => make("span", { className: "gs-said", role: "status", "data-said": "" });
  const undoButton = (strip) => button("Undo", () => undo(strip), { hidden: dropped.length === 0, "data-undo": "" });
  const keyed = (event, act) => event.key === "Enter" && act();

  // --- the ball ---------------------------------------------------------------------------------------------------

  // Where the pointer is on the flat picture, in the axes' own numbers; null beside it.
  function under(target, { clientX, clientY }) {
    if (!target._fullLayout || !target._fullLayout.xaxis) return null;
    const { xaxis, yaxis } = target._fullLayout;
    const box = target.getBoundingClientRect();
    const [x, y] = [clientX - box.left - xaxis._offset, clientY - box.top - yaxis._offset];
    if (x < 0 || y < 0 || x > xaxis._length || y > yaxis._length) return null;
    return { x: xaxis.p2d(x), y: yaxis.p2d(y), left: clientX - box.left, top: clientY - box.top };
  }

  const coordinate = (axis, shown) => (shown - axis.offset) / axis.scale;
  const shownAt = (axis, value) => axis.offset + axis.scale * value;

  function drop(strip, a, b) {
    const { page } = landscape();
    if (!page) return say(strip, "There is no surface yet; press Start first.");
    const { extent, axis_a: first, axis_b: second } = page.event;
    const place = `(${short(shownAt(first, a))}, ${short(shownAt(second, b))})`;
    const plane = { run: page.run, plane: page.value };
    const lane = strip.querySelector("[data-with]").value || null;
    ask(strip, { origin: { ...plane, a, b }, plane: { ...plane, extent }, lane, name: `Ball at ${place}` }, `a ball at ${place}`);
    return null;
  }

  function splash(target, { left, top }) {
    const ring = make("div", { className: "gs-splash" });
    ring.style.left = `${left}px`;
    ring.style.top = `${top}px`;
    ring.addEventListener("animationend", () => ring.remove());
    target.append(ring);
  }

  let ghost = null;
  function follow(target, place) {
    ghost = ghost || make("div", { className: "gs-ghost" });
    if (ghost.parentElement !== target) target.append(ghost);
    ghost.hidden = !place;
    if (!place) return;
    ghost.style.left = `${place.left}px`;
    ghost.style.top = `${place.top}px`;
  }

  let pressed = null;
  const graphUnder = (event) => armed && event.target instanceof Element && event.target.closest(`[data-graph='${CONTOUR}']`);

  document.addEventListener("pointerdown", (event) => {
    pressed = graphUnder(event) && event.button === 0 ? [event.clientX, event.clientY] : null;
  }, true);
  document.addEventListener("pointermove", (event) => {
    const target = graphUnder(event);
    if (target) follow(target, under(target, event));
    else if (ghost) ghost.hidden = true;
  }, true);
  document.addEventListener("pointerup", (event) => {
    if (!armed || !pressed || Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) > STILL) return;
    const target = document.querySelector(`[data-graph='${CONTOUR}']`);
    const place = under(target, event);
    const { page } = landscape();
    if (!place || !page) return;
    splash(target, place);
    drop(armed, coordinate(page.event.axis_a, place.x), coordinate(page.event.axis_b, place.y));
  }, true);

  // In three dimensions Plotly itself tells which point of the surface was clicked.
  function listen(target) {
    if (!target.on || target.dataset.drops) return;
    target.dataset.drops = "yes";
    target.on("plotly_click", ({ points }) => {
      const point = points && points[0];
      const { page } = landscape();
      if (!armed || !page || !point || point.data.type !== "surface") return;
      drop(armed, coordinate(page.event.axis_a, point.x), coordinate(page.event.axis_b, point.y));
    });
  }

  makers.ball = {
    make(strip) {
      const number = (label) => make("input", { type: "number", step: "any", value: "0", "aria-label": label, className: "gs-number-field" });
      const [a, b] = [number("First coordinate, from −1 to 1 across the picture"), number("Second coordinate, from −1 to 1 upwards")];
      const go = () => drop(strip, Number(a.value), Number(b.value));
      for (const field of [a, b]) field.addEventListener("keydown", (event) => keyed(event, go));
      strip.append(
        make("span", { className: "gs-hint", textContent: "Click the surface to start" }), withSelect(),
        make("span", { className: "gs-hint", textContent: "there, or at" }), labelled("a", a), labelled("b", b), button("Drop", go),
        undoButton(strip), said(),
      );
    },
    open(strip) {
      armed = strip;
      for (const graph of [CONTOUR, RELIEF]) {
        const target = document.querySelector(`[data-graph='${graph}']`);
        target.classList.add("gs-aiming");
        listen(target);
      }
    },
    close() {
      armed = null;
      if (ghost) ghost.remove();
      for (const target of document.querySelectorAll(".gs-aiming")) target.classList.remove("gs-aiming");
    },
  };
  document.addEventListener("gradscape:painted", ({ target }) => armed && listen(target));

  // --- the fork ---------------------------------------------------------------------------------------------------

  const laneKey = ({ run, name }) => JSON.stringify([run, name]);

  async function keptSteps(run, lane) {
    const { json } = await gradscape.ask("GET", `/api/runs/${run}/snapshots`);
    return json ? json.items.filter((kept) => kept.lane === lane && kept.repeat === 0).map(({ step }) => step) : [];
  }

  const nearest = (steps, wanted) => steps.reduce((best, step) => (Math.abs(step - wanted) < Math.abs(best - wanted) ? step : best), steps[0]);

  // What a run was trained on; an analysis of points, what those were.
  function problem(id) {
    const { request } = gradscape.current.known.get(id) || { request: {} };
    const [first] = request.at || [];
    return request.problem || !first || !first.run ? JSON.stringify(request.problem) : problem(first.run);
  }

  async function fork(strip) {
    const chosen = strip.querySelector("[data-lane]").value;
    if (!chosen) return say(strip, "There is no lane yet; press Start first.");
    const [run, lane] = JSON.parse(chosen);
    const steps = await keptSteps(run, lane);
    if (!steps.length) return say(strip, "Nothing of this lane has been kept, so it cannot be forked.");
    const typed = strip.querySelector("[data-step]").value;
    const step = nearest(steps, typed === "" ? steps[steps.length - 1] : Number(typed));
    const picture = landscape();
    const page = picture && picture.page;
    const fits = page && (page.run === run || problem(page.run) === problem(run));
    const plane = fits ? { run: page.run, plane: page.value, extent: page.event.extent } : null;
    const name = `${lane} from step ${step}`;
    ask(strip, { origin: { run, lane, step }, plane, lane: strip.querySelector("[data-with]").value || null, name: `Fork of ${name}` }, `a fork of ${name}`);
    return null;
  }

  function offerLanes(select) {
    const lanes = gradscape.current ? gradscape.current.lanes() : [];
    fill(select, lanes.map((lane) => [laneKey(lane), lane.title]), lanes.length ? laneKey(lanes[0]) : "");
  }

  makers.fork = {
    make(strip) {
      const lane = make("select", { className: "gs-series", "data-lane": "", "aria-label": "Lane that is forked" });
      for (const event of ["pointerdown", "focus"]) lane.addEventListener(event, () => offerLanes(lane));
      const step = make("input", { type: "number", min: "0", placeholder: "last", className: "gs-number-field", "data-step": "", "aria-label": "Step at which it is forked" });
      step.addEventListener("keydown", (event) => keyed(event, () => fork(strip)));
      strip.append(
        labelled("Go on from", lane), labelled("at step", step), labelled("with", withSelect()),
        button("Fork", () => fork(strip)), undoButton(strip), said(),
      );
    },
    open(strip) {
      offerLanes(strip.querySelector("[data-lane]"));
      const { moment } = gradscape.current || {}; // the step that all panels show, where one was chosen
      if (Number.isFinite(moment)) strip.querySelector("[data-step]").value = String(moment);
    },
  };

  window.dash_clientside = Object.assign({}, window.dash_clientside, { gradscape_branch: { joined } });
})();
