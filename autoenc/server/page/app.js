/** The page: it learns what the store holds, then shows what the address names. */

import { getStore, signOut } from "./api.js";
import * as catalog from "./catalog.js";
import * as dialogs from "./dialogs.js";
import { fill, h, icon, need } from "./dom.js";
import { failed } from "./grid.js";
import { showPreview } from "./preview.js";
import * as query from "./query.js";
import { current, go, linkTo, onChange, read, start } from "./state.js";

/**
 * @typedef {import("./state.js").State} State
 * @typedef {import("./state.js").View} View
 * @typedef {import("./api.js").Store} Store
 * @typedef {{enter: (main: HTMLElement, store: Store) => void, update: (state: State, store: Store) => void, leave: () => void}} Shown
 */

/** The views; those that are rarely needed load when they are opened. @type {Record<View, () => Promise<Shown>>} */
const VIEWS = {
  catalog: async () => catalog,
  map: () => import("./map.js"),
  duplicates: () => import("./duplicates.js"),
  between: () => import("./between.js"),
};

/** @type {{view: View, label: string, mark: import("./dom.js").IconName}[]} */
const TABS = [
  { view: "catalog", label: "Catalog", mark: "grid" },
  { view: "map", label: "Map", mark: "map" },
  { view: "duplicates", label: "Duplicates", mark: "copies" },
  { view: "between", label: "Explore", mark: "between" },
];

const main = need("#main");
const words = /** @type {HTMLInputElement} */ (need("#words"));

/** @param {Store} store */
function showTabs(store) {
  const state = current();
  const tabs = TABS.filter(({ view }) => view !== "between" || store.decoder).map(({ view, label, mark }) =>
    h("a", {
      href: linkTo({ view, item: "" }),
      "aria-current": state.view === view ? "page" : null,
      title: label,
      onclick: (/** @type {MouseEvent} */ event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        go({ view, item: "" });
        scrollTo({ top: 0 });
      },
    }, icon(mark), h("span", { class: "label" }, label)),
  );
  const report = store.report && h("a", { href: "v1/report", title: "Report" }, icon("report"), h("span", { class: "label" }, "Report"));
  fill(need("#views"), tabs, report);
}

/** Sign out: nothing of the catalog stays on the screen, nor behind the browser's way back. */
async function leave() {
  try {
    await signOut();
  } catch (error) {
    dialogs.say(/** @type {Error} */ (error).message, "close");
    return;
  }
  document.body.replaceChildren();
  location.replace(new URL(".", document.baseURI));
}

/** @param {Store} store */
function listen(store) {
  /** @type {Shown | null} */
  let shown = null;
  /** @type {View | null} */
  let name = null;
  const show = async (/** @type {State} */ state) => {
    showTabs(store);
    words.value = state.words;
    if (state.view !== name) {
      name = state.view;
      shown?.leave();
      shown = null;
      document.title = `${TABS.find(({ view }) => view === name)?.label} · autoenc`;
      const next = await VIEWS[state.view]();
      if (name !== state.view) return;
      shown = next;
      shown.enter(main, store);
    }
    shown?.update(current(), store);
  };
  onChange((state, before) => {
    show(state);
    if (state.item !== before.item) showPreview(state.item, store, catalog.neighborOf(state.item));
  });
  need("#find").classList.toggle("wordless", !store.fields.some(({ kind }) => kind === "text"));
  need("#find").addEventListener("submit", (event) => {
    event.preventDefault();
    go({ view: "catalog", words: words.value.trim() });
    words.blur();
  });
  words.addEventListener("search", () => {
    if (!words.value && current().words) go({ words: "" });
  });
  if (store.private) {
    need(".top").append(h("button", { type: "button", class: "button plain leave", title: "Sign out", onclick: leave }, icon("leave"), h("span", { class: "label" }, "Sign out")));
  }
  need(".brand").addEventListener("click", (event) => {
    event.preventDefault();
    go(read(""));
    scrollTo({ top: 0 });
  });
}

async function open() {
  try {
    const store = await getStore();
    listen(store);
    start();
  } catch (error) {
    fill(main, failed(error, open));
  }
}

addEventListener("pageshow", (event) => {
  if (event.persisted && !document.body.children.length) location.reload(); // back to a page that was left by signing out
});
dialogs.start();
query.start();
catalog.enter(main);
open();
