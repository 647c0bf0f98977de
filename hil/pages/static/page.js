// Shows the building as it is told, and asks it for what a visitor does.
"use strict";
const who = document.querySelector("#who"), code = document.querySelector("#code");
const refused = document.querySelector("#refused"), log = document.querySelector("#seen"), lamp = document.querySelector(".live");
const LOCKED = "It is locked.";
const lit = new Map();
let gone;

function show(state) {
  for (const [name, door] of Object.entries(state.doors)) {
    const place = document.querySelector(`[data-door="${CSS.escape(name)}"]`);
    if (!place) continue;
    place.classList.toggle("open", door.open);
    place.classList.toggle("released", door.released);
    place.querySelector(".is").textContent = `${door.open ? "open" : "shut"}, ${door.released ? "the bolt is back" : "bolted"}`;
  }
  for (const [bank, cells] of Object.entries(state.lockers)) for (const [channel, cell] of Object.entries(cells)) {
    const place = document.querySelector(`[data-bank="${CSS.escape(bank)}"] [data-channel="${CSS.escape(channel)}"]`);
    if (!place) continue;
    place.classList.toggle("open", cell.open);
    place.classList.toggle("released", cell.released);
    place.querySelector("span").textContent = cell.open ? "open" : cell.released ? "let go" : "shut";
  }
  tell("#turned", clockWords(state.turned_min));
  tell("#line", lineWords(state.pulled));
}

function tell(where, words) {
  const place = document.querySelector(where);
  if (place) place.textContent = words;
}

const lineWords = (pulled) => (pulled ? "pulled: the doors go on by themselves" : "plugged in");

function clockWords(minutes) {
  return minutes ? `${Math.abs(minutes)} minutes ${minutes > 0 ? "ahead of" : "behind"} the true time` : "tells the true time";
}

function light(seen) {
  const place = document.querySelector(`[data-reader="${CSS.escape(seen.name)}"]`);
  if (!place) return;
  const shine = (light, lines) => {
    place.querySelector(".lamp").className = `lamp ${light}`;
    place.querySelector(".says").textContent = lines.join("\n");
  };
  clearTimeout(lit.get(seen.name));
  shine(seen.light ?? "", seen.lines ?? []);
  if (seen.for_ms) lit.set(seen.name, setTimeout(() => shine("", []), seen.for_ms));
}

const WORDS = {
  bolt: (seen) => `${seen.door}: the bolt ${seen.released ? "lets go" : "is thrown"}`,
  door: (seen) => `${seen.door}: the door is ${seen.open ? (seen.forced ? "broken open" : "opened") : "shut"}`,
  coil: (seen) => `${seen.door}: the coil is ${seen.energised ? "driven" : "at rest"}`,
  locker: (seen) => `${seen.bank} ${seen.channel}: the locker is ${seen.open ? "opened" : "shut"}`,
  pulse: (seen) => `${seen.bank} ${seen.channel}: a pulse`,
  scan: (seen) => `${seen.reader}: a code is held up`,
  show: (seen) => `${seen.camera}: a picture is held up`,
  button: (seen) => `${seen.door}: the exit button is ${seen.pressed ? "pressed" : "let go"}`,
  indicator: (seen) => `${seen.name}: ${[seen.light, ...(seen.lines ?? [])].filter(Boolean).join(" · ")}`,
};

function note(seen) {
  const line = document.createElement("li"), { n, at_ms, what, ...facts } = seen;
  line.textContent = WORDS[what]?.(seen) ?? `${what} ${Object.values(facts).join(" ")}`;
  log.prepend(line);
  while (log.children.length > 200) log.lastChild.remove();
}

async function act(facts) {
  let why = "";
  try {
    const answer = await fetch("do", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(facts) });
    if (!answer.ok) why = (await answer.json()).error;
  } catch { why = "the pages have ended"; }
  refused.textContent = why === "locked" ? LOCKED : why;
  clearTimeout(gone);
  gone = setTimeout(() => { refused.textContent = ""; }, 4000);
}

function turnCode() { code.src = `phone/${encodeURIComponent(who.value)}.png?${Date.now()}`; }

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { do: what, reader, channel, turn, line } = button.dataset;
  if (what) act({ do: what, door: button.closest("[data-door]").dataset.door });
  else if (reader) act({ do: "hold", who: who.value, reader });
  else if (channel) act({ do: button.classList.contains("open") ? "close_locker" : "open_locker", bank: button.closest("[data-bank]").dataset.bank, channel: Number(channel) });
  else if (turn) act({ do: "turn", minutes: Number(turn) }).then(() => tell("#turned", clockWords(Number(turn))));
  else if (line) act({ do: line }).then(() => tell("#line", lineWords(line === "pull")));
});
who.addEventListener("change", turnCode);
setInterval(turnCode, 10000);
turnCode();
show(JSON.parse(document.body.dataset.state));
const source = new EventSource("live");
const alive = (on) => { lamp.textContent = on ? "live" : "not live"; lamp.classList.toggle("on", on); };
source.onopen = () => { log.replaceChildren(); alive(true); };
source.onerror = () => alive(false);
source.onmessage = (message) => {
  const { seen, state } = JSON.parse(message.data);
  if (seen.what) note(seen);
  if (seen.what === "indicator") light(seen);
  show(state);
};
