import { checkChunks, type PngChunk, readChunks, writeChunks } from './chunks.js';
import { decodePng } from './decode.js';

/** Colour types of PNG (section 11.2.1) whose samples are one number a pixel. */
const GREY = 0;
const PALETTE = 3;

/** What a PNG file's header says. */
export interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly bitDepth: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha. */
  readonly colorType: number;
}

/** The header of a PNG file. @throws RangeError if there is none */
export function readHeader(file: Uint8Array): PngHeader {
  const first = readChunks(file).next().value as PngChunk | undefined;
  if (first?.type !== 'IHDR' || first.data.length !== 13) throw new RangeError('png: the file has no header');
  const view = new DataView(first.data.buffer, first.data.byteOffset);
  return {
    width: view.getUint32(0),
    height: view.getUint32(4),
    bitDepth: first.data[8]!,
    colorType: first.data[9]!,
  };
}

/**
 * The numbers that a palette or grey PNG stores, one a pixel, row by row: not the colours they stand for. A palette may hold
 * one colour twice, so its colours do not tell the numbers apart.
 * @throws RangeError for other kinds of PNG, and if the file is cut off or damaged
 */
export function readSamples(file: Uint8Array): Uint8Array {
  const { width, height, bitDepth, colorType } = readHeader(file);
  if ((colorType !== GREY && colorType !== PALETTE) || bitDepth > 8) {
    throw new RangeError(`png: colour type ${colorType} of ${bitDepth} bits has no single byte a pixel`);
  }
  const { data } = decodePng(colorType === PALETTE ? asGrey(file) : file, { skipRescale: true });
  return Uint8Array.from({ length: width * height }, (_, i) => data[4 * i]!);
}

/**
 * The same file, claiming that its indices are grey levels: a decoder then hands them out as they are. It gets new checksums, so
 * the old ones are compared first.
 */
function asGrey(file: Uint8Array): Uint8Array {
  checkChunks(file);
  const kept = [...readChunks(file)].filter(({ type }) => type === 'IHDR' || type === 'IDAT' || type === 'IEND');
  return writeChunks(
    kept.map(({ type, data }) => {
      if (type !== 'IHDR') return { type, data };
      const header = Uint8Array.from(data);
      header[9] = GREY;
      return { type, data: header };
    }),
  );
}
