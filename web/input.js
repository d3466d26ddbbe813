// Inputs: what is chosen decides which of the rows that the file carries are shown. Nothing is computed or formatted
// here but bars, lines and ranges of days.
const live = carried.then(({ inputs, queries, rows: pools, tables, tiles, texts }) => {
  const state = inputs.map((input) => input.value);
  const initial = JSON.stringify(state), same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  const listeners = [], answers = new Map(), controls = [];

  // --- values ---

  const option = (input, i) => [input.options[i]].flat();
  const label = (input, i) => option(input, i).at(-1);
  const days = ([from, to]) => (from === to ? from : `${from} to ${to}`);
  function shown(i, part = -1) {
    const input = inputs[i];
    if (input.kind === "date_range") return part < 0 ? days(state[i]) : state[i][part];
    if (input.kind === "search") return state[i] || "-";
    return state[i] < 0 ? "-" : label(input, state[i]);
  }
  function parameter(i, part) {
    const input = inputs[i];
    if (input.kind === "date_range") return state[i][part];
    if (input.kind === "search") return state[i];
    const value = state[i] < 0 ? null : option(input, state[i])[0];
    return value !== null && input.number ? Number(value) : value;
  }

  // --- rows ---

  const like = (pattern) => {
    const escaped = pattern.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&").replace(/%/g, "[^]*").replace(/_/g, "[^]");
    return RegExp(`^${escaped}$`, "u");
  };
  function condition(filter, key) {
    let value = parameter(filter.input, filter.part);
    if ((filter.ifNull && value === null) || (filter.ifEmpty && value === "")) return null;
    if (value === null) return () => false;
    if (filter.lower) value = value.toLowerCase();
    if (key.time) value += " 00:00:00";
    switch (filter.op) {
      case "=": return (x) => x === value;
      case "<>": return (x) => x !== value;
      case "<": return (x) => x < value;
      case "<=": return (x) => x <= value;
      case ">": return (x) => x > value;
      case ">=": return (x) => x >= value;
      case "has":
      case "contains": return (x) => x.includes(value);
      default: {
        const side = (text) => (filter.lower ? text.toLowerCase() : text);
        const pattern = like(side(filter.before) + value + side(filter.after));
        return (x) => pattern.test(x);
      }
    }
  }
  function answer(query) {
    const at = query.varies.reduce((n, i) => n * inputs[i].options.length + state[i], 0);
    let rows = query.answers[query.cases[at]];
    for (const filter of query.filters) {
      const key = query.keys[filter.key], holds = condition(filter, key);
      if (holds) rows = rows.filter((row) => key.of[row] !== null && holds(key.of[row]));
    }
    return query.limit ? rows.slice(0, query.limit) : rows;
  }
  function rows(name) {
    if (!answers.has(name)) answers.set(name, answer(queries[name]));
    return answers.get(name);
  }
  function values(name, columns) { // the rows as a chart takes them
    return rows(name).map((row) => Object.fromEntries(columns.map((column) => [column, pools[name][column][row]])));
  }
  const depends = (query, input) => query.varies.includes(input) || query.filters.some((filter) => filter.input === input);

  // --- what is drawn ---

  function drawBars(body, column, values, some) {
    const most = some.reduce((most, row) => Math.max(most, values[row] ?? 0), 0);
    some.forEach((row, i) => {
      const cell = body.rows[i].cells[column], value = values[row];
      cell.classList.toggle("bar", value !== null && value >= 0 && most > 0);
      if (!cell.classList.contains("bar")) return;
      cell.insertAdjacentHTML("afterbegin", '<svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true"><rect height="1"/></svg>');
      cell.querySelector("rect").setAttribute("width", ((value / most) * 100).toFixed(1));
    });
  }
  function drawTable(body, table) {
    const all = rows(table.query), some = table.limit ? all.slice(0, table.limit) : all;
    body.innerHTML = some.map((row) => "<tr>" + table.rows[row]).join("");
    for (const column in table.bars) drawBars(body, column, table.bars[column], some);
    body.parentNode.nextElementSibling.hidden = some.length > 0;
    body.parentNode.dispatchEvent(new Event("rows"));
  }
  function line(values) {
    const known = values.filter((v) => v !== null), least = Math.min(...known), most = Math.max(...known);
    let path = "", pen = false;
    values.forEach((v, i) => {
      const x = values.length > 1 ? (100 * i) / (values.length - 1) : 50;
      const y = most > least ? 22 - (20 * (v - least)) / (most - least) : 12;
      if (v !== null) path += `${pen ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
      pen = v !== null;
    });
    return path;
  }
  function drawTile(element, tile) {
    let trend = element.querySelector(".trend");
    if (tile.tiles) {
      element.innerHTML = tile.title + (tile.tiles[rows(tile.query)[0]] ?? tile.none);
      if (trend) element.append(trend);
    }
    if (!tile.trend) return;
    if (!trend) {
      element.insertAdjacentHTML("beforeend", '<dd class="trend"><svg viewBox="0 0 100 24" preserveAspectRatio="none" ' +
        'aria-hidden="true"><path/></svg></dd>');
      trend = element.lastChild;
    }
    trend.querySelector("path").setAttribute("d", line(rows(tile.trend.query).map((row) => tile.trend.values[row])));
  }
  function drawText(element, text) {
    const value = text.query ? text.texts[rows(text.query)[0]] ?? text.none : shown(text.input, text.part);
    if (element.textContent !== value) element.textContent = value;
  }

  const elements = (name) => document.querySelectorAll(`[data-${name}]`);
  function update(changed) {
    const names = new Set(Object.keys(queries).filter((name) => changed.some((i) => depends(queries[name], i))));
    for (const name of names) answers.delete(name);
    for (const body of elements("table")) {
      const table = tables[body.dataset.table];
      if (names.has(table.query)) drawTable(body, table);
    }
    for (const element of elements("tile")) {
      const tile = tiles[element.dataset.tile];
      if (names.has(tile.query) || names.has(tile.trend?.query)) drawTile(element, tile);
    }
    for (const element of elements("text")) {
      const text = texts[element.dataset.text];
      if (text.query ? names.has(text.query) : changed.includes(text.input)) drawText(element, text);
    }
    for (const listener of listeners) listener(names);
  }

  // --- controls ---

  let announcing;
  function announce(changed) {
    clearTimeout(announcing);
    const said = changed.map((i) => `${inputs[i].title}: ${shown(i)}`).join(", ");
    announcing = setTimeout(() => { document.querySelector("p[role=status]").textContent = said; }, 400);
  }
  function place(i) { // what the control shows
    const { box, parts } = controls[i], input = inputs[i];
    [state[i]].flat().forEach((value, part) => { if (parts[part].value !== String(value)) parts[part].value = value; });
    box.querySelector(".shown").textContent = shown(i);
    if (input.kind !== "slider") return;
    parts[0].setAttribute("aria-valuetext", shown(i));
    box.querySelector("output").textContent = shown(i);
  }
  function set(i, value) {
    const news = !same(state[i], value);
    state[i] = value;
    place(i);
    if (!news) return;
    update([i]);
    announce([i]);
    keep();
  }
  function read(i, touched) {
    const { parts } = controls[i], kind = inputs[i].kind;
    if (kind === "search") return parts[0].value;
    if (kind !== "date_range") return Number(parts[0].value);
    const [from, to] = parts.map((part) => part.value);
    if (!from || !to) return state[i];
    return from <= to ? [from, to] : [touched.value, touched.value];
  }

  // --- the address: what differs from the page as it was made ---

  function written(i) {
    const input = inputs[i];
    if (input.kind === "date_range") return state[i].join("..");
    return input.kind === "search" ? state[i] : option(input, state[i])[0] ?? "";
  }
  function keep() {
    const was = JSON.parse(initial);
    const said = inputs.flatMap((input, i) => (same(state[i], was[i]) ? [] : `${input.name}=${encodeURIComponent(written(i))}`));
    history.replaceState(null, "", said.length ? "#" + said.join("&") : location.pathname + location.search);
  }
  function understood(input, text) {
    if (input.kind === "search") return text;
    if (input.kind === "date_range") {
      const found = /^(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)$/.exec(text);
      return found && found[1] <= found[2] ? [found[1], found[2]] : undefined;
    }
    const i = input.options.findIndex((_, i) => (option(input, i)[0] ?? "") === text);
    return i < 0 ? undefined : i;
  }
  function follow() {
    if (location.hash && !location.hash.includes("=")) return; // a heading
    const said = new URLSearchParams(location.hash.slice(1).replace(/\+/g, "%2B")), was = JSON.parse(initial), changed = [];
    inputs.forEach((input, i) => {
      const wanted = input.works && said.has(input.name) ? understood(input, said.get(input.name)) : undefined;
      const value = wanted === undefined ? was[i] : wanted;
      if (same(state[i], value)) return;
      state[i] = value;
      place(i);
      changed.push(i);
    });
    if (changed.length) update(changed);
  }

  for (const box of document.querySelectorAll("[data-input]")) {
    const i = Number(box.dataset.input), parts = [...box.querySelectorAll("select, input")];
    let waiting;
    controls[i] = { box, parts };
    for (const part of parts) {
      part.disabled = false;
      part.addEventListener("change", () => set(i, read(i, part)));
      part.addEventListener("input", () => { // while it is dragged or typed
        if (inputs[i].kind !== "slider" && inputs[i].kind !== "search") return;
        clearTimeout(waiting);
        waiting = setTimeout(() => set(i, read(i, part)), inputs[i].kind === "search" ? 120 : 15);
      });
    }
  }
  follow();
  addEventListener("hashchange", follow);
  return { values, changed: (listener) => listeners.push(listener) };
});
