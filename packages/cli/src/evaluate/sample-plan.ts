import type { HeldOutFace } from '@codiff/trainer';

/** One image that a model is to make. */
export interface PlannedImage {
  /** Number of the image in the run: decides its noise. */
  readonly index: number;
  readonly face: HeldOutFace;
  /** Number of the condition. */
  readonly condition: number;
  /** File name: `<name of the face>_<number of the sample>.png`. */
  readonly name: string;
}

/**
 * Images of held-out conditions. First one of each condition, then the second of each, and so on: where the faces are fewer than
 * asked for, conditions come again.
 * @param samples images in all @param perCondition least of each
 */
export function planSamples(
  faces: readonly HeldOutFace[],
  { samples, perCondition }: { samples: number; perCondition: number },
): PlannedImage[] {
  const conditions = Math.min(faces.length, Math.ceil(samples / perCondition));
  return Array.from({ length: samples }, (_, index) => {
    const condition = index % conditions;
    const face = faces[condition]!;
    return { index, face, condition, name: `${face.stem}_${Math.floor(index / conditions)}.png` };
  });
}
