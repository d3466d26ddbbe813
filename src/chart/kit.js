// What a chart is the same by wherever it is drawn, in the program and in a browser: formats of numbers, wrapped
// titles, sizes. Wants vega, and measure(text, font, size, weight, style) in pixels.
globalThis.chartKit = function (measure) {
  "use strict";

  // Of an integer the interpreter of expressions in a page makes a year, Vega a time.
  vega.expressionFunction("datetime", (...a) => new Date(...a));

  // --- numbers as people read them ---

  const digits3 = (x) => (x >= 100 ? String(Math.round(x)) : String(+x.toPrecision(3)));
  const units = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]];
  function short(x) {
    for (const [size, name] of units) if (x >= size * 0.9995) return digits3(x / size) + name;
    return digits3(x);
  }
  const signed = (f) => (x) => (x == null || x === "" || isNaN(x) ? "" : (x < 0 ? "\u2212" : "") + f(Math.abs(+x)));

  vega.expressionFunction("usd", signed((x) => "$" + short(x)));
  vega.expressionFunction("short", signed(short));
  vega.expressionFunction("figure", signed((x) => (Number.isInteger(x) || x >= 1000
    ? String(Math.round(x)).replace(/\B(?=(\d{3})+$)/g, ",") : String(+x.toPrecision(4)))));
  vega.expressionFunction("times", signed((x) => (x >= 10 ? Math.round(x) : +x.toPrecision(2)) + "\u00d7"));

  // --- rows written as CSV: Vega's own reader compiles a function, which a page does not allow ---

  const delimiters = { csv: ",", tsv: "\t", dsv: "," };
  const unquoted = (cell) => (/^"[^]*"$/.test(cell) ? cell.slice(1, -1).replaceAll('""', '"') : cell);
  function rowsOf(text, by, head) {
    const d = "\\u" + by.charCodeAt(0).toString(16).padStart(4, "0");
    const one = new RegExp(`("[^"]*(?:""[^"]*)*"|[^${d}\r\n]*)(${d}|\r?\n|\r|$)`, "y");
    const lines = head ? [head, []] : [[]];
    text = text.replace(/(\r?\n|\r)$/, "");
    for (let end = by; end; ) {
      const [, cell, next] = one.exec(text);
      lines[lines.length - 1].push(unquoted(cell));
      if (next && next !== by) lines.push([]);
      end = next;
    }
    const names = lines.shift();
    return lines.map((line) => Object.fromEntries(names.map((name, i) => [name, line[i] || ""])));
  }
  for (const name of Object.keys(delimiters))
    vega.formats(name, (text, { delimiter, header } = {}) => rowsOf(String(text), delimiter || delimiters[name], header));

  function wrap(text, width, font) {
    const lines = [];
    let line = "";
    for (const word of String(text).split(/\s+/)) {
      const longer = line ? line + " " + word : word;
      if (line && measure(longer, font.font, font.fontSize, String(font.fontWeight), "") > width) {
        lines.push(line);
        line = word;
      } else {
        line = longer;
      }
    }
    if (line) lines.push(line);
    return lines.length > 1 ? lines : lines[0] || "";
  }

  // --- what is said, and what may be loaded ---

  // Of a picture nobody moves a mouse on, and of data that may rightly be empty (outliers, a selection).
  const noise = /^(Can not resolve event source|Infinite extent for field)/;
  const said = (args) => args.map((x) => (x instanceof Error ? x.message : String(x))).join(" ");

  // A logger for Vega that hands over texts, each warning once.
  function listener(error, warning) {
    const told = new Set();
    let level = vega.Warn;
    const log = {
      level: (...to) => (to.length ? ([level] = to, log) : level),
      error: (...args) => { error(said(args)); return log; },
      warn: (...args) => {
        const text = said(args);
        if (level >= vega.Warn && !noise.test(text) && !told.has(text)) (/^Loading failed/.test(text) ? error : warning)(text);
        told.add(text);
        return log;
      },
      info: () => log,
      debug: () => log,
    };
    return log;
  }

  // Links are those that Vega takes for safe; pictures are in the spec or the rows, as data.
  function loader(log, load) {
    const links = vega.loader();
    return {
      load: (uri) => {
        const text = load ? load(String(uri)) : null;
        return text === null ? Promise.reject(new Error("charts load nothing")) : Promise.resolve(text);
      },
      sanitize: (uri, options) => {
        if (!options || options.context !== "image") return links.sanitize(uri, options);
        if (/^data:image\//i.test(uri)) return Promise.resolve({ href: uri });
        log.warn(`the picture ${uri} is not shown: charts load nothing, it can be written as data:image/png;base64,...`);
        return Promise.reject(new Error("charts load nothing"));
      },
    };
  }

  // --- the spec made ready ---

  const isMap = (x) => x !== null && typeof x === "object" && !Array.isArray(x);

  function merged(under, over) {
    const out = Object.assign({}, under);
    for (const key of Object.keys(over)) out[key] = isMap(out[key]) && isMap(over[key]) ? merged(out[key], over[key]) : over[key];
    return out;
  }

  // What charts look like. A low one, which stands beside others, has smaller letters at its head; a narrow one fewer ticks.
  function themed(theme, name, width, height) {
    const low = 420, narrow = 600; // pixels
    let config = merged(theme.common, theme[name]);
    if (width < narrow) config = merged(config, theme.narrow);
    return height < low ? merged(config, theme.low) : config;
  }

  function isComposed(spec) {
    const e = spec.encoding || {};
    return !!(spec.hconcat || spec.vconcat || spec.concat || spec.facet || spec.repeat || spec.spec || e.facet || e.row || e.column);
  }

  // Titles do not wrap by themselves: a long one would be cut at the edge.
  function wrapTitle(spec, config, width) {
    if (!spec.title) return;
    const title = isMap(spec.title) ? Object.assign({}, spec.title) : { text: spec.title };
    const style = config.title || {}, font = style.font || config.font || "sans-serif";
    const pad = config.padding || {}, room = width - (pad.left || 0) - (pad.right || 0);
    const asWritten = (size, weight) => ({ font: font, fontSize: size, fontWeight: weight });
    if (typeof title.text === "string")
      title.text = wrap(title.text, room, asWritten(title.fontSize || style.fontSize || 13, title.fontWeight || style.fontWeight || "bold"));
    if (typeof title.subtitle === "string")
      title.subtitle = wrap(title.subtitle, room, asWritten(title.subtitleFontSize || style.subtitleFontSize || 11, title.subtitleFontWeight || "normal"));
    spec.title = title;
  }

  // Panels of a composed spec: does one have a size of its own?
  function isSized(spec) {
    const panels = [].concat(spec.hconcat || [], spec.vconcat || [], spec.concat || [], spec.layer || [], spec.spec || []);
    return spec.width !== undefined || spec.height !== undefined || panels.some(isSized);
  }

  const isBinned = (def) => isMap(def) && (def.bin === "binned" || (isMap(def.bin) && def.bin.binned === true));

  // What the theme would spoil. Ticks that an axis names are drawn all: its number of ticks would thin them out. Bars of
  // bins that the data has have square ends: Vega-Lite 6.4 gives those with round ones no width.
  function mended(x) {
    if (Array.isArray(x)) return x.map(mended);
    if (!isMap(x)) return x;
    const out = {};
    for (const key of Object.keys(x)) out[key] = key === "data" || key === "datasets" ? x[key] : mended(x[key]);
    if (isMap(out.axis) && Array.isArray(out.axis.values) && out.axis.tickCount === undefined)
      out.axis.tickCount = out.axis.values.length;
    if (isMap(out.encoding) && (isBinned(out.encoding.x) || isBinned(out.encoding.y)) && (out.mark === "bar" || (isMap(out.mark) && out.mark.type === "bar")))
      out.mark = merged({ cornerRadiusEnd: 0 }, isMap(out.mark) ? out.mark : { type: out.mark });
    return out;
  }

  // Does each row have a value of its own there? Days are written as ISO 8601 begins.
  const letters = { year: 4, yearmonth: 7, yearmonthdate: 10 };
  function isOwn(values, def) {
    const end = letters[def.timeUnit];
    return new Set(values.map((row) => (end ? String(row[def.field]).slice(0, end) : row[def.field]))).size === values.length;
  }

  // Bars that are a row each are not stacks. Vega-Lite takes all bars for stacks, and a stack with round corners takes
  // a group with a clip, which is most of what a small chart costs. `above` is what the views around give.
  function withoutNeedlessStacks(spec, rows, above) {
    const own = spec.data, out = Object.assign({}, spec), encoding = Object.assign({}, above.encoding, spec.encoding);
    const made = above.made.concat((spec.transform || []).map((t) => t.calculate && t.as)); // names of columns
    const values = own === undefined ? above.values : own && (own.values || rows[own.name]);
    for (const kind of ["layer", "concat", "hconcat", "vconcat"]) {
      const inside = { values: values, made: made, encoding: kind === "layer" ? encoding : {} };
      if (Array.isArray(spec[kind])) out[kind] = spec[kind].map((view) => withoutNeedlessStacks(view, rows, inside));
    }
    const plain = (def) => def && /^\w+$/.test(def.field) && !def.aggregate && !def.bin && !made.includes(def.field);
    const isBy = (def) => plain(def) && def.type !== "quantitative" && (!def.timeUnit || letters[def.timeUnit]);
    if ((spec.mark === "bar" || (isMap(spec.mark) && spec.mark.type === "bar")) && Array.isArray(values) && made.every((name) => name))
      for (const [length, by] of [["x", "y"], ["y", "x"]]) {
        const def = encoding[length];
        if (plain(def) && def.type === "quantitative" && def.stack === undefined && isBy(encoding[by]) && isOwn(values, encoding[by]))
          out.encoding = Object.assign({}, spec.encoding, { [length]: Object.assign({}, def, { stack: null }) });
      }
    return out;
  }

  // The spec as it is drawn in width x height; `rows` are the arrays that its data are the names of, those that stay
  // as they are. `fit` says that panels have to be scaled, by fitPanels().
  function madeToFit(spec, config, width, height, rows) {
    const ready = withoutNeedlessStacks(mended(spec), rows, { encoding: {}, made: [] }), auto = spec.autosize, composed = isComposed(spec);
    const container = (size) => size === "container";
    const fit = composed && (auto === undefined ? !isSized(spec) : auto === "fit" || auto.type === "fit");
    if (fit) {
      delete ready.autosize;
      ready.config = merged({ view: { discreteWidth: 300, discreteHeight: 300 } }, spec.config || {});
    }
    if (!composed && auto === undefined) {
      const free = (size) => size === undefined || container(size);
      const both = free(spec.width) && free(spec.height);
      if (free(spec.width)) ready.width = width;
      if (free(spec.height)) ready.height = height;
      if (both) ready.autosize = { type: "fit", contains: "padding" };
    }
    wrapTitle(ready, config, typeof ready.width === "number" && !composed ? ready.width : width);
    return { spec: ready, fit: fit };
  }

  // Vega fits a single view into a size; of several it adds up what they take. A view that has run is run again with
  // its panels scaled, all by the same, until it takes width x height; left as it was when they would be too small.
  function fitPanels(view, vg, width, height) {
    const smallest = 24, rest = 3; // pixels; of panels, and what may be left to the margin
    const sized = (vg.signals || []).filter((s) => typeof s.value === "number");
    const sideOf = (name, goal, taken) => {
      const panels = sized.filter((s) => s.name.toLowerCase().endsWith(name));
      if (typeof vg[name] === "number") panels.push({ name: name, value: vg[name] });
      return { goal: goal, taken: taken, panels: panels, scale: 1, last: null };
    };
    const sides = [
      sideOf("width", width, () => view._viewWidth + view.padding().left + view.padding().right),
      sideOf("height", height, () => view._viewHeight + view.padding().top + view.padding().bottom),
    ];
    const open = (side) => Math.abs(side.goal - side.taken()) > rest;
    const draw = () => {
      for (const side of sides) for (const s of side.panels) view.signal(s.name, s.value * side.scale);
      view.resize().run();
    };
    // What is not panels stays about the same: a straight line through the last two rounds says how large they go.
    const step = (side) => {
      const taken = side.taken(), before = side.last;
      const slope = before && before.scale !== side.scale ? (taken - before.taken) / (side.scale - before.scale) : taken;
      side.last = { scale: side.scale, taken: taken };
      side.scale += (side.goal - taken) / slope;
      return side.panels.length > 0 && side.panels.every((s) => s.value * side.scale >= smallest && s.value * side.scale < 1e5);
    };
    for (let round = 0; round < 5 && sides.some(open); round++) {
      if (!sides.filter(open).every(step)) break;
      draw();
    }
    if (sides.some(open)) {
      for (const side of sides) side.scale = 1;
      return draw();
    }
    const [right, bottom] = sides.map((side) => side.goal - side.taken()), pad = view.padding();
    if (right || bottom) view.padding({ left: pad.left, top: pad.top, right: pad.right + right, bottom: pad.bottom + bottom }).resize().run();
  }

  return { merged: merged, themed: themed, madeToFit: madeToFit, fitPanels: fitPanels, listener: listener, loader: loader };
};
