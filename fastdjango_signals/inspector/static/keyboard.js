// Keys, as the foot of the page says them. Those of the browser and of inputs stay as they are.

export function obey({ sends, view, filter }) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const types = event.target.closest?.("input:not([type=checkbox]), select, textarea");
    if (event.key === "Escape") {
      if (types) leave(event.target);
      else sends.close();
    } else if (types) {
      return;
    } else if (event.key === "/") {
      event.preventDefault();
      filter().focus();
    } else if (view() === "sends") {
      inList(event, sends);
    }
  });
}

function inList(event, sends) {
  const inRow = event.target.closest?.(".rows");
  if (event.key === "j" || (event.key === "ArrowDown" && inRow)) {
    event.preventDefault();
    sends.move(1);
  } else if (event.key === "k" || (event.key === "ArrowUp" && inRow)) {
    event.preventDefault();
    sends.move(-1);
  } else if (event.key === "p") {
    sends.pause();
  }
}

function leave(input) {
  if (input.value) {
    input.value = "";
    input.dispatchEvent(new Event("input", { bubbles: true }));
  } else {
    input.blur();
  }
}
