import { LatentDiffusionCompose } from '@codiff/codiff';
import { useEngine } from '@codiff/engine';
import { LatentDiffusion } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { peakBytes } from '../../plan/memory.js';
import { plannedBench } from '../../plan/planned-call.js';
import { predict } from '../../plan/predict.js';
import { speedsOf } from '../../plan/speed-of.js';
import { openBenchModel } from '../models/bench-model.js';
import { branchesOfBench, type ModelBench, type ModelSettings } from '../models/settings.js';
import { runBench, type SuiteOptions } from '../models/suite.js';

/** A prediction beside what was measured. */
export interface Compared {
  readonly name: string;
  readonly precision: string;
  readonly batch: number;
  readonly predictedMs: number;
  /** Best and median. */
  readonly bestMs: number;
  readonly measuredMs: number;
  readonly predictedMiB: number;
  readonly measuredMiB: number;
}

/**
 * Measure the device, then predict and measure what a config's model does: forward pass, training step, decoder. The measured
 * time is the median.
 */
export async function comparePlan(config: string, options: SuiteOptions): Promise<Compared[]> {
  const { recompute, ema, optimizer, steps, log } = options;
  const settings: ModelSettings = { config, recompute, full: false, ema, optimizer, steps };
  tf.enableProdMode();
  const { device, threads } = options;
  const info = await useEngine({ threads, ...(device === undefined ? {} : { device }) });
  const started = process.memoryUsage.rss();
  const compared: Compared[] = [];
  for (const precision of options.precisions) {
    const speedFor = speedsOf({ device, threads, precision, found: info.device, again: true, note: log });
    for (const name of await benchesOf(config)) {
      const bench = await openBenchModel(name, config);
      const branches = branchesOfBench(name);
      const speed = await speedFor(branches);
      for (const batch of options.batches) {
        const call = plannedBench(bench, { batch, precision, branches }, settings);
        const predicted = predict(call, speed);
        const rows = await runBench(name, precision, { ...options, config, full: false, batches: [batch] });
        const row = rows.find(({ name: found, phase }) => found === name && (phase === 'forward' || phase === 'step'))!;
        compared.push({
          ...{
            name,
            precision,
            batch,
            predictedMs: 1000 * predicted.seconds,
            bestMs: row.bestMs,
            measuredMs: row.medianMs,
          },
          ...{ predictedMiB: peakBytes([call], started) / 2 ** 20, measuredMiB: row.peakRssMiB },
        });
      }
    }
  }
  return compared;
}

/** What a config's model can be measured doing. */
async function benchesOf(config: string): Promise<readonly ModelBench[]> {
  const { model } = await openBenchModel('unet', config);
  if (model instanceof LatentDiffusionCompose) return ['codiff-step', 'dynamic-diffuser', 'vae-decode'];
  return model instanceof LatentDiffusion ? ['unet', 'train-step', 'vae-decode'] : ['vae-decode', 'vae-encode'];
}

/** Predicted, measured and their ratio, as an aligned table. */
export function formatCompared(rows: readonly Compared[]): string {
  const header = [
    'name',
    'precision',
    'batch',
    'predicted ms',
    'best ms',
    'median ms',
    'ratio',
    'predicted MiB',
    'measured MiB',
    'ratio',
  ];
  const lines = rows.map(({ name, precision, batch, predictedMs, bestMs, measuredMs, predictedMiB, measuredMiB }) => [
    ...[name, precision, String(batch), predictedMs.toFixed(1), bestMs.toFixed(1), measuredMs.toFixed(1)],
    ...[(predictedMs / measuredMs).toFixed(2), predictedMiB.toFixed(0), measuredMiB.toFixed(0)],
    (predictedMiB / measuredMiB).toFixed(2),
  ]);
  const widths = header.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  return [header, ...lines].map(line).join('\n');
}
