import { PNG } from 'pngjs';
import { DataError, messageOf } from './data-error.js';
import { PNG_SIGNATURE, pngChunk, readPngChunks } from './png-chunks.js';

/** Colour types (PNG specification, 11.2.1) with one sample a pixel. */
const GREY = 0;
const PALETTE = 3;

/** A PNG whose samples are looked at as stored: no palette, gamma, profile or transparency is applied. */
export interface PngSamples {
  readonly width: number;
  readonly height: number;
  /** (H, W) row-major: palette indices or grey values as stored. Absent where a pixel has several samples. */
  readonly samples: Uint8Array | undefined;
  /** RGB triples; empty without a palette. */
  readonly palette: Uint8Array;
}

/** Larger pictures are no masks; this bounds what a header can ask for. */
const MAX_PIXELS = 2 ** 28;

/**
 * Read the stored samples of a palette or grey PNG. Only the header, the palette and the pixels are looked at: chunks that
 * describe colour or carry text (gAMA, cHRM, iCCP, tEXt, tRNS, ...) cannot touch the values.
 * @param file for messages
 * @throws DataError
 */
export function readPngSamples(file: string, bytes: Uint8Array): PngSamples {
  try {
    const chunks = [...readPngChunks(bytes)];
    const header = chunks[0];
    if (header?.type !== 'IHDR' || header.data.length !== 13) throw new RangeError('has no header');
    const view = new DataView(header.data.buffer, header.data.byteOffset);
    const [width, height] = [view.getUint32(0), view.getUint32(4)];
    if (width * height > MAX_PIXELS) throw new RangeError(`has ${width} x ${height} pixels`);
    const palette = chunks.find(({ type }) => type === 'PLTE')?.data ?? new Uint8Array();
    const [depth, colour] = [header.data[8]!, header.data[9]!];
    if (colour !== PALETTE && colour !== GREY) return { width, height, samples: undefined, palette };
    if (depth > 8) throw new RangeError(`has ${depth} bits a pixel, at most 8 were wanted`);
    // A decoder turns indices into colours. Declared to be grey, the very same samples come out as they are.
    const grey = Uint8Array.from(header.data);
    grey[9] = GREY;
    const pixels = chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => pngChunk('IDAT', data));
    const bare = [PNG_SIGNATURE, pngChunk('IHDR', grey), ...pixels, pngChunk('IEND', new Uint8Array())];
    const { data } = PNG.sync.read(Buffer.concat(bare), { skipRescale: true });
    return { width, height, samples: Uint8Array.from({ length: width * height }, (_, i) => data[4 * i]!), palette };
  } catch (cause) {
    const advice = 'copy the file again, or save it as an 8-bit palette or grey PNG';
    throw new DataError({ file, problem: `no mask can be read from it: ${messageOf(cause)}`, advice }, { cause });
  }
}
