// Plotly in place. Exports loadPlotly and drawFigure for the pieces that draw figures themselves.

import { parseJson } from "./bytes.js";

let loading = null;

/** Loads the plotly.js of the plotly wheel once. */
export function loadPlotly() {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("../../grad2box.plotly/plotly.min.js", import.meta.url).href;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      loading = null;
      reject(new Error("plotly.js did not load"));
    };
    document.head.append(script);
  });
  return loading;
}

const AXES = /^[xy]axis\d*$/;

/** The figure's layout with the page's colours for text, axes and grid. */
export function themedLayout(layout, element, presenter) {
  const style = getComputedStyle(element);
  const text = style.getPropertyValue("--st-text-color").trim() || style.color;
  const grid = style.getPropertyValue("--st-border-color").trim() || "rgba(128,128,128,0.3)";
  const panel = style.getPropertyValue("--st-secondary-background-color").trim() || "#fff";
  const size = (layout.font?.size ?? 14) * (presenter ? 1.35 : 1);
  const themed = {
    ...layout,
    template: null,
    autosize: true,
    width: undefined,
    height: (layout.height ?? 360) * (presenter ? 1.25 : 1),
    font: { ...layout.font, family: style.getPropertyValue("--st-font") || "sans-serif", size, color: text },
    hoverlabel: { ...layout.hoverlabel, bgcolor: panel, font: { ...layout.hoverlabel?.font, color: text } },
  };
  for (const axis of new Set(["xaxis", "yaxis", ...Object.keys(layout).filter((name) => AXES.test(name))])) {
    themed[axis] = { automargin: true, ...layout[axis], gridcolor: grid, linecolor: grid, zerolinecolor: grid };
  }
  if (layout.scene) {
    themed.scene = { ...layout.scene };
    for (const axis of ["xaxis", "yaxis", "zaxis"]) themed.scene[axis] = { ...layout.scene[axis], gridcolor: grid, color: text };
  }
  return themed;
}

/** Draws or updates a figure in an element, without remounting it. */
export async function drawFigure(element, figure, { presenter = false } = {}) {
  const Plotly = await loadPlotly();
  const narrow = element.clientWidth < 480;
  const layout = themedLayout(figure.layout ?? {}, element, presenter);
  if (narrow) layout.margin = { ...layout.margin, l: 40, r: 8 };
  await Plotly.react(element, figure.data, layout, { responsive: true, displayModeBar: false, scrollZoom: false });
  return Plotly;
}

const HTML = `<div class="plot" role="img" tabindex="0"></div><div class="save" role="group"></div>`;

/**
 * @typedef {object} Data what pages/kit/chart.py sends, as JSON in bytes
 * @property {{data: any[], layout: any}} figure
 * @property {string} alt
 * @property {string} name of the files
 * @property {boolean} clickable
 * @property {boolean} exports
 * @property {boolean} presenter
 * @property {Record<string, string>} text
 *
 * @param {import("./live.js").Component} component its data: the bytes
 */
export default function (component) {
  const { parentElement: root } = component;
  let state = root.g2b;
  if (!state) {
    const figure = document.createElement("figure");
    figure.className = "g2b-chart";
    figure.innerHTML = HTML;
    root.append(figure);
    state = root.g2b = { plot: root.querySelector(".plot"), save: root.querySelector(".save") };
    state.observer = new MutationObserver(() => state.data && redraw(state));
    state.observer.observe(document.documentElement, { attributes: true, attributeFilter: ["style", "class"] });
  }
  state.component = component;
  const bytes = component.data;
  if (state.bytes !== bytes) {
    state.bytes = bytes;
    state.data = /** @type {Data} */ (parseJson(bytes));
  }
  redraw(state);
  return () => {
    state.observer.disconnect();
    // Later: a resize or a hover that Plotly has begun ends a moment from now, and fails on a purged element.
    const { plot } = state;
    setTimeout(() => window.Plotly?.purge(plot), 1000);
    root.g2b = undefined;
    root.querySelector(".g2b-chart")?.remove();
  };
}

async function redraw(state) {
  const { data, plot } = state;
  plot.setAttribute("aria-label", data.alt);
  plot.style.minHeight = `${(data.figure.layout.height ?? 360) * (data.presenter ? 1.25 : 1)}px`;
  await drawFigure(plot, data.figure, data);
  if (data.clickable && !state.listening) {
    state.listening = true;
    plot.on("plotly_click", (event) => {
      const point = event.points[0];
      state.component.setStateValue("click", {
        x: point.x,
        y: point.y,
        curve: point.curveNumber,
        index: point.pointIndex ?? point.pointNumber,
        count: Date.now(),
      });
    });
  }
  if (data.exports && !state.save.childElementCount) offer(state);
}

function offer(state) {
  const { save, data } = state;
  save.setAttribute("aria-label", data.text.save);
  for (const kind of ["png", "svg", "html", "csv"]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = data.text[kind];
    button.title = `${data.text.save} ${data.text[kind]}`;
    button.addEventListener("click", () => keep(state, kind));
    save.append(button);
  }
}

async function keep({ plot, data }, kind) {
  const Plotly = await loadPlotly();
  if (kind === "png" || kind === "svg") {
    const figure = { data: plot.data, layout: { ...plot.layout, paper_bgcolor: background(plot) } };
    const url = await Plotly.toImage(figure, {
      format: kind,
      width: plot.clientWidth,
      height: plot.clientHeight,
      scale: kind === "png" ? 2 : 1,
    });
    download(url, `${data.name}.${kind}`);
  } else if (kind === "html") {
    const source = await (await fetch(new URL("../../grad2box.plotly/plotly.min.js", import.meta.url))).text();
    const figure = JSON.stringify({ data: plot.data, layout: { ...plot.layout, paper_bgcolor: background(plot) } }).replaceAll(
      "</",
      "<\\/",
    );
    const page =
      `<!doctype html><meta charset="utf-8"><title>${data.name}</title><div id="figure"></div><script>${source.replaceAll("</script", "<\\/script")}</script>` +
      `<script>const f = ${figure}; Plotly.newPlot("figure", f.data, f.layout, {responsive: true});</script>`;
    blob(page, "text/html", `${data.name}.html`);
  } else {
    blob(csv(plot.data), "text/csv", `${data.name}.csv`);
  }
}

const background = (element) => getComputedStyle(element).getPropertyValue("--st-background-color").trim() || "#ffffff";

/** One row per drawn point: curve, x, y, z. */
export function csv(traces) {
  const quote = (value) => (/[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : value);
  const rows = ["curve,x,y,z"];
  traces.forEach((trace, number) => {
    const name = quote(trace.name ?? `curve ${number + 1}`);
    const z = decode(trace.z);
    const x = decode(trace.x);
    const y = decode(trace.y);
    if (z?.length && typeof z[0] !== "number") {
      Array.from(z).forEach((row, i) =>
        Array.from(row).forEach((cell, j) => rows.push(`${name},${quote(x?.[j] ?? j)},${quote(y?.[i] ?? i)},${cell ?? ""}`)),
      );
    } else {
      const length = Math.max(x?.length ?? 0, y?.length ?? 0);
      for (let i = 0; i < length; i += 1) rows.push(`${name},${quote(x?.[i] ?? i)},${quote(y?.[i] ?? "")},${z?.[i] ?? ""}`);
    }
  });
  return rows.join("\n");
}

// plotly.py sends arrays as base64 with a type; Plotly keeps what it decoded under _inputArray.
function decode(values) {
  if (values == null) return null;
  if (Array.isArray(values) || ArrayBuffer.isView(values)) return values;
  if (!values.bdata) return null;
  const kinds = {
    f8: Float64Array,
    f4: Float32Array,
    i4: Int32Array,
    i2: Int16Array,
    i1: Int8Array,
    u4: Uint32Array,
    u2: Uint16Array,
    u1: Uint8Array,
  };
  const bytes = Uint8Array.from(atob(values.bdata), (letter) => letter.charCodeAt(0));
  const flat = new (kinds[values.dtype] ?? Float64Array)(bytes.buffer);
  if (!values.shape) return flat;
  const [rows, columns] = String(values.shape).split(",").map(Number);
  return columns ? Array.from({ length: rows }, (_, i) => flat.subarray(i * columns, (i + 1) * columns)) : flat;
}

function blob(content, type, name) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  download(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function download(url, name) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}
