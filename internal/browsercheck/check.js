// Looks at the page that it runs in, and gives {millis, findings} as JSON. What is
// folded away is unfolded first: it has to be readable too.
(() => {
  const findings = [];
  const found = (what) => { if (findings.length < 50) findings.push(what); };
  const millis = performance.getEntriesByType("navigation")[0].loadEventEnd;
  const overflow = (when) => {
    const root = document.documentElement;
    if (root.scrollWidth <= root.clientWidth) return;
    const widest = [...document.body.querySelectorAll("*")].filter((e) => !e.closest("svg") && !e.closest(".skip-link") && e.getBoundingClientRect().right > root.clientWidth + 1);
    found(`${when} the page is ${root.scrollWidth} px wide on a screen of ${root.clientWidth}: ${widest.slice(0, 3).map((e) => `${e.tagName}.${e.className}`)}`);
  };
  overflow("folded");
  const folded = [...document.querySelectorAll("details:not([open])")];
  folded.forEach((d) => { d.open = true; });
  overflow("unfolded");

  const rgba = (text) => { const n = text.match(/[\d.]+/g).map(Number); return n.length > 3 ? n : [...n, 1]; };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const light = (c) => {
    const [r, g, b] = c.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (e) => {
    const own = rgba(getComputedStyle(e).backgroundColor);
    return own[3] === 1 || !e.parentElement ? over(own, [255, 255, 255, 1]) : over(own, ground(e.parentElement));
  };
  const poor = new Map();
  for (const e of document.body.querySelectorAll("*")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const style = getComputedStyle(e);
    if (e.closest("title, .when") || !e.getClientRects().length) continue;
    const below = ground(e);
    const [a, b] = [light(over(rgba(e.closest("svg") ? style.fill : style.color), below)), light(below)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.set(`${e.tagName}.${e.getAttribute("class") || ""}`, `contrast ${ratio.toFixed(2)}: ${e.textContent.trim().slice(0, 40)}`);
  }
  poor.forEach((what, where) => found(`${where}: ${what}`));

  let level = 0;
  for (const h of document.querySelectorAll("h1, h2, h3, h4")) {
    const next = Number(h.tagName[1]);
    if (next > level + 1) found(`heading ${h.tagName} after H${level}: ${h.textContent}`);
    level = next;
  }
  const ids = new Set();
  for (const e of document.querySelectorAll("[id]")) {
    if (ids.has(e.id)) found(`id ${e.id} comes twice`);
    ids.add(e.id);
  }
  for (const a of document.querySelectorAll("a[href]")) {
    const to = a.getAttribute("href");
    if (to[0] === "#" ? !ids.has(to.slice(1)) : !to.startsWith("./")) found(`link to ${to}`);
  }
  document.querySelectorAll("script, img, link, iframe, object, embed, [style], [onclick], [onload], [onerror]").forEach((e) => found(`${e.tagName} is not to be here`));
  folded.forEach((d) => { d.open = false; });
  return JSON.stringify({ millis, findings });
})();
