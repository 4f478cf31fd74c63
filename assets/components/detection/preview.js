// The boxes that two thresholds leave, as the stage takes them; pages/detection/boxes.py makes the same of the same candidates.

/**
 * @typedef {object} Looks how boxes are drawn
 * @property {Record<string, string>} labels words by class
 * @property {string[]} colors of the classes among the final boxes, by their best score
 * @property {string} current colour of marks and of where a box came from
 * @property {string | null} suppressed colour of suppressed boxes; null if they are not drawn
 * @property {number} most suppressed boxes drawn
 * @property {number} half half the side of a mark, pixels
 * @property {number} selected number of the candidate in hand, -1 for the best; -2 if none is shown
 */

/**
 * @param {import("./candidates.js").Candidates} found
 * @param {[number, number]} thresholds score, IoU
 * @param {Looks} looks
 * @returns {{boxes: import("../shared/stage.js").StageBox[], filtered: import("./candidates.js").Filtered}} boxes from below
 */
export function boxesAt(found, [scoreThreshold, iouThreshold], looks) {
  const filtered = found.refilter(scoreThreshold, iouThreshold);
  const { kept, suppressedBy } = filtered;
  const plain = { fill: false, movable: false, resizable: false, dash: "", label: "", score: null, detail: "" };
  const named = (place) => ({ label: looks.labels[found.labels[place]] ?? "", score: found.scores[place] });
  /** @type {import("../shared/stage.js").StageBox[]} */
  const boxes = [];
  if (looks.suppressed !== null) {
    const fallen = [...suppressedBy.keys()].sort((a, b) => found.scores[b] - found.scores[a] || a - b).slice(0, looks.most);
    for (const place of fallen.reverse())
      boxes.push({
        ...plain,
        id: `s${found.index[place]}`,
        xyxy: found.box(place),
        color: looks.suppressed,
        dash: "3 4",
        ...named(place),
      });
  }
  const inHand = kept.find((place) => found.index[place] === looks.selected) ?? kept[0];
  const prior = looks.selected > -2 && inHand !== undefined ? found.prior(inHand) : null;
  if (prior) boxes.push({ ...plain, id: "prior", xyxy: prior, color: looks.current, dash: "2 4" });
  for (const place of kept)
    for (const [at, [x, y]] of found.marks(place).entries())
      boxes.push({
        ...plain,
        fill: true,
        id: `m${place}.${at}`,
        xyxy: [x - looks.half, y - looks.half, x + looks.half, y + looks.half],
        color: looks.current,
      });
  const classes = [...new Set(kept.map((place) => found.labels[place]))];
  for (const place of [...kept].reverse())
    boxes.push({
      ...plain,
      id: `c${found.index[place]}`,
      xyxy: found.box(place),
      color: looks.colors[classes.indexOf(found.labels[place]) % looks.colors.length],
      ...named(place),
    });
  return { boxes, filtered };
}
