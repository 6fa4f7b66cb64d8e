import {
  type ByteImage,
  blend,
  editedImageBytes,
  imageBytes,
  imageSheet,
  influenceSheet,
  latentBytes,
  loggerSheet,
  readImages,
} from '@codiff/codiff';
import { z } from 'zod';
import { commonFields } from '../cases/case-form.js';
import type { HostTensor } from '../cases/host-tensor.js';
import type { Inputs } from '../cases/inputs.js';
import { defineKind, type Outputs } from './kind.js';

const images = { input: z.string() };
const grid = { ...images, nrow: z.number().int().positive(), padding: z.number().int().min(0) };

const call = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('image'), ...images }),
  z.strictObject({ op: z.literal('image_grid'), ...grid }),
  z.strictObject({ op: z.literal('influence_grid'), ...grid }),
  z.strictObject({ op: z.literal('latent_image'), ...images, scale: z.number() }),
  z.strictObject({ op: z.literal('imagic_image'), ...images }),
  z.strictObject({ op: z.literal('logger_grid'), ...grid }),
  z.strictObject({
    op: z.literal('blend'),
    first: z.string(),
    index: z.number().int().min(0),
    second: z.string(),
    alpha: z.number(),
  }),
]);
type Call = z.output<typeof call>;

const fields = z.strictObject({ ...commonFields, calls: z.record(z.string(), call) });

/** Kind `postprocess`: what the scripts do to tensors before they write them as images. */
export const postprocess = defineKind('postprocess', fields, async (config, { inputs }) => {
  const outputs: Outputs = new Map();
  const made = new Map<string, readonly ByteImage[]>();
  // A blend may name an output that stands below it.
  const make = async (name: string, from: readonly string[] = []): Promise<readonly ByteImage[]> => {
    const earlier = made.get(name);
    if (earlier !== undefined) return earlier;
    if (!Object.hasOwn(config.calls, name)) throw new Error(`field 'first': '${name}' is none of the calls`);
    if (from.includes(name)) throw new Error(`field 'calls.${name}.first': refers to itself`);
    const entry = config.calls[name]!;
    const result =
      entry.op === 'blend'
        ? [blended(entry, name, await make(entry.first, [...from, name]), inputs)]
        : await computed(entry, inputs);
    made.set(name, result);
    return result;
  };
  for (const [name, { op }] of Object.entries(config.calls)) {
    const result = await make(name);
    const isBatch = op === 'image' || op === 'latent_image' || op === 'imagic_image';
    outputs.set(name, isBatch ? stacked(result) : { shape: sizeOf(result[0]!), values: result[0]!.values });
  }
  return outputs;
});

async function computed(entry: Exclude<Call, { op: 'blend' }>, inputs: Inputs): Promise<ByteImage[]> {
  const tensor = inputs.image(entry.input);
  const batch = await readImages(tensor);
  tensor.dispose();
  switch (entry.op) {
    case 'image':
      return imageBytes(batch);
    case 'latent_image':
      return latentBytes(batch, entry.scale);
    case 'imagic_image':
      return editedImageBytes(batch);
    case 'image_grid':
      return [imageSheet(batch, entry)];
    case 'influence_grid':
      return [influenceSheet(batch, entry)];
    case 'logger_grid':
      return [loggerSheet(batch, entry)];
  }
}

function blended(
  { index, second, alpha }: Extract<Call, { op: 'blend' }>,
  name: string,
  first: readonly ByteImage[],
  inputs: Inputs,
): ByteImage {
  const image = first[index];
  if (image === undefined) throw new Error(`field 'calls.${name}.index': ${index}, of ${first.length} images`);
  const { shape, values } = inputs.host(second);
  const [height, width, channels] = shape;
  if (shape.length !== 3) throw new Error(`input '${second}': wanted bytes (H, W, C), got shape [${shape}]`);
  const other = { values: Uint8Array.from(values), height: height!, width: width!, channels: channels! };
  return blend(image, other, alpha);
}

const sizeOf = ({ height, width, channels }: ByteImage): number[] => [height, width, channels];

function stacked(images: readonly ByteImage[]): HostTensor {
  const [first] = images;
  const values = Uint8Array.from(images.flatMap((image) => [...image.values]));
  return { shape: [images.length, ...(first ? sizeOf(first) : [])], values };
}
