// The boxes that two thresholds leave, as the stage takes them; pages/detection/boxes.py makes the same of the same candidates.

/**
 * @typedef {object} Looks how boxes are drawn
 * @property {Record<string, string>} labels words by class
 * @property {string[]} colors of the classes among the final boxes, by their best score
 * @property {string} current colour of marks and of where a box came from
 * @property {string | null} suppressed colour of suppressed boxes; null if they are not drawn
 * @property {number} most suppressed boxes drawn
 * @property {number} half half the side of a mark, pixels
 * @property {number} share of a box's width, which it is at most
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
  for (const place of kept) {
    const [left, , right] = found.box(place);
    const half = Math.min(looks.half, looks.share * (right - left)); // on a small face large marks would hide it
    for (const [at, [x, y]] of found.marks(place).entries())
      boxes.push({
        ...plain,
        fill: true,
        id: `m${place}.${at}`,
        xyxy: [x - half, y - half, x + half, y + half],
        color: looks.current,
      });
  }
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

const SAME = 0.3; // IoU from which two detectors' boxes are taken for the same object

/**
 * The box that says the same as another detector's, if there is one.
 *
 * @param {import("../shared/geometry.js").Box | null} xyxy
 * @param {{id: string, xyxy: import("../shared/geometry.js").Box}[]} boxes
 * @returns {string | null} its id
 */
export function closest(xyxy, boxes) {
  /** @type {{id: string | null, overlap: number}} */
  let best = { id: null, overlap: SAME };
  for (const box of xyxy ? boxes : []) {
    const overlap = iou(/** @type {import("../shared/geometry.js").Box} */ (xyxy), box.xyxy);
    if (overlap > best.overlap) best = { id: box.id, overlap };
  }
  return best.id;
}

function iou([x1, y1, x2, y2], [u1, v1, u2, v2]) {
  const shared = Math.max(0, Math.min(x2, u2) - Math.max(x1, u1)) * Math.max(0, Math.min(y2, v2) - Math.max(y1, v1));
  return shared / ((x2 - x1) * (y2 - y1) + (u2 - u1) * (v2 - v1) - shared);
}
