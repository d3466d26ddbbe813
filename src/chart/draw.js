// Vega-Lite to SVG with our theme, formats and text widths. The program calls draw() and reads the object
// that it returns once `done` is set.
(function (world) {
  "use strict";
  const measure = world.measureText, load = world.loadUrl;
  delete world.measureText;
  delete world.loadUrl;

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
  vega.expressionFunction("times", signed((x) => (x >= 10 ? Math.round(x) : +x.toPrecision(2)) + "\u00d7"));

  // --- text widths: of the fonts that draw the picture ---

  vega.textMetrics.width = (item, text) => {
    text = text == null ? "" : String(text).trim();
    if (!text) return 0;
    return measure(text, item.font || "sans-serif", item.fontSize == null ? 11 : +item.fontSize,
                   String(item.fontWeight || "normal"), String(item.fontStyle || ""));
  };

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

  // --- the spec made ready ---

  const isMap = (x) => x !== null && typeof x === "object" && !Array.isArray(x);

  function merged(under, over) {
    const out = Object.assign({}, under);
    for (const key of Object.keys(over)) out[key] = isMap(out[key]) && isMap(over[key]) ? merged(out[key], over[key]) : over[key];
    return out;
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

  function madeToFit(spec, config, width, height) {
    const ready = Object.assign({}, spec);
    const container = (size) => size === "container";
    if (!isComposed(spec) && spec.autosize === undefined) {
      const free = (size) => size === undefined || container(size);
      const both = free(spec.width) && free(spec.height);
      if (free(spec.width)) ready.width = width;
      if (free(spec.height)) ready.height = height;
      if (both) ready.autosize = { type: "fit", contains: "padding" };
    }
    wrapTitle(ready, config, typeof ready.width === "number" && !isComposed(spec) ? ready.width : width);
    return ready;
  }

  // Nobody gives a size, and there is no page around the chart that could.
  function withoutContainer(spec) {
    const ready = Object.assign({}, spec);
    if (ready.width === "container") delete ready.width;
    if (ready.height === "container") delete ready.height;
    return ready;
  }

  // --- drawing ---

  const said = (args) => args.map((x) => (x instanceof Error ? x.message : String(x))).join(" ");

  // Of a picture nobody moves a mouse on, and of data that may rightly be empty (outliers, a selection).
  const noise = /^(Can not resolve event source|Infinite extent for field)/;

  function listener(result) {
    const log = {
      level: function (level) { return arguments.length ? log : vega.Warn; },
      error: (...args) => { result.errors.push(said(args)); return log; },
      warn: (...args) => {
        const text = said(args);
        if (!noise.test(text)) (/^Loading failed/.test(text) ? result.errors : result.warnings).push(text);
        return log;
      },
      info: () => log,
      debug: () => log,
    };
    return log;
  }

  const loader = {
    load: (url) => {
      const text = load(String(url));
      return text === null ? Promise.reject(new Error("charts load nothing")) : Promise.resolve(text);
    },
    sanitize: (url) => Promise.resolve({ href: url }),
  };

  // Rows take the place of a name's values, so that dates in them are read as the spec says.
  function fill(vg, data) {
    for (const table of vg.data || []) {
      if (table.values === undefined && table.url === undefined && table.source === undefined && data[table.name] !== undefined)
        table.values = JSON.parse(data[table.name]);
    }
  }

  world.draw = function (specText, themeText, themeName, data, width, height) {
    const result = { done: false, svg: "", errors: [], warnings: [] };
    const log = listener(result);
    const theme = JSON.parse(themeText);
    const config = themeName ? merged(theme.common, theme[themeName]) : { customFormatTypes: true };
    let spec = JSON.parse(specText);
    vega.setRandom(vega.randomLCG(42)); // jitter, samples and bootstraps are the same each time
    spec = width && height ? madeToFit(spec, merged(config, spec.config || {}), width, height) : withoutContainer(spec);
    const vg = vegaLite.compile(spec, { config: config, logger: log }).spec;
    fill(vg, data);
    const view = new vega.View(vega.parse(vg), { renderer: "none", logger: log, logLevel: vega.Warn, loader: loader });
    const end = () => { view.finalize(); result.done = true; };
    view.toSVG().then((svg) => { result.svg = svg; end(); }, (error) => { log.error(error); end(); });
    return result;
  };
})(globalThis);
