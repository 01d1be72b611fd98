// Durations as bars on one scale for a send: who runs at the same time lies one above the other.

import { el } from "./elements.js";

const IN_A_LINE = 8; // bars in a row that is closed

/** Milliseconds that the whole width stands for. */
export function scale(send) {
  const ends = send.calls.map((call) => call.start + (call.duration ?? 0));
  return Math.max(send.duration ?? 0, ...ends, 0.001);
}

/** Places a bar. By the object model, since the policy of this page forbids styles in markup. */
export function bar(call, whole) {
  const made = el("span", { class: "bar", "data-state": call.state, "data-late": call.after_send });
  const length = call.duration ?? Math.max(whole - call.start, 0);
  made.style.setProperty("--start", `${(100 * call.start) / whole}%`);
  made.style.setProperty("--length", `${(100 * length) / whole}%`);
  return made;
}

/** The bars of a row that is closed: a glance, which says nothing that the row does not. */
export function bars(send) {
  const whole = scale(send);
  const shown = send.calls.slice(0, IN_A_LINE).map((call) => bar(call, whole));
  return shown.length ? el("span", { class: "bars", "aria-hidden": "true" }, ...shown) : null;
}

/** Where the send ended, if somebody was called later. */
export function ending(send, whole) {
  if (send.duration === null || !send.calls.some((call) => call.after_send)) return null;
  const made = el("span", { class: "ending" });
  made.style.setProperty("--start", `${(100 * send.duration) / whole}%`);
  return made;
}
