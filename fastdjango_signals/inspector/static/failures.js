// Exceptions, with the way to them.

import { breakable, el, name } from "./elements.js";
import { counted } from "./format.js";

const LINKS = {
  "": "",
  cause: "It was caused by",
  context: "It came up while this was handled:",
  member: "One of its exceptions:",
};

export function failures(found) {
  if (!found.length) return el("p", { class: "hint" }, "Its traceback was not kept: too many failed.");
  return el("div", { class: "failures" }, ...found.map(failure));
}

function failure(each) {
  const left = each.frames_left_out;
  return el(
    "div",
    { class: "failure" },
    LINKS[each.link] && el("p", { class: "hint" }, LINKS[each.link]),
    el("p", { class: "raised" }, name(each.type)),
    each.message && el("pre", { class: "message" }, each.message),
    left > 0 && el("p", { class: "hint" }, `${counted(left, "frame")} before these, not shown`),
    each.frames.length ? el("ol", { class: "frames" }, ...each.frames.map(frame)) : null,
  );
}

function frame(each) {
  return el(
    "li",
    {},
    el(
      "span",
      { class: "place" },
      breakable(`${each.file}:${each.line}`),
      " in ",
      el("b", {}, each.function),
    ),
    each.source && el("code", {}, each.source),
  );
}
