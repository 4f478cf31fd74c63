// Keeps the address bar equal to what the page shows, and copies it. replaceState, not pushState: a slider must not fill the
// browser's history, or "back" would no longer leave the page.

export default function (component) {
  const { parentElement: root, data } = component;
  let button = root.querySelector("button");
  if (!button) {
    root.insertAdjacentHTML(
      "beforeend",
      `<div class="share"><button type="button"><span class="icon" aria-hidden="true"></span><span class="word"></span></button>
       <span class="status" role="status"></span><input class="manual" type="text" readonly hidden></div>`,
    );
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
