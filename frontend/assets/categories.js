// The names along a picture's vertical axis: in the order of their numbers, so short and so few that they can be read.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const LETTERS = 18; // of a name; of longer ones the last parts are shown, which tell them apart
  const LINE = 14; // pixels from name to name
  const AROUND = 56; // pixels of a graph above and below its axis

  function shortened(name) {
    if (name.length <= LETTERS) return name;
    const parts = name.split(".");
    while (parts.length > 1 && parts.join(".").length > LETTERS) parts.shift();
    return `…${parts.join(".").slice(-LETTERS)}`;
  }

  // Changes the axis where its names ask for it.
  function fit(traces, { yaxis }, height) {
    if (!yaxis || yaxis.type !== "category") return;
    const names = [...new Set(traces.flatMap(({ y }) => Array.from(y || [])))];
    const numbers = names.every(Number.isFinite);
    if (numbers && yaxis.categoryorder === "category descending") {
      names.sort((one, other) => other - one);
      Object.assign(yaxis, { categoryorder: "array", categoryarray: names });
    }
    const room = height ? Math.max(Math.floor((height - AROUND) / LINE), 2) : names.length;
    const each = Math.ceil(names.length / room);
    const texts = names.map((name) => shortened(String(name)));
    if (each < 2 && texts.every((text, i) => text === String(names[i]))) return;
    const kept = (_, i) => (numbers ? names.length - 1 - i : i) % each === 0; // counted from the first one, on top
    Object.assign(yaxis, { tickmode: "array", tickvals: names.filter(kept), ticktext: texts.filter(kept) });
  }

  gradscape.categories = { fit };
})();
