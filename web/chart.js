// Charts live: the same specs, theme and rows as in pictures, with tooltips, zooming and legends that react.
(async () => {
  await Promise.allSettled([400, 600].map((weight) => document.fonts.load(weight + " 12px Inter")));
  const context = document.createElement("canvas").getContext("2d");
  const { merged, madeToFit, fitPanels } = chartKit((text, font, size, weight, style) => {
    context.font = `${style} ${weight} ${size}px ${font}`;
    return context.measureText(text).width;
  });
  const theme = JSON.parse(document.getElementById("theme").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const charts = [...document.querySelectorAll("figure.chart")].map((figure) => ({
    figure, target: figure.querySelector("div"), ...JSON.parse(figure.querySelector("script").textContent),
  }));
  const inputs = typeof live === "undefined" ? null : live;
  function chosen(chart) { // the rows that inputs leave
    for (const name in chart.pool) chart.data[name] = inputs.rows(name).map((row) => ({ ...chart.pool[name][row] }));
  }
  charts.forEach(chosen);
  const options = {
    mode: "vega-lite", ast: true, renderer: "svg", actions: false, defaultStyle: false, tooltip: { disableDefaultStyle: true },
    logLevel: vega.Warn,
  };

  async function draw(chart) {
    const config = merged(theme.common, theme[dark.matches ? "dark" : "light"]);
    config.background = "transparent";
    const width = Math.min(chart.figure.clientWidth, chart.width);
    const height = width * chart.height / chart.width;
    const { spec, fit } = madeToFit(chart.spec, merged(config, chart.spec.config || {}), width, height);
    vega.setRandom(vega.randomLCG(42));
    chart.made?.finalize();
    chart.made = await vegaEmbed(chart.target, { ...spec, datasets: chart.data }, { ...options, config });
    chart.fit = fit;
    if (fit) fitPanels(chart.made.view, chart.made.vgSpec, width, height);
    chart.target.querySelector("svg").setAttribute("aria-hidden", "true"); // the figure says what it is
    chart.drawn = width;
  }

  // The reader sees a chart before the next one is worked on; of a page in the background there are no frames.
  const shown = () => new Promise((done) => {
    requestAnimationFrame(() => setTimeout(done));
    setTimeout(done, 100);
  });

  async function drawAll(which) {
    for (const chart of charts) {
      if (!which(chart)) continue;
      try {
        await draw(chart);
      } catch (error) {
        chart.target.textContent = "This chart cannot be drawn: " + error.message;
        console.error(error);
      }
      performance.mark("chart");
      await shown();
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

  await drawAll(() => true);
  inputs?.changed((names) => charts.forEach((chart) => change(chart, names)));
  dark.addEventListener("change", () => drawAll(() => true));
  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => drawAll((chart) => chart.drawn !== Math.min(chart.figure.clientWidth, chart.width)), 150);
  });
})();
