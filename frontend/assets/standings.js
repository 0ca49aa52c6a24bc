// Who is ahead: each lane's value of a measure when all had spent the same, by steps, by gradient evaluations and by
// seconds. Repeats of a lane count by their median. Only what the tables hold is used, so runs of any length compare.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const UNITS = { step: "steps", evaluations: "evals", seconds: "s" };
  const NONE = "–";
  const MOST_NAMED = 4; // lanes in a sentence

  const sourcesOf = ({ rows, measures }) => [rows, ...Object.values(measures).flatMap(({ sources }) => sources)];
  const own = (tables, { run, keys }) => tables.find((table) => table.run === run && table.keys.lane === keys.lane && table.keys.repeat === keys.repeat);

  // The middle of sorted numbers, or any other share of them, between neighbours in a straight line.
  function quantile(sorted, share) {
    const place = share * (sorted.length - 1);
    const [low, high] = [Math.floor(place), Math.ceil(place)];
    return sorted[low] + (place - low) * (sorted[high] - sorted[low]);
  }

  // What has been spent up to each row; rows of older releases, which do not tell it, spent one evaluation a step.
  const spendings = (table, column) => table.values(column) || table.values("step") || [];

  const rowsOf = (table, view) => gradscape.moment.rowsUntil(table, view.moment, table.rows);

  // The last of the first `count` rows by which no more than the budget was spent, or −1.
  function rowWithin(values, count, budget) {
    let [low, high] = [0, count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[middle] <= budget * (1 + 1e-9)) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  // What a repeat had reached after a row: the newest that was told by then, NaN where nothing was.
  function reached(view, table, measure, row) {
    const step = row < 0 ? 0 : table.values("step")[row];
    for (const source of measure.sources) {
      const told = own(view.buffers.of(source), table);
      const values = told && told.values(measure.field);
      if (!values) continue;
      const at = told.rowAt(step);
      if (at >= 0) return values[at];
    }
    return NaN;
  }

  const divergedAt = (view, table) => {
    const ended = view.buffers.ofKind("lane_ended", table.run, { lane: table.keys.lane, repeat: table.keys.repeat });
    const event = ended.map(({ last }) => last).find(({ reason }) => reason === "diverged");
    return event && (view.moment === null || event.step <= view.moment) ? event.step : null;
  };

  // Every lane that has told a row: its repeats, those that diverged apart.
  function lanesOf(view, spec) {
    const tables = view.tablesOf(spec.rows).filter((table) => rowsOf(table, view) > 0);
    return view.lanes().map((lane) => {
      const mine = tables.filter((table) => view.laneOf(table).index === lane.index);
      const lost = mine.map((table) => divergedAt(view, table)).filter((step) => step !== null);
      return { lane, all: mine, sound: mine.filter((table) => divergedAt(view, table) === null), lost };
    }).filter(({ all }) => all.length > 0);
  }

  const lastOf = (view, table, column) => spendings(table, column)[rowsOf(table, view) - 1];
  const middle = (values) => quantile([...values].sort((a, b) => a - b), 0.5);

  // What every sound repeat has spent at least; null where there is none.
  function budgetOf(view, lanes, column) {
    const spent = lanes.flatMap(({ sound }) => sound.map((table) => lastOf(view, table, column)));
    return spent.length ? Math.min(...spent) : null;
  }

  // The lanes' values within one budget: lane index → {value, low, high, rank}, the best first in rank.
  function judge(view, lanes, measure, column) {
    const budget = budgetOf(view, lanes, column);
    const found = new Map();
    for (const { lane, sound } of lanes) {
      const values = sound
        .map((table) => reached(view, table, measure, rowWithin(spendings(table, column), rowsOf(table, view), budget)))
        .filter(Number.isFinite)
        .sort((a, b) => a - b);
      if (values.length) found.set(lane.index, { value: quantile(values, 0.5), low: quantile(values, 0.25), high: quantile(values, 0.75), count: values.length });
    }
    const better = (one, other) => (measure.more ? one > other : one < other);
    for (const one of found.values()) one.rank = 1 + [...found.values()].filter((other) => better(other.value, one.value)).length;
    return { budget, found };
  }

  // All that the table says: {by, measure, budget, best, lanes: [{lane, spent, cost, judged, ranks, …}]}, the first first.
  function standing(view, spec, choices) {
    const measure = spec.measures[choices[spec.measure]];
    const by = choices[spec.by];
    const lanes = lanesOf(view, spec);
    const columns = Object.keys(spec.budgets);
    const judged = Object.fromEntries(columns.map((column) => [column, judge(view, lanes, measure, column)]));
    const whole = { ...spec.measures };
    const rows = lanes.map((one) => {
      const of = (column) => middle(one.all.map((table) => lastOf(view, table, column)));
      const spent = Object.fromEntries(columns.map((column) => [column, of(column)]));
      const finals = Object.fromEntries(Object.entries(whole).map(([name, each]) => {
        const values = one.sound.map((table) => reached(view, table, each, rowsOf(table, view) - 1)).filter(Number.isFinite);
        return [name, values.length ? middle(values) : NaN];
      }));
      const ranks = Object.fromEntries(columns.map((column) => [column, (judged[column].found.get(one.lane.index) || {}).rank ?? null]));
      return { ...one, spent, cost: spent.evaluations / spent.step, finals, ranks, judged: judged[by].found.get(one.lane.index) || null };
    });
    rows.sort((one, other) => (one.ranks[by] ?? Infinity) - (other.ranks[by] ?? Infinity) || one.lane.index - other.lane.index);
    const first = rows.find(({ judged: mine }) => mine);
    return { by, measure, budget: judged[by].budget, best: first ? first.judged.value : NaN, rows };
  }

  // --- what it says -----------------------------------------------------------------------------------------------

  const round = (value, digits = 3) => (Number.isFinite(value) ? gradscape.wire.number(Number(value.toPrecision(digits))) : NONE);
  const percent = (share) => (Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : NONE);
  const shown = (measure, value) => (measure.format === "percent" ? percent(value) : round(value));
  const amount = (value) => (Number.isInteger(value) ? String(value) : round(value));
  const list = (texts) => (texts.length < 2 ? texts.join("") : `${texts.slice(0, -1).join(", ")} and ${texts[texts.length - 1]}`);

  function difference(measure, value, best) {
    const gap = value - best;
    if (!Number.isFinite(gap)) return NONE;
    if (gap === 0) return NONE;
    return measure.format === "percent" ? `${(100 * Math.abs(gap)).toFixed(1)} pp` : round(Math.abs(gap));
  }

  const cost = ({ cost: each }) => (Number.isFinite(each) ? round(each) : NONE);

  // A lane's name, with its run where another has the same.
  const shortly = ({ lane }, rows) => (rows.filter((row) => row.lane.name === lane.name).length > 1 ? lane.title : lane.name);

  // Where the order by steps and the order by gradient evaluations differ, and why; "" where there is nothing to say.
  function orders({ rows }) {
    const ranked = rows.filter(({ ranks }) => ranks.step && ranks.evaluations);
    if (ranked.length < 2) return "";
    const costs = ranked.map((row) => row.cost).filter(Number.isFinite);
    const same = Math.max(...costs) - Math.min(...costs) < 1e-3 * Math.max(...costs);
    if (same) return `A step costs every lane ${costs.length && Math.abs(costs[0] - 1) < 1e-9 ? "one gradient" : "the same"}, so the ranks by steps and by gradient evaluations agree.`;
    const moved = ranked.filter(({ ranks }) => ranks.step !== ranks.evaluations);
    const dear = ranked.filter((row) => row.cost > 1.05 * Math.min(...costs));
    if (!moved.length) return `Ranks by steps and by gradient evaluations agree, though a step is dearer for ${list(dear.map((row) => `${shortly(row, rows)} (${cost(row)} gradients)`))}.`;
    // The dear ones fall, and the others move up for it.
    const fallen = moved.filter((row) => dear.includes(row) && row.ranks.evaluations > row.ranks.step);
    const told = (fallen.length ? fallen : moved).slice(0, MOST_NAMED).map((row) => {
      const { step, evaluations } = row.ranks;
      return `${shortly(row, rows)} ${evaluations > step ? "falls" : "rises"} from ${step} to ${evaluations}${dear.includes(row) ? ` (${cost(row)} gradients a step)` : ""}`;
    });
    return `Counted in gradient evaluations instead of steps the order changes: ${list(told)}.`;
  }

  function problems(view, { rows }) {
    const of = (id) => JSON.stringify((view.known.get(id) || { request: {} }).request.problem);
    return new Set(rows.map(({ lane }) => of(lane.run))).size > 1 ? "These runs are of different problems: their losses are not one scale." : "";
  }

  function leader(spec, found) {
    const [first] = found.rows;
    if (!first || !first.judged) return "";
    const repeats = Math.max(...found.rows.map(({ all }) => all.length));
    const of = repeats > 1 ? `, median of ${repeats} repeats` : "";
    const equal = found.rows.filter(({ ranks }) => ranks[found.by] === 1).map((row) => shortly(row, found.rows));
    const ahead = equal.length > MOST_NAMED ? `${equal.length} lanes` : list(equal);
    return `After ${amount(found.budget)} ${spec.budgets[found.by]} each, ${ahead} ${equal.length > 1 ? "are equally good" : "is first"} (${found.measure.title} ${shown(found.measure, first.judged.value)}${of}).`;
  }

  function state({ all, lost }) {
    if (!lost.length) return "";
    return all.length > 1 ? `${lost.length} of ${all.length} diverged` : `diverged at step ${lost[0]}`;
  }

  // The table as cells and texts.
  function texts(view, spec, found) {
    const { by, measure, budget, best, rows } = found;
    const several = rows.some(({ all }) => all.length > 1);
    const columns = [
      ["Lane", false, ({ lane }) => lane.title],
      ["Rule", false, ({ lane }) => (lane.optimizer ? lane.optimizer.kind : NONE)],
      ["Rank: steps", true, ({ ranks }) => String(ranks.step ?? NONE)],
      ["evals", true, ({ ranks }) => String(ranks.evaluations ?? NONE)],
      ["sec", true, ({ ranks }) => String(ranks.seconds ?? NONE)],
      [`${measure.title} at ${budget === null ? NONE : amount(by === "seconds" ? Number(budget.toPrecision(3)) : budget)} ${UNITS[by]}`, true, ({ judged }) => (judged ? shown(measure, judged.value) : NONE)],
      ...(several ? [["middle half", true, ({ judged }) => (judged && judged.count > 1 ? `${shown(measure, judged.low)} to ${shown(measure, judged.high)}` : NONE)]] : []),
      ["behind", true, ({ judged }) => (judged ? difference(measure, judged.value, best) : NONE)],
      ["Steps", true, ({ spent }) => amount(spent.step)],
      ["Evals", true, ({ spent }) => amount(spent.evaluations)],
      ["/step", true, cost],
      ["Seconds", true, ({ spent }) => round(spent.seconds)],
      ["Last loss", true, ({ finals }) => round(finals.loss)],
      ["Test acc.", true, ({ finals }) => percent(finals.accuracy)],
      ["", false, state],
    ].filter(([, , say]) => rows.some((row) => ![NONE, ""].includes(say(row))));
    return { cells: columns.map(([title, numeric]) => ({ title, numeric })), rows: rows.map((row) => columns.map(([, , say]) => say(row))) };
  }

  function draw({ view, panel, choices, element }) {
    const found = standing(view, panel.standings, choices);
    const { cells, rows } = texts(view, panel.standings, found);
    gradscape.table.draw(element.querySelector("[data-table]"), cells, rows, found.rows.map(({ lane }) => view.styleOf(lane)));
    const line = [leader(panel.standings, found), orders(found), problems(view, found)].filter(Boolean).join(" ");
    const place = element.querySelector("[data-line]");
    if (place.textContent !== line) place.textContent = line;
  }

  // The same as numbers, for a file.
  function numbers({ view, panel, choices }) {
    const found = standing(view, panel.standings, choices);
    const head = ["run", "lane", "rule", "rank_by_steps", "rank_by_evaluations", "rank_by_seconds", "budget_in", "budget", found.measure.title.replaceAll(" ", "_"), "quartile_1", "quartile_3", "steps", "evaluations", "seconds", "last_loss", "last_test_accuracy", "diverged"];
    const rows = found.rows.map(({ lane, ranks, judged, spent, finals, lost }) => [
      lane.run, lane.name, lane.optimizer ? lane.optimizer.kind : "", ranks.step, ranks.evaluations, ranks.seconds, found.by, found.budget,
      judged ? judged.value : NaN, judged ? judged.low : NaN, judged ? judged.high : NaN, spent.step, spent.evaluations, spent.seconds, finals.loss, finals.accuracy, lost.length,
    ]);
    return [head, ...rows];
  }

  gradscape.standings = { sourcesOf, standing, orders, draw, numbers };
})();
