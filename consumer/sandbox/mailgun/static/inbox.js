"use strict";

// Asks every second for what is new; the server answers 204 as long as that is nothing.
const PERIOD_MS = 1000;
const rows = document.getElementById("rows");
const list = document.querySelector(".list");
const form = document.querySelector("form");
const live = document.getElementById("live");
let seen = document.body.dataset.version;

function localise(root) {
  for (const time of root.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
    if ("exact" in time.dataset) clock.fractionalSecondDigits = 3;
    const today = at.toDateString() === new Date().toDateString();
    time.textContent = today || "exact" in time.dataset
      ? at.toLocaleTimeString("en-GB", clock)
      : at.toLocaleString("en-GB", { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
  }
}

// All HTML comes escaped from the server, and the policy runs no inline script.
function fill(element, html) {
  element.innerHTML = html;
  localise(element);
}

// The focus stays on its mail, and what is being looked at stays where it is.
function fillRows(html) {
  const focused = rows.contains(document.activeElement) ? document.activeElement.id : "";
  const scrolled = Math.max(list.scrollTop, scrollY);
  const top = list.getBoundingClientRect().top;
  const anchor = [...rows.querySelectorAll(".row")].find((row) => row.getBoundingClientRect().bottom > Math.max(top, 0));
  const before = anchor?.getBoundingClientRect().top;
  fill(rows, html);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  const after = scrolled > 0 && anchor && document.getElementById(anchor.id)?.getBoundingClientRect().top;
  if (!after) return;
  list.scrollTop += after - before;
  scrollBy(0, document.getElementById(anchor.id).getBoundingClientRect().top - before);
}

async function refresh() {
  const address = new URL(location.href);
  address.hash = "";
  address.searchParams.set("part", "live");
  address.searchParams.set("seen", seen);
  const answer = await fetch(address, { headers: { accept: "text/html" } });
  if (answer.status === 204) return;
  const news = await answer.json();
  for (const field of document.querySelectorAll("[data-stat]")) {
    field.textContent = news.stats[field.dataset.stat].toLocaleString("en");
  }
  fillRows(news.rows);
  const timeline = document.getElementById("timeline");
  if (timeline) {
    fill(timeline, news.timeline);
    fill(document.getElementById("state"), news.state);
  }
  seen = news.version;
}

async function watch() {
  try {
    if (!document.hidden) await refresh();
    live.textContent = "live";
    live.className = "on";
  } catch {
    // The server is away; the next round may find it again.
    live.textContent = "away";
    live.className = "off";
  }
  setTimeout(watch, PERIOD_MS);
}

function move(step) {
  const all = [...rows.querySelectorAll("a")];
  const focused = all.indexOf(document.activeElement);
  const from = focused >= 0 ? focused : all.findIndex((row) => row.hasAttribute("aria-current"));
  all[Math.min(Math.max(from + step, 0), all.length - 1)]?.focus();
}

const KEYS = {
  j: () => move(1),
  ArrowDown: () => move(1),
  k: () => move(-1),
  ArrowUp: () => move(-1),
  "/": () => form.elements.q.select(),
  Escape: () => document.querySelector(".back")?.click(),
};

addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, select");
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (typing) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  // The arrows belong to the text while one reads it.
  if (event.key.startsWith("Arrow") && event.target.closest("article")) return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

form.elements.state.addEventListener("change", () => form.requestSubmit());

// Each mail is a page of its own; the list beside it stays where it was.
addEventListener("pagehide", () => sessionStorage.setItem("scrolled", list.scrollTop));
list.scrollTop = sessionStorage.getItem("scrolled") ?? 0;
rows.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
if (document.body.className === "reading") document.getElementById("mail").focus({ preventScroll: true });

localise(document);
watch();
