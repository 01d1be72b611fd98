// Makes elements. Text becomes text nodes, so that no name and no value is ever read as markup.

/**
 * @param {string} tag
 * @param {Record<string, string | number | boolean | undefined>} attributes  without false ones
 * @param {...(Node | string | null | undefined | false)} children
 */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) {
      made.setAttribute(name, value === true ? "" : String(value));
    }
  }
  made.append(...children.filter((child) => child || child === ""));
  return made;
}

export const find = (id) => document.getElementById(id);

/** Names may be long: they break after dots and underscores, not anywhere. */
export function breakable(text) {
  const shown = document.createDocumentFragment();
  for (const part of String(text).split(/(?<=[._:/])/u)) {
    shown.append(part, document.createElement("wbr"));
  }
  return shown;
}

/** A full name, of which the end is what people look for. */
export function name(text, kind = "") {
  const cutAt = /^[\w.]+$/u.test(text) ? text.lastIndexOf(".") + 1 : 0;
  return el(
    "span",
    { class: `name ${kind}`, title: text },
    cutAt ? el("span", { class: "module" }, breakable(text.slice(0, cutAt))) : null,
    el("span", {}, breakable(text.slice(cutAt))),
  );
}
