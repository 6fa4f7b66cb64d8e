import { join } from 'node:path';
import type { RunLog } from '@codiff/trainer';
import { codiff } from './codiff-child.js';
import { lossName } from './curves.js';
import { heldOutPsnr } from './held-out-psnr.js';
import { PretrainError } from './pretrain-error.js';
import type { HeldOutFigure } from './shipped-record.js';
import { type AutoencoderStage, isAutoencoder, type StageName, shippedFile } from './stage-table.js';

/** Held-out faces behind the figures: of reconstructions, and of samples, which take a hundred times longer each. */
export const LIMITS = { reconstructed: 1000, sampled: 200 } as const;

/** What `codiff evaluate` calls the figures that are kept, and what they are. */
const METRICS = {
  mask_accuracy: 'pixels whose class, as the parser of drawings finds it, is that of the given mask',
  mask_miou: 'mean intersection over union of the same',
  text_consistency: 'attributes that the classifier of drawings finds as the given text has them',
} as const;
type Metric = keyof typeof METRICS;

/** A model is held to the conditions that it reads. */
const METRICS_OF: Readonly<Record<Exclude<StageName, AutoencoderStage>, readonly Metric[]>> = {
  mask: ['mask_accuracy', 'mask_miou'],
  text: ['text_consistency'],
  codiff: ['mask_accuracy', 'mask_miou', 'text_consistency'],
};

/** What a figure must reach for its stage to count as trained. */
export const FLOORS: Partial<Readonly<Record<StageName, Readonly<Record<string, number>>>>> = {
  vae: { psnr: 26 },
  mask: { mask_accuracy: 0.9 },
  text: { text_consistency: 0.85 },
};

/** How they are measured. */
export interface FigureRequest {
  /** The repository, which is the working directory. */
  readonly root: string;
  /** Of the training. */
  readonly log: Pick<RunLog, 'scalars'>;
  /** Faces behind the log's validation losses. */
  readonly validated: number;
  /** Most faces. */
  readonly limit: number;
  /** Of the weights: samples of the same ones are kept, and not made again. */
  readonly sha256: string;
}

/**
 * What shipped weights do with faces that they were not trained on. The weights are read from their shipped files.
 */
export async function heldOutFigures(
  stage: StageName,
  { root, log, validated, limit, sha256 }: FigureRequest,
): Promise<HeldOutFigure[]> {
  if (isAutoencoder(stage)) return reconstructionFigures(root, stage, Math.min(limit, LIMITS.reconstructed));
  const [, loss] = log.scalars.get(`val/${lossName(stage)}`)?.at(-1) ?? [];
  if (loss === undefined) throw new PretrainError(`${stage}: the run's log holds no validation loss`);
  const figure = {
    name: `val/${lossName(stage)}`,
    value: rounded(loss),
    n: validated,
    what: 'squared error of the predicted noise',
  };
  return [figure, ...(await sampleFigures(root, stage, sha256, Math.min(limit, LIMITS.sampled)))];
}

async function reconstructionFigures(root: string, stage: AutoencoderStage, limit: number): Promise<HeldOutFigure[]> {
  const [config, weights] = [shippedFile(stage, 'yaml'), join(root, shippedFile(stage))];
  const { mean, pooled, least, n } = await heldOutPsnr({ config, weights, root, limit });
  const of = 'reconstruction from the most likely latent, levels 0 to 1, dB';
  return [
    { name: 'psnr', value: rounded(mean), n, what: `PSNR of the ${of}, mean over images` },
    { name: 'psnr_pooled', value: rounded(pooled), n, what: 'PSNR of the mean squared error of all of them, dB' },
    { name: 'psnr_least', value: rounded(least), n, what: 'PSNR of the worst of them, dB' },
  ];
}

/** Figures of samples made from held-out conditions, by the networks in `pretrained/evaluators`. */
async function sampleFigures(
  root: string,
  stage: Exclude<StageName, AutoencoderStage>,
  sha256: string,
  n: number,
): Promise<HeldOutFigure[]> {
  const model = ['--config_path', shippedFile(stage, 'yaml'), '--ckpt_path', shippedFile(stage)];
  const words = ['evaluate', ...model, '--data', shippedFile(stage, 'yaml'), '--num_samples', String(n)];
  const folder = `outputs/pretrain/${stage}_${sha256.slice(0, 12)}_${n}`;
  const { code, output } = await codiff(
    root,
    [...words, '--protocol', 'all', '--seed', '0', '--save_folder', folder, '--json'],
    { keep: true },
  );
  if (code !== 0) throw new PretrainError(`${stage}: 'codiff evaluate' ended with ${code ?? 'a signal'}; see above`);
  const { rows } = JSON.parse(output) as { rows: readonly { metric: string; value: number | null; n: number }[] };
  return METRICS_OF[stage].map((name) => {
    const row = rows.find(({ metric }) => metric === name);
    if (row === undefined || row.value === null) throw new PretrainError(`${stage}: 'codiff evaluate' told no ${name}`);
    return { name, value: rounded(row.value), n: row.n, what: METRICS[name] };
  });
}

const rounded = (value: number): number => Number(value.toPrecision(4));
