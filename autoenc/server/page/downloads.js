/** Results to take away: a table, a contact sheet, an address. */

import { fileUrl } from "./asking.js";
import { say } from "./dialogs.js";
import { h, icon } from "./dom.js";

/** @param {import("./state.js").State} state */
export function takeAway(state) {
  const menu = h(
    "details",
    { class: "menu" },
    h("summary", { class: "button" }, icon("download"), h("span", { class: "label" }, "Share")),
    h(
      "div",
      { class: "choices" },
      h("a", { href: fileUrl(state, "csv"), download: "results.csv" }, icon("report"), "Table (CSV)"),
      h("a", { href: fileUrl(state, "png"), download: "results.png" }, icon("grid"), "Contact sheet (PNG)"),
      h("button", { type: "button", onclick: copyLink }, icon("link"), "Copy the link"),
    ),
  );
  const close = () => (menu.open = false);
  menu.addEventListener("toggle", () => {
    if (!menu.open) return;
    const beside = (/** @type {Event} */ event) => {
      if (event instanceof KeyboardEvent ? event.key === "Escape" : !menu.contains(/** @type {Node} */ (event.target))) {
        close();
        removeEventListener("pointerdown", beside);
        removeEventListener("keydown", beside);
      }
    };
    addEventListener("pointerdown", beside);
    addEventListener("keydown", beside);
  });
  menu.querySelector(".choices")?.addEventListener("click", close);
  return menu;
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    say("The link is copied. It shows the same search for everyone who can reach this server.", "link");
  } catch {
    say("Copy the address above: it holds the whole search.", "link");
  }
}
