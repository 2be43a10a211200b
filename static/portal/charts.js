// The dashboard's charts. Numbers and labels come with the page, colours are the stylesheet's, and the table behind each
// chart says the same in words. Drawn again when the numbers, the width or the colours change.
"use strict";
{
  const HEIGHT = 200;
  const MARGIN = 12;
  const PAINTED = { records: ["--accent", "--accent-soft"], durations: ["--accent", "--plan"] };
  let charts = [];

  function colour(name) {
    const probe = document.createElement("i");
    probe.style.color = `var(${name})`; // light-dark() has to be resolved
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  }

  const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
  const units = { records: (value) => short.format(value), durations: (value) => `${short.format(value)} s` };

  // A value between two gaps has no line, so it is a point.
  const isAlone = (values, place) => values[place] != null && values[place - 1] == null && values[place + 1] == null;
  const alone = (values, painted) => ({
    show: false,
    size: 7,
    stroke: painted,
    fill: painted,
    filter: () => [...values.keys()].filter((place) => isAlone(values, place)),
  });

  function series(kind, numbers) {
    const [first, second] = PAINTED[kind].map(colour);
    const bad = colour("--bad");
    const bars = uPlot.paths.bars({ size: [0.6, 12] });
    if (kind === "records") {
      const highest = Math.max(1, ...numbers.records);
      const marks = numbers.failed.map((failed) => (failed ? highest * 0.07 : null));
      return {
        data: [numbers.hours, numbers.records, marks],
        series: [
          { label: "Records", stroke: first, fill: second, width: 2, points: { show: false } },
          { label: "Failed", stroke: bad, fill: bad, paths: bars, points: { show: false } },
        ],
      };
    }
    return {
      data: [numbers.hours, numbers.most, numbers.mean],
      series: [
        { label: "Longest", stroke: second, width: 1.5, dash: [4, 4], points: alone(numbers.most, second) },
        { label: "Mean", stroke: first, width: 2, points: alone(numbers.mean, first) },
      ],
    };
  }

  function draw() {
    const held = document.getElementById("chart-numbers");
    charts.splice(0).forEach((chart) => chart.destroy());
    if (!held) return;
    const numbers = JSON.parse(held.textContent);
    const named = new Map(numbers.hours.map((hour, place) => [hour, numbers.labels[place]]));
    const axis = { stroke: colour("--muted"), ticks: { show: false }, font: "11px system-ui, sans-serif" };
    const lines = { stroke: colour("--line"), width: 1 };
    for (const box of document.querySelectorAll("[data-chart]")) {
      const kind = box.dataset.chart;
      const { data, series: painted } = series(kind, numbers);
      const options = {
        width: box.parentElement.clientWidth - 2 * MARGIN, // its own is 0 while it is empty
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false }, y: { range: (_, __, most) => [0, (most || 1) * 1.08] } },
        axes: [
          { ...axis, grid: { show: false }, splits: () => numbers.hours.filter((_, place) => place % 4 === 0), values: (_, at) => at.map((hour) => named.get(hour)) },
          { ...axis, grid: lines, size: 56, values: (_, at) => at.map(units[kind]) },
        ],
        series: [{}, ...painted],
      };
      charts.push(new uPlot(options, data, box));
    }
  }

  const open = new Set();
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target.id !== "charts") return;
    open.clear();
    event.target.querySelectorAll("details[open]").forEach((details) => open.add(details.id));
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "charts") return;
    open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    draw();
  });
  let width = 0;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    draw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  document.addEventListener("DOMContentLoaded", draw);
}
