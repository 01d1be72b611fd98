// The list of sends: filtered, paused, cleared, and never longer than the server says.

import { el, find } from "./elements.js";
import { counted } from "./format.js";
import { Row, hasFailed } from "./row.js";

export class Sends {
  constructor() {
    this.keep = 200;
    this.rows = new Map(); // by number, the oldest first
    this.held = new Map(); // what has come while the list is paused
    this.changed = new Map(); // what is shown in the next frame
    this.list = find("rows");
    this.filters = { signal: find("filter-signal"), sender: find("filter-sender"), failed: find("filter-failed") };
    this.pauseButton = find("pause");
    for (const input of Object.values(this.filters)) {
      input.addEventListener("input", () => this.filter());
    }
    this.pauseButton.addEventListener("click", () => this.pause());
    find("clear").addEventListener("click", () => this.clear());
    this.list.addEventListener("focusin", (event) => this.#rove(event.target));
  }

  get isPaused() {
    return this.pauseButton.getAttribute("aria-pressed") === "true";
  }

  receive(send) {
    const into = this.isPaused ? this.held : this.changed;
    into.delete(send.id);
    into.set(send.id, send);
    if (into.size > this.keep) into.delete(into.keys().next().value);
    if (this.isPaused) this.#label();
    else if (into.size === 1) requestAnimationFrame(() => this.#draw());
  }

  pause(paused = !this.isPaused) {
    this.pauseButton.setAttribute("aria-pressed", String(paused));
    if (!paused) {
      const held = [...this.held.values()];
      this.held.clear();
      held.forEach((send) => this.receive(send));
    }
    this.#label();
  }

  clear() {
    this.rows.clear();
    this.held.clear();
    this.changed.clear();
    this.list.replaceChildren();
    this.#label();
    this.filter();
  }

  filter() {
    for (const row of this.rows.values()) row.element.hidden = !this.#fits(row.send);
    this.#rove(null);
    this.#count();
  }

  only(signal) {
    this.filters.signal.value = signal;
    this.filters.sender.value = "";
    this.filters.failed.checked = false;
    this.filter();
  }

  /** Moves the focus among the rows that are shown; the first time, to the latest. */
  move(step) {
    const shown = [...this.list.querySelectorAll(".row:not([hidden]) > .line")];
    const at = shown.indexOf(document.activeElement?.closest(".row")?.querySelector(".line"));
    const next = at < 0 ? shown[0] : shown[Math.min(Math.max(at + step, 0), shown.length - 1)];
    next?.focus();
  }

  /** Closes the row that has the focus; returns whether there was one to close. */
  close() {
    const element = document.activeElement?.closest(".row");
    const row = [...this.rows.values()].find((each) => each.element === element);
    if (!row?.isOpen) return false;
    row.toggle(false);
    row.line.focus();
    return true;
  }

  #draw() {
    const sends = [...this.changed.values()];
    this.changed.clear();
    for (const send of sends) {
      if (!this.rows.has(send.id)) this.#insert(send.id);
      const row = this.rows.get(send.id);
      row?.show(send);
      if (row) row.element.hidden = !this.#fits(send);
    }
    this.#rove(null);
    this.#count();
  }

  #insert(id) {
    const last = this.list.firstElementChild;
    // One that the list has let go, and that has changed only now, stays away.
    if (this.rows.size >= this.keep && id < this.rows.keys().next().value) return;
    const row = new Row();
    this.rows.set(id, row);
    if (!last || Number(last.id.slice(5)) < id) this.list.prepend(row.element);
    else this.#sortIn(id, row);
    if (this.rows.size > this.keep) this.#forgetOldest();
  }

  #sortIn(id, row) {
    this.rows = new Map([...this.rows].sort(([first], [second]) => first - second));
    const newer = [...this.rows.keys()].find((each) => each > id);
    this.rows.get(newer).element.after(row.element);
  }

  #forgetOldest() {
    const [id, row] = this.rows.entries().next().value;
    const hadFocus = row.element.contains(document.activeElement);
    this.rows.delete(id);
    row.element.remove();
    if (hadFocus) this.list.querySelector(".row:last-child > .line")?.focus();
  }

  #fits(send) {
    const { signal, sender, failed } = this.filters;
    const has = (text, part) => text.toLowerCase().includes(part.value.trim().toLowerCase());
    return has(send.signal, signal) && has(send.sender, sender) && (!failed.checked || hasFailed(send));
  }

  /** Lets the Tab key stop at one row only: the one that had the focus last, or the latest. */
  #rove(target) {
    const chosen = target?.closest?.(".row")?.querySelector(".line");
    const before = this.list.querySelector('.row:not([hidden]) > .line[tabindex="0"]');
    const now = chosen ?? before ?? this.list.querySelector(".row:not([hidden]) > .line");
    for (const line of this.list.querySelectorAll('.line[tabindex="0"]')) line.tabIndex = -1;
    if (now) now.tabIndex = 0;
  }

  #label() {
    const new_ = this.held.size;
    const words = this.isPaused ? `Go on${new_ ? ` (${new_} new)` : ""}` : "Pause";
    this.pauseButton.textContent = words;
  }

  #count() {
    const all = this.rows.size;
    const shown = [...this.rows.values()].filter((row) => !row.element.hidden).length;
    find("count").textContent = shown === all ? counted(all, "send") : `${shown} of ${counted(all, "send")}`;
    const empty = find("empty");
    empty.hidden = shown > 0;
    empty.textContent = all
      ? "No send fits the filter."
      : "Nothing has been sent since this page was opened. Sends appear here as they happen.";
  }
}

export function suggest(names) {
  find("signal-names").replaceChildren(...names.map((each) => el("option", { value: each })));
}
