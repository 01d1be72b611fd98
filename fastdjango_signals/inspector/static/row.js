// One send in the list: a line that opens.

import { el, name } from "./elements.js";
import { bars } from "./bars.js";
import { details } from "./details.js";
import { clock, counted, duration } from "./format.js";

const WORDS = {
  running: "running",
  done: "",
  failed: "failed",
  cancelled: "cancelled",
  refused: "refused",
};

export const hasFailed = (send) =>
  send.failed > 0 || send.state === "failed" || send.state === "refused";

/** A row of the list, which `show` fills with a send, again whenever it has changed. */
export class Row {
  constructor() {
    this.line = el("button", { type: "button", class: "line", "aria-expanded": "false", tabindex: -1 });
    this.inside = el("div", { class: "inside", hidden: true });
    this.element = el("li", { class: "row" }, this.line, this.inside);
    this.send = null;
    this.line.addEventListener("click", () => this.toggle());
  }

  get isOpen() {
    return !this.inside.hidden;
  }

  show(send) {
    this.send = send;
    this.element.id = `send-${send.id}`;
    this.element.dataset.state = hasFailed(send) ? "failed" : send.state;
    this.inside.id = `inside-${send.id}`;
    this.line.setAttribute("aria-controls", this.inside.id);
    this.line.replaceChildren(
      el("span", { class: "time" }, clock(send.time)),
      el("span", { class: "what" }, name(send.signal), ...badges(send)),
      el("span", { class: "from" }, el("span", { class: "unseen" }, "from "), name(send.sender)),
      el("span", { class: "reached" }, reached(send), bars(send)),
      el("span", { class: "took" }, send.state === "refused" ? "" : duration(send.duration)),
    );
    if (this.isOpen) this.inside.replaceChildren(details(send));
  }

  toggle(open = !this.isOpen) {
    this.inside.hidden = !open;
    this.line.setAttribute("aria-expanded", String(open));
    this.inside.replaceChildren(...(open ? [details(this.send)] : []));
  }
}

function reached(send) {
  if (send.state === "refused") return "nobody was called";
  if (send.receivers === 0) return "nobody listens";
  return counted(send.receivers, "receiver");
}

function badges(send) {
  const badge = (text, kind) => el("span", { class: `badge ${kind}` }, text);
  const late = send.calls.filter((call) => call.after_send).length;
  return [
    WORDS[send.state] && badge(WORDS[send.state], send.state),
    send.failed > 0 && send.state !== "failed" && badge(`${send.failed} failed`, "failed"),
    send.from_broker && badge("from a broker", "broker"),
    late > 0 && badge(`${late} after commit`, "late"),
  ].filter(Boolean);
}
