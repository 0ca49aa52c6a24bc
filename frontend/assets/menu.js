// The kit puts a menu's state on a box around its button. The button is what has the focus, so the state belongs there.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});
  const STATE = ["aria-haspopup", "aria-expanded", "aria-controls"];

  function hand(box) {
    const button = box.querySelector(":scope > button");
    if (!button) return;
    for (const name of STATE.filter((one) => box.hasAttribute(one))) {
      button.setAttribute(name, box.getAttribute(name));
      box.removeAttribute(name);
    }
  }

  const found = () => document.querySelectorAll("div[aria-haspopup='menu']").forEach(hand);
  new MutationObserver((changes) => {
    for (const { target } of changes) if (target.matches("div")) hand(target);
  }).observe(document.documentElement, { subtree: true, attributeFilter: STATE });

  gradscape.menu = { found };
})();
