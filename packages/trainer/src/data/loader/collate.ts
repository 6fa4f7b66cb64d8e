import type { FaceItem } from '../face-dataset.js';
import type { LoaderPosition } from './batch-order.js';

/** Samples side by side, in ordinary memory. */
export interface FaceBatch {
  /** Where it stands in the run. */
  readonly position: LoaderPosition;
  readonly names: readonly string[];
  /** [B,H,W,3], -1 to 1. */
  readonly image: Float32Array<ArrayBuffer>;
  readonly imageShape: readonly [number, number, number, number];
  readonly text?: readonly string[];
  /** One-hot, [B,19,1024]. */
  readonly segMask?: Int32Array<ArrayBuffer>;
  /** [B,1,1024]. */
  readonly sketch?: Float32Array<ArrayBuffer>;
}

/** Put samples of one data set together. @param size side of the images; where they were not read, `image` is empty */
export function collate(items: readonly FaceItem[], size: number, position: LoaderPosition): FaceBatch {
  const held = <K extends 'text' | 'segMask' | 'sketch'>(key: K) =>
    items.flatMap((item) => (item[key] === undefined ? [] : [item[key]])) as NonNullable<FaceItem[K]>[];
  const [text, masks, sketches] = [held('text'), held('segMask'), held('sketch')];
  return {
    position,
    names: items.map(({ name }) => name),
    image: joined(
      new Float32Array(items.reduce((sum, { image }) => sum + image.length, 0)),
      items.map(({ image }) => image),
    ),
    imageShape: [items.length, size, size, 3],
    ...(text.length > 0 ? { text } : {}),
    ...(masks.length > 0 ? { segMask: joined(new Int32Array(items.length * masks[0]!.length), masks) } : {}),
    ...(sketches.length > 0 ? { sketch: joined(new Float32Array(items.length * sketches[0]!.length), sketches) } : {}),
  };
}

function joined<A extends Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>>(into: A, parts: readonly A[]): A {
  let at = 0;
  for (const part of parts) {
    into.set(part, at);
    at += part.length;
  }
  return into;
}
