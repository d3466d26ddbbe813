// Charts live: the same specs, theme and rows as in pictures, with tooltips, zooming and legends that react.
(async () => {
  await Promise.allSettled([400, 600].map((weight) => document.fonts.load(weight + " 12px Inter")));
  const context = document.createElement("canvas").getContext("2d");
  const { merged, themed, madeToFit, fitPanels, listener, loader } = chartKit((text, font, size, weight, style) => {
    context.font = `${style} ${weight} ${size}px ${font}`;
    return context.measureText(text).width;
  });
  const data = await carried, inputs = typeof live === "undefined" ? null : await live;
  const charts = [...document.querySelectorAll("figure.chart")].map((figure, i) => ({
    figure, target: figure.firstChild, ...data.charts[i],
  }));
  function chosen(chart) { // the rows that inputs leave
    for (const name in chart.pool) chart.data[name] = inputs.values(name, chart.pool[name]);
  }
  charts.forEach(chosen);
  const options = {
    mode: "vega-lite", ast: true, renderer: "svg", actions: false, defaultStyle: false, tooltip: { disableDefaultStyle: true },
  };
  const ears = (log = listener(console.error, console.warn)) => ({ logger: log, loader: loader(log) });

  // On a phone a chart is not crushed but drawn larger, and shown smaller by the style sheet.
  const LEAST_WIDTH = 480, LEAST_HEIGHT = 420;
  // Side by side they take what room there is, and are low enough for two rows of them on a screen.
  const BESIDE = { width: 400, least: 280, most: 400, share: 0.56 };
  const SLIM = 520; // two of these share a line on paper
  const beside = (figure) => figure.parentElement.matches(".charts") && figure.clientWidth >= BESIDE.width;
  const widthOf = ({ figure, width }) => (beside(figure) ? figure.clientWidth : Math.min(Math.max(figure.clientWidth, LEAST_WIDTH), width));
  const heightOf = (chart, width) => (beside(chart.figure) ? Math.min(Math.max(width * BESIDE.share, BESIDE.least), BESIDE.most)
    : Math.max(width * chart.height / chart.width, Math.min(LEAST_HEIGHT, chart.height)));

  function madeReady(chart) {
    const width = widthOf(chart), height = heightOf(chart, width);
    const config = themed(chartTheme, dark.matches ? "dark" : "light", width, height);
    config.background = "transparent";
    const fixed = { ...chart.data };
    for (const name in chart.pool) delete fixed[name];
    const { spec, fit } = madeToFit(chart.spec, merged(config, chart.spec.config || {}), width, height, fixed);
    vega.setRandom(vega.randomLCG(42));
    return { spec: { ...spec, datasets: { ...spec.datasets, ...chart.data } }, config, fit, width, height };
  }

  function finish(chart, ready, made, view, vg) {
    chart.made = made;
    chart.fit = ready.fit;
    if (ready.fit) fitPanels(view, vg, ready.width, ready.height);
    chart.target.querySelector("svg").setAttribute("aria-hidden", "true"); // the figure says what it is
    if (chart.target.querySelector(".vega-bind")) chart.figure.setAttribute("role", "group"); // it has controls of its own
    chart.figure.querySelector(".picture")?.remove();
    chart.drawn = ready.width;
    chart.figure.classList.toggle("slim", beside(chart.figure) && ready.width <= SLIM);
  }

  let interpreter; // of expressions, which may not be compiled here
  async function draw(chart) {
    const ready = madeReady(chart);
    chart.made?.finalize();
    const made = await vegaEmbed(chart.target, ready.spec, { ...options, ...ears(), config: ready.config });
    interpreter = made.view._runtime.expr;
    finish(chart, ready, made, made.view, made.vgSpec);
  }

  // Paper does not wait: what is not drawn yet is drawn at once.
  addEventListener("beforeprint", () => {
    for (const chart of charts) {
      if (chart.made || !interpreter) continue;
      const ready = madeReady(chart);
      const vg = vegaLite.compile(ready.spec, { config: ready.config, logger: ears().logger }).spec;
      const view = new vega.View(vega.parse(vg, {}, { ast: true }), { renderer: "svg", expr: interpreter, ...ears() });
      finish(chart, ready, view.initialize(chart.target).run(), view, vg);
    }
  });

  async function drawAll(which) {
    for (const chart of charts) {
      if (!which(chart)) continue;
      try {
        await draw(chart);
      } catch (error) {
        chart.figure.querySelector(".picture")?.remove();
        chart.target.textContent = "This chart cannot be drawn: " + error.message;
        console.error(error);
      }
      performance.mark("chart");
      await seen(); // before the next one is worked on
    }
  }

  // Rows that a query gives now; types are read as they were of the first ones.
  async function change(chart, names) {
    const changed = Object.keys(chart.pool ?? {}).filter((name) => names.has(name));
    if (!changed.length || !chart.made) return;
    chosen(chart);
    if (chart.fit) return draw(chart); // panels may come and go
    const { view, vgSpec } = chart.made;
    view.logLevel(vega.Error); // that nothing is left is no mistake of the page
    for (const name of changed) {
      const rows = chart.data[name].map((row) => ({ ...row })), format = vgSpec.data.find((s) => s.name === name)?.format;
      view.change(name, vega.changeset().remove(vega.truthy).insert(vega.read(rows, { ...format, type: "json" })));
    }
    await view.resize().runAsync();
  }

  // What is chosen while the charts are still being drawn counts when they are.
  const stale = new Set();
  let ready = false;
  function follow() {
    const names = new Set(stale);
    stale.clear();
    for (const chart of charts) change(chart, names);
  }
  inputs?.changed((names) => {
    for (const name of names) stale.add(name);
    if (ready) follow();
  });

  await drawAll(() => true);
  ready = true;
  follow();
  dark.addEventListener("change", () => drawAll(() => true));
  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => drawAll((chart) => chart.drawn !== widthOf(chart)), 150);
  });
})().finally(drawn);
