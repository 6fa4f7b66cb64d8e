/** A class of a face segmentation: its name in CelebAMask-HQ, and the colour of its palette entry. */
export interface FaceClass {
  readonly name: string;
  readonly rgb: readonly [number, number, number];
}

/** The 19 classes by index (original, section 7). */
export const FACE_CLASSES: readonly FaceClass[] = [
  { name: 'background', rgb: [0, 0, 0] },
  { name: 'skin', rgb: [204, 0, 0] },
  { name: 'nose', rgb: [76, 153, 0] },
  { name: 'eye_g', rgb: [204, 204, 0] },
  { name: 'l_eye', rgb: [51, 51, 255] },
  { name: 'r_eye', rgb: [204, 0, 204] },
  { name: 'l_brow', rgb: [0, 255, 255] },
  { name: 'r_brow', rgb: [255, 204, 204] },
  { name: 'l_ear', rgb: [102, 51, 0] },
  { name: 'r_ear', rgb: [255, 0, 0] },
  { name: 'mouth', rgb: [102, 204, 0] },
  { name: 'u_lip', rgb: [255, 255, 0] },
  { name: 'l_lip', rgb: [0, 0, 153] },
  { name: 'hair', rgb: [0, 0, 204] },
  { name: 'hat', rgb: [255, 51, 153] },
  { name: 'ear_r', rgb: [0, 204, 204] },
  { name: 'neck_l', rgb: [0, 51, 0] },
  { name: 'neck', rgb: [255, 153, 51] },
  { name: 'cloth', rgb: [0, 204, 0] },
];

/** Side of the map that a mask condition is made of; 32 x 32 = 1024 tokens a class. */
export const MASK_SIDE = 32;

/** Index of a class. */
export function classIndex(name: string): number {
  const index = FACE_CLASSES.findIndex((face) => face.name === name);
  if (index < 0) throw new Error(`no face class '${name}'; there are ${FACE_CLASSES.map((c) => c.name).join(', ')}`);
  return index;
}
