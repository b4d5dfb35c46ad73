"""Style and script of the page that checks a reading."""

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --line: #8a929b;
  --bad: #b00020; --link: #0b57a4; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --paper: #14171a; --line: #7d858d; --bad: #ff9c9c; --link: #9cc9ff; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 1.5rem 0 0.5rem; }
fieldset { border: 1px solid var(--line); margin: 0 0 0.75rem; }
.layers { display: flex; flex-wrap: wrap; gap: 0.4rem 1rem; align-items: center; }
.scroll { overflow: auto; max-height: 85vh; border: 1px solid var(--line); }
#figure { display: block; background: #ffffff; max-width: none; }
#figure text { font-family: system-ui, sans-serif; stroke: none; }
.axes { fill: none; stroke: #b00020; }
.axes rect { stroke-dasharray: 2 3; }
#figure .axes text { fill: #b00020; }
[data-layer="page"] { opacity: 0.5; }
[hidden] { display: none; }
.row { display: flex; flex-wrap: wrap; gap: 0.5rem 1.25rem; align-items: baseline; }
.row > span { min-width: 7rem; }
label { display: inline-block; margin: 0.2rem 0; }
input[type="number"], input[type="text"] { margin-left: 0.4rem; width: 8rem; }
td input[type="text"] { width: 12rem; margin: 0; }
#risk input { width: 4.5rem; margin: 0; }
input, select, textarea, button { font: inherit; color: var(--ink); background: var(--paper);
  border: 1px solid var(--line); border-radius: 4px; padding: 0.15rem 0.4rem; }
textarea { display: block; width: 100%; max-width: 45rem; }
[aria-invalid="true"] { border: 2px solid var(--bad); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 1px; }
table { border-collapse: collapse; }
th, td { padding: 0.25rem 0.6rem; text-align: left; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
#status { min-height: 1.5rem; font-weight: 600; }
.warnings { color: var(--bad); }
section > label { display: block; }
"""

SCRIPT = """
"use strict";
const one = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const state = JSON.parse(one("#reading").textContent);

const put = (path, value) => {
  const steps = path.split(".");
  const last = steps.pop();
  steps.reduce((place, step) => place[step], state)[last] = value;
};
const valueAt = (axis, position) => {
  const [[a, first], [b, last]] = axis.points;
  const value = first + (position - a) * (last - first) / (b - a);
  return axis.percent ? value / 100 : value;
};
const shown = (number) => String(Number(Number(number.toFixed(6)).toPrecision(4)));

const median = (arm) => {
  const place = arm.y.findIndex((y) => valueAt(state.y_axis, y) <= 0.5 + 1e-9);
  return place < 0 ? "not reached" : shown(valueAt(state.x_axis, arm.x[place]));
};
const end = (arm) => {
  const time = valueAt(state.x_axis, arm.x[arm.x.length - 1]);
  const surv = valueAt(state.y_axis, arm.y[arm.y.length - 1]);
  return "survival " + shown(surv) + " at " + shown(time);
};

const missing = () => {
  const found = [];
  for (const role of ["experimental", "control"]) {
    const count = state.arms.filter((arm) => arm.role === role).length;
    if (count !== 1) found.push(count ? "only one " + role + " arm" : "the " + role + " arm");
  }
  if (!state.x_axis.unit) found.push("the unit of the time axis");
  if (!state.by.trim()) found.push("who checked it");
  return found;
};

const refresh = () => {
  for (const [name, axis] of [["x", state.x_axis], ["y", state.y_axis]]) {
    axis.points.forEach(([position, value], number) => {
      const cross = one("#cross-" + name + "-" + number);
      const x = name === "x" ? position : state.box[0];
      const y = name === "x" ? state.box[3] : position;
      cross.setAttribute("transform", "translate(" + x + " " + y + ")");
      cross.querySelector("text").textContent = value;
    });
  }
  state.arms.forEach((arm, number) => {
    all('[data-name-of="' + number + '"]').forEach((node) => { node.textContent = arm.name; });
    one('[data-median="' + number + '"]').textContent = median(arm);
    one('[data-end="' + number + '"]').textContent = end(arm);
  });
};

const read = (field) => {
  if (field.type === "checkbox") return field.checked;
  const text = field.value.trim();
  if (field.type !== "number") return field.tagName === "TEXTAREA" ? field.value : text;
  if (field.validity.badInput) return NaN;
  if (field.dataset.count !== undefined) {
    if (text === "") return null;
    return /^[0-9]{1,7}$/.test(text) ? Number(text) : NaN;
  }
  return text === "" ? NaN : Number(text);
};
const taken = (event) => {
  const field = event.target;
  const path = field.dataset.path;
  if (!path) return;
  let value = read(field);
  if (path === "x_axis.unit") value = value || null;
  const bad = (typeof value === "number" && !Number.isFinite(value))
    || (path.endsWith(".name") && !value);
  if (bad) { field.setAttribute("aria-invalid", "true"); return; }
  field.removeAttribute("aria-invalid");
  put(path, value);
  refresh();
};

const cell = (path, label, value, count) => {
  const field = document.createElement("input");
  field.type = "number";
  field.step = count ? "1" : "any";
  field.value = value === null ? "" : value;
  field.dataset.path = path;
  if (count) field.dataset.count = "";
  field.setAttribute("aria-label", label);
  return field;
};
const within = (tag, ...children) => {
  const node = document.createElement(tag);
  node.append(...children);
  return node;
};
const tabulate = () => {
  const head = within("tr", within("th", "Time"));
  head.firstChild.scope = "row";
  state.risk_time.forEach((time, k) => {
    head.append(within("td", cell("risk_time." + k, "Time " + (k + 1), time, false)));
  });
  const rows = state.arms.map((arm, number) => {
    const name = within("th", arm.name);
    name.scope = "row";
    name.dataset.nameOf = number;
    const row = within("tr", name);
    arm.counts.forEach((count, k) => {
      const label = "At risk, arm " + (number + 1) + ", time " + (k + 1);
      row.append(within("td", cell("arms." + number + ".counts." + k, label, count, true)));
    });
    return row;
  });
  one("#risk").replaceChildren(within("tbody", head, ...rows));
};

const save = () => {
  const status = one("#status");
  const wrong = one('[aria-invalid="true"]');
  if (wrong) {
    status.textContent = "Not saved: a field holds no valid value.";
    wrong.focus();
    return;
  }
  const text = JSON.stringify(state, null, 1) + "\\n";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = state.file.replace(/\\.[^.]*$/, "") + ".checked.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  const left = missing();
  status.textContent = "Saved as " + link.download + "."
    + (left.length ? " Before it is accepted it still needs: " + left.join(", ") + "." : "");
};

document.addEventListener("input", taken);
document.addEventListener("change", taken);
all("[data-show]").forEach((box) => box.addEventListener("change", () => {
  one('[data-layer="' + box.dataset.show + '"]').toggleAttribute("hidden", !box.checked);
}));
all("[data-zoom]").forEach((button) => button.addEventListener("click", () => {
  const figure = one("#figure");
  const wide = Math.min(8000, Math.max(240, Number(figure.getAttribute("width"))
    * Number(button.dataset.zoom)));
  figure.setAttribute("width", wide);
}));
one("#add-time").addEventListener("click", () => {
  const times = state.risk_time;
  const n = times.length;
  times.push(n < 2 ? n : 2 * times[n - 1] - times[n - 2]);
  state.arms.forEach((arm) => arm.counts.push(null));
  tabulate();
});
one("#remove-time").addEventListener("click", () => {
  if (!state.risk_time.length) return;
  state.risk_time.pop();
  state.arms.forEach((arm) => arm.counts.pop());
  tabulate();
});
one("#save").addEventListener("click", save);
tabulate();
refresh();
"""
