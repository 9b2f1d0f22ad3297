/** Dialogs and short messages. The browser's own dialog keeps the focus inside and closes on Escape. */

import { onKeyNeeded, Problem, signIn } from "./api.js";
import { fill, h, icon, iconButton, need } from "./dom.js";

/**
 * Open a dialog. A click beside it closes it.
 *
 * @param {string} label
 * @param {string} look its class: `sheet`, `preview` or `small`
 * @param {(import("./dom.js").Child | import("./dom.js").Child[])[]} content
 * @param {() => void} [closed]
 */
export function openDialog(label, look, content, closed) {
  const dialog = h("dialog", { class: look, "aria-label": label });
  const close = iconButton("close", "Close", () => dialog.close(), { class: "round close" });
  fill(dialog, h("div", { class: "inside", tabindex: "-1", autofocus: true }, close, ...content.flat()));
  dialog.addEventListener("close", () => {
    dialog.remove();
    document.documentElement.classList.toggle("held", document.querySelector("dialog[open]") !== null);
    closed?.();
  });
  let beside = false;
  dialog.addEventListener("pointerdown", (event) => (beside = event.target === dialog));
  dialog.addEventListener("click", (event) => {
    if (beside && event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  document.documentElement.classList.add("held");
  dialog.showModal();
  return dialog;
}

/**
 * A sentence at the bottom that goes away by itself.
 *
 * @param {string} text
 * @param {import("./dom.js").IconName} [mark]
 */
export function say(text, mark = "check") {
  const toast = h("p", { class: "toast" }, icon(mark), text);
  const place = need("#toasts");
  fill(place, toast);
  setTimeout(() => toast.remove(), 6000);
}

/**
 * Ask before something that cannot be taken back.
 *
 * @param {string} title
 * @param {string} text
 * @param {string} yes what the button says
 * @returns {Promise<boolean>}
 */
export function confirm(title, text, yes) {
  return new Promise((resolve) => {
    let agreed = false;
    const dialog = openDialog(
      title,
      "small",
      [
        h("h2", {}, title),
        h("p", { class: "quiet" }, text),
        h(
          "div",
          { class: "row end" },
          h("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Cancel"),
          h("button", { type: "button", class: "button main", onclick: () => { agreed = true; dialog.close(); } }, yes),
        ),
      ],
      () => resolve(agreed),
    );
  });
}

/** @type {Promise<string> | null} several requests wait for one answer */
let asking = null;

/** @param {"read" | "write"} why */
function askKey(why) {
  asking ??= keyDialog(why).finally(() => (asking = null));
  return asking;
}

/**
 * @param {"read" | "write"} why
 * @returns {Promise<string>}
 */
function keyDialog(why) {
  return new Promise((resolve, reject) => {
    let key = "";
    const field = h("input", { type: "password", required: true, autocomplete: "current-password", "aria-label": "Key", placeholder: "Key" });
    const wrong = h("p", { class: "wrong", role: "alert" });
    const submit = async (/** @type {Event} */ event) => {
      event.preventDefault();
      try {
        await signIn(field.value);
        key = field.value;
        dialog.close();
      } catch (error) {
        fill(wrong, error instanceof Problem && error.status === 401 ? "That is not the key." : String(/** @type {Error} */ (error).message));
        field.select();
      }
    };
    const dialog = openDialog(
      "Sign in",
      "small",
      [
        h("h2", {}, why === "read" ? "This catalog is private" : "Changes need the key"),
        h("p", { class: "quiet" }, "Enter the key that the server was started with. It stays on this device while the page is open."),
        h("form", { class: "signin", onsubmit: submit }, field, h("button", { class: "button main" }, "Sign in"), wrong),
      ],
      () => (key ? resolve(key) : reject(new Problem(401, "Signed out", "This needs the key of the server."))),
    );
    field.focus();
  });
}

export function start() {
  onKeyNeeded(askKey);
}
