// The panels' controls and the view say the same: whichever changed tells the other.
(() => {
  "use strict";

  function keepChoices(view, values, names) {
    const clientside = window.dash_clientside;
    const keep = clientside.no_update;
    const unchanged = values.map(() => keep);
    const choices = (view && view.choices) || {};
    const byView = clientside.callback_context.triggered.every(({ prop_id }) => prop_id.endsWith("view.data") || prop_id === ".");
    if (byView) return [keep, names.map(({ key }, i) => (key in choices && choices[key] !== values[i] ? choices[key] : keep))];
    const changed = names.filter(({ key }, i) => values[i] !== (choices[key] ?? values[i]) || !(key in choices));
    const next = { ...choices };
    for (const { key } of changed) next[key] = values[names.findIndex((name) => name.key === key)];
    return [changed.length ? { ...view, choices: next } : keep, unchanged];
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, { gradscape_panels: { keepChoices } });
})();
