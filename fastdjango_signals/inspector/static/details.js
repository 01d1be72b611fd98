// What a send that is open shows: its receivers, what it carried, and what went wrong.

import { bar, ending, scale } from "./bars.js";
import { breakable, el, name } from "./elements.js";
import { failures } from "./failures.js";
import { counted, duration } from "./format.js";

export function details(send) {
  return el(
    "div",
    { class: "details" },
    problems(send),
    send.failures.length ? part("The send failed", failures(send.failures)) : null,
    send.state === "refused" ? null : part("Receivers", receivers(send)),
    send.state === "refused" ? null : part("Payload", payload(send)),
  );
}

function part(title, ...children) {
  return el("section", { class: "part" }, el("h3", {}, title), ...children);
}

function receivers(send) {
  const whole = scale(send);
  const way = send.concurrent ? "Called together" : "Called one after another";
  const end = send.robust ? "whatever they raise" : "until one fails";
  const left = send.called - send.calls.length;
  return el(
    "div",
    {},
    el("p", { class: "hint" }, send.receivers ? `${way}, ${end}.` : "Nobody listens."),
    el("ol", { class: "calls" }, ...send.calls.map((call) => shownCall(send, call, whole))),
    left > 0 && el("p", { class: "hint" }, `${counted(left, "more receiver")}, not shown`),
    uncalled(send),
  );
}

function shownCall(send, call, whole) {
  const failed = call.state === "failed";
  return el(
    "li",
    { class: "call", "data-state": call.state },
    el(
      "div",
      { class: "who" },
      name(call.name),
      call.location && el("span", { class: "place" }, breakable(call.location)),
    ),
    el("div", { class: "track", "aria-hidden": "true" }, bar(call, whole), ending(send, whole)),
    el(
      "div",
      { class: "when" },
      el("span", { class: "length" }, duration(call.duration)),
      call.state !== "done" && call.state !== "running" && el("strong", {}, call.state),
      el("span", { class: "start" }, `${call.after_send ? "after the send, " : ""}at +${duration(call.start)}`),
    ),
    failed && el("div", { class: "why" }, failures(call.failures)),
  );
}

function uncalled(send) {
  const number = send.receivers - send.called;
  if (number <= 0 || send.state === "running") return null;
  const who = counted(number, "receiver");
  const why =
    send.state === "done"
      ? `${who} not called so far: waiting for a commit, which a rollback would end, or collected.`
      : `${who} not called, or waiting for a commit.`;
  return el("p", { class: "hint" }, why);
}

function payload(send) {
  if (!send.fields.length) return el("p", { class: "hint" }, "It carried nothing.");
  const rows = send.fields.map((field) =>
    el(
      "div",
      {},
      el("dt", {}, breakable(field.name)),
      el("dd", { class: "type" }, breakable(field.type)),
      field.value !== null && el("dd", { class: "value" }, field.value),
    ),
  );
  const left = send.fields_left_out;
  const hidden = send.fields.every((field) => field.value === null);
  return el(
    "div",
    {},
    el("dl", { class: "fields" }, ...rows),
    left > 0 && el("p", { class: "hint" }, `${counted(left, "more field")}, not shown`),
    hidden && el("p", { class: "hint" }, "Values are hidden."),
  );
}

function problems(send) {
  if (!send.problems.length) return null;
  const rows = send.problems.map((problem) =>
    el(
      "div",
      {},
      el("dt", {}, breakable(problem.location.join(" › ") || "the whole payload")),
      el("dd", { class: "type" }, problem.type),
      problem.message !== null && el("dd", { class: "value" }, problem.message),
    ),
  );
  return part("Why the payload was refused", el("dl", { class: "fields" }, ...rows));
}
