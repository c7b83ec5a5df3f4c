// The composer: a draft for each way of answering, a counter, and sending.
import { filesSent, filesTakenBack, showFiles, startFiles } from "./attach.js";
import { lengthOf, messagesFor } from "./length.js";
import { shownUpTo, startSignals, writing } from "./signals.js";

const KEEP_DRAFTS = 14 * 24 * 3600 * 1000;
const form = () => document.getElementById("composer");
const box = () => document.getElementById("text");
const way = () => form()?.querySelector('[name="way"]:checked');

function draftKey(visibility, number = form().dataset.case) {
  return `draft:${document.getElementById("desk").dataset.agent}:${number}:${visibility}`;
}

function stored(key) {
  try {
    return JSON.parse(localStorage.getItem(key))?.text ?? "";
  } catch {
    return "";
  }
}

function store(key, text) {
  try {
    if (text.trim()) localStorage.setItem(key, JSON.stringify({ text, at: Date.now() }));
    else localStorage.removeItem(key);
  } catch {
    // A full or forbidden store costs only the draft's safety copy.
  }
}

export function forgetDrafts(older = 0) {
  for (const key of Object.keys(localStorage)) {
    if (!key.startsWith("draft:")) continue;
    let at = 0;
    try {
      at = JSON.parse(localStorage.getItem(key)).at;
    } catch {
      at = 0;
    }
    if (!older || Date.now() - at > older) localStorage.removeItem(key);
  }
}

/** Whether words are waiting in the box. */
export const isWriting = () => Boolean(box()?.value.trim());

export function chooseWay(radio) {
  if (!radio || radio.disabled) return;
  radio.checked = true;
  switched();
  box()?.focus();
}

function switched() {
  const now = way()?.dataset.visibility;
  const text = box();
  if (!text || !now) return;
  const before = text.dataset.way;
  if (before !== now) {
    if (before) store(draftKey(before), text.value);
    if (before || !text.value) text.value = stored(draftKey(now));
    text.dataset.way = now;
  }
  text.placeholder = now === "note" ? "A note for colleagues…" : now === "public" ? "Answer for all to see…" : `Write to ${text.dataset.name}…`;
  const words = document.querySelector("#send .send-words");
  if (words) words.textContent = now === "note" ? "Add note" : now === "public" ? "Send in public" : "Send";
  count();
  showFiles();
}

/** The lines that answers to choose from become where they are no buttons, as the server writes them. */
function numbered(chosen) {
  const [most, longest] = (chosen.dataset.buttons ?? "0 0").split(" ").map(Number);
  const lines = form().elements.choices?.value.split("\n").map((line) => line.trim().replace(/\s+/g, " ")) ?? [];
  const choices = chosen.dataset.visibility === "note" ? [] : [...new Set(lines.filter(Boolean))];
  if (choices.length <= most && choices.every((choice) => [...choice].length <= longest)) return "";
  return `\n\n${choices.map((choice, place) => `${place + 1}. ${choice}`).join("\n")}`;
}

function count() {
  const text = box();
  const chosen = way();
  const shown = document.getElementById("how-long");
  if (!text || !chosen || !shown) return;
  const words = text.value + numbered(chosen);
  const length = lengthOf(words, chosen.dataset.unit);
  const limit = Number(chosen.dataset.limit);
  const parts = Number(chosen.dataset.parts ?? 1);
  const spaced = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  const several = parts > 1 && length > limit ? messagesFor(words, chosen.dataset.unit, limit) : 1;
  const over = length > limit * parts || several > parts;
  if (several > 1 && !over) shown.textContent = `${spaced(length)} · goes out in ${several} messages`;
  else if (over && parts > 1) shown.textContent = `${spaced(length)}: more than ${parts} messages of ${spaced(limit)}`;
  else shown.textContent = length || chosen.dataset.visibility !== "note" ? `${spaced(length)} of ${spaced(limit)}` : "";
  shown.classList.toggle("over", over);
  if (!CSS.supports("field-sizing", "content")) {
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight}px`;
  }
}

function freshKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A case has just been shown: bring its draft back. */
export function composerShown() {
  if (!form() || !box()) return;
  const ways = [...form().querySelectorAll('[name="way"]:enabled')];
  const begun = (radio) => stored(draftKey(radio.dataset.visibility));
  // Words begun another way would otherwise wait unseen behind their tab.
  if (!box().value && way() && !begun(way())) (ways.find(begun) ?? way()).checked = true;
  switched();
  shownUpTo(document.getElementById("flow")?.dataset.newest);
}

/** The words are on their way: the box is free for the next ones. */
export function sent(detail) {
  if (detail.way === "template") return;
  localStorage.removeItem(draftKey(detail.way.split(":")[0], detail.case));
  if (form()?.dataset.case !== String(detail.case)) return;
  const text = box();
  text.value = "";
  text.dataset.way = "";
  form().elements.key.value = freshKey();
  filesSent();
  form().elements.choices.value = "";
  form().querySelector(".offer").open = false;
  clearTrouble();
  switched();
}

/** An answer was taken back: its words wait in the box again, or in the draft of their way, before what is there by now. */
export function takenBack({ case: number, way: visibility, text: words, files = [] }) {
  const joined = (later) => (later.trim() ? `${words}\n\n${later}` : words);
  const here = form()?.dataset.case === String(number);
  const text = box();
  if (here && text && way()?.dataset.visibility === visibility) {
    text.value = joined(text.value);
    store(draftKey(visibility), text.value);
    count();
  } else {
    const key = draftKey(visibility, number);
    store(key, joined(stored(key)));
    const radio = here && form().querySelector(`[name="way"][data-visibility="${visibility}"]`);
    if (radio && !isWriting()) {
      // What closed it was the answer just taken back; the server is asked in a moment and has the last word.
      radio.disabled = false;
      radio.checked = true;
      switched();
    }
  }
  if (here) filesTakenBack(files);
  if (here) text?.focus();
}

/** The server asks for a way: it is chosen, and the box is ready for words. */
export function takeWay(visibility) {
  const radio = form()?.querySelector(`[name="way"][data-visibility="${visibility}"]:enabled`);
  if (!radio) return;
  radio.checked = true;
  switched();
  box().focus();
}

/** Which way is chosen, to be handed to ``waysChanged`` once the ways have been drawn anew. */
export const chosenWay = () => way()?.dataset.visibility;

/** The chosen way stays while it is open. Words in the box then become a note rather than going where others read them. */
export function waysChanged(chosen) {
  if (!form()) return;
  const open = [...form().querySelectorAll('[name="way"]:enabled')];
  const named = (visibility) => open.find((radio) => radio.dataset.visibility === visibility);
  const next = named(chosen) ?? (isWriting() ? named("note") : null) ?? open[0];
  const send = document.getElementById("send");
  if (send && send.dataset.closed !== (open.length ? undefined : "1")) {
    send.disabled = !open.length;
    if (open.length) delete send.dataset.closed;
    else send.dataset.closed = "1";
  }
  if (!next) return;
  next.checked = true;
  // Words move along instead of being put away as a draft.
  if (chosen && chosen !== next.dataset.visibility && isWriting()) {
    localStorage.removeItem(draftKey(chosen));
    box().dataset.way = "";
    store(draftKey(next.dataset.visibility), box().value);
    if (next.dataset.visibility === "note") becameNote();
  }
  switched();
}

/** Words were being written to the customer when the way closed: why, and what they are now. */
function becameNote() {
  const why = document.querySelector("#ways .closed p:not(.held) span")?.textContent ?? "The customer cannot be answered any more.";
  const line = document.createElement("p");
  line.textContent = `${why} Your words are a note now, which only colleagues see.`;
  const trouble = document.getElementById("trouble");
  trouble.setAttribute("role", "alert");
  trouble.replaceChildren(line);
}

function clearTrouble() {
  document.getElementById("trouble")?.replaceChildren();
}

/** What the agent has seen moves on, unless a colleague has answered while words were being written: then sending asks first. */
export function sawUpTo(newest, colleague) {
  shownUpTo(newest);
  const seen = form()?.elements.seen;
  if (!seen) return;
  if (colleague && isWriting()) {
    const line = document.createElement("p");
    const who = document.createElement("b");
    who.textContent = `${colleague} has answered while you were writing.`;
    line.append(who, " Your words are still here; have a look before you send them.");
    const trouble = document.getElementById("trouble");
    trouble.setAttribute("role", "alert");
    trouble.replaceChildren(line);
    form().dataset.held = "1";
    return;
  }
  if (isWriting() && form().dataset.held) return;
  delete form().dataset.held;
  seen.value = newest;
}

export function startComposer() {
  forgetDrafts(KEEP_DRAFTS);
  startFiles();
  startSignals();
  document.addEventListener("input", (event) => {
    if (event.target.id === "choices") count();
    if (event.target.id !== "text") return;
    count();
    const chosen = way()?.dataset.visibility;
    if (chosen) store(draftKey(chosen), event.target.value);
    writing(way(), event.target.value);
  });
  document.addEventListener("change", (event) => {
    if (event.target.name === "way") switched();
  });
  document.addEventListener("click", (event) => {
    const done = event.target.closest("[data-close-offer]");
    if (!done) return;
    done.closest("details").open = false;
    box()?.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.id !== "text" || event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    const button = (event.shiftKey && form().querySelector('[name="then"][value="resolve"]')) || document.getElementById("send");
    if (!button.disabled && !document.getElementById("send").disabled) button.click();
  });
  document.addEventListener("submit", (event) => {
    if (event.target.getAttribute("action")?.endsWith("/sign-out")) forgetDrafts();
  });
}
