// On the brand's page: a button, and the desk's own page in a frame once it is pressed. It touches nothing of the page, keeps its looks to
// itself (shadow tree, constructed style sheet) and needs of a content security policy only script-src and frame-src of the desk.
(() => {
  const settings = "@SETTINGS@";
  const script = document.currentScript;
  if (!script || window.parlourChat) return;
  const origin = new URL(script.src).origin;
  const address = `${origin}/chat/${settings.key}`;
  const place = `parlour-chat:${settings.key}`;
  let identity = script.dataset.token || null;
  let frame = null;

  // Kept for the length of the tab: whether the chat was open or in use on the page before this one, and what the frame may not keep itself.
  const recall = (name = "") => { try { return JSON.parse(sessionStorage.getItem(place + name)) } catch { return null } };
  const keep = (value, name = "") => { try { sessionStorage.setItem(place + name, JSON.stringify(value)) } catch { /* refused: it lasts as long as the page */ } };

  const styles = new CSSStyleSheet();
  styles.replaceSync(`
    :host { all: initial; position: fixed; inset-block-end: 20px; inset-inline-end: 20px; z-index: 2147483000; font: 14px/1.4 system-ui, sans-serif }
    :host([data-side="left"]) { inset-inline: 20px auto }
    button { all: unset; box-sizing: border-box; position: relative; display: grid; place-items: center; inline-size: 56px; block-size: 56px;
      margin-inline-start: auto; border-radius: 50%; background: ${settings.colour}; color: ${settings.ink}; cursor: pointer;
      box-shadow: 0 1px 3px #0004, 0 6px 20px #0003; border: 2px solid ${settings.ink} }
    :host([data-side="left"]) button { margin-inline: 0 auto }
    button:focus-visible { outline: 3px solid ${settings.colour}; outline-offset: 3px }
    svg { inline-size: 28px; block-size: 28px }
    .count { position: absolute; inset-block-start: -6px; inset-inline-end: -6px; min-inline-size: 22px; block-size: 22px; box-sizing: border-box;
      padding-inline: 6px; border-radius: 11px; background: #b3261e; color: #fff; font-weight: 600; font-size: 12px; line-height: 22px; text-align: center }
    iframe { display: block; box-sizing: border-box; inline-size: min(380px, calc(100vw - 40px)); block-size: min(620px, calc(100vh - 120px));
      margin-block-end: 12px; border: 1px solid #8886; border-radius: 14px; background: Canvas; box-shadow: 0 2px 6px #0003, 0 12px 40px #0004 }
    [hidden] { display: none }
    .said { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
    @media (max-width: 600px), (max-height: 480px) {
      :host([data-open]) { inset: 0 !important }
      :host([data-open]) iframe { position: fixed; inset: 0; inline-size: 100%; block-size: 100%; margin: 0; border: 0; border-radius: 0 }
      :host([data-open]) button { display: none }
    }
    @media print { :host { display: none } }
    @media (forced-colors: active) { button { border-color: ButtonText } }
  `);

  const host = document.createElement("div");
  if (script.dataset.side === "left") host.dataset.side = "left";
  host.lang = settings.language;
  const shadow = host.attachShadow({ mode: "open" });
  shadow.adoptedStyleSheets = [styles];

  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-label", settings.chat);
  button.setAttribute("aria-expanded", "false");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({
    viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "1.8", "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true",
  })) svg.setAttribute(name, value);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M4 5.500h16a1.500 1.500 0 0 1 1.500 1.500v8.500a1.500 1.500 0 0 1-1.500 1.500h-8L7 21v-4H4a1.500 1.500 0 0 1-1.500-1.500V7A1.500 1.500 0 0 1 4 5.500zM8 11.250h.01M12 11.250h.01M16 11.250h.01");
  svg.append(path);
  const count = document.createElement("span");
  count.className = "count";
  count.hidden = true;
  count.setAttribute("aria-hidden", "true");
  button.append(svg, count);
  const said = document.createElement("span");
  said.className = "said";
  said.setAttribute("role", "status");
  shadow.append(button, said);

  const page = () => ({ url: location.origin + location.pathname, title: document.title });
  const isOpen = () => host.hasAttribute("data-open");
  let pressed = false; // just opened by the visitor, who wants to write; a chat that was open already leaves the focus with the page

  function tell(message) {
    if (pressed) frame.focus();
    const kept = message === "hello" ? recall(":kept") : null;
    frame?.contentWindow?.postMessage({ parlour: message, identity, page: page(), open: isOpen(), focus: pressed, kept }, origin);
  }

  function load() {
    if (frame) return;
    frame = document.createElement("iframe");
    frame.title = settings.chat;
    frame.src = address;
    frame.hidden = true;
    shadow.insertBefore(frame, button);
  }

  function open() {
    load();
    host.setAttribute("data-open", "");
    frame.hidden = false;
    button.setAttribute("aria-expanded", "true");
    unread(0);
    keep("open");
    pressed = true;
    tell("shown");
  }

  function close() {
    if (!isOpen()) return;
    host.removeAttribute("data-open");
    frame.hidden = true;
    button.setAttribute("aria-expanded", "false");
    keep("used");
    pressed = false;
    tell("hidden");
    button.focus();
  }

  function unread(number) {
    const words = number === 1 ? settings.new_one : settings.new.replace("{count}", number);
    count.hidden = !number;
    count.textContent = number > 99 ? "99+" : String(number);
    button.setAttribute("aria-label", number ? `${settings.chat}, ${words}` : settings.chat);
    said.textContent = number ? words : "";
  }

  button.addEventListener("click", () => (isOpen() ? close() : open()));
  host.addEventListener("keydown", event => { if (event.key === "Escape") close() });
  window.addEventListener("message", event => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== origin || typeof event.data !== "object" || !event.data) return;
    if (event.data.parlour === "ready") tell("hello");
    else if (event.data.parlour === "keep") keep(event.data.kept, ":kept");
    else if (event.data.parlour === "focused") pressed = false;
    else if (event.data.parlour === "close") close();
    else if (event.data.parlour === "unread" && Number.isInteger(event.data.count)) unread(isOpen() ? 0 : event.data.count);
  });

  window.parlourChat = Object.freeze({
    open,
    close,
    // For pages on which people sign in without loading anew: the site's token, or null once they have signed out.
    identify(token) {
      identity = token || null;
      if (frame) frame.src = address;
    },
  });

  const begin = () => {
    document.body.append(host);
    const before = recall();
    if (before === "open" && !matchMedia("(max-width: 600px)").matches) {
      load();
      host.setAttribute("data-open", "");
      frame.hidden = false;
      button.setAttribute("aria-expanded", "true");
    } else if (before) load();
  };
  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin);
})();
