// JavaScript that Python compiled from torch (vizcore/browser.py), loaded once however many pieces use it.

const programs = new Map(); // source -> promise of its exports: two stages, or a remount, compile it once

/**
 * @param {string} source of an ES module
 * @returns {Promise<any>} its exports
 */
export function load(source) {
  if (!programs.has(source)) {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    programs.set(
      source,
      import(url).finally(() => URL.revokeObjectURL(url)),
    );
  }
  return programs.get(source);
}
