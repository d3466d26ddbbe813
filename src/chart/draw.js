// Vega-Lite to SVG with our theme, formats and text widths. The program calls draw() and reads the object
// that it returns once `done` is set.
(function (world) {
  "use strict";
  const measure = world.measureText, load = world.loadUrl, pen = world.pen;
  delete world.measureText;
  delete world.loadUrl;
  delete world.pen;
  const { merged, themed, madeToFit, fitPanels, listener, loader } = chartKit(measure);

  // --- text widths: of the fonts that draw the picture ---

  vega.textMetrics.width = (item, text) => {
    text = text == null ? "" : String(text).trim();
    if (!text || item.fontSize <= 0) return 0;
    if (item.fontSize > 10000) throw new Error(`a font of ${item.fontSize} pixels: at most 10000`);
    const width = measure(text, item.font || "sans-serif", item.fontSize == null ? 11 : +item.fontSize,
                          String(item.fontWeight || "normal"), String(item.fontStyle || ""));
    return item.limit > 0 ? Math.min(width, item.limit) : width; // what is longer is drawn cut
  };

  // Nobody gives a size, and there is no page around the chart that could.
  function withoutContainer(spec) {
    const ready = Object.assign({}, spec);
    if (ready.width === "container") delete ready.width;
    if (ready.height === "container") delete ready.height;
    return ready;
  }

  // --- dots, of which there are thousands: Vega draws each as a path, and again to tell how large it is ---

  const isDot = (item) => (item.shape || "circle") === "circle";
  const radius = (item) => Math.sqrt(item.size == null ? 64 : +item.size) / 2;
  const symbol = vega.Marks.symbol, symbolAttr = symbol.attr, symbolBound = symbol.bound;

  symbol.attr = (emit, item, renderer) => {
    if (symbol.tag !== "circle") return symbolAttr(emit, item, renderer);
    emit("cx", item.x || 0);
    emit("cy", item.y || 0);
    emit("r", Math.round(radius(item) * 1000) / 1000);
  };
  symbol.bound = (bounds, item) => {
    if (!isDot(item)) return symbolBound(bounds, item);
    const r = radius(item);
    return vega.boundStroke(bounds.set(-r, -r, r, r), item, true).translate(item.x || 0, item.y || 0);
  };

  // --- SVG: Vega's renderer, with a pen that the program holds ---

  class Picture extends vega.SVGStringRenderer {
    mark(m, scene) {
      if (scene.marktype === "symbol") symbol.tag = scene.items.every(isDot) ? "circle" : "path";
      return super.mark(m, scene);
    }

    // What is painted once needs no layer of its own to be seen through.
    attr(scene, item, attrs, tag) {
      const silent = Array.isArray(attrs) && item.aria === undefined && item.description == null;
      const out = super.attr(scene, item, silent ? attrs[attrs.length - 1] : attrs, tag), opacity = out.opacity;
      if (opacity === undefined || out.style !== undefined) return out;
      if (opacity === 1) {
        delete out.opacity;
      } else if (tag !== "image" && (out.fill === undefined || out.stroke === undefined)) {
        const name = out.fill === undefined ? "stroke-opacity" : "fill-opacity";
        out[name] = opacity * (out[name] === undefined ? 1 : out[name]);
        delete out.opacity;
      }
      return out;
    }

    _render(scene) {
      const width = this._width, height = this._height, ground = this._bgcolor;
      pen.reset();
      pen.open("svg", {
        xmlns: "http://www.w3.org/2000/svg", "xmlns:xlink": "http://www.w3.org/1999/xlink", version: "1.1", class: "marks",
        width: width * this._scale, height: height * this._scale, viewBox: "0 0 " + width + " " + height,
      });
      if (ground && ground !== "transparent" && ground !== "none") pen.open("rect", { width: width, height: height, fill: ground }).close();
      pen.open("g", { fill: "none", "stroke-miterlimit": 4 }, { transform: "translate(" + this._origin + ")" });
      this.mark(pen, scene);
      pen.close();
      this.defs(pen);
      pen.close();
      return this;
    }
  }
  vega.renderModule("svg", { headless: Picture });

  // --- drawing ---

  // Rows take the place of a name's values, so that dates in them are read as the spec says.
  function fill(vg, rows) {
    for (const table of vg.data || []) {
      if (table.values === undefined && table.url === undefined && table.source === undefined && rows[table.name] !== undefined)
        table.values = rows[table.name];
    }
  }

  // Nobody points at a picture: what would be said of each mark need not be put into words.
  function withoutTooltips(marks) {
    for (const mark of marks || []) {
      for (const set of Object.keys(mark.encode || {})) delete mark.encode[set].tooltip;
      withoutTooltips(mark.marks);
    }
  }

  world.draw = function (specText, themeText, themeName, data, width, height) {
    const result = { done: false, errors: [], warnings: [] };
    const log = listener((text) => result.errors.push(text), (text) => result.warnings.push(text));
    const theme = JSON.parse(themeText);
    const config = themeName ? themed(theme, themeName, width || Infinity, height || Infinity) : { customFormatTypes: true };
    const asked = JSON.parse(specText);
    vega.setRandom(vega.randomLCG(42)); // jitter, samples and bootstraps are the same each time
    vega.resetSVGDefIds(); // names within the picture are the same whatever was drawn before it
    const rows = {};
    for (const name of Object.keys(data)) rows[name] = JSON.parse(data[name]);
    const made = width && height ? madeToFit(asked, merged(config, asked.config || {}), width, height, rows)
                                 : { spec: withoutContainer(asked), fit: false };
    const vg = vegaLite.compile(made.spec, { config: config, logger: log }).spec;
    withoutTooltips(vg.marks);
    fill(vg, rows);
    const view = new vega.View(vega.parse(vg), { renderer: "none", logger: log, logLevel: vega.Warn, loader: loader(log, load) });
    const end = () => { view.finalize(); result.done = true; };
    view.runAsync()
      .then(() => made.fit && fitPanels(view, vg, width, height))
      .then(() => view.toSVG())
      .then(end, (error) => { log.error(error); end(); });
    return result;
  };
})(globalThis);
