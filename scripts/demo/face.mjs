/** A face as overlapping ellipses: what the demo inputs are drawn from. No photograph was used. */

/**
 * @typedef {object} Shape
 * @property {number} id class of a mask
 * @property {number} x centre, 0 left to 1 right
 * @property {number} y centre, 0 top to 1 bottom
 * @property {number} rx half width
 * @property {number} ry half height
 * @property {number} [hollow] inner share of the radii that is left out, for rims
 * @property {number} [below] only the part below this y
 * @property {number} [above] only the part above this y
 */

/** @param {number} id @param {number} x @param {number} y @param {number} rx @param {number} ry @param {Partial<Shape>} [more] @returns {Shape} */
const shape = (id, x, y, rx, ry, more = {}) => ({ id, x, y, rx, ry, ...more });

/** The same on both sides: the face's right is the picture's left. @param {number} right @param {number} left @param {number} dx @param {number} y @param {number} rx @param {number} ry @returns {Shape[]} */
const pair = (right, left, dx, y, rx, ry) => [shape(right, 0.5 - dx, y, rx, ry), shape(left, 0.5 + dx, y, rx, ry)];

const head = [
  shape(13, 0.5, 0.42, 0.31, 0.36),
  shape(18, 0.5, 1.06, 0.46, 0.22),
  shape(17, 0.5, 0.84, 0.12, 0.16),
  ...pair(9, 8, 0.235, 0.5, 0.035, 0.07),
  shape(1, 0.5, 0.5, 0.225, 0.3),
  shape(13, 0.5, 0.26, 0.235, 0.12, { above: 0.3 }),
  ...pair(7, 6, 0.095, 0.415, 0.06, 0.014),
  ...pair(5, 4, 0.095, 0.465, 0.045, 0.02),
  shape(2, 0.5, 0.55, 0.042, 0.085),
];

/** A smile: lips around an open mouth. */
const smile = [
  shape(11, 0.5, 0.685, 0.085, 0.03, { above: 0.685 }),
  shape(12, 0.5, 0.685, 0.085, 0.045, { below: 0.685 }),
  shape(10, 0.5, 0.688, 0.06, 0.017),
];

/** Closed lips, and round glasses: the edit. */
const seriousWithGlasses = [
  shape(11, 0.5, 0.69, 0.065, 0.02, { above: 0.69 }),
  shape(12, 0.5, 0.69, 0.065, 0.026, { below: 0.69 }),
  shape(3, 0.405, 0.47, 0.075, 0.06, { hollow: 0.8 }),
  shape(3, 0.595, 0.47, 0.075, 0.06, { hollow: 0.8 }),
  shape(3, 0.5, 0.46, 0.022, 0.008),
];

/** Later shapes lie over earlier ones. @type {{face: Shape[], edited: Shape[]}} */
export const faces = { face: [...head, ...smile], edited: [...head, ...seriousWithGlasses] };

/** @param {Shape} s @param {number} x @param {number} y */
function covers({ x: cx, y: cy, rx, ry, hollow = 0, above = 2, below = -1 }, x, y) {
  const radius = Math.hypot((x - cx) / rx, (y - cy) / ry);
  return radius <= 1 && radius >= hollow && y <= above && y >= below;
}

/** Classes of a picture of this size, row by row. @param {Shape[]} shapes @param {number} side @returns {Uint8Array} */
export function paintIds(shapes, side) {
  return Uint8Array.from({ length: side * side }, (_, i) => {
    const x = ((i % side) + 0.5) / side;
    const y = (Math.floor(i / side) + 0.5) / side;
    return shapes.findLast((each) => covers(each, x, y))?.id ?? 0;
  });
}
