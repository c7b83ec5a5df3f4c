// Keys for everything. An element says which key is its own by data-key; a key never acts while somebody types.
import { chooseWay } from "./composer.js";

const TABS = { m: "mine", u: "unassigned", b: "breaching", o: "open", n: "noise", r: "resolved" };
let afterG = -Infinity;

function isTyping(target) {
  if (target.isContentEditable || target.tagName === "TEXTAREA" || target.tagName === "SELECT") return true;
  return target.tagName === "INPUT" && !["radio", "checkbox", "button", "submit"].includes(target.type);
}

const isShown = (element) => element.checkVisibility?.() ?? element.offsetParent !== null;

function move(step) {
  const links = [...document.querySelectorAll("#rows h3 a")];
  if (!links.length) return false;
  let at = links.indexOf(document.activeElement);
  if (at < 0) {
    at = links.findIndex((link) => link.hasAttribute("aria-current"));
    if (at < 0) at = step > 0 ? -1 : links.length;
  }
  const link = links[Math.min(Math.max(at + step, 0), links.length - 1)];
  link.focus({ preventScroll: true });
  link.closest(".row").scrollIntoView({ block: "nearest" });
  return true;
}

function use(element) {
  if (element.matches('input[type="radio"]')) chooseWay(element);
  else if (element.matches("select")) openSelect(element);
  else if (element.matches("input")) {
    element.focus();
    element.select();
  } else element.click();
}

function openSelect(element) {
  element.focus();
  try {
    element.showPicker();
  } catch {
    // Older browsers: focused is enough, the arrow keys choose.
  }
}

function leave(target) {
  const open = [...document.querySelectorAll("details.menu[open]")];
  if (open.length) {
    for (const menu of open) menu.open = false;
    open[0].querySelector("summary").focus();
    return true;
  }
  const desk = document.getElementById("desk");
  if (desk.classList.contains("with-who")) {
    desk.classList.remove("with-who");
    return true;
  }
  if (isTyping(target)) {
    target.blur();
    (document.querySelector('#rows [aria-current]') ?? document.getElementById("case-title"))?.focus({ preventScroll: true });
    return true;
  }
  return false;
}

export function toggleHelp() {
  const help = document.getElementById("help");
  if (help.open) help.close();
  else help.showModal();
}

function pressed(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.getElementById("help")?.open) {
    if (event.key === "?") toggleHelp();
    return;
  }
  if (event.key === "Escape") {
    if (leave(event.target)) event.preventDefault();
    return;
  }
  if (isTyping(event.target)) return;
  if (act(event.key)) event.preventDefault();
}

function act(key) {
  if (performance.now() - afterG < 1500 && TABS[key]) {
    afterG = -Infinity;
    return click(`[data-tab="${TABS[key]}"]`, `/queue/${TABS[key]}`);
  }
  afterG = key === "g" ? performance.now() : -Infinity;
  if (key === "g") return true;
  if (key === "j") return move(1);
  if (key === "k") return move(-1);
  if (key === "?") {
    toggleHelp();
    return true;
  }
  if (key.length !== 1) return false;
  const own = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)];
  const element = own.filter((one) => !one.disabled && (isShown(one) || one.type === "radio")).at(-1);
  if (!element) return false;
  use(element);
  return true;
}

function click(selector, otherwise) {
  const element = document.querySelector(selector);
  if (element) element.click();
  else location.assign(otherwise);
  return true;
}

export function startKeys() {
  document.addEventListener("keydown", pressed);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-help]")) toggleHelp();
    if (event.target.id === "help") event.target.close();
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
}
