// The panels' controls and the view say the same: whichever changed tells the other.
(() => {
  "use strict";

  // One control changed: the reader did it. More at once, or the view: the page was built or an address was opened,
  // and the view is right. What a control shows by itself is not kept, so that addresses stay short.
  function keepChoices(view, values, names, options) {
    const clientside = window.dash_clientside;
    const keep = clientside.no_update;
    const choices = (view && view.choices) || {};
    const usual = (i) => options[i][0].value;
    const changed = clientside.callback_context.triggered.map(({ prop_id }) => prop_id).filter((id) => id.startsWith("{"));
    const i = changed.length === 1 ? names.findIndex(({ key }) => changed[0].includes(JSON.stringify(key))) : -1;
    if (i < 0) {
      const wanted = names.map(({ key }, j) => choices[key] ?? usual(j));
      return [keep, wanted.map((value, j) => (value === values[j] ? keep : value))];
    }
    const { [names[i].key]: before, ...others } = choices;
    const next = values[i] === usual(i) ? others : { ...others, [names[i].key]: values[i] };
    return [before === next[names[i].key] ? keep : { ...view, choices: next }, values.map(() => keep)];
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, { gradscape_panels: { keepChoices } });
})();
