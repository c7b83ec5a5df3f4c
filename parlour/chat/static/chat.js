// The conversation. The desk's answers are asked for, never pushed: the stream only says that something changed. What the visitor writes
// goes to the desk's door under an id of its own, so that trying again after a broken connection says nothing twice.
import { Store } from "./store.js";
import { draw, note, place, fill, locale } from "./draw.js";

const { key, colour, ink, textLimit, fileBytes, fileCount, away } = document.body.dataset;
const words = JSON.parse(document.body.dataset.words);
const $ = id => document.getElementById(id);
const framed = window.parent !== window;
const store = new Store(`parlour-chat:${key}`, kept => toSite("keep", { kept }));
const pause = seconds => new Promise(done => setTimeout(done, seconds * 1000));

document.documentElement.style.setProperty("--brand", colour);
document.documentElement.style.setProperty("--on-brand", ink);

let site = { parlour: "hello", identity: null, page: null, open: true };
let siteOrigin = null;
let token = null;
let starting = null;
let listening = false;
let said = []; // what the desk has told, oldest first
let earlier = null;
let seen = "";
let told = "";
let files = [];
let sending = false;

// With the brand's page

function toSite(message, more = {}) {
  if (framed) window.parent.postMessage({ parlour: message, ...more }, siteOrigin || "*");
}

function greeted() {
  if (!framed) return Promise.resolve();
  return new Promise(done => {
    window.addEventListener("message", event => {
      if (event.source !== window.parent || typeof event.data !== "object" || !event.data) return;
      const known = ["hello", "shown", "hidden"].includes(event.data.parlour);
      if (!known || (siteOrigin && event.origin !== siteOrigin)) return;
      siteOrigin = event.origin;
      site = event.data;
      done();
      if (site.focus) { $("words").focus(); toSite("focused") }
      if (site.parlour === "shown") bottom();
      if (token) report();
    });
    toSite("ready");
    setTimeout(done, 3000);
  });
}

const visible = () => site.open && document.visibilityState === "visible";

// Asking the desk

async function ask(path, options = {}) {
  const headers = { ...options.headers };
  if (token) headers.authorization = `Bearer ${token}`;
  return fetch(path, { ...options, headers, credentials: "omit", cache: "no-store" });
}

async function start() {
  // Nothing is kept for anybody who has not written: without a token there is nothing to read.
  starting ??= (async () => {
    try {
      const body = JSON.stringify({ token: store.get("token"), identity: site.identity });
      let answer = await fetch(`/chat/${key}/session`, { method: "POST", body, credentials: "omit" });
      if (answer.status === 403 && site.identity) {
        console.warn((await answer.json()).error);
        note(words.unknown);
        site = { ...site, identity: null };
        answer = await fetch(`/chat/${key}/session`, { method: "POST", body: JSON.stringify({ token: store.get("token") }), credentials: "omit" });
      }
      if (!answer.ok) throw new Error(`session: ${answer.status}`);
      const given = await answer.json();
      token = given.token;
      // Who has signed out of the site leaves nothing to read behind.
      if (given.left) { store.clear(); said = []; $("words").value = "" }
      store.set("token", token);
      if (given.email) $("contact").dataset.known = "yes";
      listen();
    } finally {
      starting = null;
    }
  })();
  return starting;
}

async function look() {
  if (!token) return;
  let answer = await ask(`/chat/${key}/messages`);
  // 403: the guest has signed in in another window, and this one begins anew.
  if ([401, 403].includes(answer.status)) {
    token = null;
    await start();
    answer = await ask(`/chat/${key}/messages`);
  }
  if (!answer.ok) throw new Error(`messages: ${answer.status}`);
  const page = await answer.json();
  const stored = new Set(page.messages.map(one => one.id));
  const joins = page.earlier && said.some(one => stored.has(one.id));
  const older = joins ? said.filter(one => one.at < page.messages[0].at && !stored.has(one.id)) : [];
  if (!joins) earlier = page.earlier;
  const newest = page.messages.findLast(one => !one.mine)?.id;
  if (newest && newest !== said.findLast(one => !one.mine)?.id) notWritten();
  said = [...older, ...page.messages];
  store.set("waiting", waiting().filter(one => !stored.has(one.id)));
  unsaved = unsaved.filter(one => !stored.has(one.id));
  redraw();
  report();
}

let asked = false, looking = null;
function news() {
  // One question at a time; news that come meanwhile make one more.
  if (looking) { asked = true; return looking }
  looking = look()
    .then(() => note("", words.offline), () => note(words.offline))
    .finally(() => { looking = null; if (asked) { asked = false; news() } });
  return looking;
}

async function listen() {
  if (listening) return;
  listening = true;
  let wait = 1;
  for (;;) {
    try {
      if (!token) await start();
      const answer = await ask(`/chat/${key}/stream`);
      if (answer.status === 401) token = null;
      else if (answer.ok) {
        wait = 1;
        await follow(answer.body.getReader());
        await pause(0.2);
        continue;
      }
    } catch { /* the desk is away for a moment */ }
    await pause(wait * (0.75 + Math.random() / 2));
    wait = Math.min(wait * 2, 30);
    await news();
    flush();
  }
}

async function follow(reader) {
  const text = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + text.decode(value, { stream: true })).split("\n\n");
    rest = parts.pop();
    if (parts.some(part => part.startsWith("event: writing"))) isWritten();
    if (parts.some(part => part.includes("event:") && !part.startsWith("event: writing"))) { news(); flush() }
  }
}

// An answer is being written: shown for a moment, and until it is here

let writtenUntil;
function isWritten() {
  clearTimeout(writtenUntil);
  const low = isLow();
  $("writing").hidden = false;
  if (low) bottom();
  writtenUntil = setTimeout(notWritten, 8000);
}

function notWritten() {
  clearTimeout(writtenUntil);
  $("writing").hidden = true;
}

// Receipts: what has come here, and what has been seen

async function report() {
  const newest = said.findLast(one => !one.mine);
  const unread = said.filter(one => !one.mine && one.at > seen).length;
  if (!newest || !token) return;
  if (visible() && newest.at > seen) {
    seen = newest.at;
    store.set("seen", seen);
    toSite("unread", { count: 0 });
    receipt("read", newest.at);
  } else if (!visible()) {
    toSite("unread", { count: unread });
    if (newest.at > told && newest.at > seen) receipt("delivered", newest.at);
  }
  told = newest.at;
}

const receipt = (type, until) => post({ type, until }).catch(() => {});
const post = event => ask(`/in/chat/${key}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(event) });

// Writing

let unsaved = []; // messages with files: too large to keep over a reload
const waiting = () => store.get("waiting") || [];
const everything = () => [...waiting(), ...unsaved].sort((one, other) => one.at - other.at);

function change(message, more) {
  Object.assign(message, more);
  store.set("waiting", waiting().map(one => (one.id === message.id ? message : one)));
  redraw();
}

/** One of the answers to choose from was pressed: it is said as if it had been typed. What is being typed stays. */
function choose(text) {
  store.set("waiting", [...waiting(), { id: freshId(), at: Date.now(), text, email: "" }]);
  note("");
  redraw();
  bottom();
  $("words").focus();
  flush();
}

const freshId = () => crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), one => one.toString(16)).join("-");

function submit() {
  const text = $("words").value.trim().toWellFormed?.() ?? $("words").value.trim();
  const email = $("contact").hidden ? "" : $("email").value.trim();
  const wrong = Boolean(email) && !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(email);
  $("email-wrong").hidden = !wrong;
  $("email").setAttribute("aria-invalid", wrong);
  if (wrong) return $("email").focus();
  if (text.length > textLimit) return note(fill(words.too_long, { count: text.length - textLimit }));
  if (!text && !files.length) return $("words").focus();
  const guest = !site.identity && !said.some(one => one.mine);
  if (guest && !text && !waiting().length) { $("words").focus(); return note(words.words_first) }
  const message = more => ({ id: freshId(), at: Date.now(), text, email, ...more });
  // The desk takes a guest's files after their first words only.
  if (!files.length || (guest && text)) store.set("waiting", [...waiting(), message()]);
  if (files.length) unsaved.push(message({ files, ...(guest && { text: "", at: Date.now() + 1 }) }));
  store.set("draft", null);
  $("words").value = "";
  files = [];
  chips();
  note("");
  redraw();
  bottom();
  $("words").focus();
  flush();
}

async function flush() {
  if (sending) return;
  sending = true;
  try {
    for (let message; (message = everything().find(one => !one.sent && !one.why)); ) {
      const more = await deliver(message);
      if (!more) return;
      change(message, more);
      if (more.sent) news();
    }
  } finally {
    sending = false;
  }
}

async function deliver(message) {
  // What became of it; null when it is to be tried again later.
  for (let tries = 0; tries < 3; tries += 1) {
    try {
      if (!token) await start();
      const { id, text, email } = message;
      const language = navigator.language;
      const answer = await post({ type: "message", id, text, email, language, page: site.page, files: message.files || [] });
      if (answer.ok) return { sent: true, late: false };
      if (answer.status === 403) {
        token = null;
        if (message.files) await pause(0.5 + tries);
        continue;
      }
      // Files may have to wait for an hour: words are not kept waiting behind them.
      if (answer.status === 429 && message.files) return { why: (await answer.json()).detail, late: false };
      if ([400, 413].includes(answer.status)) return { why: (await answer.json()).detail, late: false };
      if (answer.status === 429) note((await answer.json()).detail);
    } catch { /* no connection */ }
    if (!message.late) change(message, { late: true });
    await pause(1 + tries * 2);
  }
  setTimeout(flush, 5000);
  return null;
}

function again(message) {
  change(message, { why: null });
  flush();
}

// Files

async function add(list) {
  for (const file of list) {
    const size = files.reduce((sum, one) => sum + one.size, 0) + file.size;
    if (files.length >= fileCount) return note(fill(words.too_many, { count: fileCount }));
    if (size > fileBytes) return note(fill(words.too_big, { name: file.name, size: Math.floor(fileBytes / 1e6) }));
    if (!file.size) continue;
    const content = await new Promise((done, failed) => {
      const reader = new FileReader();
      reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
      reader.onerror = failed;
      reader.readAsDataURL(file);
    });
    files.push({ name: file.name, mime: file.type, size: file.size, content });
  }
  chips();
}

function chips() {
  $("files").hidden = !files.length;
  $("files").replaceChildren(...files.map((file, number) => {
    const item = document.createElement("li");
    const out = document.createElement("button");
    out.type = "button";
    out.textContent = "×";
    out.setAttribute("aria-label", fill(words.without, { name: file.name }));
    out.addEventListener("click", () => { files.splice(number, 1); chips(); $("attach").focus() });
    item.append(file.name, out);
    return item;
  }));
}

// Only these are shown, and only as pictures; anything else is saved, as bytes of no type.
const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"];

async function fetched(file) {
  const answer = await ask(`/chat/${key}/file/${file.id}`);
  if (!answer.ok) throw new Error(`file: ${answer.status}`);
  return { content: await answer.arrayBuffer(), type: answer.headers.get("content-type") };
}

async function picture(file) {
  try {
    const { content, type } = await fetched(file);
    return PICTURES.includes(type) ? URL.createObjectURL(new Blob([content], { type })) : null;
  } catch {
    return null;
  }
}

async function save(file) {
  try {
    const { content } = await fetched(file);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
    link.download = file.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch {
    note(words.offline);
  }
}

// Showing

function redraw() {
  const ids = new Set(said.map(one => one.id));
  $("earlier").hidden = !earlier;
  const low = isLow();
  draw([...said, ...everything().filter(one => !ids.has(one.id)).map(one => ({ ...one, mine: true, pending: true }))], words, { again, picture, save, choose });
  if (low) bottom();
}

const isLow = () => $("log").scrollHeight - $("log").scrollTop - $("log").clientHeight < 80;
const bottom = () => { $("log").scrollTop = $("log").scrollHeight };

async function showEarlier() {
  const answer = await ask(`/chat/${key}/messages?before=${encodeURIComponent(earlier)}`).catch(() => null);
  if (!answer?.ok) return note(words.offline);
  const page = await answer.json();
  const height = $("log").scrollHeight;
  said = [...page.messages, ...said];
  earlier = page.earlier;
  redraw();
  $("log").scrollTop += $("log").scrollHeight - height;
  if ($("earlier").hidden) $("log").focus();
}

async function hours() {
  try {
    const { opens } = await (await fetch(`/chat/${key}/hours`, { credentials: "omit" })).json();
    const at = opens && new Date(opens).toLocaleString(locale, { weekday: "long", hour: "2-digit", minute: "2-digit" });
    place($("away"), opens ? fill(away, { time: at }) : "");
    $("contact").hidden = !opens || Boolean($("contact").dataset.known);
  } catch { /* the next look will tell */ }
}

$("form").addEventListener("submit", event => { event.preventDefault(); submit() });
$("words").addEventListener("keydown", event => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit() }
});
$("words").addEventListener("input", () => store.set("draft", $("words").value || null));
$("words").addEventListener("paste", event => {
  if (event.clipboardData.files.length) { event.preventDefault(); add(event.clipboardData.files) }
});
$("attach").addEventListener("click", () => $("picker").click());
$("picker").addEventListener("change", async () => { await add($("picker").files); $("picker").value = ""; $("words").focus() });
$("earlier").addEventListener("click", showEarlier);
$("close").addEventListener("click", () => toSite("close"));
document.addEventListener("keydown", event => { if (event.key === "Escape" && framed) toSite("close") });
document.addEventListener("visibilitychange", () => { report(); if (visible()) hours() });
window.addEventListener("online", () => { news(); flush() });
setInterval(() => { if (visible()) hours() }, 60_000);
setInterval(() => { if (token) news() }, 45_000);

$("close").hidden = !framed;
// What was said before is not read out as news.
$("log").setAttribute("aria-busy", "true");
hours();
await greeted();
store.recall(site.kept);
seen = store.get("seen") || "";
$("words").value ||= store.get("draft") || "";
store.set("waiting", waiting().filter(one => !one.sent || Date.now() - one.at < 86_400_000));
if (site.identity || store.get("token") || waiting().length) {
  try { await start() } catch { note(words.offline); setTimeout(() => start().then(news).catch(() => {}), 3000) }
  await news();
  flush();
}
bottom();
$("log").removeAttribute("aria-busy");
document.body.dataset.ready = "yes";
