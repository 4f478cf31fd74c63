// Keeps the address bar equal to what the page shows, and copies it. replaceState, not pushState: a slider must not fill the
// browser's history, or "back" would no longer leave the page.

/** @param {import("./live.js").Component & {data: {query: string, language: string, text: Record<string, string>}}} component */
export default function (component) {
  const { parentElement: root, data } = component;
  let button = root.querySelector("button");
  if (!button) {
    const box = document.createElement("div");
    box.className = "share";
    box.innerHTML = `<button type="button"><svg aria-hidden="true" viewBox="0 0 24 24" width="18" height="18"><path d="M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"/></svg><span class="word"></span></button>
      <span class="status" role="status"></span><input class="manual" type="text" readonly hidden>`;
    root.append(box);
    button = root.querySelector("button");
    button.addEventListener("click", () => copy(root));
  }
  root.text = data.text;
  root.querySelector(".word").textContent = data.text.copy;
  root.querySelector(".manual").setAttribute("aria-label", data.text.manual);
  const address = `${location.pathname}?${data.query}`;
  if (location.pathname + location.search !== address) history.replaceState(history.state, "", address);
  document.documentElement.lang = data.language;
  return () => {};
}

async function copy(root) {
  const status = root.querySelector(".status");
  const manual = root.querySelector(".manual");
  const link = location.href;
  try {
    await navigator.clipboard.writeText(link);
    status.textContent = root.text.copied;
    manual.hidden = true;
    setTimeout(() => (status.textContent = ""), 2500);
  } catch {
    // Clipboards need a secure origin; a class on http://laptop:8501 gets the text to copy by hand.
    status.textContent = root.text.manual;
    manual.hidden = false;
    manual.value = link;
    manual.focus();
    manual.select();
  }
}
