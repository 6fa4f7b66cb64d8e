import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { contactSheet, interpolate, type SheetCell } from '@codiff/codiff';
import { compile } from '@codiff/engine';
import { Params, tensorsOf } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { recordBatch } from '../generate/batch-record.js';
import { collaborativeModels } from '../generate/collaborative-model.js';
import { decodeRgb, encodeRgb } from '../generate/png/rgb.js';
import { PROGRAM, withRecipe } from '../generate/recipe.js';
import type { BatchRange } from '../generate/request.js';
import { sampleBatch } from '../generate/sample-batch.js';
import type { SamplingModel, SamplingModels } from '../generate/sampling-model.js';
import { writeBatch } from '../generate/write-batch.js';
import { alphaText } from './alphas.js';
import { BRANCHES, branchUNet } from './branches.js';
import type { IndexedAlpha } from './collaborative-request.js';
import { CollaborativeRecipe, isMade } from './edit-recipe.js';
import { readEmbeddings } from './edited-folder.js';
import { FILES } from './imagic-files.js';
import { guidanceIn } from './imagic-images.js';
import type { PreparedCollaborative } from './prepare-collaborative.js';
import type { EditSession } from './session.js';
import { loadTunedUNet } from './tuned-model.js';

/** What became of a collaborative edit. */
export interface CollaborativeOutcome {
  readonly folder: string;
  readonly seed: number;
  /** Paths written, in order. */
  readonly files: readonly string[];
  /** Images sampled now, and those that were there. */
  readonly images: { readonly made: number; readonly kept: number };
}

/**
 * Sample both edited models together between their embeddings (original, section 12): every alpha interpolates both
 * conditions alike. Images that are there already are left as they are.
 */
export async function runCollaborative(
  prepared: PreparedCollaborative,
  session: EditSession,
): Promise<CollaborativeOutcome> {
  const { request, model, folder } = prepared;
  const wanted = request.alphas.flatMap((alpha) => request.batches.map((range) => ({ alpha, range })));
  const missing: typeof wanted = [];
  for (const each of wanted) if (!(await isBatchMade(prepared, session, each))) missing.push(each);
  const count = (batches: typeof wanted) => batches.reduce((sum, { range }) => sum + range.size, 0);
  const kept = count(wanted) - count(missing);
  if (kept > 0) session.note(`${kept} images are there already`);
  if (missing.length > 0)
    await sampleAll(prepared, session, missing, collaborativeModels(model, request.precision, session.info.branches));
  const sheet = collaborativeRecipe(prepared, session);
  if (missing.length > 0 || !(await isMade(join(folder.path, FILES.sheet), sheet))) await writeSheet(prepared, sheet);
  return { folder: folder.path, seed: prepared.seed, files: folder.files, images: { made: count(missing), kept } };
}

interface AlphaBatch {
  readonly alpha: IndexedAlpha;
  readonly range: BatchRange;
}

const endingOf = ({ alpha, index }: IndexedAlpha): string => `x_0_${index}_alpha=${alphaText(alpha)}`;
const nameOf = (number: number, alpha: IndexedAlpha): string =>
  `${String(number).padStart(6, '0')}_${endingOf(alpha)}.png`;

async function isBatchMade(prepared: PreparedCollaborative, session: EditSession, batch: AlphaBatch): Promise<boolean> {
  // Extra files carry no alpha in their names, so nothing says whose they are.
  const { request, folder } = prepared;
  const { z, steps, influence } = request.extras;
  if (request.force || z || steps || influence) return false;
  for (let i = 0; i < batch.range.size; i++) {
    const path = join(folder.path, nameOf(batch.range.first + i, batch.alpha));
    if (!(await isMade(path, collaborativeRecipe(prepared, session, { ...batch, i })))) return false;
  }
  return true;
}

async function sampleAll(
  prepared: PreparedCollaborative,
  session: EditSession,
  batches: readonly AlphaBatch[],
  models: SamplingModels,
): Promise<void> {
  const { sampler } = prepared;
  const { signal } = session;
  const alphas = new Set(batches.map(({ alpha }) => alpha.index)).size;
  session.note(`both together: ${alphas} alpha${alphas === 1 ? '' : 's'}, ${sampler.taken} steps each`);
  const own: tf.Tensor[] = [];
  const bar = session.progress(sampler.taken * batches.length);
  try {
    bar.status('loading the models');
    const p = await loadWeights(prepared, own);
    const embeddings = { text: await readEmbeddings(prepared.text), mask: await readEmbeddings(prepared.mask) };
    own.push(...tensorsOf(embeddings));
    const negative = encodeNegative(prepared, p);
    if (negative) own.push(negative);
    for (const batch of batches) {
      signal.throwIfAborted();
      const between = Object.fromEntries(
        BRANCHES.map(({ condition, edit }) => {
          const { target, optimized } = embeddings[edit];
          return [condition, interpolate(target, optimized, batch.alpha.alpha)];
        }),
      );
      try {
        const guidance = {
          cond: { embeddings: between },
          uncond: negative && { embeddings: { ...between, text: negative } },
          scale: prepared.request.guidanceScale,
        };
        await sampleAndWrite(prepared, session, batch, models.of(p, guidance), () => bar.step());
      } finally {
        tf.dispose(Object.values(between));
      }
    }
  } finally {
    bar.clear();
    tf.dispose(own);
    models.dispose();
  }
}

/** The collaborative checkpoint's weights, with the tuned UNets in their places. @param own gets what is to be freed */
async function loadWeights({ open, text, mask }: PreparedCollaborative, own: tf.Tensor[]): Promise<Params> {
  const rest = await open.weights.load();
  own.push(...rest.values());
  const all = new Params(rest);
  const folders = { text, mask };
  for (const { edit } of BRANCHES) {
    const { prefix, specs } = branchUNet(open.specs, edit);
    const unet = await loadTunedUNet(folders[edit].weights, specs, prefix);
    own.push(...unet.values());
    for (const [key, tensor] of unet) all.set(key, tensor);
  }
  return all;
}

/** The text to steer away from, encoded [1,L,D]; the mask has no opposite, and stays. The caller owns it. */
function encodeNegative({ request, model, texts }: PreparedCollaborative, p: Params): tf.Tensor3D | undefined {
  if (request.negativeText === undefined) return undefined;
  const ids = texts!.ids(request.negativeText);
  const encode = compile(
    (weights: Params, given: tf.Tensor) => model.condStage.encoder('text')!.forward(weights, given) as tf.Tensor3D,
    { name: 'encode' },
  );
  try {
    return encode(p, ids);
  } finally {
    ids.dispose();
    encode.dispose();
  }
}

/** Sample a batch and write its files. @param model freed */
async function sampleAndWrite(
  prepared: PreparedCollaborative,
  session: EditSession,
  { alpha, range }: AlphaBatch,
  model: SamplingModel,
  onStep: () => void,
): Promise<void> {
  const { request, open, sampler, seed, folder } = prepared;
  const { signal } = session;
  const record = recordBatch(request.extras);
  let sampled: Awaited<ReturnType<typeof sampleBatch>> | undefined;
  try {
    sampled = await sampleBatch(model, {
      range,
      seed,
      sampler: sampler.config,
      latent: open.latent,
      record,
      signal,
      onStep,
    });
    await writeBatch(
      { range, ...sampled, record, decode: (z) => model.decode(z) },
      {
        folder,
        extras: request.extras,
        mask: undefined,
        recipe: (i) => collaborativeRecipe(prepared, session, { alpha, range, i }),
        ending: endingOf(alpha),
        check: () => signal.throwIfAborted(),
      },
    );
  } finally {
    record.dispose();
    if (sampled) tf.dispose([sampled.z, sampled.images]);
    model.dispose();
  }
}

function collaborativeRecipe(
  { request, open, text, mask, sampler, seed, checkpointHash }: PreparedCollaborative,
  { info }: EditSession,
  image?: AlphaBatch & { readonly i: number },
): CollaborativeRecipe {
  return CollaborativeRecipe.parse({
    version: 1,
    program: PROGRAM,
    command: 'edit collaborative',
    config: { path: request.config.path, sha256: open.configHash },
    checkpoint: { path: request.checkpoint.path, sha256: checkpointHash },
    text: { folder: text.folder, sha256: text.sha256 },
    mask: { folder: mask.folder, sha256: mask.sha256 },
    ...guidanceIn(request),
    precision: request.precision,
    sampler: sampler.config,
    seed,
    ...(image && {
      image: {
        alpha: image.alpha.alpha,
        alphaIndex: image.alpha.index,
        batchSize: image.range.size,
        firstIndex: image.range.first,
        batchIndex: image.i,
      },
    }),
    device: info.device,
    threads: info.threads,
    branches: info.branches,
    tensorflow: info.libraryVersion,
  });
}

/** Before and after: what the first stage makes of the input, then every alpha, a row an image. */
async function writeSheet(
  { request, folder, seed, text, mask }: PreparedCollaborative,
  recipe: CollaborativeRecipe,
): Promise<void> {
  const cellOf = async (path: string, label: string): Promise<SheetCell[]> =>
    existsSync(path) ? [{ image: decodeRgb(await readFile(path)), label }] : [];
  const before = await cellOf(join(dirname(text.target), FILES.reconstruction), 'before');
  const rows: SheetCell[][] = [];
  for (const { first, size } of request.batches) {
    for (let number = first; number < first + size; number++) {
      const after = await Promise.all(
        request.alphas.map((alpha) => cellOf(join(folder.path, nameOf(number, alpha)), alphaText(alpha.alpha))),
      );
      rows.push(...inRows([...before, ...after.flat()]));
    }
  }
  const [textName, maskName] = [text, mask].map(({ folder: path }) => path.split('/').at(-1));
  const title = `${textName} + ${maskName} (seed ${seed})`;
  await folder.write(FILES.sheet, withRecipe(encodeRgb(contactSheet({ title, rows })), recipe));
}

const COLUMNS = 10;

const inRows = (cells: readonly SheetCell[]): SheetCell[][] =>
  Array.from({ length: Math.ceil(cells.length / COLUMNS) }, (_, i) => cells.slice(i * COLUMNS, (i + 1) * COLUMNS));
