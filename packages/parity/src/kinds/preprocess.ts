import { type Draws, type Pixels, preprocess as preprocessImage, resize, resizeFilters } from '@codiff/trainer';
import { z } from 'zod';
import { commonFields } from '../cases/case-form.js';
import type { Inputs } from '../cases/inputs.js';
import { defineKind, type Outputs } from './kind.js';

const draw = z.discriminatedUnion('draw', [
  z.strictObject({ draw: z.literal('uniform'), low: z.number(), high: z.number(), value: z.number() }),
  z.strictObject({ draw: z.literal('random'), value: z.number().min(0).lt(1) }),
]);
type Draw = z.output<typeof draw>;

const extent = z.number().int().positive();
const call = z.discriminatedUnion('op', [
  z.strictObject({
    op: z.literal('preprocess'),
    phase: z.enum(['train', 'val']),
    input: z.string(),
    draws: z.array(draw).default([]),
  }),
  z.strictObject({
    op: z.literal('resize'),
    filter: z.enum(resizeFilters),
    input: z.string(),
    width: extent,
    height: extent,
  }),
]);

const fields = z.strictObject({ ...commonFields, size: extent, calls: z.record(z.string(), call) });

/** Kind `preprocess`: an image as the data set hands it over, with the random numbers given, and Pillow's filters. */
export const preprocess = defineKind('preprocess', fields, async (config, { inputs, wants }) => {
  const outputs: Outputs = new Map();
  for (const [name, entry] of Object.entries(config.calls)) {
    if (!wants(name)) continue;
    const { image, flat } = imageOf(inputs, entry.input);
    let result: Pixels;
    if (entry.op === 'resize') result = resize(image, entry.width, entry.height, entry.filter);
    else {
      const draws = new StoredDraws(entry.draws, `calls.${name}.draws`);
      result = preprocessImage(image, { size: config.size, phase: entry.phase }, draws);
      draws.end();
    }
    const { height, width, channels, values } = result;
    outputs.set(name, { shape: flat ? [height, width] : [height, width, channels], values: Uint8Array.from(values) });
  }
  return outputs;
});

/** Bytes (H, W, C), or (H, W) of one channel. */
function imageOf(inputs: Inputs, name: string): { image: Pixels; flat: boolean } {
  const { shape, values } = inputs.host(name);
  const [height, width, channels = 1] = shape;
  const isByte = (value: number) => Number.isInteger(value) && value >= 0 && value <= 255;
  if ((shape.length !== 2 && shape.length !== 3) || !Array.prototype.every.call(values, isByte)) {
    throw new Error(`input '${name}': wanted bytes (H, W) or (H, W, C), got shape [${shape}]`);
  }
  const image = { height: height!, width: width!, channels, values: Uint8Array.from(values) };
  return { image, flat: shape.length === 2 };
}

/** The draws of a case in their order. Another draw than the one stored, or another range, fails the case. */
class StoredDraws implements Draws {
  private at = 0;

  constructor(
    private readonly stored: readonly Draw[],
    private readonly field: string,
  ) {}

  uniform(low: number, high: number): number {
    const next = this.take(`uniform(${low}, ${high})`);
    if (next.draw === 'uniform' && next.low === low && next.high === high) return next.value;
    throw this.mismatch(`uniform(${low}, ${high})`, next);
  }

  random(): number {
    const next = this.take('random()');
    if (next.draw === 'random') return next.value;
    throw this.mismatch('random()', next);
  }

  /** @throws Error if there are draws that nobody asked for */
  end(): void {
    if (this.at < this.stored.length) {
      throw new Error(`field '${this.field}': ${this.stored.length} draws, only ${this.at} are asked for`);
    }
  }

  private take(asked: string): Draw {
    const next = this.stored[this.at++];
    if (next === undefined) throw new Error(`field '${this.field}': ${asked} is asked for, and no draw is left`);
    return next;
  }

  private mismatch(asked: string, next: Draw): Error {
    return new Error(`field '${this.field}[${this.at - 1}]': ${JSON.stringify(next)}, but ${asked} is asked for`);
  }
}
