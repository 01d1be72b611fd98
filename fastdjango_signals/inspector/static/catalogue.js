// The signals of the process, what they carry, and who listens.

import { breakable, el, find, name } from "./elements.js";
import { counted } from "./format.js";

export class Catalogue {
  constructor() {
    this.signals = [];
    this.text = "";
    this.open = new Set();
    for (const id of ["find-signal", "find-heard"]) {
      find(id).addEventListener("input", () => this.show());
    }
  }

  async load() {
    const answer = await fetch("signals.json");
    const text = answer.ok ? await answer.text() : this.text;
    // What has not changed stays as it is: somebody may be about to click there.
    if (text !== this.text) {
      this.text = text;
      this.signals = JSON.parse(text).signals.sort((a, b) => rank(a) - rank(b));
      this.show();
    }
    return this.signals;
  }

  show() {
    for (const card of find("signals").children) {
      if (card.open) this.open.add(card.dataset.signal);
      else this.open.delete(card.dataset.signal);
    }
    const shown = this.signals.filter((each) => this.#fits(each));
    find("signals").replaceChildren(...shown.map((each) => this.#card(each)));
    find("signal-count").textContent = counted(shown.length, "signal");
  }

  #fits(signal) {
    if (find("find-heard").checked && !signal.receivers.length) return false;
    const part = find("find-signal").value.trim().toLowerCase();
    const texts = [signal.name, signal.payload];
    texts.push(...signal.fields.map((each) => each.name));
    texts.push(...signal.receivers.map((each) => each.name));
    return texts.some((text) => text.toLowerCase().includes(part));
  }

  #card(signal) {
    return el(
      "details",
      { class: "card", open: this.open.has(signal.name), "data-signal": signal.name },
      el(
        "summary",
        {},
        el("h3", {}, name(signal.name)),
        signal.concurrent && el("span", { class: "badge" }, "concurrent"),
        signal.is_builtin && el("span", { class: "badge" }, "built in"),
        el("span", { class: "count" }, counted(signal.receivers.length, "receiver")),
      ),
      el(
        "div",
        { class: "details" },
        section("Receivers, in call order", receivers(signal)),
        section(`Payload: ${signal.payload}`, fields(signal)),
        schema(signal),
        el("p", {}, el("a", { class: "plain", href: "#sends", "data-only": signal.name }, "Show its sends")),
      ),
    );
  }
}

/** Built-in signals that nobody uses come last. */
const rank = (signal) => (signal.is_builtin && !signal.receivers.length ? 1 : 0);

const section = (title, ...children) => el("section", { class: "part" }, el("h4", {}, breakable(title)), ...children);

function receivers(signal) {
  if (!signal.receivers.length) return el("p", { class: "hint" }, "Nobody listens.");
  return el(
    "ol",
    { class: "listeners" },
    ...signal.receivers.map((each) =>
      el(
        "li",
        {},
        name(each.name),
        el("span", { class: "place" }, breakable(each.location ?? "no Python code")),
        el("span", { class: "options" }, ...options(each).map((text) => el("span", { class: "badge" }, text))),
      ),
    ),
  );
}

function options(receiver) {
  return [
    receiver.sender === null ? "any sender" : `from ${receiver.sender}`,
    receiver.subclasses && "and its subclasses",
    receiver.priority !== 0 && `priority ${receiver.priority}`,
    receiver.on_commit && "after the commit",
    receiver.weak ? "weak" : "strong",
    receiver.takes_payload && "takes the payload",
    receiver.dispatch_uid && `dispatch_uid of type ${receiver.dispatch_uid}`,
  ].filter(Boolean);
}

function fields(signal) {
  const rows = signal.fields.map((each) =>
    el(
      "div",
      {},
      el("dt", {}, breakable(each.name)),
      el("dd", { class: "type" }, breakable(each.type)),
      !each.required && el("dd", { class: "hint" }, "optional"),
    ),
  );
  const open = signal.is_open && el("p", { class: "hint" }, "Other keywords too.");
  if (!rows.length) return open || el("p", { class: "hint" }, "It carries nothing.");
  return el("div", {}, el("dl", { class: "fields" }, ...rows), open);
}

function schema(signal) {
  const text = signal.schema ? JSON.stringify(signal.schema, null, 2) : signal.schema_problem;
  return el("details", { class: "schema" }, el("summary", {}, "JSON Schema"), el("pre", { tabindex: 0 }, text));
}
