import type { ByteImage } from '@codiff/codiff';

/** A class of a face mask. Names are CelebAMask-HQ's. */
export interface MaskClass {
  readonly name: string;
  /** Red, green, blue. */
  readonly color: readonly [number, number, number];
}

/** The classes of a face mask, by id, in the colours of the palette that such masks carry (original, section 7). */
export const MASK_CLASSES: readonly MaskClass[] = [
  { name: 'background', color: [0, 0, 0] },
  { name: 'skin', color: [204, 0, 0] },
  { name: 'nose', color: [76, 153, 0] },
  { name: 'eye_g', color: [204, 204, 0] },
  { name: 'l_eye', color: [51, 51, 255] },
  { name: 'r_eye', color: [204, 0, 204] },
  { name: 'l_brow', color: [0, 255, 255] },
  { name: 'r_brow', color: [255, 204, 204] },
  { name: 'l_ear', color: [102, 51, 0] },
  { name: 'r_ear', color: [255, 0, 0] },
  { name: 'mouth', color: [102, 204, 0] },
  { name: 'u_lip', color: [255, 255, 0] },
  { name: 'l_lip', color: [0, 0, 153] },
  { name: 'hair', color: [0, 0, 204] },
  { name: 'hat', color: [255, 51, 153] },
  { name: 'ear_r', color: [0, 204, 204] },
  { name: 'neck_l', color: [0, 51, 0] },
  { name: 'neck', color: [255, 153, 51] },
  { name: 'cloth', color: [0, 204, 0] },
];

const ID_OF = new Map(MASK_CLASSES.map(({ color }, id) => [color.join(), id]));

/** The class of a colour, if it is one of the palette. */
export const classOfColor = (red: number, green: number, blue: number): number | undefined =>
  ID_OF.get(`${red},${green},${blue}`);

/** A mask as the picture that its palette makes of it. @param ids of classes, row by row */
export function paintMask({ ids, height, width }: { ids: Uint8Array; height: number; width: number }): ByteImage {
  const values = new Uint8Array(ids.length * 3);
  ids.forEach((id, i) => void values.set(MASK_CLASSES[id]!.color, 3 * i));
  return { values, height, width, channels: 3 };
}
