// Puts the page together.

import { Catalogue } from "./catalogue.js";
import { find } from "./elements.js";
import { listen } from "./feed.js";
import { clock } from "./format.js";
import { draw } from "./graph.js";
import { obey } from "./keyboard.js";
import { Sends, suggest } from "./sends.js";

const VIEWS = ["sends", "signals", "graph"];

const sends = new Sends();
const catalogue = new Catalogue();
let view = "sends";
let epoch = null;
let lost = 0;

async function look() {
  const signals = await catalogue.load();
  suggest([...new Set(signals.map((each) => each.name))]);
  if (view === "graph") draw(signals);
}

function open() {
  const wanted = location.hash.slice(1);
  if (VIEWS.includes(wanted)) view = wanted;
  for (const each of VIEWS) {
    find(`view-${each}`).hidden = each !== view;
    const link = document.querySelector(`nav a[href="#${each}"]`);
    if (each === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (view !== "sends") void look();
}

function notice(text) {
  find("notice").hidden = !text;
  find("notice").textContent = text;
}

function greet(hello) {
  if (epoch !== null && epoch !== hello.epoch) {
    sends.clear();
    notice(`Another process answers now, ${hello.process}: what the one before has sent is gone.`);
  }
  epoch = hello.epoch;
  sends.keep = hello.keep;
  find("process").textContent = `process ${hello.process}`;
  find("values").textContent =
    `Sends of process ${hello.process}, and of no other: each server process shows its own. ` +
    `The latest ${hello.keep} that were sent while a page was open are kept. ` +
    (hello.show_values
      ? "Values are shown, since the inspector was made with show_values=True."
      : "Values and messages of exceptions are hidden; Inspector(show_values=True) shows them.");
  if (!catalogue.signals.length) void look();
}

const SINCE = { live: "Live", lost: "Connection lost", closed: "Not connected" };

function state(now, why = "") {
  const at = find("connection");
  if (at.dataset.state === now && now === "lost") return;
  at.dataset.state = now;
  const when = now === "live" ? "" : ` since ${clock(Date.now() / 1000).slice(0, 8)}, trying again`;
  at.textContent = `${SINCE[now]}${why ? `: ${why}` : ""}${when}`;
}

find("refresh").addEventListener("click", look);
find("graph-signal").addEventListener("change", () => draw(catalogue.signals));
find("signals").addEventListener("click", (event) => {
  const only = event.target.closest("[data-only]");
  if (only) sends.only(only.dataset.only);
});
addEventListener("hashchange", open);
obey({
  sends,
  view: () => view,
  filter: () => {
    if (view === "graph") return find("graph-signal");
    return find(view === "signals" ? "find-signal" : "filter-signal");
  },
});
open();
listen({
  hello: greet,
  send: (send) => sends.receive(send),
  lost: (number) => {
    lost += number;
    notice(`This page was too slow: ${lost} sends are not shown.`);
  },
  state,
});
