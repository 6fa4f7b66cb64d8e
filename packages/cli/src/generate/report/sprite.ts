import { type ByteImage, dataUri, type ImageBatch } from '@codiff/codiff';
import { encodeJpeg, encodePng } from '@codiff/trainer';
import { shrink } from './latent-preview.js';
import { FRAME_SIDE } from './report-bytes.js';

/** The pictures of all shown steps in one: row by row, without gaps. */
export interface Sprite {
  readonly uri: string;
  readonly columns: number;
  readonly rows: number;
}

/** Pictures in a row of a sprite. */
const COLUMNS = 10;
/** Side up to which JPEG's blocks would be seen. */
const SMALL_SIDE = 128;

/** The factor that brings a side to {@link FRAME_SIDE} or below. */
export function shrinkFactor(side: number, most = FRAME_SIDE): number {
  let factor = 1;
  while (side / factor > most && side % (2 * factor) === 0) factor *= 2;
  return factor;
}

/** Frames of one size side by side. @throws RangeError if there are none */
export function tile(frames: readonly ByteImage[]): ByteImage & Pick<Sprite, 'columns' | 'rows'> {
  const [first] = frames;
  if (first === undefined) throw new RangeError('report: no step to show');
  const { height: h, width: w, channels } = first;
  const columns = Math.min(COLUMNS, frames.length);
  const rows = Math.ceil(frames.length / columns);
  const values = new Uint8Array(rows * h * columns * w * channels);
  for (const [i, frame] of frames.entries()) {
    const [row, column] = [Math.floor(i / columns), i % columns];
    for (let y = 0; y < h; y++) {
      const line = frame.values.subarray(y * w * channels, (y + 1) * w * channels);
      values.set(line, ((row * h + y) * columns + column) * w * channels);
    }
  }
  return { values, height: rows * h, width: columns * w, channels, columns, rows };
}

/** Pictures of steps as one JPEG, made smaller if they are large. */
export async function pictureSprite(frames: readonly ByteImage[]): Promise<Sprite> {
  const factor = shrinkFactor(frames[0]?.height ?? 1);
  const sheet = tile(frames.map((frame) => shrink(frame, factor)));
  const quality = (frames[0]?.height ?? 1) <= SMALL_SIDE ? 92 : 80;
  const { columns, rows } = sheet;
  return { uri: dataUri('image/jpeg', await encodeJpeg(sheet, quality)), columns, rows };
}

/** Influence maps of steps as one grey PNG: level 255 is an influence of 1. @param maps [T,h,w,1] */
export async function influenceSprite({ values, shape }: ImageBatch): Promise<Sprite> {
  const [T, height, width] = shape;
  const size = height * width;
  const frames = Array.from({ length: T }, (_, t) => ({
    values: Uint8Array.from(values.subarray(t * size, (t + 1) * size), (value) =>
      Math.round(255 * Math.min(Math.max(value, 0), 1)),
    ),
    height,
    width,
    channels: 1,
  }));
  const sheet = tile(frames);
  return { uri: dataUri('image/png', await encodePng(sheet)), columns: sheet.columns, rows: sheet.rows };
}

/** An image as it is shown: without loss where it is small. @param most side above which it is made smaller */
export async function pictureUri(image: ByteImage, most = Number.POSITIVE_INFINITY): Promise<string> {
  const shown = shrink(image, shrinkFactor(image.height, most));
  if (shown.height <= SMALL_SIDE) return dataUri('image/png', await encodePng(shown));
  return dataUri('image/jpeg', await encodeJpeg(shown, 90));
}
