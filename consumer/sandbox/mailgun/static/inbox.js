"use strict";

// Asks every two seconds whether there is anything new; only then the list is fetched again.
const PERIOD_MS = 2000;
const rows = document.getElementById("rows");
let seen = null;

function localise(root) {
  for (const time of root.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    const today = at.toDateString() === new Date().toDateString();
    time.textContent = today
      ? at.toLocaleTimeString()
      : at.toLocaleString([], { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
  }
}

async function refresh() {
  const stats = await (await fetch("/_fake/stats")).json();
  for (const field of document.querySelectorAll("[data-stat]")) {
    field.textContent = stats[field.dataset.stat].toLocaleString("en");
  }
  const now = `${stats.last_sequence}/${stats.kept_messages}`;
  if (now === seen) return;
  const address = new URL(location.href);
  address.searchParams.set("part", "rows");
  const answer = await fetch(address, { headers: { accept: "text/html" } });
  rows.innerHTML = await answer.text(); // escaped by the server, and the policy runs no inline script
  localise(rows);
  seen = now;
}

async function watch() {
  try {
    if (!document.hidden) await refresh();
  } catch {
    // The server is away; the next round may find it again.
  }
  setTimeout(watch, PERIOD_MS);
}

localise(document);
watch();
