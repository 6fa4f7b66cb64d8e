import { mix } from './colours.js';
import { AGE_RULES, type FaceFacts } from './facts.js';

/** Drawings that facesjs lacks, in its coordinates (400 x 600, mouth at (200, 440)). */

const INK = '#1b1512';

/** Whole square of the frame, in one of four manners. */
export function backdrop({ backdrop: { form, colours, at }, frame }: FaceFacts): string {
  const [first, second] = colours;
  const { x, y, side } = frame;
  const whole = (fill: string) =>
    `<path fill="${fill}" d="M${x - 5} ${y - 5}h${side + 10}v${side + 10}h-${side + 10}z"/>`;
  if (form === 0) return whole(first);
  if (form === 1) {
    const stops = `<stop stop-color="${first}"/><stop offset="1" stop-color="${second}"/>`;
    return `<defs><linearGradient id="backdrop" x1="0" y1="0" x2="0" y2="1">${stops}</linearGradient></defs>${whole('url(#backdrop)')}`;
  }
  if (form === 2) {
    const edge = x + side * at;
    return `${whole(first)}<path fill="${mix(first, second, 0.6)}" d="M${edge} ${y - 5}H${x + side + 5}V${y + side + 5}H${edge}z"/>`;
  }
  const discs = [0.1, 0.35, 0.6, 0.9].map((place, i) => {
    const [cx, cy] = [x + side * place, y + side * ((at * (i + 2)) % 0.8)];
    return `<circle cx="${cx}" cy="${cy}" r="${side * (0.09 + 0.03 * i)}" fill="${mix(first, second, 0.35 + 0.1 * i)}"/>`;
  });
  return whole(first) + discs.join('');
}

/** Upper lip, what is between the lips, and lower lip. facesjs has lines for mouths, without lips. */
export function mouth({ mouth: { width, smile, open, lips }, lipColour, skin, gender }: FaceFacts) {
  const [left, right, corner] = [200 - width / 2, 200 + width / 2, 440 - smile / 2];
  // Controls of the curves from corner to corner: outer and inner edge of each lip.
  const top = 440 + smile / 2 - open / 2;
  const bottom = top + 2 * open;
  const colour = mix(skin, lipColour, gender === 'man' ? 0.4 : 0.85);
  const line = `stroke="${INK}" stroke-width="2.5" stroke-linejoin="round"`;
  const [high, low] = [top - lips * 1.9, bottom + lips * 2.1];
  const bow = 200 - width * 0.14;
  const upper = `M${left} ${corner}Q${200 - width * 0.3} ${high} ${bow} ${(high + top) / 2 - 2}L200 ${(high + top) / 2 + 1}L${400 - bow} ${(high + top) / 2 - 2}Q${200 + width * 0.3} ${high} ${right} ${corner}Q200 ${top} ${left} ${corner}z`;
  const lower = `M${left} ${corner}Q200 ${bottom} ${right} ${corner}Q200 ${low} ${left} ${corner}z`;
  const gap = `M${left} ${corner}Q200 ${top} ${right} ${corner}Q200 ${bottom} ${left} ${corner}z`;
  const teeth = `M${left + 6} ${corner + 2}Q200 ${top} ${right - 6} ${corner + 2}Q200 ${top + open * 0.9} ${left + 6} ${corner + 2}z`;
  return {
    upper: `<path fill="${colour}" ${line} d="${upper}"/>`,
    inside: open === 0 ? '' : `<path fill="#5a1a1e" ${line} d="${gap}"/><path fill="#f6f2ea" d="${teeth}"/>`,
    lower: `<path fill="${mix(colour, '#ffffff', 0.12)}" ${line} d="${lower}"/>`,
  };
}

/** The ridge of the nose, a little lighter than the face: the noses of facesjs are lines, some of them without an area. */
export function noseRidge({ nose: { size }, skin }: FaceFacts): string {
  const half = 13 + 17 * size;
  const d = `M191 312Q200 306 209 312L${200 + half} 372Q${200 + half + 4} 392 200 396Q${200 - half - 4} 392 ${200 - half} 372z`;
  return `<path fill="${mix(skin, '#ffffff', 0.14)}" d="${d}"/>`;
}

/** A pixel and a seventh of a drawing with 64 of them a side: finer lines are lost to the autoencoder of such drawings. */
const WRINKLE_WIDTH = 9;

/** Wrinkles, from the mouth upwards; how many of them an age has is in {@link AGE_RULES}. */
const WRINKLES = [
  'M140 405Q118 425 126 462M260 405Q282 425 274 462',
  'M138 222Q200 208 262 222',
  'M86 300l-20 -9M86 312l-22 3M314 300l20 -9M314 312l22 3',
  'M146 200Q200 187 254 200',
  'M112 342Q140 358 168 342M232 342Q260 358 288 342',
  'M104 376Q112 402 102 430M296 376Q288 402 298 430',
];

/** Lines and rosy cheeks of an age. */
export function ageMarks({ age, skin }: FaceFacts): string {
  const { lines, rosy } = AGE_RULES[age];
  const dark = mix(skin, INK, 0.72);
  const paths = WRINKLES.slice(0, lines).map(
    (d) => `<path fill="none" stroke="${dark}" stroke-width="${WRINKLE_WIDTH}" stroke-linecap="round" d="${d}"/>`,
  );
  const cheek = (x: number) => `<ellipse cx="${x}" cy="380" rx="27" ry="19" fill="#e0524a" opacity=".5"/>`;
  return paths.join('') + (rosy ? cheek(122) + cheek(278) : '');
}

/** Earrings below the ears, which stand further in on narrow heads. */
export function earrings({ fatness, ear }: FaceFacts): string {
  const inwards = 31 * (1 - fatness);
  const y = 325 + 30 * ear.size;
  const ring = (x: number) =>
    `<circle cx="${x}" cy="${y + 8}" r="10" fill="#e8c24a" stroke="#6b5210" stroke-width="3"/>`;
  return ring(54 + inwards) + ring(346 - inwards);
}

/** A chain on the neck. */
export function necklace({ body: { size } }: FaceFacts): string {
  const half = 58 * size;
  return `<path fill="none" stroke="#6b5210" stroke-width="13" d="M${200 - half} 497Q200 560 ${200 + half} 497"/><path fill="none" stroke="#e8c24a" stroke-width="9" d="M${200 - half} 497Q200 560 ${200 + half} 497"/>`;
}
