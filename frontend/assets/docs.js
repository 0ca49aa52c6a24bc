// Documents: an address with an anchor leads to its part, though the text comes after the address; a question mark on a
// panel that fills the screen first brings the page back, where the drawer is.
(() => {
  "use strict";

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

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest(".gs-docs");
    if (button && document.fullscreenElement) document.exitFullscreen();
  });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
