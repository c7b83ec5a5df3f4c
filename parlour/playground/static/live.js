// Asks for the page again every two seconds and puts what changed in place, unless somebody is writing in it.
(() => {
  const area = document.querySelector("[data-live]");
  if (!area) return;
  let last = area.innerHTML;
  const busy = () => [...area.querySelectorAll("textarea, input:not([type=hidden])")].some(
    (field) => field === document.activeElement || field.value !== field.defaultValue) || area.querySelector("details[open]");
  setInterval(async () => {
    if (document.hidden || busy()) return;
    try {
      const answer = await fetch(location.href);
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
      if (fresh && fresh.innerHTML !== last && !busy()) { area.innerHTML = last = fresh.innerHTML; last = fresh.innerHTML; }
    } catch { /* the playground was stopped; the next try may find it again */ }
  }, 2000);
})();
