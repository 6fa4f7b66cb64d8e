import { type ImageBatch, LETTER, letterDot } from '@codiff/codiff';
import { FACE_CLASSES } from '../data/classes.js';

/** Words of token ids, special ones and padding left out. */
export type ReadTokens = (ids: Int32Array) => string;

/** Letters of a caption's line: as many as fit, and at least so many. */
const LEAST_LETTERS = 8;
const GAP = 1;

/**
 * Captions as the original draws them: black on white, broken into lines. Letters are dots, so no font file is needed.
 * @param side of each square picture, pixels
 */
export function drawCaptions(texts: readonly string[], side: number): ImageBatch {
  const values = new Float32Array(texts.length * side * side * 3).fill(1);
  const [advance, height] = [LETTER.width + GAP, LETTER.height + 2 * GAP];
  const scale = Math.max(1, Math.floor(side / 128));
  const columns = Math.max(LEAST_LETTERS, Math.floor((side / scale - 2 * GAP) / advance));
  texts.forEach((text, b) => {
    linesOf(text, columns).forEach((line, row) => {
      for (const [column, letter] of [...line].entries()) {
        for (let y = 0; y < LETTER.height * scale; y++) {
          for (let x = 0; x < LETTER.width * scale; x++) {
            if (!letterDot(letter, Math.floor(x / scale), Math.floor(y / scale))) continue;
            const [py, px] = [(GAP + row * height) * scale + y, (GAP + column * advance) * scale + x];
            if (py < side && px < side)
              values.fill(-1, ((b * side + py) * side + px) * 3, ((b * side + py) * side + px + 1) * 3);
          }
        }
      }
    });
  });
  return { values, shape: [texts.length, side, side, 3] };
}

/** Break between words; a word longer than a line is cut. */
function linesOf(text: string, columns: number): string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ').filter((each) => each !== '')) {
    let rest = word;
    const line = lines.at(-1)!;
    if (line !== '' && line.length + 1 + rest.length <= columns) {
      lines[lines.length - 1] = `${line} ${rest}`;
      continue;
    }
    if (line !== '') lines.push('');
    for (; rest.length > columns; rest = rest.slice(columns)) lines.splice(-1, 0, rest.slice(0, columns));
    lines[lines.length - 1] = rest;
  }
  return lines;
}

/**
 * One-hot masks in the classes' colours, each point enlarged to a square.
 * @param masks [B,K,N], N the points of a square map @param side of each picture, pixels
 */
export function drawMasks(
  masks: ArrayLike<number>,
  [B, K, N]: readonly [number, number, number],
  side: number,
): ImageBatch {
  const map = Math.round(Math.sqrt(N));
  const values = new Float32Array(B * side * side * 3);
  for (let b = 0; b < B; b++) {
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const at = Math.floor((y * map) / side) * map + Math.floor((x * map) / side);
        let label = 0;
        while (label < K - 1 && masks[(b * K + label) * N + at] !== 1) label++;
        const rgb = FACE_CLASSES[label % FACE_CLASSES.length]!.rgb;
        values.set(
          rgb.map((level) => level / 127.5 - 1),
          ((b * side + y) * side + x) * 3,
        );
      }
    }
  }
  return { values, shape: [B, side, side, 3] };
}
