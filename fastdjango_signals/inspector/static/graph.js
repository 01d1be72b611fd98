// The picture of signals and receivers, which the server draws.

import { el, find } from "./elements.js";
import { counted } from "./format.js";

export function draw(signals) {
  const select = find("graph-signal");
  const chosen = select.value;
  const heard = signals.filter((each) => each.receivers.length);
  const names = [...new Set(signals.map((each) => each.name))];
  select.replaceChildren(
    el("option", { value: "" }, "all with receivers"),
    ...names.map((each) => el("option", { value: each, selected: each === chosen }, each)),
  );
  const shown = select.value ? signals.filter((each) => each.name === select.value) : heard;
  const query = new URLSearchParams(shown.map((each) => ["signal", each.name]));
  const address = `graph.svg?${query}`;
  find("graph-link").href = address;
  const receivers = shown.reduce((sum, each) => sum + each.receivers.length, 0);
  const text = `${counted(shown.length, "signal")} and ${counted(receivers, "receiver")}`;
  find("canvas").replaceChildren(
    shown.length
      ? el("img", { src: address, alt: `Graph of ${text}` })
      : el("p", { class: "empty" }, "No signal has a receiver."),
  );
}
