// Asks for the page again every two seconds and puts what changed in place, unless somebody is writing in it.
(() => {
  document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  const areas = [...document.querySelectorAll("[data-live]")];
  if (!areas.length) return;
  const last = new Map(areas.map((area) => [area, area.innerHTML]));
  const changed = (field) => field.type === "checkbox" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
  const busy = (area) => [...area.querySelectorAll("textarea, input:not([type=hidden])")].some(
    (field) => field === document.activeElement || changed(field)) || area.querySelector("details[open]");
  setInterval(async () => {
    if (document.hidden || areas.every(busy)) return;
    try {
      const answer = await fetch(location.href);
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const area of areas) {
        const fresh = page.querySelector(`[data-live="${area.dataset.live}"]`);
        if (!fresh || fresh.innerHTML === last.get(area) || busy(area)) continue;
        last.set(area, fresh.innerHTML);
        area.innerHTML = fresh.innerHTML;
      }
    } catch { /* the playground was stopped; the next try may find it again */ }
  }, 2000);
})();
