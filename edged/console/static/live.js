// Tells the page's parts apart that changed and fetches them anew; and asks twice before an order.
"use strict";
const parts = new Map();
for (const part of document.querySelectorAll("[data-part]")) parts.set(part.dataset.part, part);
const lamp = document.querySelector("[data-live]");
const waiting = new Set();
let fetching = false;

async function renew() {
  if (fetching) return;
  fetching = true;
  while (waiting.size) {
    const name = waiting.values().next().value;
    waiting.delete(name);
    const part = parts.get(name);
    try {
      const answer = await fetch(part.dataset.from, { headers: { "x-part": name }, redirect: "error" });
      if (answer.status === 401) location.assign("/login");
      if (answer.ok && !part.contains(document.activeElement)) part.innerHTML = await answer.text();
    } catch { /* the lamp says that it is not live */ }
  }
  fetching = false;
}

if (lamp) {
  const source = new EventSource("/live");
  const show = (on) => {
    lamp.textContent = on ? lamp.dataset.on : lamp.dataset.off;
    lamp.classList.toggle("on", on);
  };
  source.onopen = () => { show(true); for (const name of parts.keys()) waiting.add(name); renew(); };
  source.onerror = () => show(false);
  source.onmessage = (message) => {
    for (const name of JSON.parse(message.data)) if (parts.has(name)) waiting.add(name);
    renew();
  };
}

document.addEventListener("submit", (event) => {
  const form = event.target, sure = form.dataset.sure;
  if (!sure || form.dataset.asked) return;
  event.preventDefault();
  form.dataset.asked = "yes";
  const button = form.querySelector("button"), text = button.textContent;
  button.textContent = sure;
  button.classList.add("asked");
  setTimeout(() => { delete form.dataset.asked; button.textContent = text; button.classList.remove("asked"); }, 4000);
});
