// Numbers written in a program: which one stands at a place, and what it becomes when it is moved a step. No elements.

const NUMBER = /(?<![\w.])(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])/g;
const BEFORE_A_SIGN = /(?:^|[([{,=+*/%<>:-])\s*$/; // a minus behind one of these belongs to the number

/** A line with its texts and comment blanked, so that no number is found in them. @param {string} line */
export function codeOf(line) {
  let quote = "";
  let code = "";
  for (let at = 0; at < line.length; at++) {
    const sign = line[at];
    if (quote) {
      if (sign === quote) quote = "";
      code += "_";
    } else if (sign === "#") return code.padEnd(line.length, " ");
    else if (sign === '"' || sign === "'") {
      quote = sign;
      code += "_";
    } else code += sign;
  }
  return code;
}

/**
 * The numbers of a line, with their signs.
 *
 * @param {string} line
 * @returns {{start: number, end: number, text: string}[]} columns from 0
 */
export function numbersIn(line) {
  const code = codeOf(line);
  return [...code.matchAll(NUMBER)].map((found) => {
    const end = found.index + found[0].length;
    const signed = code[found.index - 1] === "-" && BEFORE_A_SIGN.test(code.slice(0, found.index - 1));
    const start = signed ? found.index - 1 : found.index;
    return { start, end, text: line.slice(start, end) };
  });
}

/** The number at a column, or null. @param {string} line @param {number} column */
export function numberAt(line, column) {
  return numbersIn(line).find(({ start, end }) => start <= column && column <= end) ?? null;
}

/**
 * The number moved by some steps: whole numbers by 1, others by their last digit, at least a tenth.
 *
 * @param {string} text
 * @param {number} steps
 */
export function nudged(text, steps) {
  const [mantissa, exponent] = text.toLowerCase().split("e");
  const isWhole = !mantissa.includes(".") && exponent === undefined;
  if (isWhole) return String(Number(mantissa) + Math.round(steps));
  const digits = Math.min(9, Math.max(1, mantissa.split(".")[1]?.length ?? 0));
  const moved = (Number(mantissa) + Math.round(steps) / 10 ** digits).toFixed(digits);
  const clean = Number(moved) === 0 ? moved.replace("-", "") : moved;
  return exponent === undefined ? clean : `${clean}e${exponent}`;
}
