// Shows a small SVG picture that vizcore drew (never a reader's text) and reads its words out: Streamlit's own HTML element strips SVG.

/** @param {import("./live.js").Component & {data: {svg: string, title: string, waiting?: string}}} component */
export default function (component) {
  const { parentElement: root, data } = component;
  let frame = root.querySelector(".picture");
  if (!frame) {
    frame = document.createElement("div");
    frame.className = "picture";
    frame.setAttribute("role", "img");
    root.append(frame);
  }
  if (frame.dataset.drawn !== data.svg.length + data.title) {
    frame.innerHTML = data.svg;
    frame.classList.toggle("waits", !data.svg && Boolean(data.waiting));
    if (!data.svg) frame.textContent = data.waiting ?? "";
    frame.dataset.drawn = data.svg.length + data.title;
    const words = [...frame.querySelectorAll("text")].map((text) => text.textContent);
    frame.setAttribute("aria-label", [data.title, ...words].join(", "));
  }
  return () => {};
}
