// What a link to a view is, as a room hands it on: the page and its own parameters, in one order.

/** Parameters that are a reader's own, and no part of a view. */
const OWN = new Set(["lang", "present", "hide", "lock", "solved", "room", "walk", "v"]);

/** Pages that are no part of a lesson. */
const OUTSIDE = new Set(["class_room", "home", ""]);

/** Whether an address is that of a page that a lesson can show. @param {string} path */
export function isLesson(path) {
  return !OUTSIDE.has(viewOf(path, ""));
}

/** The view that an address shows: `nms?step=4&tour=3`. @param {string} path @param {string} search */
export function viewOf(path, search) {
  const concept = path.replace(/\/+$/, "").split("/").at(-1) ?? "";
  const kept = search
    .replace(/^\?/, "")
    .split("&")
    .filter((part) => part && !OWN.has(part.split("=")[0]));
  return kept.length ? `${concept}?${kept.sort().join("&")}` : concept;
}

function parts(link) {
  const [concept, query = ""] = link.split("?");
  return { concept, parts: new Set(query.split("&").filter(Boolean)) };
}

/** Whether a view is one that a shorter link opens: the same page, and everything that the link says. */
export function isView(view, link) {
  const [seen, asked] = [parts(view), parts(link)];
  return seen.concept === asked.concept && [...asked.parts].every((part) => seen.parts.has(part));
}

/** A view's place in a lesson: of the links that open it the present one, or the first; -1 if there is none. */
export function stepOf(view, links, present) {
  if (present >= 0 && present < links.length && isView(view, links[present])) return present;
  const found = links.findIndex((link) => isView(view, link));
  if (found >= 0) return found;
  // A view of the page that the lesson is at, by hand.
  return present >= 0 && present < links.length && parts(links[present]).concept === parts(view).concept ? present : -1;
}
