// A panel's selector among the values of a key of its tables: layers, say.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const valueOf = (table, { key }) => String(table.keys[key] ?? "");

  // Whether a table belongs to what is chosen; one without the key belongs to the whole, or to all where there is none.
  function shows(sort, choices, table) {
    if (!sort || (sort.whole === null && !(sort.key in table.keys))) return true;
    return valueOf(table, sort) === choices[sort.key];
  }

  // The values that these tables have: those with a title in the titles' order, or all as they came.
  function valuesOf(sort, tables) {
    const found = new Set(tables.filter(({ keys }) => sort.key in keys).map((table) => valueOf(table, sort)));
    const titled = Object.keys(sort.titles);
    return titled.length ? titled.filter((value) => found.has(value)) : [...found];
  }

  // What is chosen, or the first there is where nothing stands for the whole.
  function chosenOf(sort, chosen, tables) {
    if (sort.whole !== null) return chosen;
    const values = valuesOf(sort, tables);
    return values.includes(chosen) ? chosen : values[0] || "";
  }

  // Offers the values that these tables have.
  function offer(select, sort, chosen, tables) {
    const values = new Set([...(sort.whole === null ? [] : [""]), ...valuesOf(sort, tables), ...(chosen ? [chosen] : [])]);
    const offered = JSON.stringify([chosen, ...values]);
    if (select.dataset.offered === offered) return;
    select.dataset.offered = offered;
    const label = (value) => (value === "" ? sort.whole : sort.titles[value] || gradscape.wire.fill(sort.title, () => value));
    select.replaceChildren(...[...values].map((value) => new Option(label(value), value, false, value === chosen)));
    select.hidden = values.size < 2;
  }

  gradscape.sort = { shows, offer, chosenOf };
})();
