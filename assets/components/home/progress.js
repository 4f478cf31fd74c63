// Tells Python once how far this browser's reader is in the lessons; nothing is shown.

import { progress } from "../shared/lesson.js";

/** @param {import("../shared/live.js").Component & {data: {concepts: string[]}}} component */
export default function (component) {
  const { parentElement: root, data, setStateValue } = component;
  const known = Object.fromEntries(Object.entries(progress()).filter(([concept]) => data.concepts.includes(concept)));
  const told = JSON.stringify(known);
  if (root.told !== told && told !== "{}") setStateValue("progress", known);
  root.told = told;
  return () => {};
}
