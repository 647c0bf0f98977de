// Shows what a walk asks for as soon as it does; a reason that is being typed is left alone.
"use strict";
const walk = document.querySelector("[data-walk]");

let shown = "";

function typed() {
  const field = walk.querySelector("input:not([type])");
  return field && (field === document.activeElement || field.value);
}

async function renewWalk() {
  try {
    const answer = await fetch(walk.dataset.walk, { headers: { "x-part": "walk" }, redirect: "error" });
    const html = await answer.text();
    if (answer.ok && html !== shown && !typed()) walk.innerHTML = shown = html;
  } catch { /* it is told again */ }
}

function watchWalk() {
  const source = new EventSource("/commission/live");
  source.onopen = source.onmessage = renewWalk;
  source.addEventListener("over", () => { source.close(); location.reload(); });
  source.onerror = () => { if (source.readyState === EventSource.CLOSED) setTimeout(watchWalk, 2000); };
}

if (walk.dataset.running === "yes") watchWalk();
