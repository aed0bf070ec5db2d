// Keeps the page up to date, and does what an operator asks for. The key lives in `key` alone: in no storage,
// no cookie and no address, so it is gone with the page.
"use strict";
const QUIET = 40000; // milliseconds without a word, after which the connection is taken for lost
const LONGEST = 15000; // milliseconds between two tries to connect
const byId = (id) => document.getElementById(id);
let key = "";
let turn = 0; // of the connections: a later one ends those before it
let current = null;

// Makes `old` like `fresh`, and leaves in place what is the same: the focus and open details stay.
function renew(old, fresh) {
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    const ours = name === "open" || name === "aria-disabled";
    if (!ours && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  const wanted = [...fresh.childNodes];
  wanted.forEach((node, place) => {
    const was = old.childNodes[place];
    if (was === undefined) old.append(node);
    else if (was.nodeName !== node.nodeName) was.replaceWith(node);
    else if (node.nodeType === Node.ELEMENT_NODE) renew(was, node);
    else if (was.data !== node.data) was.data = node.data;
  });
  while (old.childNodes.length > wanted.length) old.lastChild.remove();
}

function show(news) {
  for (const [name, html] of Object.entries(news.pictures)) {
    const fresh = new DOMParser().parseFromString(`<div id="part-${name}">${html}</div>`, "text/html");
    renew(byId(`part-${name}`), fresh.body.firstElementChild);
  }
  document.title = news.title;
  showForm();
}

// The field is for a key that there is: where the page is locked, or somebody may operate the providers.
function showForm(locked = false) {
  byId("operate").hidden = !locked && !byId("part-operate").hasChildNodes();
}

function useKey(given) {
  key = given;
  byId("operate").classList.toggle("keyed", key !== "");
}

function live(kind, text) {
  const told = byId("live");
  if (told.textContent !== text) told.textContent = text;
  told.className = kind;
}

function say(text, bad = false) {
  byId("said").textContent = text;
  byId("said").className = bad ? "bad" : "";
}

const shown = () => (key ? { authorization: `Bearer ${key}` } : {});

// Returns whether the page may look: false where the gateway wants a key, or another one.
async function listen(connection) {
  let silence = setTimeout(() => connection.abort(), QUIET);
  try {
    const asked = { headers: shown(), cache: "no-store", credentials: "omit", signal: connection.signal };
    const answer = await fetch("events", asked);
    if (answer.status === 401) return false;
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ; ) {
      const { done, value } = await reader.read();
      if (done) return true;
      clearTimeout(silence);
      silence = setTimeout(() => connection.abort(), QUIET);
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      for (const event of events) {
        if (event.startsWith("data: ")) show(JSON.parse(event.slice(6)));
      }
      live("on", "Live");
    }
  } finally {
    clearTimeout(silence);
  }
}

async function follow() {
  const mine = ++turn;
  current?.abort();
  for (let wait = 1000; ; wait = Math.min(wait * 2, LONGEST)) {
    current = new AbortController();
    const began = performance.now();
    let may = true;
    try {
      may = await listen(current);
    } catch {
      if (mine === turn) live("off", "Not live: the connection is lost. Trying again.");
    }
    if (mine !== turn) return;
    if (!may) {
      live("off", "Not live: the admin key is needed.");
      if (key) say("The gateway does not take this key.", true);
      useKey("");
      showForm(true);
      return;
    }
    if (performance.now() - began > LONGEST) wait = 1000;
    await new Promise((next) => setTimeout(next, wait * (0.5 + Math.random() / 2)));
    if (mine !== turn) return;
  }
}

byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const given = byId("key").value;
  byId("key").value = "";
  if (!/^[\x21-\x7e]*$/.test(given)) {
    say("This is no key: keys are ASCII characters without spaces.", true);
    return;
  }
  useKey(given);
  say(key ? "The key is kept until this page is closed." : "The key is forgotten.");
  follow();
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-action]");
  if (!button || button.getAttribute("aria-disabled") === "true") return;
  const { action, provider } = button.dataset;
  button.setAttribute("aria-disabled", "true");
  say(`${button.textContent} ${provider} …`);
  try {
    const answer = await fetch(`admin/${action}`, {
      method: "POST",
      headers: { ...shown(), "content-type": "application/json" },
      body: JSON.stringify({ provider }),
      cache: "no-store",
      credentials: "omit",
    });
    const told = await answer.json();
    say(answer.ok ? told.said : told.error.message, !answer.ok);
  } catch {
    say("The gateway did not answer.", true);
  } finally {
    button.removeAttribute("aria-disabled");
  }
});

showForm();
follow();
