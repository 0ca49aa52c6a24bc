// What can be done with a panel: buttons that open a row of controls below its title, one at a time.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const makers = {}; // name of a tool → {make(strip), open(strip), close(strip)}

  // An element with properties, attributes (names with a dash) and children.
  function make(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name.includes("-")) made.setAttribute(name, value);
      else made[name] = value;
    }
    made.append(...children);
    return made;
  }

  const button = (text, act, properties = {}) => {
    const made = make("button", { type: "button", className: "gs-do", textContent: text, ...properties });
    made.addEventListener("click", act);
    return made;
  };

  const labelled = (text, control) => make("label", {}, text, " ", control);

  function fill(select, options, usual) {
    const offered = JSON.stringify(options);
    if (select.dataset.offered === offered) return;
    const before = select.value;
    select.dataset.offered = offered;
    select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
    select.value = options.some(([value]) => value === before) ? before : usual;
  }

  const nameOf = (element) => element.dataset.tool;

  function stripOf(element) {
    return element.closest("[data-panel]").querySelector(`[data-strip='${nameOf(element)}']`);
  }

  function set(element, open) {
    const strip = stripOf(element);
    const maker = makers[nameOf(element)];
    if (open === !strip.hidden || !maker) return;
    if (open && !strip.firstChild) maker.make(strip);
    strip.hidden = !open;
    element.setAttribute("aria-expanded", String(open));
    if (open) maker.open(strip);
    else if (maker.close) maker.close(strip);
  }

  function closeOthers(element) {
    const panel = element.closest("[data-panel]");
    for (const other of panel.querySelectorAll("[data-tool]")) if (other !== element) set(other, false);
  }

  document.addEventListener("click", (event) => {
    const tool = event.target instanceof Element && event.target.closest("[data-tool]");
    if (!tool) return;
    closeOthers(tool);
    set(tool, stripOf(tool).hidden);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const tool of document.querySelectorAll("[data-tool][aria-expanded='true']")) {
      set(tool, false);
      tool.focus();
    }
  });

  // The landscape's picture as it is now: {panel, target, page}, page null where nothing is drawn yet.
  function landscape() {
    const element = document.querySelector("[data-panel='landscape']");
    const panel = element && element.panelView;
    if (!panel) return null;
    const shown = panel.graphs.find(({ target }) => !target.hidden);
    return { panel, target: shown.target, page: panel.pageOf(shown.graph) };
  }

  // The names of the set-up's lanes.
  function lanesOfSetup() {
    return [...document.querySelectorAll(`#setup input[id*='"path":"lanes.'][id*='.name"']`)].map((input) => input.value);
  }

  gradscape.strips = { makers, make, button, labelled, fill, landscape, lanesOfSetup };
})();
