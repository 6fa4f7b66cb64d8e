/**
 * Draws the inputs in test_data/demo/: `node scripts/demo/draw.mjs`. The same files come out everywhere (up to zlib's version).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { faces, paintIds } from './face.mjs';
import { encodePng } from './png.mjs';

/** Colours of the classes, by id: the palette of CelebAMask-HQ's masks. */
export const PALETTE = [
  [0, 0, 0],
  [204, 0, 0],
  [76, 153, 0],
  [204, 204, 0],
  [51, 51, 255],
  [204, 0, 204],
  [0, 255, 255],
  [255, 204, 204],
  [102, 51, 0],
  [255, 0, 0],
  [102, 204, 0],
  [255, 255, 0],
  [0, 0, 153],
  [0, 0, 204],
  [255, 51, 153],
  [0, 204, 204],
  [0, 51, 0],
  [255, 153, 51],
  [0, 204, 0],
];

/** Colours of the classes in the drawn image. */
const COLORS = [
  [148, 170, 184],
  [224, 176, 146],
  [214, 160, 130],
  [40, 40, 44],
  [70, 92, 120],
  [70, 92, 120],
  [82, 56, 40],
  [82, 56, 40],
  [206, 154, 126],
  [206, 154, 126],
  [246, 240, 232],
  [190, 92, 92],
  [200, 104, 102],
  [74, 48, 34],
  [120, 40, 60],
  [220, 200, 120],
  [220, 200, 120],
  [212, 164, 136],
  [58, 84, 120],
];

/** The image that belongs to a mask: flat colours under a light from the upper left. @param {Uint8Array} ids @param {number} side */
function shade(ids, side) {
  const samples = new Uint8Array(ids.length * 3);
  ids.forEach((id, i) => {
    const [x, y] = [(i % side) / side - 0.4, Math.floor(i / side) / side - 0.35];
    const light = 1.08 - 0.45 * (x * x + y * y);
    COLORS[id]?.forEach((level, c) => {
      samples[3 * i + c] = Math.min(255, Math.round(level * light));
    });
  });
  return samples;
}

/** Every file by its name. @returns {Record<string, Buffer>} */
export function drawDemo() {
  /** @param {keyof typeof faces} face @param {number} side */
  const mask = (face, side) =>
    encodePng({ width: side, height: side, samples: paintIds(faces[face], side), palette: PALETTE });
  const image = { width: 256, height: 256, samples: shade(paintIds(faces.face, 256), 256) };
  return {
    'mask_512.png': mask('face', 512),
    'mask_256.png': mask('face', 256),
    'edited_mask_256.png': mask('edited', 256),
    'image_256.png': encodePng(image),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = fileURLToPath(new URL('../../test_data/demo/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  for (const [name, file] of Object.entries(drawDemo())) writeFileSync(`${folder}${name}`, file);
}
