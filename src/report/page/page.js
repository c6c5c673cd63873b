
"use strict";
// Adds a selection, a filter and a zoom to a page that has all of its facts without them.
(() => {
  const all = (selector, within) => [...(within || document).querySelectorAll(selector)];
  const statements = all(".statement"), blocks = all(".st"), lanes = document.querySelector(".lanes");
  const blocksOf = new Map();
  for (const block of blocks) {
    const number = block.dataset.s;
    blocksOf.set(number, [...(blocksOf.get(number) || []), block]);
  }

  // A block shows its statement below the timeline.
  const select = (number) => {
    for (const block of all(".st[aria-current]")) block.removeAttribute("aria-current");
    for (const block of blocksOf.get(number) || []) block.setAttribute("aria-current", "true");
  };
  const reveal = (number) => {
    const statement = document.getElementById("s" + number);
    if (!statement) return;
    for (const other of statements) other.open = other === statement;
    statement.classList.remove("gone");
    select(number);
    statement.scrollIntoView({ block: "start" });
  };
  for (const block of blocks) {
    block.addEventListener("click", (event) => {
      event.preventDefault();
      history.replaceState(null, "", block.getAttribute("href"));
      reveal(block.dataset.s);
    });
  }
  for (const statement of statements) {
    statement.addEventListener("toggle", () => {
      if (!statement.open) return;
      select(statement.dataset.s);
      const [block] = blocksOf.get(statement.dataset.s) || [];
      if (block) block.scrollIntoView({ block: "nearest", inline: "nearest" });
    });
    statement.addEventListener("pointerenter", () => hover(statement.dataset.s, true));
    statement.addEventListener("pointerleave", () => hover(statement.dataset.s, false));
  }
  const hover = (number, on) => {
    for (const block of blocksOf.get(number) || []) block.classList.toggle("hot", on);
  };
  const fromAddress = () => {
    const found = /^#s(\d+)$/.exec(location.hash);
    if (found) reveal(found[1]);
  };
  addEventListener("hashchange", fromAddress);

  // The arrows go from block to block in the order of the statements.
  if (lanes) {
    lanes.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const number = event.target.dataset && event.target.dataset.s;
      if (!step || !number) return;
      const [next] = blocksOf.get(String(Number(number) + step)) || [];
      if (!next) return;
      event.preventDefault();
      next.focus();
    });
  }

  const tools = document.querySelector(".tools");
  if (tools) {
    tools.hidden = false;
    const input = tools.querySelector("input"), writes = tools.querySelector("[data-writes]"), said = tools.querySelector("output");
    const filter = () => {
      const wanted = input.value.trim().toLowerCase(), only = writes.getAttribute("aria-pressed") === "true";
      let shown = 0;
      for (const statement of statements) {
        const is = (!only || statement.classList.contains("write"))
          && (!wanted || statement.textContent.toLowerCase().includes(wanted));
        statement.classList.toggle("gone", !is);
        for (const block of blocksOf.get(statement.dataset.s) || []) block.classList.toggle("out", !is);
        shown += is ? 1 : 0;
      }
      said.textContent = wanted || only ? shown + " of " + statements.length : "";
    };
    input.addEventListener("input", filter);
    writes.addEventListener("click", () => {
      writes.setAttribute("aria-pressed", String(writes.getAttribute("aria-pressed") !== "true"));
      filter();
    });
    let zoom = 1;
    for (const button of all("[data-zoom]", tools)) {
      button.addEventListener("click", () => {
        const by = Number(button.dataset.zoom);
        zoom = by ? Math.min(16, Math.max(1 / 16, zoom * by)) : 1;
        lanes.classList.toggle("fit", by === 0);
        lanes.style.setProperty("--zoom", String(zoom));
        const selected = document.querySelector(".st[aria-current]");
        if (selected) selected.scrollIntoView({ block: "nearest", inline: "center" });
      });
    }
  }
  fromAddress();
})();
