// Numbers of a live picture, without a page: how fast it goes, and which part of a photo a pan shows.

const REMEMBERED = 20; // answers that a rate is told from

/** Frames a second and latency over the last answers. */
export class Rate {
  constructor() {
    this.count = 0;
    this.answers = [];
  }

  /**
   * @param {number} now ms
   * @param {number} latency ms from a frame's capture to its answer
   */
  add(now, latency) {
    this.count++;
    this.answers.push({ now, latency });
    if (this.answers.length > REMEMBERED) this.answers.shift();
    const first = this.answers[0].now;
    const fps = now > first ? (1000 * (this.answers.length - 1)) / (now - first) : 0;
    const sum = this.answers.reduce((total, answer) => total + answer.latency, 0);
    return { fps, latency: sum / this.answers.length };
  }
}

/**
 * The part of a photo that is seen at a moment of a pan: three quarters of the largest such window, to the right and back, a
 * little up and down.
 *
 * @param {number} phase 0 to 1, where it begins anew
 * @param {[number, number]} size width and height of the photo
 * @param {number} ratio width over height of the window
 */
export function panAt(phase, [width, height], ratio) {
  const wide = 0.75 * Math.min(width, height * ratio);
  const high = wide / ratio;
  const turn = 2 * Math.PI * phase;
  return {
    x: ((1 - Math.cos(turn)) / 2) * (width - wide),
    y: (0.15 + 0.15 * Math.sin(turn)) * (height - high),
    wide,
    high,
  };
}
