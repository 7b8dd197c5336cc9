"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const state = { study: null, diff: true, swapped: false, columns: data.columns.map((c) => c.shown) };
  let passing = data.studies;
  const byId = new Map(data.studies.map((s) => [s.id, s]));

  // All text goes through here: as text nodes, never as markup.
  function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((c) => c !== null && c !== undefined));
    return node;
  }

  const OUTCOMES = {
    "": ["any outcome", () => true],
    "birads-right": ["BI-RADS right", (a) => a.birads_right],
    "birads-wrong": ["BI-RADS wrong or not stated", (a) => !a.birads_right],
    "density-wrong": ["density wrong or not stated", (a) => !a.density_right],
    "all-right": ["category and findings right", (a) => a.birads_right && !a.missing.length && !a.invented.length],
    invented: ["a finding invented", (a) => a.invented.length > 0],
    missing: ["a finding missing", (a) => a.missing.length > 0],
    unchanged: ["the same for a swapped image", (a) => Boolean(a.swapped && a.swapped.same)],
    changed: ["another for a swapped image", (a) => Boolean(a.swapped && !a.swapped.same)],
    copied: ["stands word for word in train", (a) => a.copied],
  };

  // Words with the space before them, so that a report keeps its lines.
  const words = (text) => text.match(/\s*\S+/g) || [];
  const bare = (word) => word.trim().toLowerCase().replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");

  function diff(reference, text) {
    const a = words(reference), b = words(text);
    const x = a.map(bare), y = b.map(bare);
    const longest = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
    for (let i = a.length - 1; i >= 0; i--)
      for (let j = b.length - 1; j >= 0; j--)
        longest[i][j] = x[i] === y[j] ? longest[i + 1][j + 1] + 1 : Math.max(longest[i + 1][j], longest[i][j + 1]);
    const parts = [];
    const push = (kind, word) => {
      const last = parts[parts.length - 1];
      if (last && last.kind === kind) last.text += word;
      else parts.push({ kind, text: word });
    };
    let i = 0, j = 0;
    while (i < a.length || j < b.length) {
      if (i < a.length && j < b.length && x[i] === y[j]) { push("same", b[j++]); i++; }
      else if (j < b.length && (i === a.length || longest[i][j + 1] > longest[i + 1][j])) push("ins", b[j++]);
      else push("del", ` ${a[i++].trim()}`); // the report keeps its own lines
    }
    return parts;
  }

  function highlighted(text) {
    const term = $("search").value.trim();
    if (!term) return [document.createTextNode(text)];
    const nodes = [];
    const low = text.toLowerCase(), wanted = term.toLowerCase();
    if (low.length !== text.length) return [document.createTextNode(text)];
    let at = 0;
    for (let hit = low.indexOf(wanted); hit >= 0; hit = low.indexOf(wanted, at)) {
      nodes.push(document.createTextNode(text.slice(at, hit)), el("mark", {}, text.slice(hit, hit + wanted.length)));
      at = hit + wanted.length;
    }
    nodes.push(document.createTextNode(text.slice(at)));
    return nodes;
  }

  function report(text, reference) {
    const node = el("p", { class: "report" });
    if (!text.trim()) node.append(el("em", { class: "quiet" }, "no words"));
    else if (reference === null || !state.diff) node.append(...highlighted(text));
    else
      for (const part of diff(reference, text)) {
        if (part.kind === "same") { node.append(...highlighted(part.text)); continue; }
        const lead = part.text.match(/^\s*/)[0];
        node.append(lead, el(part.kind, {}, part.text.slice(lead.length)));
      }
    return node;
  }

  const badge = (kind, text) => el("li", { class: `badge ${kind}` }, text);

  function badges(answer, study) {
    const list = el("ul", { class: "badges", "aria-label": "Categories and findings" });
    const category = (name, said, right, truth) => {
      if (truth === null) return said === null ? null : badge("", `${name} ${said} (reference: none)`);
      if (right) return badge("right", `✓ ${name} ${said}`);
      return badge("wrong", said === null ? `✗ no ${name}, reference ${truth}` : `✗ ${name} ${said}, reference ${truth}`);
    };
    const found = [
      category("BI-RADS", answer.birads, answer.birads_right, study.birads),
      category("density", answer.density, answer.density_right, study.density),
      ...answer.right.map((f) => badge("right", `✓ ${f}`)),
      ...answer.missing.map((f) => badge("wrong", `− missing: ${f}`)),
      ...answer.invented.map((f) => badge("extra", `+ invented: ${f}`)),
      answer.copied ? badge("", "word for word in train") : null,
    ];
    list.append(...found.filter(Boolean));
    return list;
  }

  function control(answer, name, title, study) {
    if (!answer[name]) return null;
    const shown = answer[name];
    const said = shown.same ? "the same words" : "other words";
    const node = el("details", { open: state.swapped && name === "swapped" }, el("summary", {}, `${title}: ${said}`));
    if (shown.image_of) {
      const link = el("a", { href: `#${encodeURIComponent(shown.image_of)}` }, shown.image_of);
      node.append(el("p", { class: "quiet" }, "Shown the image of ", link, "."));
    }
    node.append(report(shown.text, shown.same ? null : answer.text));
    return node;
  }

  function card(study, index) {
    const head = data.columns[index], answer = study.answers[index];
    const score = answer.rouge_l === null || answer.rouge_l === undefined ? "" : `ROUGE-L ${answer.rouge_l.toFixed(3)}`;
    return el("article", { class: "card", "aria-label": head.name },
      el("h3", {}, head.name),
      el("p", { class: "point" }, [head.point, score].filter(Boolean).join(" · ")),
      badges(answer, study),
      report(answer.text, study.reference),
      control(answer, "swapped", "For another patient's image", study),
      control(answer, "blank", "For a blank image", study));
  }

  function viewer(study) {
    if (!study.image) return el("div", { class: "frame none" }, "The image isn't in this gallery.");
    const image = el("img", { src: study.image, alt: `Image of study ${study.id}`, draggable: "false" });
    const frame = el("div", { class: "frame", tabindex: "0", role: "group", "aria-label": "Image; arrow keys move it when zoomed" }, image);
    let scale = 1, x = 0, y = 0, from = null;
    const apply = () => {
      const w = frame.clientWidth, h = frame.clientHeight;
      x = Math.min(0, Math.max(w - w * scale, x));
      y = Math.min(0, Math.max(h - h * scale, y));
      image.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
      frame.dataset.scale = scale.toFixed(2);
    };
    const zoom = (factor, cx = frame.clientWidth / 2, cy = frame.clientHeight / 2) => {
      const next = Math.min(12, Math.max(1, scale * factor));
      x = cx - ((cx - x) * next) / scale;
      y = cy - ((cy - y) * next) / scale;
      scale = next;
      apply();
    };
    const reset = () => { scale = 1; x = 0; y = 0; apply(); };
    frame.addEventListener("wheel", (e) => {
      e.preventDefault();
      const box = frame.getBoundingClientRect();
      zoom(e.deltaY < 0 ? 1.2 : 1 / 1.2, e.clientX - box.left, e.clientY - box.top);
    }, { passive: false });
    frame.addEventListener("pointerdown", (e) => { from = [e.clientX - x, e.clientY - y]; frame.setPointerCapture(e.pointerId); });
    frame.addEventListener("pointermove", (e) => { if (from) { x = e.clientX - from[0]; y = e.clientY - from[1]; apply(); } });
    for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, () => { from = null; });
    frame.addEventListener("dblclick", reset);
    frame.addEventListener("keydown", (e) => {
      const move = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] }[e.key];
      if (move && scale > 1) { x += move[0]; y += move[1]; apply(); e.preventDefault(); e.stopPropagation(); }
    });
    state.zoom = { in: () => zoom(1.4), out: () => zoom(1 / 1.4), reset };
    const buttons = el("div", { class: "zoom", role: "group", "aria-label": "Zoom" },
      el("button", { type: "button", onclick: () => zoom(1.4), "aria-label": "Zoom in" }, "+"),
      el("button", { type: "button", onclick: () => zoom(1 / 1.4), "aria-label": "Zoom out" }, "−"),
      el("button", { type: "button", onclick: reset }, "Whole image"));
    return el("div", {}, frame, buttons);
  }

  function show() {
    const study = state.study, main = $("study");
    state.zoom = null;
    main.replaceChildren();
    if (!study) { main.append(el("p", {}, "No study passes the filters.")); return; }
    const place = passing.indexOf(study);
    const toggle = (key, name) => el("button", { type: "button", "aria-pressed": String(state[key]), onclick: () => { state[key] = !state[key]; show(); } }, name);
    const bar = el("div", { class: "bar" },
      el("h2", {}, study.id),
      el("button", { type: "button", onclick: () => step(-1), disabled: place <= 0 }, "Previous"),
      el("button", { type: "button", onclick: () => step(1), disabled: place < 0 || place === passing.length - 1 }, "Next"),
      toggle("diff", "Word differences"),
      toggle("swapped", "Swapped image"),
      el("button", { type: "button", onclick: copyLink }, "Copy link"));
    const truth = el("ul", { class: "badges", "aria-label": "Categories and findings of the reference" },
      badge("", study.birads === null ? "no BI-RADS" : `BI-RADS ${study.birads}`),
      badge("", study.density === null ? "no density" : `density ${study.density}`),
      ...study.findings.map((f) => badge("", f)));
    const reference = el("article", { class: "card", "aria-label": "Reference" },
      el("h3", {}, "Reference"), truth, report(study.reference, null),
      state.diff ? el("p", { class: "quiet" }, "In the reports below, ", el("ins", {}, "words that the reference lacks"), " are underlined and ", el("del", {}, "words of the reference that are left out"), " are struck through.") : null);
    const cards = el("section", { class: "cards", "aria-label": "Reports of the backbones" },
      ...data.columns.map((_, i) => (state.columns[i] ? card(study, i) : null)).filter(Boolean));
    main.append(bar, el("div", { class: "top" }, viewer(study), reference), cards);
  }

  async function copyLink(event) {
    const button = event.currentTarget;
    try { await navigator.clipboard.writeText(location.href); button.textContent = "Copied"; }
    catch { button.textContent = "Copy it from the address bar"; }
  }

  function mark() {
    for (const link of $("list").querySelectorAll("a")) {
      if (state.study && link.dataset.id === state.study.id) {
        link.setAttribute("aria-current", "true");
        link.scrollIntoView({ block: "nearest" });
      } else link.removeAttribute("aria-current");
    }
  }

  function open(study, { keep = false } = {}) {
    state.study = study;
    if (study && !keep) history.replaceState(null, "", `#${encodeURIComponent(study.id)}`);
    show();
    mark();
  }

  function step(by) {
    const place = passing.indexOf(state.study);
    const next = passing[place < 0 ? 0 : place + by];
    if (next) open(next);
  }

  function filter() {
    const term = $("search").value.trim().toLowerCase();
    const category = $("category").value, whose = $("whose").value;
    const test = OUTCOMES[$("outcome").value][1];
    const has = (text) => text.toLowerCase().includes(term);
    passing = data.studies.filter((s) => {
      const answers = whose === "" ? s.answers.filter((_, i) => state.columns[i]) : [s.answers[Number(whose)]];
      return (!category || (s.major || "none") === category)
        && ($("outcome").value === "" || answers.some(test))
        && (!term || has(s.id) || has(s.reference) || answers.some((a) => has(a.text)));
    });
    $("count").textContent = `${passing.length} of ${data.studies.length} studies`;
    $("list").replaceChildren(...passing.map((s) => el("li", {},
      el("a", { href: `#${encodeURIComponent(s.id)}`, "data-id": s.id }, s.id,
        el("span", { class: "small" }, s.birads === null ? "" : `BI-RADS ${s.birads}`)))));
    open(passing.includes(state.study) ? state.study : passing[0] || null, { keep: passing.includes(state.study) });
  }

  function options(select, entries) {
    select.replaceChildren(...entries.map(([value, text]) => el("option", { value }, text)));
  }

  function fromHash() {
    const wanted = byId.get(decodeURIComponent(location.hash.slice(1)));
    if (wanted && wanted !== state.study) open(wanted, { keep: true });
  }

  $("title").textContent = `${data.title}: reports side by side`;
  $("nature").textContent = data.nature;
  $("warning").textContent = data.warning;
  const majors = [...new Set(data.studies.map((s) => s.major || "none"))].sort();
  options($("category"), [["", "any"], ...majors.map((m) => [m, m === "none" ? "none stated" : `BI-RADS ${m}`])]);
  options($("outcome"), Object.entries(OUTCOMES).map(([key, [text]]) => [key, text]));
  options($("whose"), [["", "any that is shown"], ...data.columns.map((c, i) => [String(i), `${c.name}, ${c.point}`])]);
  data.columns.forEach((column, i) => {
    const box = el("input", { type: "checkbox", checked: column.shown, onchange: () => { state.columns[i] = box.checked; filter(); } });
    $("columns").append(el("label", {}, box, ` ${column.name}${column.blind ? " (sees no image)" : ""}`, data.columns.filter((c) => c.name === column.name).length > 1 ? `, ${column.point}` : ""));
  });
  $("filters").addEventListener("submit", (e) => e.preventDefault());
  for (const id of ["search", "category", "outcome", "whose"]) $(id).addEventListener("input", filter);
  addEventListener("hashchange", fromHash);
  addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName) && e.target.type !== "checkbox";
    if (typing) { if (e.key === "Escape") e.target.blur(); return; }
    const act = {
      j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
      d: () => { state.diff = !state.diff; show(); }, s: () => { state.swapped = !state.swapped; show(); },
      "/": () => $("search").focus(), "+": () => state.zoom && state.zoom.in(), "=": () => state.zoom && state.zoom.in(),
      "-": () => state.zoom && state.zoom.out(), 0: () => state.zoom && state.zoom.reset(),
    }[e.key];
    if (act) { act(); e.preventDefault(); }
  });
  state.study = byId.get(decodeURIComponent(location.hash.slice(1))) || null;
  filter();
})();
