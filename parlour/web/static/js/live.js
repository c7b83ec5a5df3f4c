// The live stream tells what changed; the desk asks the ordinary addresses again and changes only what differs.
import { chosenWay, isWriting, sawUpTo, waysChanged } from "./composer.js";
import { patch } from "./patch.js";
import { say, settled } from "./say.js";
import { localise } from "./times.js";

const NEAR_BOTTOM = 80;
const waiting = new Map();
const dirty = new Set();
let source;
let lostTimer;
let again = 1000;
let queueAsked = -1000;
let told = "";
let desks = 1;
let asked = 0;

async function ask(address) {
  const response = await fetch(address, {
    headers: { "HX-Request": "true", "X-Stay": "1", "X-Since": told, "HX-Current-URL": location.href },
    credentials: "same-origin",
  });
  const elsewhere = response.headers.get("HX-Redirect");
  if (elsewhere) {
    location.assign(elsewhere);
    return null;
  }
  if (!response.ok) return null;
  const template = document.createElement("template");
  template.innerHTML = await response.text();
  localise(template.content);
  return template.content;
}

function put(fragment, fresh) {
  for (const wanted of [...fragment.children]) {
    const old = wanted.id && document.getElementById(wanted.id);
    if (!old || old.tagName !== wanted.tagName) continue;
    wanted.removeAttribute("hx-swap-oob");
    if (wanted.id === "flow") patchFlow(old, wanted);
    else if (wanted.id === "ways") patchWays(old, wanted);
    else patch(old, wanted, fresh);
    window.htmx?.process(old);
  }
}

async function refreshQueue() {
  const queue = document.getElementById("queue");
  if (!queue) return;
  queueAsked = performance.now();
  const rows = queue.querySelectorAll(".row").length;
  const address = new URL(queue.dataset.url, location.href);
  if (rows > 50) address.searchParams.set("limit", rows);
  const fragment = await ask(address);
  // Another tab may have been opened meanwhile.
  if (!fragment || document.getElementById("queue") !== queue || queue.dataset.url !== fragment.getElementById("queue")?.dataset.url) return;
  put(fragment, (element) => element.classList.contains("row") && element.classList.add("new"));
  markRow();
}

export async function refreshCase() {
  const pane = document.getElementById("case");
  if (!pane?.dataset.live) return;
  const mine = ++asked;
  const fragment = await ask(pane.dataset.live);
  // An answer that was asked for before the latest question tells of a case that is no more as it was.
  if (fragment && mine === asked && document.getElementById("case") === pane) put(fragment);
}

/** What is being asked about the case is out of date: something has just been undone. */
export function outdate() {
  asked += 1;
  soonCase(0);
}

function patchWays(old, wanted) {
  const chosen = chosenWay();
  // A way that is new must not take the choice from the one at hand.
  for (const radio of wanted.querySelectorAll("[checked]")) radio.removeAttribute("checked");
  patch(old, wanted);
  waysChanged(chosen);
}

function patchFlow(flow, wanted) {
  const bottom = isAtBottom(flow);
  const latest = flow.querySelector("#latest");
  const earlier = flow.querySelector("#earlier");
  const next = wanted.querySelector("#latest");
  const arrived = [];
  // The latest stretch has a limit: what falls out of it belongs to the earlier ones, once those were asked for.
  if (earlier.querySelector(".stretch")) keepFallen(earlier, latest, next);
  else patch(earlier, wanted.querySelector("#earlier"));
  patch(latest, next, (element) => {
    element.classList.add("fresh");
    if (element.matches(".msg, .note-line")) arrived.push(element);
  });
  settled((message) => {
    const shown = document.getElementById(`m${message}`);
    return shown && !shown.querySelector('form[action$="/undo"]');
  });
  flow.dataset.newest = wanted.dataset.newest;
  tell(flow, arrived, bottom);
}

function keepFallen(earlier, latest, next) {
  const first = next.querySelector("[id]")?.id;
  if (!first || !latest.querySelector(`#${CSS.escape(first)}`)) return;
  const fallen = document.createElement("div");
  fallen.className = "stretch";
  while (latest.firstElementChild && latest.firstElementChild.id !== first) fallen.append(latest.firstElementChild);
  if (fallen.children.length) earlier.append(fallen);
}

function tell(flow, arrived, bottom) {
  const me = document.getElementById("desk").dataset.agent;
  const others = arrived.filter((element) => element.dataset.from !== me);
  const answer = others.find((element) => element.dataset.direction === "out");
  sawUpTo(flow.dataset.newest, answer ? (answer.dataset.from ? nameOf(answer) : "Somebody") : "");
  const inbound = others.find((element) => element.dataset.direction === "in");
  if (inbound) say(`New message from ${nameOf(inbound)}.`);
  else if (others.length) say("The conversation has news.");
  if (bottom || arrived.length > others.length) toBottom();
  else if (others.length) document.getElementById("pill").hidden = false;
}

const nameOf = (element) => element.querySelector(".under-words bdi, .under-words span")?.firstChild?.textContent.split("·")[0].trim() || "Somebody";
const isAtBottom = (flow) => flow.scrollHeight - flow.scrollTop - flow.clientHeight < NEAR_BOTTOM;

/** The conversation whose end is kept in view while pictures come in and the composer grows, until somebody scrolls up. */
let followed = { flow: null, top: 0 };
const grown = new ResizeObserver(() => followed.flow?.isConnected && moveDown(followed.flow));

function moveDown(flow) {
  flow.scrollTop = flow.scrollHeight;
  followed.top = flow.scrollTop;
}

function follow(flow) {
  moveDown(flow);
  if (followed.flow === flow) return;
  grown.disconnect();
  followed = { flow, top: flow.scrollTop };
  grown.observe(flow);
  for (const part of flow.querySelectorAll("#latest")) grown.observe(part);
}

function scrolled(flow) {
  if (isAtBottom(flow)) {
    document.getElementById("pill").hidden = true;
    follow(flow);
  } else if (flow === followed.flow && flow.scrollTop < followed.top - 1) {
    grown.disconnect();
    followed = { flow: null, top: 0 };
  }
}

export function toBottom() {
  const flow = document.getElementById("flow");
  if (!flow) return;
  follow(flow);
  const pill = document.getElementById("pill");
  if (pill) pill.hidden = true;
}

/** Mark the row of the open case. */
export function markRow() {
  const open = document.getElementById("case")?.dataset.case;
  for (const link of document.querySelectorAll("#rows h3 a")) {
    if (link.closest(".row").dataset.case === open) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

const JOBS = { queue: refreshQueue, case: refreshCase };

/** Do a job soon: many calls become one. The queue waits a random while, so that a hundred desks do not ask at once. */
export function soon(job, delay) {
  if (document.hidden) {
    dirty.add(job);
    return;
  }
  if (waiting.has(job)) return;
  waiting.set(job, setTimeout(async () => {
    waiting.delete(job);
    try {
      await JOBS[job]();
    } catch {
      // No answer: the stream's own loss is shown, and its return asks for everything again.
    }
  }, delay));
}

/** The more desks are open, the further apart they ask. */
const jitter = () => 150 + Math.random() * Math.max(450, 10 * desks);

/** At most about once a second while much happens; at once, but for the jitter, after a quiet moment. */
export const soonQueue = () => soon("queue", jitter() + Math.max(0, 1000 - (performance.now() - queueAsked)));
export const soonCase = (delay = 30) => soon("case", delay);

function changed(event) {
  let change = {};
  try {
    change = JSON.parse(event.data);
  } catch {
    return;
  }
  told = event.lastEventId;
  desks = change.desks ?? desks;
  if (String(change.case) === document.getElementById("case")?.dataset.case) soonCase();
  soonQueue();
}

function lost(isLost) {
  clearTimeout(lostTimer);
  const banner = document.getElementById("lost");
  if (!isLost) {
    if (banner) banner.hidden = true;
    return;
  }
  lostTimer = setTimeout(() => (document.getElementById("lost").hidden = false), 2500);
}

function listen() {
  source = new EventSource("/stream");
  source.addEventListener("hello", () => {
    again = 1000;
    lost(false);
    soonCase(jitter());
    soonQueue();
  });
  source.addEventListener("change", changed);
  source.addEventListener("error", () => {
    lost(true);
    if (source.readyState !== EventSource.CLOSED) return;
    // Refused rather than cut off: the browser does not try again by itself, we do.
    setTimeout(listen, again);
    again = Math.min(again * 2, 30000);
    soonQueue();
  });
}

export function startLive() {
  listen();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    for (const job of dirty) soon(job, 0);
    dirty.clear();
  });
  document.addEventListener("scroll", (event) => {
    if (event.target.id === "flow") scrolled(event.target);
  }, { capture: true, passive: true });
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => event.persisted && listen());
  addEventListener("beforeunload", (event) => isWriting() && document.querySelector("#send:disabled") && event.preventDefault());
}
