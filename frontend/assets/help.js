// The help of whatever field is pointed at or has the focus, beside it: what assistive technology reads as its description.
(() => {
  "use strict";
  const DELAY = 400; // milliseconds
  const GAP = 8; // pixels
  const DESCRIBED = "[aria-description]";

  const tip = document.createElement("div");
  tip.className = "help";
  tip.setAttribute("aria-hidden", "true"); // it is read as the field's description already
  let waiting = null;

  function described(element) {
    if (!(element instanceof Element)) return null;
    const label = element.closest("label");
    return element.closest(DESCRIBED) || (label && label.control && label.control.closest(DESCRIBED)) || null;
  }

  function show(field) {
    tip.textContent = field.getAttribute("aria-description");
    document.body.append(tip);
    const at = (field.closest(".mantine-InputWrapper-root") || field.parentElement).getBoundingClientRect();
    const right = at.right + GAP + tip.offsetWidth <= window.innerWidth;
    const left = right ? at.right + GAP : Math.max(GAP, Math.min(at.left, window.innerWidth - tip.offsetWidth - GAP));
    const top = right ? at.top : at.bottom + GAP;
    tip.style.left = `${left}px`;
    tip.style.top = `${Math.max(GAP, Math.min(top, window.innerHeight - tip.offsetHeight - GAP))}px`;
  }

  function hide() {
    clearTimeout(waiting);
    tip.remove();
  }

  function later(event) {
    const field = described(event.target);
    hide();
    if (field) waiting = setTimeout(() => field.isConnected && show(field), DELAY);
  }

  document.addEventListener("mouseover", later);
  document.addEventListener("focusin", later);
  for (const name of ["mouseleave", "focusout", "input", "mousedown", "scroll"]) document.addEventListener(name, hide, true);
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
})();
