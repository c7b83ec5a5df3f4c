// Times in the reader's own time zone, and clocks that tick.

const MINUTE = 60, HOUR = 3600, DAY = 86400;
const timeOfDay = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const year = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export function span(seconds) {
  if (seconds < MINUTE) return "now";
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h`;
  return `${Math.floor(seconds / DAY)} d`;
}

function countdown(seconds) {
  const two = (value) => String(Math.floor(value)).padStart(2, "0");
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)}:${two(seconds % MINUTE)}`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h ${two((seconds % HOUR) / MINUTE)}`;
  return `${Math.floor(seconds / DAY)} d`;
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function tick(element, now) {
  const at = Date.parse(element.dateTime);
  if (Number.isNaN(at)) return;
  const seconds = Math.abs(now - at) / 1000;
  switch (element.dataset.counts) {
    case "down":
      if (at <= now) element.classList.add("hot");
      put(element, (at <= now ? "−" : "") + countdown(seconds));
      break;
    case "over":
      put(element, (element.closest(".due") ? "" : "−") + countdown(seconds));
      break;
    case "left":
      put(element, at <= now ? "a moment" : seconds < MINUTE ? "a minute" : span(seconds));
      break;
    case "ago":
      if (seconds < 14 * DAY) put(element, seconds < MINUTE ? "just now" : `${span(seconds)} ago`);
      break;
    case "up":
      if (seconds < 14 * DAY) put(element, span(seconds));
  }
}

/** Put local times and present counts into a stretch of the page, also before it is shown. */
export function localise(root) {
  const today = new Date();
  for (const element of root.querySelectorAll("time[data-local]")) {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const date = at.toDateString() === today.toDateString() ? "" : (at.getFullYear() === today.getFullYear() ? day : year).format(at) + " ";
    put(element, date + timeOfDay.format(at));
    element.title = whole.format(at);
  }
  const now = Date.now();
  for (const element of root.querySelectorAll("time[data-counts]")) tick(element, now);
}

export function startTicking() {
  setInterval(() => {
    if (document.hidden) return;
    const now = Date.now();
    for (const element of document.querySelectorAll("time[data-counts]")) tick(element, now);
  }, 1000);
}
