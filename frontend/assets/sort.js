// A panel's selector among the values of a key of its tables: layers, say.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const valueOf = (table, { key }) => String(table.keys[key] ?? "");

  // Whether a table belongs to what is chosen; one without the key belongs to the whole.
  function shows(sort, choices, table) {
    return !sort || valueOf(table, sort) === choices[sort.key];
  }

  // Offers the values that these tables have, in the order in which they came.
  function offer(select, sort, chosen, tables) {
    const values = new Set(["", ...tables.filter(({ keys }) => sort.key in keys).map((table) => valueOf(table, sort)), chosen]);
    const offered = JSON.stringify([chosen, ...values]);
    if (select.dataset.offered === offered) return;
    select.dataset.offered = offered;
    const label = (value) => (value === "" ? sort.whole : gradscape.wire.fill(sort.title, () => value));
    select.replaceChildren(...[...values].map((value) => new Option(label(value), value, false, value === chosen)));
    select.hidden = values.size < 2;
  }

  gradscape.sort = { shows, offer };
})();
