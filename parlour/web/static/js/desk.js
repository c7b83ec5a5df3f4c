// The desk's own behaviour around htmx: which pane shows, what is said, what is asked again. Without it every link and form still works.
import { composerShown, sent, startComposer, takeWay, takenBack } from "./composer.js";
import { startKeys } from "./keys.js";
import { markRow, outdate, soonCase, soonQueue, startLive, toBottom } from "./live.js";
import { toast } from "./say.js";
import { localise, startTicking } from "./times.js";

const desk = () => document.getElementById("desk");
const narrow = matchMedia("(max-width: 1180px)");

function shown(root) {
  localise(root);
  markRow();
}

/** The strip of tabs may be wider than its place: the open one is always in sight. */
function tabInSight() {
  const strip = document.querySelector(".strip");
  const here = strip?.querySelector("[aria-current]");
  if (here) strip.scrollLeft = here.offsetLeft - strip.offsetLeft - (strip.clientWidth - here.offsetWidth) / 2;
}

function caseShown() {
  desk().dataset.view = "case";
  desk().classList.remove("with-who");
  markRow();
  composerShown();
  toBottom();
  document.getElementById("case-title")?.focus({ preventScroll: true });
}

function queueShown(from) {
  tabInSight();
  const search = document.getElementById("search");
  if (from?.closest?.("[data-clear-search], .tabs") && search) search.value = "";
  if (from?.closest?.(".back") || !document.getElementById("case")?.dataset.case) desk().dataset.view = "queue";
  markRow();
}

function afterSwap(event) {
  const target = event.detail.target ?? event.target;
  const id = event.detail.elt?.id ?? target.id;
  shown(document);
  if (id === "case" || target.id === "case") caseShown();
  if (id === "queue" || target.id === "queue") queueShown(event.detail.requestConfig?.elt);
}

function beforeSwap(event) {
  const { xhr } = event.detail;
  if (xhr.status === 200 && xhr.getResponseHeader("Content-Type")?.startsWith("application/json")) {
    event.detail.shouldSwap = false;
    outdate();
    takenBack(JSON.parse(xhr.responseText));
    return;
  }
  // A refusal that names its place is shown there; others become toasts.
  if (xhr.status >= 400 && xhr.getResponseHeader("HX-Retarget")) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
}

function responseError(event) {
  const { xhr } = event.detail;
  const plain = xhr.getResponseHeader("Content-Type")?.startsWith("text/plain");
  toast(plain && xhr.responseText ? xhr.responseText : `The desk could not do that (${xhr.status}). Reload the page and try again.`, true);
  document.activeElement?.matches("select") && document.activeElement.blur();
  soonCase(0);
}

let searching;
function search(form, delay, typing) {
  clearTimeout(searching);
  searching = setTimeout(() => {
    const q = form.elements.q.value.trim();
    const tab = document.querySelector(".tabs [aria-current]")?.dataset.tab ?? "open";
    const address = `/queue/${tab}${q ? `?q=${encodeURIComponent(q)}` : ""}`;
    if (!document.getElementById("queue")) location.assign(address);
    else window.htmx.ajax("GET", address, { target: "#queue", swap: "outerHTML", source: document.body, headers: { "X-Beside": "replace", ...(typing && { "X-Stay": "1" }) } });
  }, delay);
}

function clicked(event) {
  const who = event.target.closest("[data-who]");
  if (who && narrow.matches && document.getElementById("who")) {
    event.preventDefault();
    desk().classList.toggle("with-who");
    if (desk().classList.contains("with-who")) document.querySelector(".close-who")?.focus();
  }
  if (event.target.closest("#pill")) toBottom();
  if (event.target.closest("[data-close-templates]")) document.getElementById("templates").replaceChildren();
  const copier = event.target.closest("[data-copy]");
  if (copier) copy(document.getElementById(copier.dataset.copy));
}

/** Where the browser gives no clipboard (plain http), the text is marked, ready to be copied by hand. */
async function copy(shownText) {
  try {
    await navigator.clipboard.writeText(shownText.textContent);
    toast("Copied.");
  } catch {
    getSelection().selectAllChildren(shownText);
    toast("Marked: copy it with Ctrl C.");
  }
}

function wire() {
  document.addEventListener("htmx:afterSwap", afterSwap);
  document.addEventListener("htmx:beforeSwap", beforeSwap);
  document.addEventListener("htmx:responseError", responseError);
  document.addEventListener("htmx:sendError", () => toast("The desk could not be reached. Nothing you wrote is lost; try again.", true));
  document.addEventListener("htmx:timeout", () => toast("The desk took too long to answer. Nothing you wrote is lost; try again.", true));
  document.addEventListener("htmx:historyRestore", start);
  document.addEventListener("desk:sent", (event) => {
    sent(event.detail);
    toast(event.detail.say, false, event.detail);
  });
  document.addEventListener("desk:changed", (event) => {
    if (event.detail.say) toast(event.detail.say, false, { case: event.detail.case, undo: event.detail.undo, seconds: event.detail.seconds });
    soonCase(0);
    soonQueue();
  });
  document.addEventListener("desk:way", ({ detail }) => takeWay(detail.way));
  document.addEventListener("click", clicked);
  document.addEventListener("input", (event) => event.target.id === "search" && search(event.target.form, 250, true));
  document.addEventListener("submit", (event) => {
    if (event.target.matches(".search")) {
      event.preventDefault();
      search(event.target, 0);
    }
  }, true);
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-theme-choice]")) document.documentElement.dataset.theme = event.target.value;
  });
}

function start() {
  shown(document);
  tabInSight();
  composerShown();
  toBottom();
}

wire();
start();
startTicking();
startComposer();
startKeys();
if (document.getElementById("desk")) startLive();
