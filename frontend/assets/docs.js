// Documents: an address with an anchor leads to its part, though the text comes after the address. A question mark on a
// panel that fills the screen first brings the page back, where the drawer is; it opens on the side where it hides less
// of the panel that it explains.
(() => {
  "use strict";

  const WIDTH = 520; // of the drawer

  let shown = null;
  let goal = null; // the part that is wanted, until the reader moves

  function find() {
    const page = document.getElementById("document");
    if (page !== shown) {
      shown = page;
      goal = page && window.location.hash ? decodeURIComponent(window.location.hash.slice(1)) : null;
    }
    const part = goal && document.getElementById(goal);
    if (part) part.scrollIntoView();
  }

  function start() {
    new MutationObserver(find).observe(document.body, { childList: true, subtree: true });
    for (const kind of ["wheel", "pointerdown", "keydown"]) document.addEventListener(kind, () => (goal = null), true);
  }

  // The side of the page that the drawer opens on: where it hides less of the panel.
  async function side() {
    const [asked] = window.dash_clientside.callback_context.triggered;
    if (!asked || !asked.value) return window.dash_clientside.no_update; // the panels came to the page
    if (document.fullscreenElement) {
      await document.exitFullscreen();
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    }
    const { panel } = JSON.parse(asked.prop_id.replace(/\.[^.]*$/, ""));
    const { left, right } = document.querySelector(`.gs-panel-${panel}`).getBoundingClientRect();
    const width = document.documentElement.clientWidth;
    const hidden = { left: WIDTH - left, right: right - (width - WIDTH) };
    return hidden.left < hidden.right ? "left" : "right";
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, { gradscape_docs: { side } });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
