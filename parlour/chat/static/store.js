// What this browser keeps of the conversation: the visitor's token, what is not sent yet, and what has been seen. Where a browser refuses
// to keep anything for a framed page, it lasts as long as the page.
export class Store {
  constructor(name) {
    this.name = name;
    this.values = {};
    try {
      this.values = JSON.parse(localStorage.getItem(name)) || {};
    } catch { /* refused or spoilt */ }
  }

  get(name) {
    return this.values[name] ?? null;
  }

  clear() {
    this.values = {};
    this.set("token", null);
  }

  set(name, value) {
    if (value === null || (Array.isArray(value) && !value.length)) delete this.values[name];
    else this.values[name] = value;
    try {
      if (Object.keys(this.values).length) localStorage.setItem(this.name, JSON.stringify(this.values));
      else localStorage.removeItem(this.name);
    } catch { /* refused or full */ }
  }
}
